"""The public face, and the desk's way to it: the queue of texts that wait for their second look, and their history."""

import re
import uuid
from datetime import datetime
from typing import Any

from flask import Response, current_app, request
from sqlalchemy import Row, bindparam, select

from backend.cases.public.public_figures import published_figures, show_figures
from backend.cases.public.public_schemas import (
    FiguresOfMonthsSchema,
    PublicCasesQuery,
    PublicCasesSchema,
    PublicTextsSchema,
    WaitingTextsSchema,
    WholePublicCaseSchema,
)
from backend.cases.public.public_texts import texts_of, waiting_texts
from backend.cases.public.publication import (
    published_case,
    published_cases,
    published_lately,
    show_public,
    show_public_whole,
)
from backend.cases.viewing import read_case
from backend.config import Config
from backend.evidence.originals import original_of
from backend.evidence.serving import served
from backend.evidence.tables import Evidence
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.disguises import disguised, disguised_instant, undisguised_instant
from backend.http.envelope import CannotOpen
from backend.http.pages import PageQuery, identifier, instant, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer, public_answer, public_bytes, row
from backend.people.caller import current_caller
from backend.territory.governance_model import governance_model
from backend.territory.location import territory

room = Room(
    "public_face", "What everybody may see of cases, and how it gets there: worded by one, looked at by another"
)

ATOM = "application/atom+xml"
_FEED: Any = {"type": "string", "description": "an Atom feed (RFC 4287) with at most 50 entries, times by day"}
_JPEG: Any = {"type": "string", "format": "binary", "description": "upright, in sRGB, without metadata"}
_PAGE = "public page"
_LATER_THAN_ALL = "9999-99"
_photo = select(Evidence.sealed).where(Evidence.id == bindparam("id"))


def _town() -> str:
    config: Config = current_app.config["TOWN_CONFIG"]
    return config.TOWN


@room.get("/public/cases")
@room.arguments(PublicCasesQuery, location="query")
@room.response(200, PublicCasesSchema)
@room.cached
@permission("public")
def list_published(query: dict[str, Any]) -> Response:
    """Accepted cases as everybody may see them: by day and grid, after a delay, with the words that were released."""
    now, limit = clock.now(), query["limit"]
    before = read_cursor(query["cursor"], _publication)
    found = published_cases(_town(), now, limit + 1, before[0] if before else None, query.get("element"))
    kept, cursor = page(found, limit, lambda case: (disguised_instant(_PAGE, case.public_at),))
    return public_answer(listing([show_public(case) for case in kept], cursor), seconds=30)


@room.get("/public/cases/<uuid:public_case>")
@room.response(200, WholePublicCaseSchema)
@room.cached
@permission("public")
def one_published(public_case: uuid.UUID) -> Response:
    """One of them, with the photos that were released, and how far it came on which day."""
    return public_answer(show_public_whole(_published(public_case), clock.now()), seconds=30)


@room.get("/public/cases/<uuid:public_case>/photos/<int:number>")
@room.response(200, _JPEG, content_type="image/jpeg")
@room.cached
@room.in_parts
@permission("public")
def published_photo(public_case: uuid.UUID, number: int) -> Response:
    """A photo of the work that was released with the text, at most 2560 pixels along an edge; the first is 1."""
    photos = _published(public_case).photos or []
    if not 1 <= number <= len(photos):
        raise NotFound
    photo = uuid.UUID(photos[number - 1])
    found = row(_photo, id=photo)
    if found is None:
        raise NotFound
    try:
        key = original_of(photo, found.sealed).key
    except CannotOpen as error:
        raise NotFound from error
    return served("served", photo, key, "image/jpeg", known_as=disguised("public photo", photo))


@room.get("/public/areas/<string:code>/feed.atom")
@room.response(200, _FEED, content_type=ATOM)
@room.cached
@permission("public")
def feed(code: str) -> Response:
    """The news of the town or a village as an Atom feed: its newest published cases."""
    from backend.cases.public.public_feed import atom  # few workers are asked for it

    area = territory().areas.get(code)
    if area is None or area.kind == "grid" or not code.startswith(_town()):
        raise NotFound
    config: Config = current_app.config["TOWN_CONFIG"]
    base = config.PUBLIC_URL or request.host_url.rstrip("/")
    return public_bytes(atom(code, area.name, published_lately(_town(), code, clock.now()), base), 300, ATOM)


@room.get("/public/figures")
@room.arguments(PageQuery, location="query")
@room.response(200, FiguresOfMonthsSchema)
@room.cached
@permission("public")
def list_figures(query: dict[str, Any]) -> Response:
    """How many cases filed in each past month were taken up, newest month first; small numbers are hidden (null)."""
    limit, after = query["limit"], read_cursor(query["cursor"], _month)
    found = published_figures(_town(), after[0] if after else _LATER_THAN_ALL, limit + 1)
    kept, cursor = page(found, limit, lambda month: (month.month,))
    model = governance_model(_town())
    return public_answer(listing([show_figures(_town(), month, model) for month in kept], cursor), seconds=300)


@room.get("/public-texts")
@room.arguments(PageQuery, location="query")
@room.response(200, WaitingTextsSchema)
@permission("release_public_text")
def list_waiting(query: dict[str, Any]) -> Response:
    """The texts for the public that wait for a second look, the oldest first."""
    caller, limit = current_caller(), query["limit"]
    found = waiting_texts(caller, read_cursor(query["cursor"], instant, identifier), limit + 1)
    kept, cursor = page(found, limit, lambda text: (text.drafted_at, text.case_id))
    return answer(listing([_seen(text, caller.account_id) for text in kept], cursor))


@room.get("/cases/<uuid:case_id>/public-texts")
@room.response(200, PublicTextsSchema)
@permission("release_public_text")
def list_texts(case_id: uuid.UUID) -> Response:
    """The texts for the public of a case, newest first, and what became of each."""
    caller = current_caller()
    case, _ = read_case(caller, case_id)
    return answer(listing([_seen(text, caller.account_id) for text in texts_of(case)]))


def _publication(part: Any) -> datetime:
    return undisguised_instant(_PAGE, identifier(part))


def _month(part: Any) -> str:
    if not isinstance(part, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}", part):
        raise ValueError(part)
    return part


def _published(id: uuid.UUID) -> Row[Any]:
    found = published_case(_town(), id, clock.now())
    if found is None:
        raise NotFound
    return found


def _seen(text: Row[Any], me: uuid.UUID) -> dict[str, Any]:
    told = dict(text._mapping) | {"mine": text.drafted_by == me}
    del told["drafted_by"]
    if "decided_by" in told:
        del told["case_id"], told["decided_by"]
    return told
