"""Where exactly two people are cleared, each of them a dispatcher, every protected report can be brought to an end, and
whoever released its task is never the one who concludes it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from backend.cases.case_row import CaseRow
from backend.cases.protection.protected import PROTECTED
from backend.cases.protection.protected_steps import is_second
from backend.cases.protection.sealed_notes import Told
from backend.cases.sight import role_for
from backend.cases.workflow import ACTIONS, offered
from backend.people.access import Caller, Grant
from tests.town import TOWN, VILLAGE

TWO = tuple(
    Caller(uuid.UUID(int=n), uuid.UUID(int=9), "", None, (Grant("dispatcher", TOWN, cleared=True),)) for n in (1, 2)
)
ENDS = ("closed", "declined")
ASKED = {"ask_lowering": "lowering", "keep_secrecy": None}
SECOND = [action for action in ACTIONS.values() if action.second_to and action.protected != "never"]
FIRST = {name for action in SECOND for name in action.second_to}
TURNS = [action for action in ACTIONS.values() if action.to or action.name in FIRST or action.name in ASKED]
"""What makes a difference; the table says which of it is done on protected reports."""


class Report(NamedTuple):
    """A protected report as far as it matters for what may be done with it, and how it came there."""

    status: str
    asked: str | None
    task_waits: bool
    told: tuple[tuple[str, uuid.UUID | None], ...]

    @property
    def released_by(self) -> uuid.UUID | None:
        return next((who for action, who in reversed(self.since) if action == "release_task"), None)

    @property
    def since(self) -> tuple[tuple[str, uuid.UUID | None], ...]:
        """What was done since it was last reopened."""
        begins = max((at for at, (action, _) in enumerate(self.told, 1) if action == "reopen"), default=0)
        return self.told[begins:]

    @property
    def alike(self) -> tuple[object, ...]:
        """Reports that are alike in this can be gone on with alike."""
        may = tuple(is_second(who, action, self.steps) for who in TWO for action in SECOND)
        return self.status, self.asked, self.task_waits, self.released_by, may

    @property
    def steps(self) -> list[Told]:
        return [Told(version, action, who, {}) for version, (action, who) in enumerate(self.told, 1)]

    @property
    def row(self) -> CaseRow:
        now, known = datetime(2026, 11, 2, tzinfo=UTC), dict.fromkeys(CaseRow._fields)
        accepted = None if self.status == "reported" else now
        return CaseRow(
            **known
            | {"id": uuid.UUID(int=7), "area_code": VILLAGE, "status": self.status, "mine": False}  # type: ignore[arg-type]
            | {"reporting": PROTECTED, "accepted_at": accepted, "called": (), "called_as": (), "asked": self.asked}
        )


def on_from(report: Report) -> Iterator[tuple[str, uuid.UUID | None, Report]]:
    """What the two may do with a report, whoever holds its task, and whoever reported it, and what comes of it."""
    if report.task_waits:
        yield "pass_check", None, report._replace(task_waits=False)
    if report.status == "closed":
        yield "reopen", None, report._replace(status="reopened", told=(*report.told, ("reopen", None)))
    row = report.row
    for who in TWO:
        for action in offered(report.status, True, report.asked):
            if action not in TURNS or role_for(who, action, row, mine=False, handled=False) is None:
                continue
            if not is_second(who, action, report.steps) or (action.name == "conclude" and report.task_waits):
                continue
            if action.name == "lower_secrecy":
                continue  # it is protected no more
            to = report._replace(status=action.to or report.status, told=(*report.told, (action.name, who.account_id)))
            to = to._replace(asked=ASKED.get(action.name, report.asked if action.to is None else None))
            yield (
                action.name,
                who.account_id,
                to._replace(task_waits=report.task_waits or action.name == "release_task"),
            )


def test_every_order_of_two_people_leads_to_an_end_that_takes_both() -> None:
    begun = Report("reported", None, False, ())
    known, to_do, ways = {begun.alike: begun}, [begun], dict[tuple[object, ...], set[tuple[object, ...]]]()
    ends, concluded = set[tuple[object, ...]](), set[bool]()
    while to_do:
        report = to_do.pop()
        for action, who, after in on_from(report):
            if action in ("conclude", "decline"):
                assert {by for _, by in after.since} == {caller.account_id for caller in TWO}, after.told
                assert report.released_by != who, after.told
                concluded.add(report.released_by is not None)
            if after.status in ENDS:
                ends.add(after.alike)
            if action != "reopen":  # nobody has to wait for that
                ways.setdefault(after.alike, set()).add(report.alike)
            if after.alike not in known:
                known[after.alike] = after
                to_do.append(after)
    assert {report.status for report in known.values()} == {
        *("reported", "accepted", "drafted", "tasked", "closed", "declined", "reopened")
    }
    assert concluded == {True, False} and len(known) > 50
    leads, near = set(ends), list(ends)
    while near:
        for before in ways.get(near.pop(), set()) - leads:
            leads.add(before)
            near.append(before)
    stuck = [report.told for alike, report in known.items() if alike not in leads]
    assert stuck == [], min(stuck, key=len)
