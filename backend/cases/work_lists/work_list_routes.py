"""What waits for the caller, and the filters they keep for the list of cases."""

import uuid
from typing import Any

import orjson
from flask import Response
from sqlalchemy.orm import Session

from backend.cases.protection.accusing import GRID, accuses_person
from backend.cases.rendering import written_as_seen
from backend.cases.work_lists.saved_filters import delete_filter, list_filters, save_filter
from backend.cases.work_lists.to_do import Waiting, work_list
from backend.cases.work_lists.work_list_schemas import (
    SavedFilterBody,
    SavedFilterSchema,
    SavedFiltersSchema,
    WorkListSchema,
    WorkQuery,
)
from backend.cases.workflow import LOOKING
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import identifier, instant, listing, number, page, read_cursor
from backend.http.permission import permission
from backend.http.reading import answer
from backend.http.work import unit_of_work
from backend.ledger.answers import once
from backend.people.access import Caller
from backend.people.caller import current_caller

room = Room("work_lists", "What waits for me, and the filters I keep")

_GRID = GRID[-1].encode()  # as traditional characters write it, too


@room.get("/cases/to-do")
@room.arguments(WorkQuery, location="query")
@room.response(200, WorkListSchema)
@permission("read_case")
def to_do(query: dict[str, Any]) -> Response:
    """The cases whose next step is the caller's, what turns red first on top; at the end what is to be rated."""
    caller, limit = current_caller(), query["limit"]
    after: Any = read_cursor(query["cursor"], number, instant, identifier)
    found, cursor = page(work_list(caller, after, limit + 1), limit, lambda one: one.position)
    shown = written_as_seen(caller, [one.case for one in found], query["crs"])
    mine = [one for one in found if one.case.id in shown and not _accuses(caller, one, shown[one.case.id])]
    items = [{"waits_for": one.waits_for, "case": orjson.Fragment(shown[one.case.id])} for one in mine]
    return answer(listing(items, cursor))


def _accuses(caller: Caller, one: Waiting, written: bytes) -> bool:
    """Whether it waits for a look by a grid worker, who is accused in it."""
    if one.waits_for not in LOOKING or not caller.may("resolve") or _GRID not in written:
        return False
    return accuses_person(orjson.loads(written)["description"], caller.name, grid_worker=True)


@room.get("/saved-filters")
@room.response(200, SavedFiltersSchema)
@permission("read_case")
def list_saved_filters() -> Response:
    """The filters that the caller keeps, by name; the list of cases takes one as `saved`."""
    return answer(listing(list_filters(current_caller().account_id)))


@room.post("/saved-filters")
@room.resendable
@room.arguments(SavedFilterBody)
@room.response(200, SavedFilterSchema)
@permission("read_case")
def save(body: dict[str, Any]) -> Response:
    """Keep a filter under a name; the one that had the name is replaced."""
    account, now = current_caller().account_id, clock.now()

    def work(session: Session) -> Response:
        return answer(save_filter(session, account, body["name"], body["query"], now))

    return once(account, work)


@room.delete("/saved-filters/<uuid:filter_id>")
@room.response(204)
@permission("read_case")
def delete(filter_id: uuid.UUID) -> Response:
    """Delete a filter."""
    with unit_of_work() as session:
        delete_filter(session, current_caller().account_id, filter_id)
    return Response(status=204)
