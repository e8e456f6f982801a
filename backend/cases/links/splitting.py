"""Splitting (拆分): a case that is several pieces of work becomes parts, each with a holder and a clock of its own.

The whole is never further than its parts (`workflow.py: PART_DONE`): it waits, due when the case is, is handed in by
itself when all of them are checked or at an end, and waits again when one is reopened, as `following.py` sees to. The
links stay, to read. Whoever reported it sees the whole only.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, literal, or_, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.events import After, append_event
from backend.cases.holders import require_holder
from backend.cases.links.link_tables import CaseLink
from backend.cases.reporter.redaction import redacted
from backend.cases.reporter.reporters import my_pseudonym, reporter_known_by
from backend.cases.rules.categories import catalogue
from backend.cases.search import search
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import step_begins, whole_waits
from backend.cases.timing.deadlines import due
from backend.cases.workflow import HANDLING
from backend.http.ids import new_id
from backend.http.reading import row, rows
from backend.http.work import add
from backend.territory.calendar import WorkCalendar
from backend.territory.cells import cell

FEWEST, MOST = 2, 10
_chance = random.SystemRandom()

_handled_a_part = (
    select(CaseEvent.version)
    .join(CaseLink, CaseLink.case_id == CaseEvent.case_id)
    .join(Case, Case.id == CaseEvent.case_id)
    .where(
        CaseLink.head_id == bindparam("whole"),
        CaseLink.kind == "part",
        CaseEvent.action.in_([literal(name) for name in HANDLING]),
        or_(CaseEvent.actor_id == bindparam("me"), CaseEvent.actor_id == my_pseudonym),
    )
    .limit(1)
)


_parts = select(CaseLink.case_id).where(CaseLink.head_id == bindparam("whole"), CaseLink.kind == "part")


def changes(action: str, case: CaseRow, calendar: WorkCalendar, now: datetime) -> Mapping[str, Any]:
    """What splitting changes of the whole; nothing for any other action."""
    if action != "split":
        return {}
    kind = catalogue(case.town_code).at(case.category, case.case_started_at)
    limit = kind.limits["case"] if kind else None
    waits = whole_waits(case.case_started_at, case.case_due_at, limit, calendar, now)
    return {"holder": None, **waits}


def split(
    session: Session,
    actor: uuid.UUID,
    role: str,
    case: CaseRow,
    parts: Sequence[Mapping[str, str]],
    calendar: WorkCalendar,
    now: datetime,
) -> Mapping[str, Any]:
    """Make the parts of a case, each dispatched at once; answers what the whole's event tells of them.

    Raises UnknownCategory and UnknownDepartment.
    """
    known = reporter_known_by(case)
    made = [_part(case, part, known, calendar, now) for part in parts]
    for part in made:
        add(session, Case, part)
    search.index(session, [(part["id"], part["description"], part["redacted"], part["occurred_at"]) for part in made])
    for part in made:
        link = {"case_id": part["id"], "head_id": case.id, "kind": "part", "since": now, "course": None}
        add(session, CaseLink, link | {"followed": 0, "live": True})
        told = {"department": part["holder"], "part_of": case.number}
        after = After(part["id"], case.town_code, part["status"], 1)
        append_event(session, after, None, "part", actor, role, now, None, told)
    return {"parts": [part["number"] for part in made]}


def handled_a_part(whole: uuid.UUID, account: uuid.UUID, my_tag: uuid.UUID) -> bool:
    """Whether somebody handled one of the parts of a case: then they neither check nor close the whole."""
    return row(_handled_a_part, whole=whole, me=account, my_tag=my_tag) is not None


def parts_of(whole: uuid.UUID) -> list[uuid.UUID]:
    """The parts a case was split into."""
    return [link.case_id for link in rows(_parts, whole=whole)]


def goes_on(session: Session, part: uuid.UUID) -> None:
    """Have the whole wait for a part again that is reopened, however far it is; not one that was withdrawn."""
    stands = exists().where(Case.id == CaseLink.head_id, Case.status != "withdrawn")
    link = update(CaseLink).where(CaseLink.case_id == part, CaseLink.kind == "part", stands)
    session.execute(link.values(live=True), execution_options={"synchronize_session": False})


def _part(
    case: CaseRow, part: Mapping[str, str], known: Sequence[str], calendar: WorkCalendar, now: datetime
) -> dict[str, Any]:
    kind = catalogue(case.town_code).require(part["category"])
    require_holder(case.town_code, part["department"])
    same = ("area_code", "address", "lon", "lat", "original_lon", "original_lat", "original_crs")
    return {name: getattr(case, name) for name in (*same, "coarse_lon", "coarse_lat", "town_code", "village_code")} | {
        "id": new_id(),
        "number": f"{now:%Y%m%d}-{_chance.randrange(10**8):08d}",
        "cell": None if case.lon is None or case.lat is None else cell(case.lon, case.lat),
        "status": "dispatched",
        "version": 1,
        "category": kind.code,
        "description": part["description"],
        "redacted": redacted(part["description"], known),
        "reporting": "part",
        "holder": part["department"],
        "occurred_at": now,
        "recorded_at": now,
        "accepted_at": now,
        **step_begins(now, kind.limits["handle"], calendar),
        "case_started_at": now,
        "case_due_at": due(now, kind.limits["case"], calendar),
    }
