"""Whoever tries whatever in whatever order: the history stays one that the workflow's table allows."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.cases.links.following import keep_in_step
from backend.cases.timing.recomputing import recompute_open
from backend.cases.workflow import ACTIONS, BY_ITSELF, HANDLING, leads_to
from backend.http import clock
from tests.evidence import photos
from tests.town import ELSEWHERE, VILLAGE, People, clear

WHO = ("resident", "grid_worker", "village_officer", "handler", "dispatcher", "inspector", "committee", "party_member")
STEPS = st.lists(
    st.tuples(st.sampled_from(WHO), st.sampled_from(sorted(ACTIONS)), st.sampled_from((VILLAGE, "sanitation"))),
    max_size=20,
)
REPORTERS = ("resident", "grid_worker", "party_member")
LEADING = ("accept", "dispatch", "start", "hand_in", "pass_check", "close")
GUARDED = ("accept", "draft_task", "release_task")
"""Tried by somebody who may, before each drawn step, so that walks get somewhere."""
CALLED = (
    "sanitation",
    "water",
    *(f"4406051210{number}" for number in (10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 35, 37, 41)),
)
ASIDE = ("merge", "split", "whistle")
"""Beside the main line, where it has led to handling."""


class Walk:
    """One case, another one that it can be merged into, and what must be true of it."""

    def __init__(self, app: Flask, people: People, reporter: str, reporting: str = "named") -> None:
        self.app, self.people, self.reporter = app, people, reporter
        photos = [self.photo(reporter)] if reporter == "grid_worker" else []
        self.case: Any = people[reporter].file(evidence=photos, reporting=reporting)
        self.other: str = people["party_member"].file()["id"]
        self.path = f"/cases/{self.case['id']}"
        self.handled: set[str] = set()
        self.done: list[tuple[str, str]] = []

    def look(self) -> Any:
        return self.people["dispatcher"].get(self.path).json

    def photo(self, who: str) -> str:
        form = {"file": (io.BytesIO(photos.jpeg()), "a.jpg")}
        sent = self.people.client.post("/api/v1/evidence", data=form, headers=self.people[who].headers)
        return str(sent.json["id"])

    def fields(self, who: str, action: str, department: str, before: Any, may: bool) -> dict[str, Any]:
        """All that an action needs, so that it makes sense of the case as it is; a person who can be asked, and a
        photo, only where they are looked at."""
        later = (clock.now() + timedelta(days=200)).isoformat()
        if department == before["holder"]:
            department = "water"
        part = {"description": "清运", "category": "litter", "department": department}
        words: dict[str, Any] = {"department": department, "score": 4, "until": later, "leader": "李委员"}
        words |= {"finding": "true", "person": str(uuid.uuid4()), "evidence": [str(uuid.uuid4())], "into": self.other}
        words |= {"parts": [part, part], "departments": [self.uncalled(before["holder"])], "answer": "arrived"}
        if may and action in ("assign", "entrust"):
            can = self.people[who].get(f"{self.path}/candidates").json["items"]
            words["person"] = can[0 if department == VILLAGE else -1]["id"]
        if may and action == "resolve":
            words["evidence"] = [self.photo(who)]
        words["category"] = "river" if before["category"] == "litter" else "litter"
        words |= {"tags": ["8.1"]}
        needs = {name: words.get(name, "说明情况") for name in ACTIONS[action].needs}
        if action == "correct_place":
            needs["location"] = ELSEWHERE
        if action == "rate":
            needs["solved"] = department == VILLAGE
        return needs | ({"note": "转办"} if action == "dispatch" else {})

    def uncalled(self, holder: str | None) -> str:
        called = self.people["dispatcher"].get(f"{self.path}/related").json["calls"]
        waiting = {call["department"] for call in called if call["answer"] is None} | {holder}
        return next(code for code in CALLED if code not in waiting)

    def attempt(self, who: str, action: str, department: str) -> None:
        before, seen = self.look(), self.people[who].get(self.path)
        allowed = seen.json["allowed_actions"] if seen.status_code == 200 else []
        match = f'"{before["version"]}"'
        body = {"action": action, **self.fields(who, action, department, before, action in allowed)}
        answer = self.people[who].post(f"{self.path}/actions", body, If_Match=match)
        after = self.look()
        # What goes with a case is looked at only when its secrecy is raised.
        apart_first = action == "raise_secrecy" and answer.json.get("code") == "goes_with_others"
        done = answer.status_code == 200 or apart_first
        assert done == (action in allowed), (who, action, before["status"], answer.json)
        if answer.status_code != 200:
            assert answer.status_code in (403, 404, 409), (who, action, answer.json)
            assert after == before
            return
        row = ACTIONS[action]
        leads = leads_to(row, before["status"])
        assert before["status"] in row.from_ and after["status"] in (leads or (before["status"],))
        assert action != "rate" or (after["status"] == "closed") is body["solved"]
        assert after["version"] == before["version"] + 1
        assert row.own_work or who not in self.handled
        first = [one for one, done in self.done if done in row.second_to]
        first = [one for one, done in self.done if done == row.outweighs] or first
        if row.second_to and (row.protected != "too" or before["reporting"] == "protected"):
            assert first and first[-1] != who, (who, action)
        self.done.append((who, action))
        assert row.reporter != ("never" if who == self.reporter else "only")
        if action in HANDLING:
            self.handled.add(who)
        again = self.people[who].post(f"{self.path}/actions", body, If_Match=match)
        assert again.status_code in (403, 404, 409, 412, 422) and self.look()["version"] == after["version"]

    def lead(self, action: str) -> None:
        for who in WHO:
            if action in (self.people[who].get(self.path).json or {}).get("allowed_actions", ()):
                self.attempt(who, action, VILLAGE)
                break

    def follow(self) -> None:
        """Let happen what happens by itself, once on everything and again on nothing; deadlines are as they are counted
        anew."""
        with self.app.app_context():
            keep_in_step(clock.now())
            assert keep_in_step(clock.now()) == 0
            assert recompute_open(clock.now()) == 0

    def history(self) -> list[Any]:
        events: list[Any] = self.people["dispatcher"].get(f"{self.path}/timeline?limit=100").json["items"]
        return events


@pytest.fixture
def cleared(people: People) -> None:
    clear(people, "dispatcher")
    clear(people, "inspector")


@pytest.mark.usefixtures("cleared")
@pytest.mark.parametrize(
    ("reporter", "reporting", "lead"),
    [
        *(
            (reporter, "named", lead)
            for reporter in REPORTERS
            for lead in ((), LEADING[:3], LEADING[:6], *((*LEADING[:3], aside) for aside in ASIDE))
        ),
        ("resident", "protected", GUARDED[:1]),
        ("resident", "protected", GUARDED),
    ],
)
@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_no_walk_leaves_the_table(
    app: Flask, people: People, reporter: str, reporting: str, lead: tuple[str, ...], steps: list[tuple[str, str, str]]
) -> None:
    walk = Walk(app, people, reporter, reporting)
    for action in lead:
        walk.lead(action)
    for who, action, department in steps:
        walk.attempt(who, action, department)
        walk.follow()
    told, rows = walk.history(), ACTIONS | BY_ITSELF
    assert [event["version"] for event in told] == list(range(1, walk.look()["version"] + 1))
    for one, following in pairwise(told):
        assert following["from_status"] == one["to_status"]
        assert one["to_status"] in rows[following["action"]].from_
    assert told[-1]["to_status"] == walk.look()["status"]
