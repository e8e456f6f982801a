"""Asking a route over HTTP as somebody, with ids inside or outside their scope, or with ids that nothing has."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from itertools import count

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.access.verdicts import ROUTES, Route
from tests.access.world import NOBODY, World

_ASKED = count(1 << 16)
SAME_FOR_ALL = {"Date", "X-Request-Id"}


def routes(app: Flask) -> Iterator[tuple[str, str, Rule]]:
    """Every route of the app with each of its methods, under its name here; HEAD goes with GET."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield f"{'GET' if method == 'HEAD' else method} {rule.endpoint}", method, rule


def has_outside(route: Route, rule: Rule) -> bool:
    """Whether a request to the route can name what lies outside a scope."""
    return bool(rule.arguments) or route.outside is not None


def ask(world: World, rule: Rule, method: str, who: str, inside: bool, random: bool = False) -> TestResponse:
    """Send a route's request as somebody; `random`: with ids that nothing has in place of the thing's."""
    return ready(world, rule, method, who, inside, random)()


def ready(
    world: World, rule: Rule, method: str, who: str, inside: bool, random: bool = False
) -> Callable[[], TestResponse]:
    """The same request, made ready and sent when called, once or more often."""
    route = ROUTES[f"{'GET' if method == 'HEAD' else method} {rule.endpoint}"]
    sent = {} if method in ("HEAD", "GET") else route.send(world, who, inside)
    headers = dict(sent.pop("headers", {}))
    if who != NOBODY:
        headers |= (world.like(who) if route.fresh else world.people[who]).headers
    path, number = address(world, rule, who, inside, random), next(_ASKED)
    # Each from an address of its own on this machine: who asks everything would soon be slowed down.
    sent["environ_overrides"] = {"REMOTE_ADDR": f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
    return lambda: world.client.open(path + route.query, method=method, headers=headers, **sent)


def address(world: World, rule: Rule, who: str, inside: bool = True, random: bool = False) -> str:
    """The path of a route with the ids of things inside or outside of somebody's scope, or of nothing."""
    (method, *_) = sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
    values = {name: _value(world, ROUTES[f"{method} {rule.endpoint}"], name, who, inside) for name in rule.arguments}
    if random:
        values = {name: _unlike(value) for name, value in values.items()}
    return str(world.app.url_map.bind("localhost").build(rule.endpoint, values, method))


def told(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that an answer tells: status, body, headers."""
    headers = [(name, value) for name, value in answer.headers if name not in SAME_FOR_ALL]
    return answer.status_code, answer.data, sorted(headers)


def _value(world: World, route: Route, name: str, who: str, inside: bool) -> str:
    if name in route.names:
        return route.names[name][0 if inside else 1]
    try:
        return world.id(name, who, inside)
    except KeyError:
        raise AssertionError(f"tests/access/world.py has no ids for <{name}>") from None


def _unlike(value: str) -> str:
    try:
        uuid.UUID(value)
    except ValueError:
        return value[:-1] + ("7" if value[-1] != "7" else "8")
    return str(uuid.uuid4())
