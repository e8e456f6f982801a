"""Every route × method × role, and nobody, has a verdict and keeps to it, for ids inside and outside a scope."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import pytest
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed

from backend.cases.workflow import ACTIONS as WORKFLOW
from tests.access.timing import GAP_MS, gap_ms
from tests.access.trying import address, ask, has_outside, ready, routes, told
from tests.access.verdicts import (
    ACTIONS,
    NEEDS,
    PROTECTED_ACTIONS,
    ROUTES,
    action_verdict,
    protected_verdict,
    sees,
)
from tests.access.world import EVERYBODY, NOBODY, World
from tests.town import unknown_id

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def world(shared_app: Flask) -> World:
    return World(shared_app)


def test_every_route_has_a_verdict(shared_app: Flask) -> None:
    named = {name for name, _, _ in routes(shared_app)}
    assert sorted(named - set(ROUTES)) == [], "routes without a line in tests/access/verdicts.py"
    assert sorted(set(ROUTES) - named) == [], "lines of routes that are gone"


def test_every_route_asks_for_the_permission_its_verdict_names(shared_app: Flask) -> None:
    for name, _, rule in routes(shared_app):
        assert shared_app.view_functions[rule.endpoint].permission == ROUTES[name].row, name


@pytest.mark.counted
def test_every_cell_answers_as_its_verdict_says(world: World, record_property: Callable[[str, object], None]) -> None:
    wrong, cells = [], 0
    for name, method, rule in routes(world.app):
        route = ROUTES[name]
        for who in EVERYBODY:
            for inside in (True, False) if has_outside(route, rule) else (True,):
                cells += 1
                status = ask(world, rule, method, who, inside).status_code
                if status != route.verdict(who, inside):
                    where = "inside" if inside else "outside"
                    wrong.append(f"{method} {name} as {who} {where}: {status} for {route.verdict(who, inside)}")
    record_property(
        "cells", f"{cells} of route, method and role tried over HTTP, {len(wrong)} not as their verdict says"
    )
    assert wrong == []
    assert cells >= len(ROUTES) * len(EVERYBODY)


@pytest.mark.counted
def test_what_lies_outside_answers_like_a_random_id(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    different, pairs = [], 0
    for name, method, rule in routes(world.app):
        if not rule.arguments:
            continue
        for who in EVERYBODY:
            if ROUTES[name].verdict(who, inside=False) != 404:
                continue
            outside = ask(world, rule, method, who, inside=False)
            nothing = ask(world, rule, method, who, inside=False, random=True)
            pairs += 1
            if told(outside) != told(nothing):
                different.append(f"{method} {name} as {who}: {told(outside)} against {told(nothing)}")
    record_property("hidden", f"{pairs} answers about what lies outside, {len(different)} unlike that to a random id")
    assert different == []


def test_a_method_that_no_route_has_is_refused_whoever_sends_it(world: World) -> None:
    adapter, turns = world.app.url_map.bind("localhost"), cycle(EVERYBODY)
    for name, _, rule in routes(world.app):
        path = address(world, rule, "admin")
        for method in METHODS:
            try:
                adapter.match(path, method)
            except MethodNotAllowed:
                who = next(turns)
                headers = {} if who == NOBODY else world.people[who].headers
                assert world.client.open(path, method=method, headers=headers).status_code == 405, (name, method)


def test_every_action_of_the_workflow_has_verdicts() -> None:
    assert set(ACTIONS) == {name for name, action in WORKFLOW.items() if action.protected != "only"}
    assert set(PROTECTED_ACTIONS) == set(WORKFLOW) - set(ACTIONS)


def test_every_action_answers_as_its_verdict_says(world: World) -> None:
    world.clear()  # else nobody could read what is raised
    wrong = []
    for action, (before, may) in ACTIONS.items():
        shared = world.case_at(before)
        for who in EVERYBODY:
            case = world.case_at(before) if who in may else shared
            etag = world.people["resident"].get(f"/cases/{case}").headers["ETag"]
            headers = {"If-Match": etag} | (world.people[who].headers if who != NOBODY else {})
            into = {"into": world.away} if action == "merge" else {}
            body = {"action": action} | NEEDS.get(action, {}) | world.person(action) | into
            status = world.client.post(f"/api/v1/cases/{case}/actions", json=body, headers=headers).status_code
            expected = action_verdict(who, action)
            if status != expected:
                wrong.append(f"{action} as {who}: {status} for {expected}")
            if who != NOBODY and not sees(who, before):
                path = "/api/v1/cases/{}/actions"
                nothing = world.client.post(path.format(unknown_id()), json=body, headers=headers)
                answer = world.client.post(path.format(case), json=body, headers=headers)
                assert told(answer) == told(nothing), (action, who)
    assert wrong == []


def test_every_action_on_a_protected_report_answers_as_its_verdict_says(world: World) -> None:
    wrong = []
    for action, (before, _) in PROTECTED_ACTIONS.items():
        for who in EVERYBODY:
            expected = protected_verdict(who, action)
            case = world.protected_at(before)
            etag = world.people["resident"].get(f"/cases/{case}").headers["ETag"]
            headers = {"If-Match": etag} | (world.people[who].headers if who != NOBODY else {})
            sent = {"json": {"action": action} | NEEDS.get(action, {}), "headers": headers}
            answer = world.client.post(f"/api/v1/cases/{case}/actions", **sent)
            if answer.status_code != expected:
                wrong.append(f"{action} as {who}: {answer.status_code} for {expected}")
            if expected == 404:
                nothing = world.client.post(f"/api/v1/cases/{unknown_id()}/actions", **sent)
                assert told(answer) == told(nothing), (action, who)
    assert wrong == []


@pytest.mark.prove
def test_what_lies_outside_takes_as_long_as_a_random_id(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    gaps = {}
    for name, method, rule in routes(world.app):
        if not rule.arguments or method == "HEAD" or ROUTES[name].fresh:
            continue
        for who in EVERYBODY:
            if who == NOBODY or ROUTES[name].verdict(who, inside=False) != 404:
                continue
            send = [ready(world, rule, method, who, inside=False, random=random) for random in (True, False)]
            gaps[f"{name} as {who}"] = gap_ms(*send)
    widest = max(gaps, key=gaps.__getitem__)
    record_property("gap", f"widest gap {gaps[widest]:.2f} ms, {widest}")
    assert {name: gap for name, gap in gaps.items() if gap >= GAP_MS} == {}
