"""Similar cases while filing, and joining in one of them."""

import uuid
from datetime import datetime
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from backend.cases.links.similar import Filing, Similar, reason, similar_cases
from backend.cases.links.similar_schemas import (
    AboutToFile,
    OfferBody,
    SimilarCasesSchema,
    SupportedCasesSchema,
    SupportedSchema,
    SupportersSchema,
)
from backend.cases.links.supporting import offer, show_supported, support, support_counts, supported_by, told_count
from backend.cases.rules.categories import Catalogue, catalogue
from backend.cases.viewing import read_case
from backend.cases.workflow import STATUSES
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.ids import new_id
from backend.http.pages import PageQuery, identifier, instant, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound, language
from backend.http.reading import answer
from backend.ledger.answers import once
from backend.people.access import Caller
from backend.people.caller import current_caller, optional_caller
from backend.people.throttle import take_tries
from backend.territory.coordinates import to_wgs84
from backend.territory.location import locate

room = Room("similar", "Cases like the one about to be filed, and joining in them")


@room.post("/cases/similar")
@room.arguments(AboutToFile)
@room.response(200, SimilarCasesSchema)
@permission("public")
def look_for_similar(body: dict[str, Any]) -> Response:
    """Open cases like the one about to be filed: near in metres, days and words, each with the reason.

    Without an account: of the published ones only, and none is offered to join in.
    """
    now, where = clock.now(), body["location"]
    caller = _about_to_file(now)
    place = locate(**where)
    kinds = catalogue(place.area_code[:9])
    kind = kinds.require(body["category"]).code if "category" in body else None
    filing = Filing(place, *to_wgs84(**where), kind, body.get("description", ""))
    found = similar_cases(caller, filing, now)
    counts = support_counts([one.case_id for one in found])
    may_join = caller.may("support_case")
    items = [
        _show(one, kinds, counts[one.case_id])
        | {"offer": offer(caller, one.case_id, now) if may_join and not one.mine else None}
        for one in found
    ]
    return answer(listing(items))


def _about_to_file(now: datetime) -> Caller:
    caller = optional_caller()
    if caller is None:
        take_tries(now, filing=request.remote_addr or "")
        return Caller(new_id(), new_id(), "", None, ())
    if not caller.may("file_case"):
        raise NotFound
    return caller


def _show(one: Similar, kinds: Catalogue, supporters: int) -> dict[str, Any]:
    kind, told = kinds.get(one.category), reason(one)
    return {
        "case_id": one.case_id if one.opens else None,
        "category": {"code": one.category, "name": kind.zh if kind else one.category},
        "status": one.status,
        "status_name": STATUSES[one.status][0],
        "day": one.happened_at.astimezone(TOWN_ZONE).date(),
        "mine": one.mine,
        "reason": "，".join(zh for zh, _ in told) if language() == "zh" else ", ".join(en for _, en in told),
        "metres": None if one.metres is None else max(10, round(one.metres / 10) * 10),
        "days": one.days,
        "same_category": one.same_category,
        "similar_words": one.alike,
        "supporters": told_count(supporters, one.masked),
    }


@room.post("/cases/support")
@room.resendable
@room.arguments(OfferBody)
@room.response(200, SupportedSchema)
@permission("support_case")
def join(body: dict[str, Any]) -> Response:
    """Join in an offered case: once per person, who is then told of what becomes of it."""
    caller, now = current_caller(), clock.now()

    def work(session: Session) -> Response:
        return answer(support(session, caller, body["offer"], now))

    return once(caller.account_id, work)


@room.get("/cases/supported")
@room.arguments(PageQuery, location="query")
@room.response(200, SupportedCasesSchema)
@permission("support_case")
def supported(query: dict[str, Any]) -> Response:
    """The cases that the caller joined in, newest first, as everybody sees them."""
    after: Any = read_cursor(query["cursor"], instant, identifier)
    found = supported_by(current_caller(), after, query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda case: (case.supported_at, case.supporter))
    return answer(listing([show_supported(case, case.supported_at) for case in kept], cursor))


@room.get("/cases/<uuid:case_id>/supporters")
@room.response(200, SupportersSchema)
@permission("read_case")
def supporters(case_id: uuid.UUID) -> Response:
    """How many joined in a case; of few, nothing to who does not see the case whole."""
    _, seen = read_case(current_caller(), case_id)
    count = support_counts([case_id])[case_id]
    return answer({"supporters": told_count(count, masked=not (seen.text and seen.place))})
