"""Importing the export of another system: read twice, once to see what is there and once to keep it.

Rows that cannot become cases are told by line and reason, the others are kept. A row imported before is left alone, so
that an import broken off, or run again with a newer export, goes on where it has to.
"""

import random
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from flask import current_app
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.cases.imports.import_areas import Finder, WordsFound, finder, make_areas
from backend.cases.imports.import_history import History, case_id, history
from backend.cases.imports.import_mappings import FIELDS, NEEDED, BadMapping, ImportMapping
from backend.cases.imports.import_rows import ForeignCase, Refused, understand
from backend.cases.retention_tables import CaseEnd
from backend.cases.rules.categories import catalogue
from backend.cases.search import search
from backend.cases.tables import Case, CaseEvent
from backend.cases.workflow import ENDED
from backend.config import TOWN_ZONE, Config
from backend.extensions import db
from backend.http.reading import rows
from backend.http.table_files import SourceFile
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.territory import location
from backend.territory.calendar import WorkCalendar, hours_of
from backend.territory.work_calendar import work_calendar

BATCH = 200
"""Most cases a commit."""
WRITING = 0.012
"""Seconds of writing after which a unit of work ends: with its commit it keeps others from writing for about 20 ms."""
GIVE_WAY = 0.02
"""Seconds between two commits in which others may write, where only one can write at a time (SQLite)."""
_AT_ONCE = 16
_TRIES = 3

_chance = random.SystemRandom()
_known = select(Case.id).where(Case.id.in_(bindparam("ids", expanding=True)))
_add_cases, _add_events, _add_entries = insert(Case), insert(CaseEvent), insert(LedgerEntry)
_add_ends = insert(CaseEnd)


@dataclass
class Outcome:
    """What became of a file's rows: new cases, cases that were here before, rows refused by line with the reason."""

    new: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """All rows read."""
        return self.new + self.known + len(self.refused)


@dataclass(frozen=True)
class Import:
    """A file to be imported with its mapping, at an instant."""

    file: SourceFile
    mapping: ImportMapping
    now: datetime

    def survey(self) -> tuple[int, WordsFound]:
        """How many rows there are, and the words in their area column.

        Raises BadMapping when the file lacks a column, and UnreadableFile.
        """
        columns = self.file.columns()
        # JSON Lines leave out what a row does not have.
        missing = self.mapping.missing_from(columns, NEEDED if self.file.kind == "jsonl" else FIELDS)
        if missing:
            raise BadMapping(f"{self.file.path.name} has no column {', '.join(missing)}")
        twice = {name for names in self.mapping.columns.values() for name in names if columns.count(name) > 1}
        if twice:
            raise BadMapping(f"{self.file.path.name} has more than one column {', '.join(sorted(twice))}")
        count, found = 0, WordsFound(self.mapping.area)
        for _, case in self._cases():
            count += 1
            if isinstance(case, ForeignCase):
                found.add(case)
        return count, found

    def _cases(self) -> Iterator[tuple[int, ForeignCase | str]]:
        """Each row's line, with its case or the reason why it is none."""
        seen: dict[uuid.UUID, int] = {}
        for row in self.file.rows():
            try:
                case = understand(row, self.mapping, self.now)
                before = seen.setdefault(case_id(self.mapping.source, case.external_id), row.line)
                if before != row.line:
                    raise Refused(f"has the same external_id as line {before}")
                yield row.line, case
            except Refused as reason:
                yield row.line, str(reason)

    def histories(self, find: Finder, outcome: Outcome, advance: Callable[[], None]) -> Iterator[History]:
        """The rows that become cases, in order; the others go to the outcome. `advance` is called for every row."""
        calendar = _calendar(self.mapping)
        for line, case in self._cases():
            advance()
            if isinstance(case, str):
                outcome.refused.append((line, case))
                continue
            try:
                place = find(case)
            except Refused as reason:
                outcome.refused.append((line, str(reason)))
                continue
            kind = catalogue(place.area_code[:9]).get(case.category)
            assert kind is not None  # the mapping names categories that ship
            yield history(case, kind, self.mapping.source, place, calendar, self.mapping.crs, self.now)


def _calendar(mapping: ImportMapping) -> WorkCalendar:
    if mapping.zone.key == TOWN_ZONE.key:
        return work_calendar(mapping.town_code)
    config: Config = current_app.config["TOWN_CONFIG"]
    return WorkCalendar(hours=hours_of(config.WORKING_HOURS), zone=mapping.zone)


def run_import(job: Import, found: WordsFound, advance: Callable[[], None]) -> Outcome:
    """Import the rows of a surveyed file, committing in small units of work. Raises NoAreas."""
    outcome = Outcome()
    if job.mapping.area.by == "made":
        with unit_of_work() as session:
            outcome.areas = make_areas(session, job.mapping, found, job.now)
        location.forget()
    arriving = _unknown(job.histories(finder(job.mapping), outcome, advance), outcome)
    pause = GIVE_WAY if db.engine.dialect.name == "sqlite" else 0.0
    waiting = deque(islice(arriving, BATCH))
    while waiting:
        _keep_some(waiting, outcome)
        ended = time.monotonic()
        # The next ones are made ready while others may write.
        waiting.extend(islice(arriving, BATCH - len(waiting)))
        time.sleep(max(0.0, ended + pause - time.monotonic()))
    return outcome


def rehearse(job: Import, found: WordsFound, advance: Callable[[], None]) -> Outcome:
    """What an import would do, without doing it. Raises NoAreas."""
    outcome = Outcome()
    outcome.new = sum(1 for _ in _unknown(job.histories(finder(job.mapping, found), outcome, advance), outcome))
    return outcome


def _unknown(arriving: Iterator[History], outcome: Outcome) -> Iterator[History]:
    """Those who arrive and are not here yet; the others are counted."""
    while batch := list(islice(arriving, BATCH)):
        known = {row.id for row in rows(_known, ids=[one.id for one in batch])}
        outcome.known += len(known)
        yield from (one for one in batch if one.id not in known)


def _keep_some(waiting: deque[History], outcome: Outcome) -> None:
    """Write as many of those who wait as fit into one unit of work."""
    for attempt in range(1, _TRIES + 1):
        try:
            with unit_of_work() as session:
                done = _write(session, waiting)
            break
        except IntegrityError:
            # The random number of a case was taken, or somebody imported the same case at this very moment.
            if attempt == _TRIES:
                raise
            still = list(_unknown(iter(waiting), outcome))
            waiting.clear()
            waiting.extend(still)
    for _ in range(done):
        waiting.popleft()
    outcome.new += done


def _write(session: Session, waiting: Sequence[History]) -> int:
    """Write from the front until the time is up; answers how many."""
    session.connection()  # where only one can write at a time, the wait for the others ends here
    until = time.monotonic() + WRITING
    done = 0
    while done < len(waiting) and (time.monotonic() < until or not done):
        some = list(islice(waiting, done, done + _AT_ONCE))
        _add(session, some)
        done += len(some)
    return done


def _add(session: Session, added: Sequence[History]) -> None:
    connection = session.connection()
    connection.execute(_add_cases, [one.case | {"number": _number(one.case["occurred_at"])} for one in added])
    search.index(session, [one.text for one in added])
    connection.execute(_add_events, [event for one in added for event in one.events])
    connection.execute(_add_entries, [one.ledger_entry for one in added])
    # What was brought here was brought to be used: its time begins with that.
    ends = [one.end for one in added if one.case["status"] in ENDED]
    if ends:
        connection.execute(_add_ends, ends)


def _number(filed_at: datetime) -> str:
    return f"{filed_at.astimezone(TOWN_ZONE):%Y%m%d}-{_chance.randrange(10**8):08d}"
