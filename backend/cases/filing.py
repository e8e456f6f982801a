"""Filing a case: from what a person says to a case with a place, a number, deadlines and a first event."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.events import After, append_event
from backend.cases.protection.accusing import accused, accuses
from backend.cases.protection.protected import PROTECTED, sealed
from backend.cases.reporter.callers import at_desk
from backend.cases.reporter.redaction import redacted, without
from backend.cases.reporter.reporters import Identity, has_reported, remember, reporter_of, tell_reporter
from backend.cases.rules import tagging
from backend.cases.rules.categories import Category, catalogue
from backend.cases.search import search
from backend.cases.sight import acting_as
from backend.cases.slots import slots_of
from backend.cases.tables import Case
from backend.cases.timing.colours import step_begins
from backend.cases.timing.deadlines import due
from backend.cases.workflow import STEP
from backend.evidence.attaching import attach
from backend.http.fields import blank
from backend.http.ids import new_id
from backend.http.problems import Conflict, Problem
from backend.http.work import add
from backend.people.access import Caller, covers
from backend.people.clearing import has_reader
from backend.people.names import known_by
from backend.territory.calendar import WorkCalendar
from backend.territory.cells import cell
from backend.territory.governance_model import in_order
from backend.territory.location import Place, locate, names_of, place_of_area
from backend.territory.town_settings import setting

_chance = random.SystemRandom()
ADDRESS = 200
"""Characters of an address."""


class NoClearedDispatcher(Problem):
    """A protected report while nobody here is cleared to read one. Nothing of it was kept."""

    status, code = 422, "no_cleared_dispatcher"
    zh = "本镇目前没有可受理保密举报的人员，您的内容没有保存。请改用：{channel}。"
    en = "Nobody here is cleared for protected reports, so nothing was kept. Please use instead: {channel}."


class OutsideYourArea(Problem):
    """A place where the caller's role does not let them file."""

    status, code = 403, "outside_your_area"
    zh = "这个位置不在您负责的范围内（{area_name}），请核对位置或由镇网格中心登记。"
    en = "This place is outside the area you act for ({area_name}); check it, or let the town's desk file it."


class PhotoNeeded(Problem):
    """A category whose cases need a photo."""

    status, code = 422, "photo_needed"
    zh, en = (
        "“{category}”需要至少一张照片，请先上传照片。",
        "A case of this kind ({category}) needs a photo; upload one first.",
    )


class PlaceNeeded(Problem):
    """Neither a location nor, from the desk, an area with an address."""

    status, code = 422, "place_needed"
    zh = "请提供位置；镇网格中心代为登记时可填写村（社区）代码和地址。"
    en = "Give a location; the desk may give an area code and an address instead."


class PlacesDiffer(Problem):
    """A location outside the area it was given with."""

    status, code = 422, "places_differ"
    zh = "位置不在所填的区域（{area_name}）内，请核对其中一项。"
    en = "The location lies outside the area given ({area_name}); check one of the two."


class CaseExists(Conflict):
    """A case of the caller's own with this id is on record; they get it under that id."""

    zh = "这个编号（{id}）的案件已经提交过，请不要重复提交，可直接按该编号查看。"
    en = "A case with the id {id} is on record; look it up by that id instead of filing it again."


class IdNotFree(Conflict):
    """An id that does not serve; what holds it, another's case or anything else, is not told."""

    zh = "提交没有成功：编号（{id}）不可用，或相关内容刚有变动；请换一个新的编号再提交。"
    en = "Nothing was filed: the id {id} is not free, or something has just changed; send it again with a new id."


@dataclass(frozen=True)
class Report:
    """What a person files. Without a location the desk gives `area_code` and `address`.

    `reporter` is who reports it, if not who files it; `channel` by which way they came to the desk; `for_another`:
    written down by the worker of the grid.
    """

    category: str
    description: str
    id: uuid.UUID | None = None
    location: Mapping[str, Any] | None = None
    area_code: str | None = None
    address: str | None = None
    reporting: str = "named"
    accuses: bool = False
    evidence: tuple[uuid.UUID, ...] = ()
    reporter: Identity | None = None
    channel: str | None = None
    for_another: bool = False
    tags: tuple[str, ...] = ()


def file_case(session: Session, caller: Caller, report: Report, calendar: WorkCalendar, now: datetime) -> CaseRow:
    """Store a case as reported and answer it.

    Raises NoClearedDispatcher, UnknownCategory, PlaceNeeded, PlacesDiffer, PhotoNeeded, OutsideYourArea,
    what tagging raises, and what locating and attaching raise; the caller of this commits.
    """
    place, protected = _place(caller, report), report.reporting == PROTECTED
    kind = catalogue(place.area_code[:9]).require(report.category)
    reporter = report.reporter or reporter_of(caller, report.reporting)
    by_desk = report.channel is not None or report.location is None
    if by_desk and report.reporter is None:
        reporter = Identity(new_id(), "anonymous", without_account=True)  # somebody called and left no name
    if protected:
        _require_reader(caller, reporter, place, now)
    if kind.needs_photo and not report.evidence:
        raise PhotoNeeded(category=kind.zh)
    role = _role(caller, place, "file_protected_case" if protected else "file_case")
    if report.for_another:
        _role(caller, place, "file_for_caller")
    known_as = [*known_by(reporter.name, reporter.phone), *([] if by_desk else known_by(caller.name, caller.phone))]
    by_town = not (by_desk or report.for_another) and role not in ("resident", "party_member")
    row = _row(report, kind, place, calendar, now, known_as) | (
        {"status": "apart"} if _accuses(report, by_town) else {}
    )
    if protected:
        row = sealed(row)
    known = {name: row[name] for name in CaseRow._fields if name in row}
    as_role, photos = acting_as(role, mine=True), ",".join(map(str, report.evidence))
    case = CaseRow(**known, mine=not by_desk, reported_as=as_role, evidence=photos)
    add(session, Case, row)
    pseudonym = remember(session, case, reporter, for_caller=by_desk)
    if report.tags:
        tagging.tag_new(session, caller, case, report.tags)
    if not protected:
        search.index(session, [(case.id, case.description, case.redacted, case.occurred_at)])
    shown = slots_of("report", {"evidence": report.evidence})
    attach(session, shown, case.id, 1, caller.account_id, pseudonym, compared=not protected)
    append_event(
        session,
        After(case.id, case.town_code, case.status, 1),
        None,
        "report",
        pseudonym,
        as_role,
        now,
        details=_told(report),
    )
    if not by_desk:
        tell_reporter(session, case.id, "case_reported")
    return case.changed(pseudonym=pseudonym)


def not_filed(caller: Caller, report: Report, conflict: Conflict) -> Conflict:
    """What is told of a conflict: whose case has the id learns it, nobody else what holds it."""
    if report.id is None:
        return conflict
    return (CaseExists if has_reported(report.id, caller.account_id) else IdNotFree)(id=report.id)


def kept_address(said: str | None, known: Sequence[str]) -> str | None:
    """An address as it is kept: it tells of a place, and to nobody what its reporter is known by."""
    return without(said, known)[:ADDRESS] if said else said


def _told(report: Report) -> dict[str, Any]:
    told = {"channel": report.channel, "tags": in_order(report.tags)}
    return {name: value for name, value in told.items() if value}


def _place(caller: Caller, report: Report) -> Place:
    if report.location is not None:
        place = locate(**report.location)
        if report.area_code and not covers(report.area_code, place.area_code):
            raise PlacesDiffer(area=report.area_code, area_name=names_of([report.area_code]))
        return place
    if not (report.area_code and not blank(report.address or "") and at_desk(caller)):
        raise PlaceNeeded(errors={"location": [("必须填写。", "Missing data for required field.")]})
    return place_of_area(report.area_code)


def _require_reader(caller: Caller, reporter: Identity, place: Place, now: datetime) -> None:
    """Refuse a protected report that nobody here but its reporter could read."""
    reader = has_reader(place.area_code[:12], reporter.account, now.date())
    if not reader or not caller.may("file_protected_case"):
        raise NoClearedDispatcher(channel=setting(place.area_code[:9], "protected_channel"))


def _role(caller: Caller, place: Place, permission: str) -> str:
    roles = list(caller.allowed(permission))
    for grant, letters in roles:
        area = grant.area_code[:9] if "o" in letters else grant.area_code
        if covers(area, place.area_code):
            return grant.acting_as or grant.role
    areas = {grant.area_code for grant, _ in roles}
    raise OutsideYourArea(area="、".join(sorted(areas)), area_name=names_of(areas))


def _accuses(report: Report, by_town: bool) -> bool:
    """Whether the desk looks at a report first. What the town's own people write names officers in passing."""
    if report.reporting == PROTECTED or report.accuses:
        return report.reporting != PROTECTED
    return bool(accused(report.description)) if by_town else accuses(report.description)


def _row(
    report: Report, kind: Category, place: Place, calendar: WorkCalendar, now: datetime, known: Sequence[str]
) -> dict[str, Any]:
    location = report.location or {}
    return {
        "id": report.id or new_id(),
        "number": f"{now:%Y%m%d}-{_chance.randrange(10**8):08d}",
        "town_code": place.area_code[:9],
        "village_code": place.area_code[:12],
        "area_code": place.area_code,
        "status": "reported",
        "version": 1,
        "category": kind.code,
        "description": report.description,
        "redacted": redacted(report.description, known),
        "address": kept_address(report.address, known),
        "lon": place.lon,
        "lat": place.lat,
        "cell": None if place.lon is None or place.lat is None else cell(place.lon, place.lat),
        "original_lon": location.get("lon"),
        "original_lat": location.get("lat"),
        "original_crs": location.get("crs"),
        "coarse_lon": place.coarse_lon,
        "coarse_lat": place.coarse_lat,
        "reporting": report.reporting,
        "holder": None,
        "occurred_at": now,
        "recorded_at": now,
        "accepted_at": None,
        **step_begins(now, kind.limits[STEP["reported"]], calendar),
        "case_started_at": now,
        "case_due_at": due(now, kind.limits["case"], calendar),
        "closed_at": None,
        "rating": None,
        "sealed": None,
    }
