"""The evidence of a case as its readers see it: what each shows, and what speaks against it.

How far from the case a photo was taken, and how long before it was attached, are reckoned from what its original told,
both places in WGS84. They are for those who see the exact place; where it was taken is told to nobody.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, select

from backend.cases.case_row import CaseRow
from backend.cases.evidence_sight import shows
from backend.cases.protection.protected import PROTECTED, opened
from backend.cases.sight import Sight, reaches
from backend.cases.tables import CaseEvent
from backend.cases.viewing import read_case
from backend.evidence.comparing import likenesses
from backend.evidence.originals import Original, original_of
from backend.evidence.tables import Evidence
from backend.http.envelope import CannotOpen
from backend.http.logs import described
from backend.http.problems import NotFound
from backend.http.reading import rows
from backend.people.access import Caller
from backend.territory.outlines import earth_metres
from backend.territory.town_settings import setting

log = structlog.get_logger()

ROUGHLY = 10
"""Metres to which a distance is told: a camera knows no better where it is."""
AHEAD = 1
"""Hours by which a camera's clock may be ahead without a warning."""
MOST_CASES = 50
"""Other cases that are told of."""
_LISTED = (Evidence.id, Evidence.uploaded_by, Evidence.media, Evidence.slot, Evidence.event_version, Evidence.sealed)
_of_case = (
    select(*_LISTED, CaseEvent.action, CaseEvent.occurred_at)
    .join(CaseEvent, (CaseEvent.case_id == Evidence.case_id) & (CaseEvent.version == Evidence.event_version))
    .where(Evidence.case_id == bindparam("case", type_=Evidence.id.type))
    .order_by(Evidence.event_version, Evidence.id)
)


def evidence_of(caller: Caller, case: CaseRow, seen: Sight) -> list[dict[str, Any]]:
    """What was attached to a case, oldest first, as far as the caller sees it."""
    me = (caller.account_id, case.pseudonym)
    found = [one for one in rows(_of_case, case=case.id) if one.uploaded_by in me or shows(seen, one.action, one.media)]
    used = _used_elsewhere(caller, case, [one.id for one in found])
    case = opened(case)
    return [_shown(one, case, seen, used) for one in found]


def _shown(one: Row[Any], case: CaseRow, seen: Sight, used: dict[uuid.UUID, list[dict[str, Any]]] | None) -> Any:
    metres, hours = _against_it(one, case) if seen.place else (None, None)
    warnings = []
    if metres is not None and metres > int(setting(case.town_code, "photo_far_metres")):
        warnings.append("far_from_place")
    if hours is not None and hours > int(setting(case.town_code, "photo_old_hours")):
        warnings.append("taken_long_before")
    if hours is not None and hours < -AHEAD:
        warnings.append("taken_later")
    same = None if used is None else used.get(one.id, [])
    if same:
        warnings.append("used_before")
    return {
        "id": one.id,
        "content_type": one.media,
        "slot": one.slot,
        "action": one.action,
        "version": one.event_version,
        "attached_at": one.occurred_at,
        "distance_metres": metres,
        "age_hours": hours,
        "same_as": same,
        "warnings": warnings,
    }


def _against_it(one: Row[Any], case: CaseRow) -> tuple[int | None, int | None]:
    try:
        original = original_of(one.id, one.sealed)
    except CannotOpen as error:
        log.error("evidence_does_not_open", **described(error))
        return None, None
    return distance_of(original, case.lon, case.lat), age_of(original, one.occurred_at)


def distance_of(original: Original, lon: float | None, lat: float | None) -> int | None:
    """Metres, to the next ten, between where a photo was taken and a place (WGS84 degrees); None if one is unknown."""
    if original.lon is None or original.lat is None or lon is None or lat is None:
        return None
    return round(earth_metres((original.lon, original.lat), (lon, lat)) / ROUGHLY) * ROUGHLY


def age_of(original: Original, attached_at: datetime) -> int | None:
    """Whole hours between taking a photo and attaching it; below 0 where the camera's clock is ahead."""
    if original.taken_at is None:
        return None
    return int((attached_at - original.taken_at).total_seconds() // 3600)


def _used_elsewhere(
    caller: Caller, case: CaseRow, photos: list[uuid.UUID]
) -> dict[uuid.UUID, list[dict[str, Any]]] | None:
    """For each photo the others that are the same, in cases the caller sees; None for whom it is not."""
    if case.reporting == PROTECTED or not reaches(caller, "compare_evidence", case):
        return None
    found = list(likenesses(photos))
    visible = _visible(caller, islice(dict.fromkeys(one.other_case for one in found), MOST_CASES))
    used = dict[uuid.UUID, list[dict[str, Any]]]()
    for one in found:
        if one.other_case in visible:
            told = {"id": one.other, "case_id": one.other_case, "exact": one.exact}
            used.setdefault(one.photo, []).append(told)
    return used


def _visible(caller: Caller, cases: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    visible = set()
    for case_id in cases:
        try:
            case, _ = read_case(caller, case_id)
        except NotFound:
            continue
        if case.reporting != PROTECTED:
            visible.add(case_id)
    return visible
