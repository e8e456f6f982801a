"""The job that sees steps turn amber and red, notes who held them, and has the right people told.

It reads and writes only cases of which somebody is to be told now, however many there are and however late it comes. A
case whose turn nobody saw goes to the colour it has now; nobody is told twice. What it has to do it does in small units
of work and gives way in between, so that nobody who files a case waits for it.
"""

import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session

from backend.cases.protection.protected import PROTECTED
from backend.cases.rules.categories import catalogue
from backend.cases.tables import Case
from backend.cases.timing.colours import colour
from backend.cases.timing.overdue import note_overdue
from backend.cases.timing.warning import Staff
from backend.cases.workflow import STEP
from backend.extensions import db
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.messages import ACCOUNT, NOTICE, post
from backend.territory.work_calendar import work_calendar

BATCH = 200
"""Most cases a commit."""
HELD = 0.02
"""Seconds for which a unit of work may keep others from writing: the next ones are made smaller or larger to fit."""
GIVE_WAY = 0.05
"""Seconds between two commits in which others may write, where only one can write at a time (SQLite)."""
FIRST, LEAST = 50, 10

_columns = (
    Case.id,
    Case.town_code,
    Case.village_code,
    Case.area_code,
    Case.occurred_at,
    Case.accepted_at,
    Case.status,
    Case.category,
    Case.holder,
    Case.assignee,
    Case.reporting,
    Case.step_started_at,
    Case.due_at,
    Case.amber_at,
    Case.turns_at,
)
_now = bindparam("now", type_=Case.turns_at.type)
TURNING = (
    select(*_columns)
    .where(Case.turns_at < _now)
    .order_by(Case.turns_at)
    .limit(bindparam("most", type_=Case.version.type))
)
"""What is to be seen to: walks ix_cases_turning."""
_free = (
    select(Case.id)
    .where(Case.id.in_(bindparam("ids", expanding=True)), Case.turns_at < _now)
    .with_for_update(skip_locked=True)
)
# Decided anew on the row as it is: somebody may have acted on it since it was read.
_turned = (
    update(Case)
    .where(Case.id.in_(_free), Case.turns_at < _now)
    .values(
        turns_at=case((Case.due_at < _now, None), (Case.amber_at <= _now, Case.due_at), else_=Case.amber_at),
    )
    .returning(*_columns)
)


def turn_colours(now: datetime) -> int:
    """See to all steps that have begun, turned amber or turned red by `now`; answers how many cases."""
    run, done, most = _Run(now), 0, FIRST
    while batch := rows(TURNING, now=now, most=most):
        run.prepare(batch)
        turned, took = run.turn(batch)
        done += turned
        if not turned:
            break  # somebody acts on each of them just now
        most = max(LEAST, most // 2) if took > HELD else min(BATCH, most * 2) if took < HELD / 4 else most
        if db.engine.dialect.name == "sqlite":
            time.sleep(GIVE_WAY)
    return done


class _Run:
    """One run of the job: the people of each town, read once, and whom it has told already.

    One who would be told of several cases at once is told once.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._staff: dict[str, Staff] = {}
        self._told: set[tuple[str, str]] = set()

    def prepare(self, batch: Sequence[Any]) -> None:
        """Find out before the unit of work what it needs: while it holds its lock others wait."""
        for found in batch:
            if found.town_code not in self._staff:
                self._staff[found.town_code] = Staff(found.town_code, self._now)
            list(self._notices(found, amber_told=False))

    def turn(self, batch: Sequence[Any]) -> tuple[int, float]:
        """Turn a batch in a unit of work; answers how many cases turned, and for how long others were kept waiting."""
        before = {found.id: found for found in batch}
        with unit_of_work() as session:
            connection = session.connection()  # has waited for those who write just now
            begun = time.monotonic()
            turned = connection.execute(_turned, {"ids": list(before), "now": self._now}).all()
            note_overdue(session, [found for found in turned if self._is_red(found)], self._now)
            self._tell(session, turned, before)
        return len(turned), time.monotonic() - begun

    def _is_red(self, found: Any) -> bool:
        return colour(found.due_at, found.amber_at, self._now) == "red"

    def _tell(self, session: Session, turned: Iterable[Any], before: dict[Any, Any]) -> None:
        wanted: dict[tuple[str, str], list[Any]] = {}
        for found in turned:
            for template, addresses in self._notices(found, amber_told=before[found.id].turns_at >= found.due_at):
                for address in sorted(addresses):
                    wanted.setdefault((address, template), []).append(found)
        for (address, template), cases in wanted.items():
            if (address, template) not in self._told:
                post(session, NOTICE, address, template, about=_about(address, cases))
        self._told |= set(wanted)

    def _notices(self, found: Any, amber_told: bool) -> Iterable[tuple[str, set[str]]]:
        """Which texts are for whom."""
        staff, now = self._staff[found.town_code], colour(found.due_at, found.amber_at, self._now)
        night = self._calls_for_duty(found)
        if night:
            yield "duty_call", staff.on_duty(found)
        if now == "amber" and not night:
            yield "work_due_soon", staff.holding(found)
        if now == "red":
            yield "work_overdue", staff.above(found) | (set() if amber_told else staff.holding(found))

    def _calls_for_duty(self, found: Any) -> bool:
        kind = catalogue(found.town_code).at(found.category, found.step_started_at)
        urgent = kind is not None and kind.limits[STEP[found.status]].unit == "urgent_hours"
        return urgent and not work_calendar(found.town_code).is_open(self._now)


def _about(address: str, cases: Sequence[Any]) -> uuid.UUID | None:
    # What is told of several is about none of them; that of a protected report names it nowhere.
    if len(cases) > 1 or cases[0].reporting == PROTECTED or not address.startswith(ACCOUNT):
        return None
    about: uuid.UUID = cases[0].id
    return about
