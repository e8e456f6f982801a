"""The trail of what happened, for the town's auditor: who did what to which thing and when, never what was said."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import bindparam, select

from backend.http.blueprint import Room
from backend.http.disguises import disguised, undisguised
from backend.http.fields import Text
from backend.http.pages import BadCursor, PageQuery, identifier, listing, page, page_of, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer, row, rows
from backend.ledger.checking import last_check
from backend.ledger.record import SYSTEM
from backend.ledger.trail import Trace, trail, trail_of_account
from backend.people.access import Caller, town_scope
from backend.people.administering import within
from backend.people.caller import current_caller
from backend.people.tables import Account
from backend.territory.codes import AreaCode

room = Room("audit", "What happened, for the town's auditor")

_names = select(Account.id, Account.name).where(Account.id.in_(bindparam("accounts", expanding=True)))
_PLACE, _NEWEST = "place in the trail", 2**63 - 1


class TrailQuery(PageQuery):
    """Which entries to list: all of a town, or those of one thing."""

    town = AreaCode("town", load_default=None, metadata={"description": "one's own if not given"})
    thing = Text(64, load_default=None, metadata={"description": "the id of a thing, as of a case"})


class TraceSchema(Schema):
    """One entry: who did what to which thing."""

    at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "null: erased, on record"})
    action = fields.String(required=True, allow_none=True)
    by = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "an account, or the pseudonym of whoever reported; null: the system itself"},
    )
    name = fields.String(required=True, allow_none=True, metadata={"description": "of the account"})
    kind = fields.String(required=True, metadata={"description": "of the thing, as `case` or `account`"})
    thing = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "of the thing; 0: has none"})


TrailSchema = page_of("TrailSchema", TraceSchema)


class CheckedSchema(Schema):
    """What the newest check of the ledger found."""

    checked_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "null: not yet"})
    holds = fields.Boolean(required=True, allow_none=True)
    faults = fields.List(fields.String(), required=True)


@room.get("/audit-trail")
@room.arguments(TrailQuery, location="query")
@room.response(200, TrailSchema)
@permission("read_audit_trail")
def list_trail(query: dict[str, Any]) -> Response:
    """What happened in the town, newest first: who did what to which thing, without what was said with it."""
    towns = _towns(current_caller())
    town = query["town"] or towns[0]
    if town not in towns:
        raise NotFound
    return _listed(trail(town, _before(query["cursor"]), query["limit"] + 1, query["thing"]), query["limit"])


@room.get("/accounts/<uuid:account_id>/trail")
@room.arguments(PageQuery, location="query")
@room.response(200, TrailSchema)
@permission("read_audit_trail")
def account_trail(query: dict[str, Any], account_id: uuid.UUID) -> Response:
    """What others did to an account, as giving and ending roles, newest first."""
    towns = _towns(current_caller())
    if row(select(Account.id).where(Account.id == account_id, within(towns))) is None:
        raise NotFound
    before, limit = _before(query["cursor"]), query["limit"]
    return _listed(trail_of_account(SYSTEM, account_id, before, limit + 1), limit)


@room.get("/audit-trail/check")
@room.response(200, CheckedSchema)
@permission("read_audit_trail")
def newest_check() -> Response:
    """What the newest check of the ledger's chains against their anchors found; one is made each night."""
    found = last_check()
    if found is None:
        return answer({"checked_at": None, "holds": None, "faults": []})
    return answer({"checked_at": found.at, "holds": not found.faults, "faults": found.faults})


def _towns(caller: Caller) -> Sequence[str]:
    """The towns whose trail a caller reads. It tells of every village, so who yields in one reads none of it."""
    if caller.conflicts:
        raise NotFound
    return sorted(town_scope(caller, "read_audit_trail"))


def _before(cursor: str | None) -> int:
    after = read_cursor(cursor, identifier)
    if after is None:
        return _NEWEST
    place = undisguised(_PLACE, after[0]).int
    if place > _NEWEST:
        raise BadCursor
    return place


def _listed(found: Sequence[Trace], limit: int) -> Response:
    kept, cursor = page(found, limit, lambda one: (disguised(_PLACE, uuid.UUID(int=one.seq)),))
    actors = {one.actor_id for one in kept if one.actor_id}
    names = {known.id: known.name for known in rows(_names, accounts=sorted(actors))} if actors else {}
    return answer(listing([_shown(one, names) for one in kept], cursor))


def _shown(one: Trace, names: dict[uuid.UUID, str]) -> dict[str, Any]:
    return {
        "at": one.occurred_at,
        "action": one.action or None,
        "by": one.actor_id,
        "name": one.actor_id and names.get(one.actor_id),
        "kind": one.thing_kind,
        "thing": one.thing_id,
        "version": one.thing_version,
    }
