"""Where a case goes: rules of the town, category × area → department or village.

Of the rules that fit a case the most specific one wins: first the one for its own category, then for the branch of that
category, then for any; among these the one for its grid, then its village, then the town. Each rule stands under its
category and area, so no two are equally specific, and their order in the list means nothing. A rule to whom nothing can
be dispatched any more is passed over.

The desk is offered what the rules say when it dispatches. Where the town says so (`route_by_itself`), the scheduler
dispatches a case that was accepted and never dispatched, by the rules that held when it was accepted: a change never
moves a case that was there before it. What somebody sent back, merged, split or put on is the desk's from then on.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.events import After, Before, append_event
from backend.cases.holders import can_hold, name_of
from backend.cases.protection.protected import PROTECTED
from backend.cases.reporter.reporters import tell_reporter
from backend.cases.rules.categories import catalogue
from backend.cases.sight import offered_for, reaches
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import step_begins
from backend.cases.timing.overdue import note_if_untold
from backend.http import clock
from backend.http.problems import Invalid, NotFound
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people.access import Caller
from backend.territory.location import territory
from backend.territory.tables import Area
from backend.territory.town_rules import held_at, newest, of_keys
from backend.territory.town_settings import KIND as SETTING
from backend.territory.town_settings import setting
from backend.territory.work_calendar import work_calendar

KIND = "routing_rule"
ANY = "any"
"""In place of a category: a rule for all of them."""
LATEST = timedelta(days=3)
"""How long after its acceptance a case may still be dispatched by itself; what waits longer is the desk's."""
BATCH = 200
_TOUCHED = ("dispatch", "entrust", "send_back", "hand_over", "split", "unmerge", "reopen")

_towns = select(Area.code).where(Area.parent_code.is_(None))
_waiting = (
    select(Case.id, Case.town_code, Case.area_code, Case.category, Case.version, Case.accepted_at)
    .add_columns(Case.status, Case.holder, Case.step_started_at, Case.due_at, Case.turns_at)
    .where(
        Case.town_code == bindparam("town"),
        Case.status == "accepted",
        Case.accepted_at > bindparam("since", type_=Case.accepted_at.type),
        Case.id > bindparam("after", type_=Case.id.type),
        Case.holder.is_(None),
        Case.source.is_(None),
        Case.reporting != PROTECTED,
        # What the desk had to look at first, before it could be accepted, is the desk's to give away.
        exists().where(CaseEvent.case_id == Case.id, CaseEvent.action == "accept", CaseEvent.from_status == "reported"),
        ~exists().where(CaseEvent.case_id == Case.id, CaseEvent.action.in_(_TOUCHED)),
    )
    .order_by(Case.id)
    .limit(BATCH)
)


class Suggestion(NamedTuple):
    """A department or village to dispatch to, and why: the rule by its category and area; None for the category's own
    department."""

    department: str
    category: str | None
    area: str | None


def keys_for(category: str, branch: str, area: str) -> list[str]:
    """The keys of the rules that fit a case, the most specific first."""
    areas = [area[:digits] for digits in (15, 12, 9) if len(area) >= digits]
    return [f"{kind} {place}" for kind in dict.fromkeys((category, branch, ANY)) for place in areas]


def checked_rule(town: str, category: str, area: str, rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rule, unless nothing can be dispatched to whom it names. Raises NotFound for a category or area that is none
    of the town's, and Invalid."""
    known = {ANY, *(code for kind in catalogue(town).present.values() for code in (kind.code, kind.parent))}
    if category not in known or not area.startswith(town) or area not in territory().areas:
        raise NotFound
    if not can_hold(town, rule["department"]):
        raise Invalid(
            {"department": [("本镇没有这个部门或村（社区）。", "There is no such department or village here.")]}
        )
    return rule


def suggestions(caller: Caller, case: CaseRow) -> list[dict[str, Any]]:
    """Where a case may go, best first: by the rules that fit it, then by its category. Nothing where it cannot be
    dispatched now. Raises NotFound for who may not dispatch."""
    if not reaches(caller, "dispatch", case):
        raise NotFound
    if case.reporting == PROTECTED or "dispatch" not in {action.name for action in offered_for(case, clock.now())}:
        return []
    return [
        {"name": name, **one._asdict()}
        for one in _fitting(case.town_code, case.category, case.area_code, None)
        if one.department != case.holder and (name := name_of(one.department)) is not None
    ]


def dispatch_accepted(now: datetime) -> int:
    """Dispatch what was accepted of late, in towns that have it dispatched by itself; answers how many cases."""
    done = 0
    for town in [found.code for found in rows(_towns)]:
        if setting(town, "route_by_itself") != "yes":
            continue
        said = newest(town, SETTING, "route_by_itself")
        since = max(now - LATEST, said.set_at) if said and said.value else now - LATEST
        after = uuid.UUID(int=0)
        while batch := rows(_waiting, town=town, since=since, after=after):
            done += _dispatch(batch, now)
            after = batch[-1].id
    return done


def _dispatch(batch: Sequence[Any], now: datetime) -> int:
    chosen = []
    for case in batch:
        fitting = _fitting(case.town_code, case.category, case.area_code, case.accepted_at)
        if fitting and fitting[0].area is not None:
            chosen.append((case, fitting[0]))
    if not chosen:
        return 0
    with unit_of_work() as session:
        return sum(_dispatch_one(session, case, to, now) for case, to in chosen)


def _dispatch_one(session: Session, case: Any, to: Suggestion, now: datetime) -> bool:
    waiting = update(Case).where(Case.id == case.id, Case.version == case.version)
    kind = catalogue(case.town_code).get(case.category)
    if kind is None:
        return False
    values = {"status": "dispatched", "version": case.version + 1, "holder": to.department}
    values["assignee"] = None
    values |= step_begins(now, kind.limits["handle"], work_calendar(case.town_code))
    if session.connection().execute(waiting.values(values)).rowcount != 1:
        return False
    note_if_untold(session, case, now)
    after = After(case.id, case.town_code, "dispatched", case.version + 1)
    before = Before("accepted", None, "dispatch", case.step_started_at, case.due_at)
    told = {"department": to.department, "rule": f"{to.category} {to.area}"}
    append_event(session, after, before, "dispatch", None, "system", now, None, told)
    tell_reporter(session, case.id, "case_update", "holder")
    return True


def _fitting(town: str, category: str, area: str, moment: datetime | None) -> list[Suggestion]:
    """Where the rules that held at a moment (now, if none is given) send a case, and then its category; each once."""
    kind = catalogue(town).get(category)
    keys = keys_for(category, kind.parent if kind else ANY, area)
    kept = of_keys(town, KIND, keys)
    found: dict[str, Suggestion] = {}
    for key in keys:
        rule, (of, where) = held_at(kept.get(key, ()), moment), key.split(" ")
        if rule is not None:
            found.setdefault(rule.value["department"], Suggestion(rule.value["department"], of, where))
    if kind is not None:
        found.setdefault(kind.department, Suggestion(kind.department, None, None))
    return [one for one in found.values() if can_hold(town, one.department)]
