"""The figures of a report are those that a plain reading of the same histories gives, on both databases."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert

from backend.cases.links.link_tables import CaseLink
from backend.cases.reports.figures import Asked, By, Figures, figures
from backend.cases.rules.categories import shipped
from backend.cases.rules.tag_tables import CaseTag
from backend.cases.tables import Case, CaseEvent
from backend.config import TOWN_ZONE
from backend.http.reading import connection
from backend.http.work import unit_of_work
from backend.people.access import Caller, Grant
from backend.territory.periods import read_period
from backend.territory.work_calendar import work_calendar
from tests.town import TOWN, VILLAGE

pytestmark = pytest.mark.sql

OTHER = f"{TOWN}201"
PERIOD, NOW = read_period("2026-Q3", TOWN_ZONE), datetime(2026, 9, 20, 11, tzinfo=TOWN_ZONE)
START = datetime(2026, 6, 1, tzinfo=TOWN_ZONE)
OFFICER, HANDLER = Grant("village_officer", VILLAGE, VILLAGE), Grant("handler", TOWN, "sanitation")


SOME = ("village", "department")
URGENT = {code for code, kind in shipped().items() if kind.limits["handle"].unit == "urgent_hours"}


class Histories:
    """Cases with all that befell them, as rows and as they are told."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.cases: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.links: list[dict[str, Any]] = []
        self.tags: dict[uuid.UUID, list[str]] = {}
        self.tagging = random.Random(seed)

    def at(self, after: datetime, hours: float) -> datetime:
        """A moment up to so many hours later."""
        return after + timedelta(seconds=self.dice.uniform(1, hours * 3600))

    def case(self) -> None:
        """One more case, at random."""
        dice, number = self.dice, len(self.cases)
        village = dice.choice((VILLAGE, OTHER))
        filed = START + timedelta(seconds=dice.uniform(0, 110 * 86_400))
        case = dict.fromkeys(column.key for column in Case.__table__.c) | {
            "id": uuid.UUID(int=number + 1),
            "number": f"2026-{number}",
            "town_code": TOWN,
            "village_code": village,
            "area_code": f"{village}00{dice.choice((1, 2))}",
            "category": dice.choice(("litter", "street_light", "manhole", "fire")),
            "description": "路灯不亮",
            "reporting": dice.choice(("named", "named", "anonymous", "protected", "part")),
            "status": "reported",
            "version": 0,
            "occurred_at": filed,
            "recorded_at": filed,
        }
        self.cases.append(case)
        self.tags[case["id"]] = self.tagging.sample(("2.2", "8.1", "8.2"), self.tagging.choice((0, 1, 2, 3)))
        self.event(case, "report", filed, "reported")
        accepted = self.at(filed, 30)
        if dice.random() < 0.1:  # merged and closed with its head, and never accepted itself
            self.event(case, "close_with_head", accepted, "closed")
            return
        case["accepted_at"] = accepted
        self.event(case, "accept", accepted, "accepted", "accept")
        self.handle(case, accepted)

    def handle(self, case: dict[str, Any], at: datetime) -> None:
        """Dispatch it, and go on as chance will have it."""
        dice = self.dice
        at = self.at(at, 20)
        self.event(case, "dispatch", at, "dispatched")
        case["holder"] = dice.choice(("sanitation", case["village_code"], f"person:{uuid.UUID(int=9).hex}"))
        case["step_started_at"], case["due_at"] = at, at + timedelta(hours=dice.choice((4, 48, 120)))
        for _ in range(dice.choice((0, 0, 1, 2))):
            stopped = self.at(at, 30)
            at = self.at(stopped, 200)
            pause, back = dice.choice((("suspend", "resume"), ("merge", "unmerge")))
            due, began = case["due_at"], case["step_started_at"]
            ends = pause == "merge"
            self.event(
                case, pause, stopped, "suspended" if pause == "suspend" else "merged", "handle" if ends else None
            )
            self.event(case, back, at, "handling")
            case["due_at"], case["step_started_at"] = due + (at - stopped), began
        if dice.random() < 0.15:
            if dice.random() < 0.5 and case["reporting"] != "part":
                self.event(case, "merge", self.at(at, 90), "merged", "handle")
                link = {
                    "case_id": case["id"],
                    "head_id": self.cases[0]["id"],
                    "kind": "merge",
                    "since": case["occurred_at"],
                }
                self.links.append(link | {"course": "accepted", "followed": 1, "live": True})
            else:
                case["status"] = dice.choice(("dispatched", "handling", "suspended"))
            return
        at = self.at(at, 90)
        self.event(case, "hand_in", at, "handled", "handle")
        at = self.at(at, 40)
        if dice.random() < 0.2:
            self.event(case, "rework", at, "handling", "check", role=dice.choice(("inspector", "import")))
            case["step_started_at"], case["due_at"] = at, at + timedelta(hours=30)
            at = self.at(at, 60)
            self.event(case, "hand_in", at, "handled", "handle")
            at = self.at(at, 40)
        self.event(case, "pass_check", at, "checked", "check", role="inspector")
        at = self.at(at, 50)
        self.event(case, dice.choice(("close", "close_with_head")), at, "closed", "close")
        for _ in range(dice.choice((0, 1, 2))):
            at, case["rating"] = self.at(at, 300), dice.choice((1, 2, 3, 4, 5, 5))
            self.event(case, "rate", at, "closed")
        if dice.random() < 0.1:
            case["rating"] = None

    def event(
        self,
        case: dict[str, Any],
        action: str,
        at: datetime,
        to: str,
        step: str | None = None,
        role: str = "dispatcher",
    ) -> None:
        """One more event of a case; `step` is the one it ended."""
        case["version"] += 1
        self.events.append(
            {"case_id": case["id"], "version": case["version"], "action": action, "from_status": case["status"]}
            | {"to_status": to, "actor_id": None, "actor_role": role, "note": None, "details": {}, "internal": False}
            | {"holder": case["holder"], "step": step, "occurred_at": at, "recorded_at": at}
            | {
                "step_started_at": case["step_started_at"] if step else None,
                "step_due_at": case["due_at"] if step else None,
            }
        )
        case["status"] = to
        if step:
            case["step_started_at"] = case["due_at"] = None

    def write(self) -> None:
        """Into the database."""
        with unit_of_work() as session:
            session.execute(insert(Case), self.cases)
            session.execute(insert(CaseEvent), self.events)
            session.execute(insert(CaseLink), self.links)
            tags = [{"case_id": case, "element": code} for case, codes in self.tags.items() for code in codes]
            session.execute(insert(CaseTag), tags)


class PlainReading:
    """The figures by group, and under "" of all, worked out case by case; `counts` says whether a case does."""

    def __init__(self, told: Histories, by: By, counts: Callable[[dict[str, Any], str | None], bool]) -> None:
        self.by, self.counts, self.calendar = by, counts, work_calendar(TOWN)
        self.found, self.times = defaultdict[str, Figures](Figures), defaultdict[str, list[int]](list)
        self.tags = told.tags
        self.merged = {link["case_id"]: link["since"] for link in told.links}
        histories = defaultdict[uuid.UUID, list[dict[str, Any]]](list)
        for one in told.events:
            histories[one["case_id"]].append(one)
        for case in told.cases:
            mine = histories[case["id"]]
            for one in mine:
                alone = not (case["id"] in self.merged and one["occurred_at"] >= self.merged[case["id"]])
                self.happened(
                    case, one, alone, last=one is [rate for rate in mine if rate["action"] == one["action"]][-1]
                )
                if one["step"] == "handle" and alone:
                    self.ended(case, mine, one)
            if case["status"] in ("dispatched", "handling") and case["due_at"] is not None:
                for group in self.groups(case, case["holder"], case["due_at"]):
                    self.found[group].due += 1
        for name, minutes in self.times.items():
            minutes.sort()
            one = self.found[name]
            one.handed_in, one.median = len(minutes), minutes[-(-len(minutes) * 5 // 10) - 1]
            one.ninth = minutes[-(-len(minutes) * 9 // 10) - 1]

    def groups(self, case: dict[str, Any], holder: str | None, at: datetime) -> list[str]:
        """Where something of a case counts."""
        if case["reporting"] == "protected" or case["accepted_at"] is None or not self.counts(case, holder):
            return []
        if not PERIOD.start <= at < min(PERIOD.end, NOW) or (self.by == "department" and holder is None):
            return []
        if self.by == "element":
            return ["", *self.tags[case["id"]]]
        person = "person:" if (holder or "").startswith("person:") else holder
        area = {"village": case["village_code"], "grid": case["area_code"], "category": case["category"]}
        return ["", {**area, "department": person, "month": f"{at:%Y-%m}"}[self.by] or ""]

    def happened(self, case: dict[str, Any], one: dict[str, Any], alone: bool, last: bool) -> None:
        """Count an event; `last` of its kind."""
        action, whole = one["action"], case["reporting"] != "part"
        looked = action in ("pass_check", "rework") and one["actor_role"] != "import" and alone
        rated = case["rating"] if action == "rate" and last else None
        for group in self.groups(case, one["holder"], one["occurred_at"]):
            counted = Figures(
                accepted=action == "accept" and whole,
                closed=action in ("close", "close_with_head") and whole,
                checks=looked,
                reworks=looked and action == "rework",
                ratings=rated is not None,
                rated=rated or 0,
            )
            self.found[group].add(counted)

    def ended(self, case: dict[str, Any], mine: list[dict[str, Any]], step: dict[str, Any]) -> None:
        """Count a handling step that was handed in, or ended otherwise when it was late."""
        late, handed_in = step["occurred_at"] > step["step_due_at"], step["action"] == "hand_in"
        for group in self.groups(case, step["holder"], step["step_due_at"]) if handed_in or late else []:
            self.found[group].add(Figures(due=1, on_time=not late))
            if handed_in:
                self.times[group].append(self.took(case, mine, step))

    def took(self, case: dict[str, Any], mine: list[dict[str, Any]], step: dict[str, Any]) -> int:
        """Minutes of a step, without those in which it stood still."""
        start, end = step["step_started_at"], step["occurred_at"]
        seconds = self.between(case, start, end)
        for earlier, later in pairwise(mine):
            if later["action"] in ("resume", "unmerge") and start <= later["occurred_at"] <= end:
                seconds -= self.between(case, earlier["occurred_at"], later["occurred_at"])
        return seconds // 60

    def between(self, case: dict[str, Any], start: datetime, end: datetime) -> int:
        """Seconds that count."""
        start, end = start.replace(microsecond=0), end.replace(microsecond=0)
        if case["category"] in URGENT:
            return int((end - start).total_seconds())
        return round(self.calendar.work_minutes_between(start, end) * 60)


def caller(*grants: Grant, conflicts: tuple[str, ...] = ()) -> Caller:
    return Caller(uuid.uuid4(), uuid.uuid4(), "", "", grants, conflicts)


def test_the_figures_are_those_of_a_plain_reading(empty_app: Flask) -> None:
    told = Histories(1258)
    for _ in range(500):
        told.case()
    assert {case["category"] for case in told.cases} & URGENT
    everything: Mapping[str, tuple[Caller, Callable[[dict[str, Any], str | None], bool]]] = {
        "desk": (caller(Grant("dispatcher", TOWN)), lambda _case, _holder: True),
        "officer": (caller(OFFICER), lambda case, _holder: case["village_code"] == VILLAGE),
        "department": (caller(HANDLER), lambda _case, holder: holder == "sanitation"),
        "not impartial": (
            caller(Grant("inspector", TOWN), conflicts=(VILLAGE,)),
            lambda case, _holder: case["village_code"] != VILLAGE,
        ),
        # There their other role yields.
        "department and officer": (
            caller(HANDLER, OFFICER),
            lambda case, holder: case["village_code"] == VILLAGE or holder == "sanitation",
        ),
    }
    with empty_app.app_context():
        told.write()
        for who, (asking, counts) in everything.items():
            for by in ("element", "village", "grid", "category", "department", "month") if who == "desk" else SOME:
                found, whole = figures(asking, Asked(TOWN, PERIOD, by, None, NOW))  # type: ignore[arg-type]
                expected = dict(PlainReading(told, by, counts).found)  # type: ignore[arg-type]
                assert whole == expected.pop("", Figures()), (who, by)
                assert found == expected, (who, by)
                assert whole.handed_in > 50 and whole.checks > 20 and whole.ratings > 20, (who, by)
        desk, _ = everything["desk"]
        _, only = figures(desk, Asked(TOWN, PERIOD, "month", None, NOW, "8.1"))
        assert only == PlainReading(told, "element", lambda _case, _holder: True).found["8.1"]


def test_the_percentiles_are_times_that_were_taken(empty_app: Flask) -> None:
    # Monday to Friday, 8:30–12:00 and 14:00–17:30; from Tuesday 9:00 on: 30 minutes to 300 (over noon) and 480.
    told, began = Histories(0), datetime(2026, 8, 4, 9, tzinfo=TOWN_ZONE)
    ended = {
        30: "04 09:30",
        60: "04 10:00",
        120: "04 11:00",
        180: "04 12:00",
        181: "04 14:01",
        300: "04 16:00",
        480: "05 10:00",
    }
    for number, moment in enumerate(ended.values()):
        told.dice = random.Random(number)
        told.case()
        case = told.cases[-1]
        del told.events[:]
        case |= {"category": "litter", "reporting": "named", "accepted_at": began, "status": "dispatched", "version": 3}
        case |= {"village_code": VILLAGE, "holder": "sanitation", "rating": None}
        case |= {"step_started_at": began, "due_at": datetime(2026, 8, 10, tzinfo=TOWN_ZONE)}
        told.links.clear()
        told.event(case, "hand_in", datetime.fromisoformat(f"2026-08-{moment}+08:00"), "handled", "handle")
        with empty_app.app_context(), unit_of_work() as session:
            session.execute(insert(Case), case)
            session.execute(insert(CaseEvent), told.events)
    with empty_app.app_context():
        _, whole = figures(caller(Grant("dispatcher", TOWN)), Asked(TOWN, PERIOD, "village", None, NOW))
    # Of seven the fourth is the first that half do not exceed; nine tenths of seven are more than six of them.
    assert (whole.handed_in, whole.on_time, whole.median, whole.ninth) == (7, 7, 180, 480)


def test_a_report_reads_its_period_by_the_indexes_of_its_instants(empty_app: Flask) -> None:
    asked = Asked(TOWN, read_period("2026-08", TOWN_ZONE), "village", None, NOW)
    told, caught = Histories(3), list[tuple[str, Any]]()
    for _ in range(60):
        told.case()
    with empty_app.app_context():
        told.write()
        held = connection()
        if held.dialect.name == "postgresql":
            held.exec_driver_sql("SET enable_seqscan = off")  # a few rows are read whole by any planner
        event.listen(held, "before_cursor_execute", lambda _c, _cu, said, values, *_: caught.append((said, values)))
        figures(caller(Grant("dispatcher", TOWN)), asked)
        explain = "EXPLAIN " if held.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        of_events = [one for one in caught if "case_events" in one[0]]
        plans = [tuple(found) for said, values in of_events for found in held.exec_driver_sql(explain + said, values)]
    plan = "\n".join(map(str, plans))
    assert len(of_events) == 2
    for index in ("ix_case_events_counted", "ix_case_events_handled"):
        assert index in plan, plan
    assert "SCAN case_events" not in plan and "Seq Scan on case_events" not in plan, plan
