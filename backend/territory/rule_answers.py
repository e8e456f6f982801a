"""How rules of a town are listed, changed and taken back over HTTP, whatever their kind."""

import re
from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import Schema, fields, post_load
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.fields import Strict
from backend.http.pages import listing, number, page, page_of, read_cursor
from backend.http.problems import NotFound
from backend.http.reading import answer
from backend.http.registry import ask
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.territory.town_rules import FIRST, Rule, in_force, lay_down, newest, require_version, versions

Show = Callable[[Rule], dict[str, Any]]


class AsRead(fields.Raw):
    """What reading a rule tells besides what can be laid down."""

    def __init__(self) -> None:
        super().__init__(allow_none=True, metadata={"description": "as it was read; not looked at"})


class RuleBody(Strict):
    """A rule to lay down: it may be sent as it was read, for the path says which it is, and If-Match its version."""

    version, set_at = AsRead(), AsRead()

    @post_load
    def _without_what_was_read(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if not isinstance(self.fields[name], AsRead)}


class RuleVersionSchema(Schema):
    """One version of a rule."""

    version = fields.Integer(required=True)
    value = fields.Raw(required=True, allow_none=True, metadata={"description": "null: taken back"})
    set_by = fields.UUID(required=True, allow_none=True)
    set_at = fields.AwareDateTime(required=True)


RuleVersionsSchema = page_of("RuleVersionsSchema", RuleVersionSchema)


def town_of(permission: str) -> str:
    """The town for which the caller has a permission."""
    _, scopes = ask("who_may", permission)
    return min(str(scope)[:9] for scope in scopes)


def rules_page(kind: str, shape: re.Pattern[str], query: dict[str, Any], show: Show) -> Response:
    """A page of the rules that hold, by key; `shape` is what a key of this kind looks like."""

    def key(part: Any) -> str:
        if not shape.fullmatch(part):
            raise ValueError
        return str(part)

    after = read_cursor(query["cursor"], key) or ("",)
    found = in_force(town_of("read_settings"), kind, after[0], query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda rule: (rule.key,))
    return answer(listing([show(rule) for rule in kept], cursor))


def versions_page(kind: str, key: str, query: dict[str, Any]) -> Response:
    """A page of all versions of a rule, newest first."""
    town = town_of("read_settings")
    before = read_cursor(query["cursor"], number) or (FIRST,)
    found = versions(town, kind, key, before[0], query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda rule: (rule.version,))
    return answer(listing([as_version(rule) for rule in kept], cursor))


def as_version(rule: Rule) -> dict[str, Any]:
    """A rule as one of its versions."""
    return {name: getattr(rule, name) for name in ("version", "value", "set_by", "set_at")}


def rule_set(kind: str, key: str, laid: Callable[[str], Any], show: Show, ships: bool = False) -> Response:
    """Make a rule, or replace the version that If-Match names; it holds from now on.

    `laid` says for the town what is laid down (None gives back what ships), or refuses. Of what `ships`, version 0 is
    there before the town lays anything down, and is to be named, too.
    """
    actor, _ = ask("who_may", "keep_settings")
    town, now = town_of("keep_settings"), clock.now()

    def work(session: Session) -> Response:
        held = newest(town, kind, key, session)
        version = held.version if held else 0
        if ships:
            require_match(version)
        else:
            require_version(held)
        rule = lay_down(session, town, kind, key, laid(town), version + 1, actor, now)
        return answer(show(rule), etag=str(rule.version))

    return once(actor, work)


def rule_taken_back(kind: str, key: str) -> Response:
    """Take back the rule that If-Match names; its versions stay. Raises NotFound where none holds."""
    actor, _ = ask("who_may", "keep_settings")
    town, now = town_of("keep_settings"), clock.now()

    def work(session: Session) -> Response:
        held = newest(town, kind, key, session)
        if held is None or held.value is None:
            raise NotFound
        require_version(held)
        lay_down(session, town, kind, key, None, held.version + 1, actor, now)
        return Response(status=204)

    return once(actor, work)
