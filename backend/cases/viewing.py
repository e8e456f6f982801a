"""One case as a caller sees it: read in one statement, shown as far as the caller's sight goes."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, cast, exists, func, literal, literal_column, or_, select
from sqlalchemy import case as sql_case
from sqlalchemy.orm import Session

from backend.cases.assigning import named
from backend.cases.calls import calls_on
from backend.cases.case_row import PERSON, CaseRow
from backend.cases.links.courses import courses, follows, on_course
from backend.cases.links.splitting import handled_a_part
from backend.cases.protection.protected import PROTECTED, TASK, opened
from backend.cases.protection.protected_steps import show_protected
from backend.cases.reporter.redaction import redact
from backend.cases.reporter.reporters import is_mine, my_pseudonym, tag_of
from backend.cases.rules.categories import catalogue
from backend.cases.sight import Sight, allowed_actions, holds, sight
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import colour
from backend.cases.workflow import HANDLING, SHOWING, STATUSES
from backend.evidence.tables import Evidence
from backend.http import clock
from backend.http.problems import NotFound
from backend.http.reading import Prepared
from backend.people.access import Caller
from backend.territory.coordinates import from_wgs84
from backend.territory.public_holidays import announced_years

VOICED = "~"
"""Stands behind the id of a film or of sound."""

_TOWN = "镇网格中心"
_at = CaseRow._fields.index
_listed, _single = CaseRow._fields[: _at("mine")], CaseRow._fields[_at("mine") + 1 : _at("pseudonym")]
columns: list[ColumnElement[Any]] = [*(getattr(Case, name) for name in _listed), is_mine.label("mine")]
"""The columns of a CaseRow, without what only a single case tells."""

# Spelt out one by one: a tuple is put into the statement anew for every request, which takes as long as a round trip.
handled_by_me = exists().where(
    CaseEvent.case_id == Case.id,
    or_(CaseEvent.actor_id == bindparam("me"), CaseEvent.actor_id == my_pseudonym),
    CaseEvent.action.in_([literal(name) for name in HANDLING]),
)
reported_as = (
    select(CaseEvent.actor_role)
    .where(CaseEvent.case_id == Case.id, CaseEvent.version == 1)
    .correlate(Case)
    .scalar_subquery()
)
_shows_work = exists().where(
    CaseEvent.case_id == Evidence.case_id,
    CaseEvent.version == Evidence.event_version,
    CaseEvent.action.in_([literal(name) for name in SHOWING]),
)
_comma: Any = literal_column("','")  # as a parameter it would be written into the statement for each execution
_of_case = Evidence.case_id == Case.id
_photos = select(func.aggregate_strings(cast(Evidence.id, String), _comma)).where(_of_case)
# Films and sound are marked: who reads a text redacted does not hear the voice.
_a_photo: Any = literal_column("'image/jpeg'")
_mark: Any = literal_column(f"'{VOICED}'")
_marked = cast(Evidence.id, String) + sql_case((Evidence.media == _a_photo, literal_column("''")), else_=_mark)
_evidence = select(func.aggregate_strings(_marked, _comma)).where(_of_case).correlate(Case).scalar_subquery()
_open_evidence = (
    _photos.where(or_(Evidence.uploaded_by == bindparam("me"), _shows_work)).correlate(Case).scalar_subquery()
)
_one = Prepared(
    select(
        *columns,
        *(getattr(Case, name) for name in _single),
        my_pseudonym.label("pseudonym"),
        handled_by_me.label("handled_by_me"),
        reported_as.label("reported_as"),
        _evidence.label("evidence"),
        _open_evidence.label("open_evidence"),
    ).where(Case.id == bindparam("id")),
    CaseRow,
)


def read_case(caller: Caller, case_id: uuid.UUID, tag: uuid.UUID | None = None) -> tuple[CaseRow, Sight]:
    """A case and how much of it the caller sees. Raises NotFound, alike for what is not there and not to be seen.

    `tag` is the one under which the case's reporter is kept, of who has shown to be that by its receipt.
    """
    case = _one.first(id=case_id, me=caller.account_id, my_tag=tag or tag_of(caller.account_id))
    if caller.may("answer_whistle") and not (case is not None and holds(caller, case)):
        # Asked alike for what is not there, so that it takes as long.
        called, called_as = calls_on(caller, case_id)
        case = case and case.changed(called=called, called_as=called_as)
    if case is None:
        raise NotFound
    seen = sight(caller, case, case.mine)
    if seen is None:
        raise NotFound
    if case.holder is None and case.status in ("handled", "checked") and not case.handled_by_me:
        by_me = handled_a_part(case.id, caller.account_id, tag_of(caller.account_id))
        case = case.changed(handled_by_me=by_me)
    return case, seen


def show(case: CaseRow, seen: Sight, crs: str = "wgs84") -> dict[str, Any]:
    """A case as JSON, as far as the sight goes: redacted text and coarse place where it does not go further."""
    case, kind = opened(case) if seen.text else case, catalogue(case.town_code).get(case.category)
    return {
        "id": case.id,
        "number": case.number,
        "status": case.status,
        "status_name": STATUSES[case.status][0],
        "version": case.version,
        "category": case.category,
        "category_name": kind.zh if kind else case.category,
        "description": case.description if seen.text else case.redacted or case.description,
        "address": (case.address if seen.text else redact(case.address or "") or None) if seen.place else None,
        "area_code": case.area_code,
        "location": location(case, seen, crs),
        "reporting": case.reporting,
        "reporter": {"pseudonym": _TOWN if case.reporting == TASK else f"居民{case.id.hex[-4:]}", "me": case.mine},
        "holder": None if (case.holder or "").startswith(PERSON) else case.holder,
        "occurred_at": case.occurred_at,
        "accepted_at": case.accepted_at,
        "due_at": case.due_at,
        "amber_at": case.amber_at,
        "due_provisional": case.due_at is not None and case.due_at.year >= announced_years().stop,
        "case_due_at": case.case_due_at,
        "closed_at": case.closed_at,
        "rating": case.rating,
    }


def show_one(
    caller: Caller, case: CaseRow, seen: Sight, crs: str = "wgs84", within: Session | None = None
) -> dict[str, Any]:
    """A single case as JSON: as in a list, with the photos the caller may see and what they may do now.

    `within`: a protected report as this unit of work has it.
    """
    on = on_course(case, courses([case.id]).get(case.id)) if follows(caller, case) else case
    shown = show(on, seen, crs) | {
        "colour": colour(on.due_at, on.amber_at, clock.now()),
        "evidence": _evidence_seen(case, seen),
        "asked": case.asked,
        "asked_until": case.asked_until,
        "suspended_until": case.suspended_until,
        "named": named(caller, case),
        "supervision": {"leader": case.leader, "until": case.supervised_until} if case.leader else None,
        "allowed_actions": allowed_actions(caller, case, case.mine, case.handled_by_me),
    }
    if case.reporting == PROTECTED:
        special, not_now = show_protected(caller, case, within)
        shown |= special | {"allowed_actions": [name for name in shown["allowed_actions"] if name not in not_now]}
    return shown


def _evidence_seen(case: CaseRow, seen: Sight) -> list[str]:
    everything, open_ = (told.split(",") if told else [] for told in (case.evidence, case.open_evidence))
    if not seen.place:
        everything = open_
    elif not seen.text:
        everything = [one for one in everything if not one.endswith(VOICED) or one.removesuffix(VOICED) in open_]
    return [str(uuid.UUID(one.removesuffix(VOICED))) for one in everything]


def location(case: CaseRow, seen: Sight, crs: str) -> dict[str, Any] | None:
    """The place in a coordinate system: as it was given, converted, or (coarse) its grid's centre; None if unknown."""
    if case.lon is None or case.lat is None or not seen.place:
        if case.coarse_lon is None or case.coarse_lat is None:
            return None
        lon, lat = from_wgs84(case.coarse_lon, case.coarse_lat, crs)
        return {"lon": lon, "lat": lat, "crs": crs, "approximate": True}
    if crs == case.original_crs:
        return {"lon": case.original_lon, "lat": case.original_lat, "crs": crs, "approximate": False}
    lon, lat = from_wgs84(case.lon, case.lat, crs)
    return {"lon": lon, "lat": lat, "crs": crs, "approximate": False}
