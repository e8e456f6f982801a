"""Reporting without an account, and asking after a report by its receipt."""

from typing import Any

from flask import Response, current_app, request
from marshmallow import fields, validate
from sqlalchemy.orm import Session

from backend.cases.body_schemas import MOST_PHOTOS, Accuses, ActionBody
from backend.cases.doing import done
from backend.cases.protection.protected import opened
from backend.cases.protection.sealed_notes import said_in
from backend.cases.reporter.reporters import reporter_without_account
from backend.cases.reporter.without_account import Holder, file_without_account, holder_of
from backend.cases.schemas import CrsQuery, OneCaseSchema, TimelineSchema
from backend.cases.sight import Sight
from backend.cases.timeline import events, show_event
from backend.cases.viewing import read_case, show_one
from backend.config import Config
from backend.http import clock
from backend.http.blueprint import IDEMPOTENCY_KEY, IF_MATCH, Room
from backend.http.fields import Location, Strict, Text
from backend.http.pages import PageQuery, instant, listing, number, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import render_problem
from backend.http.reading import answer
from backend.ledger.answers import once
from backend.people import consent
from backend.people.codes import WrongCode
from backend.people.joining_schemas import ProofBody
from backend.people.looks import looks
from backend.people.receipts import RECEIPT, give_receipt, sender_of
from backend.people.schemas import AccessesSchema
from backend.people.throttle import take_tries
from backend.territory.work_calendar import work_calendar

room = Room("without_account", "Reporting without an account, and asking after it by receipt")
_RANDOM_KEY = IDEMPOTENCY_KEY | {
    "required": True,
    "description": "a random UUID: the same key and body again gets the first answer again, with its receipt",
    "schema": {"type": "string", "format": "uuid"},
}


class WhoReportsBody(ProofBody):
    """Who reports, by a code for `file` sent to their phone, agreeing to the present text on personal data."""

    name = Text(100, required=True)
    consent = Text(20, required=True, metadata={"description": "version of the text agreed to, see /consent"})


class FilingBody(Strict):
    """A case as filed without an account: named with `reporter`, else anonymously."""

    category = Text(40, required=True, metadata={"example": "litter"})
    description = Text(10_000, required=True)
    location = fields.Nested(Location, required=True)
    address = Text(200)
    reporter = fields.Nested(WhoReportsBody)
    accuses = Accuses()
    evidence = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=MOST_PHOTOS))


@room.post("/filings")
@room.taking(_RANDOM_KEY)
@room.arguments(FilingBody)
@room.response(201, OneCaseSchema)
@permission("public")
def file(body: dict[str, Any]) -> Response:
    """File a case without an account; the answer has the receipt by which to ask after it."""
    now, town = clock.now(), _town()
    take_tries(now, filing=request.remote_addr or "")
    key = request.headers.get("Idempotency-Key")
    sender = sender_of(key)
    if "reporter" in body:
        consent.check_present(body["reporter"]["consent"])
    calendar = work_calendar(town)

    def work(session: Session) -> Response:
        filed = file_without_account(session, sender, body, town, calendar, now)
        if filed is None:
            return render_problem(WrongCode())
        case, caller = filed
        shown = show_one(caller, case, Sight(text=True, place=True), opened(case).original_crs or "wgs84")
        return answer(shown | {"receipt": give_receipt(session, sender, str(key), case.id, now)}, 201, etag="1")

    return once(sender, work)


@room.get("/receipt", parameters=[RECEIPT])
@room.arguments(CrsQuery, location="query")
@room.response(200, OneCaseSchema)
@permission("public")
def look(query: dict[str, Any]) -> Response:
    """The case that a receipt belongs to, as its reporter sees it."""
    caller, case_id, tag = _holder()
    case, seen = read_case(caller, case_id, tag)
    return answer(show_one(caller, case, seen, query["crs"]), etag=str(case.version))


@room.get("/receipt/timeline", parameters=[RECEIPT])
@room.arguments(PageQuery, location="query")
@room.response(200, TimelineSchema)
@permission("public")
def timeline(query: dict[str, Any]) -> Response:
    """What happened to the case that a receipt belongs to, questions and answers among it, oldest first."""
    caller, case_id, tag = _holder()
    case, seen = read_case(caller, case_id, tag)
    after = read_cursor(query["cursor"], number)
    kept, cursor = page(
        events(case_id, after[0] if after else 0, query["limit"] + 1), query["limit"], lambda event: (event.version,)
    )
    said = said_in(case)
    shown = [show_event(event, (caller.account_id,), seen, said, reporter=True) for event in kept]
    return answer(listing(shown, cursor))


@room.get("/receipt/accesses", parameters=[RECEIPT])
@room.arguments(PageQuery, location="query")
@room.response(200, AccessesSchema)
@permission("public")
def accesses(query: dict[str, Any]) -> Response:
    """Who looked at the identity of whoever reported without an account, when and why, newest first."""
    account, after = reporter_without_account(_holder().case_id), read_cursor(query["cursor"], instant, number)
    kept, cursor = looks(account, after, query["limit"], clock.now()) if account else ([], None)
    return answer(listing(kept, cursor))


@room.post("/receipt/actions")
@room.taking(RECEIPT, IF_MATCH, IDEMPOTENCY_KEY)
@room.arguments(ActionBody)
@room.response(200, OneCaseSchema)
@permission("public")
def do_action(body: dict[str, Any]) -> Response:
    """Do what its reporter may with the case that a receipt belongs to: reply, note, rate, raise its secrecy."""
    caller, case_id, tag = _holder()
    return done(caller, case_id, body, tag)


def _holder() -> Holder:
    return holder_of(request.headers.get("Receipt", ""), request.remote_addr or "", clock.now())


def _town() -> str:
    config: Config = current_app.config["TOWN_CONFIG"]
    return config.TOWN
