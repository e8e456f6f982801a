"""Filing, reading and acting on cases."""

import uuid
from typing import Any

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from backend.cases.acting import act
from backend.cases.assigning import candidates
from backend.cases.body_schemas import ActionBody, OnTheSpotBody, ReportBody
from backend.cases.doing import done
from backend.cases.filing import Report, file_case, not_filed
from backend.cases.listing import filters_of, list_cases
from backend.cases.protection.later_words import looks_first, still_apart
from backend.cases.protection.protected import opened
from backend.cases.protection.sealed_notes import said_in
from backend.cases.rendering import show_seen
from backend.cases.reporter.callers import at_desk, written_down_for
from backend.cases.reporter.rating import low_ratings
from backend.cases.reporter.reporters import reporter_known_by
from backend.cases.schemas import (
    CandidatesSchema,
    CasesQuery,
    CasesSchema,
    CrsQuery,
    LowRatingsSchema,
    OneCaseSchema,
    TimelineSchema,
)
from backend.cases.search.finding import find_cases, show_found
from backend.cases.sight import Sight
from backend.cases.timeline import events, show_event
from backend.cases.viewing import read_case, show_one
from backend.cases.work_lists.saved_filters import saved_filters
from backend.cases.workflow_page import workflow, workflow_table
from backend.cases.workflow_schemas import WorkflowSchema
from backend.config import Config
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import PageQuery, identifier, instant, listing, number, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import Conflict
from backend.http.reading import answer, public_answer
from backend.http.work import write_added
from backend.ledger.answers import once
from backend.people.caller import current_caller
from backend.people.receipts import give_receipt
from backend.territory.work_calendar import work_calendar

room = Room("cases", "Cases: filed, handled in a closed and timed loop, rated")


def _config() -> Config:
    config: Config = current_app.config["TOWN_CONFIG"]
    return config


@room.post("/cases")
@room.resendable
@room.arguments(ReportBody)
@room.response(201, OneCaseSchema)
@permission("file_case")
def file(body: dict[str, Any]) -> Response:
    """File a case."""
    caller, calendar, now = current_caller(), work_calendar(_config().TOWN), clock.now()
    told = body.pop("caller", None)
    if told is not None:
        body |= {"reporter": written_down_for(caller, told, body["reporting"])}
        body |= {"channel": told["channel"]} if at_desk(caller) else {"for_another": True}
    report = Report(**{**body, "evidence": tuple(body["evidence"]), "tags": tuple(body.get("tags", ()))})

    def work(session: Session) -> Response:
        case = file_case(session, caller, report, calendar, now)
        crs = opened(case).original_crs or "wgs84"
        shown = show_one(caller, case, Sight(text=True, place=True), crs)
        if case.reporting == "anonymous" or told is not None or not case.mine:  # whoever told it has nothing else
            key = request.headers.get("Idempotency-Key") or str(case.id)
            shown["receipt"] = give_receipt(session, caller.account_id, key, case.id, now)
        return answer(shown, 201, etag="1")

    try:
        return once(caller.account_id, work)
    except Conflict as conflict:
        raise not_filed(caller, report, conflict) from conflict


@room.post("/cases/on-the-spot")
@room.resendable
@room.arguments(OnTheSpotBody)
@room.response(201, OneCaseSchema)
@permission("resolve")
def resolve_on_the_spot(body: dict[str, Any]) -> Response:
    """File a case and hand it in at once, with photos from before and after; somebody else checks it."""
    caller, calendar, now = current_caller(), work_calendar(_config().TOWN), clock.now()
    before, after, note = tuple(body.pop("before")), body.pop("after"), body.pop("note")
    report = Report(**{**body, "tags": tuple(body.get("tags", ()))}, evidence=before)

    def work(session: Session) -> Response:
        case = file_case(session, caller, report, calendar, now)
        write_added(session)
        done = act(session, caller, case, {"action": "resolve", "note": note, "evidence": after}, calendar, now)
        photos = ",".join(map(str, (*before, *after)))
        seen = Sight(text=True, place=True)
        shown = show_one(caller, done.changed(evidence=photos), seen, case.original_crs or "wgs84")
        return answer(shown, 201, etag=str(done.version))

    try:
        return once(caller.account_id, work)
    except Conflict as conflict:
        raise not_filed(caller, report, conflict) from conflict


@room.get("/cases")
@room.arguments(CasesQuery, location="query")
@room.response(200, CasesSchema)
@permission("read_case")
def list_(query: dict[str, Any]) -> Response:
    """The cases the caller may see, newest first; by words, the best of the newest on top."""
    caller, limit, crs = current_caller(), query.pop("limit"), query.pop("crs")
    after, now = read_cursor(query.pop("cursor"), instant, identifier), clock.now()
    if "saved" in query:
        query = saved_filters(caller, query.pop("saved")) | query
    query = filters_of(query, now)
    text = query.get("text")
    more = find_cases(caller, query, after, limit + 1, now) if text else list_cases(caller, query, after, limit + 1)
    found, cursor = page(more, limit, lambda case: (case.occurred_at, case.id))
    if text:
        return answer(listing(show_found(caller, found, crs, text, best_on_top=after is None), cursor))
    return answer(listing(list(show_seen(caller, found, crs).values()), cursor))


@room.get("/cases/<uuid:case_id>")
@room.arguments(CrsQuery, location="query")
@room.response(200, OneCaseSchema)
@permission("read_case")
def detail(query: dict[str, Any], case_id: uuid.UUID) -> Response:
    """One case, and what the caller may do with it now."""
    caller = current_caller()
    case, seen = read_case(caller, case_id)
    return answer(show_one(caller, case, seen, query["crs"]), etag=str(case.version))


@room.get("/cases/<uuid:case_id>/timeline")
@room.arguments(PageQuery, location="query")
@room.response(200, TimelineSchema)
@permission("read_case")
def timeline(query: dict[str, Any], case_id: uuid.UUID) -> Response:
    """What happened to a case, oldest first."""
    caller = current_caller()
    case, seen = read_case(caller, case_id)
    after = read_cursor(query["cursor"], number)
    found = events(case_id, after[0] if after else 0, query["limit"] + 1, internal=not case.mine)
    kept, cursor = page(found, query["limit"], lambda event: (event.version,))
    me, follows = (caller.account_id, case.pseudonym), case.mine and not caller.may("merge")
    said, known = said_in(case), () if seen.text else reporter_known_by(case)
    apart, looks = still_apart(case, kept), looks_first(caller, case)
    shown = [show_event(event, me, seen, said, follows, known, apart, looks) for event in kept]
    return answer(listing(shown, cursor))


@room.get("/cases/<uuid:case_id>/candidates")
@room.arguments(PageQuery, location="query")
@room.response(200, CandidatesSchema)
@permission("assign")
def list_candidates(query: dict[str, Any], case_id: uuid.UUID) -> Response:
    """Who can be asked by name: to verify a report, to check what was done, or to take a case up."""
    caller, limit = current_caller(), query["limit"]
    case, _ = read_case(caller, case_id)
    after = read_cursor(query["cursor"], identifier)
    found = candidates(caller, case, after[0] if after else None, limit + 1, clock.now().date())
    kept, cursor = page(found, limit, lambda person: (person.id,))
    return answer(listing([person._asdict() for person in kept], cursor))


@room.post("/cases/<uuid:case_id>/actions")
@room.conditional
@room.described(f"What each action leads from and to, who may do it, and what it needs:\n\n{workflow_table()}")
@room.arguments(ActionBody)
@room.response(200, OneCaseSchema)
@permission("read_case")
def do_action(body: dict[str, Any], case_id: uuid.UUID) -> Response:
    """Do an action of the workflow on the version named by If-Match."""
    return done(current_caller(), case_id, body)


@room.get("/low-ratings")
@room.arguments(PageQuery, location="query")
@room.response(200, LowRatingsSchema)
@permission("read_low_ratings")
def list_low_ratings(query: dict[str, Any]) -> Response:
    """The ratings that went to the inspectors, newest first."""
    after, limit = read_cursor(query["cursor"], instant, identifier), query["limit"]
    found = low_ratings(current_caller(), after, limit + 1)
    kept, cursor = page(found, limit, lambda rating: (rating.rated_at, rating.case_id))
    return answer(listing([dict(rating._mapping) for rating in kept], cursor))


@room.get("/workflow")
@room.response(200, WorkflowSchema)
@permission("public")
def workflow_() -> Response:
    """The closed loop of a case as a table: its statuses, and who may do which action in which of them."""
    return public_answer(workflow(), seconds=300)
