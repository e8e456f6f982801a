"""What waits for somebody: all cases whose next step they may do, and no other, what turns red first on top."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, update

from backend.cases.reporter.reporters import tag_of
from backend.cases.tables import Case, CaseEvent, CaseReporter
from backend.cases.viewing import read_case, show_one
from backend.cases.work_lists import to_do
from backend.cases.work_lists.to_do import work_list
from backend.cases.workflow import PROTECTED_STEP, STATUSES, STEP
from backend.config import TOWN_ZONE
from backend.http.problems import NotFound
from backend.http.reading import Prepared
from backend.http.work import unit_of_work
from backend.people.access import Caller
from tests.cases.test_list_plans import CALLERS, RESIDENT, add_cases, plan_and_work
from tests.cases.test_sight import PEOPLE, START, random_caller, random_case
from tests.town import People, carry

STEPS = {
    "accept": {"accept"},
    "dispatch": {"dispatch"},
    "handle": {"start", "hand_in"},
    "check": {"pass_check"},
    "close": {"close"},
    "grant": {"extend", "suspend"},
    "verify": {"verify"},
    "rate": {"rate"},
    **{action: {action} for action in (*PROTECTED_STEP.values(), "decline") if action != "accept"},
}


def waiting(people: People, role: str, **query: str) -> list[tuple[str, str]]:
    answer = people[role].client.get("/api/v1/cases/to-do", query_string=query, headers=people[role].headers)
    assert answer.status_code == 200, answer.json
    return [(one["waits_for"], one["case"]["id"]) for one in answer.json["items"]]


def test_a_case_waits_for_whoever_does_its_next_step_and_for_nobody_else(people: People) -> None:
    case = people["resident"].file()["id"]
    roles = ("resident", "village_officer", "handler", "dispatcher", "inspector", "committee")
    seen = []
    for person, action, fields in (
        ("dispatcher", "accept", {}),
        ("dispatcher", "dispatch", {"department": "sanitation"}),
        ("handler", "start", {}),
        ("handler", "hand_in", {"note": "已清运"}),
        ("inspector", "pass_check", {}),
        ("dispatcher", "close", {}),
        ("resident", "rate", {"score": 4}),
    ):
        seen.append({role: waits[0][0] for role in roles if (waits := waiting(people, role))})
        assert people[person].act(case, action, **fields).status_code == 200
    assert seen == [
        {"dispatcher": "accept"},
        {"dispatcher": "dispatch"},
        {"handler": "handle"},
        {"handler": "handle"},
        {"inspector": "check"},
        {"dispatcher": "close"},
        {"resident": "rate"},
    ]
    assert [waiting(people, role) for role in roles] == [[]] * len(roles)


def test_a_grid_worker_handles_and_checks_in_their_grid_but_never_their_own_work(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "dispatch")
    worker = people["grid_worker"]
    assert waiting(people, "grid_worker") == waiting(people, "village_officer") == [("handle", case)]
    assert worker.act(case, "start").status_code == 200
    assert worker.act(case, "hand_in", note="已清运").status_code == 200
    assert waiting(people, "grid_worker") == []
    assert waiting(people, "inspector") == [("check", case)]
    other = people["resident"].file()["id"]
    carry(people, other, "hand_in", holder="sanitation")
    assert waiting(people, "grid_worker") == [("check", other)]


def test_a_holder_s_question_waits_for_the_town(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "start", holder="sanitation")
    assert waiting(people, "dispatcher") == []
    later = (datetime.now(TOWN_ZONE) + timedelta(days=30)).isoformat()
    assert people["handler"].act(case, "ask_suspension", reason="等待拆迁", until=later).status_code == 200
    assert waiting(people, "dispatcher") == [("grant", case)]
    assert people["dispatcher"].act(case, "suspend").status_code == 200
    assert waiting(people, "dispatcher") == waiting(people, "handler") == []


def test_what_turns_red_first_stands_on_top_and_pages_follow_one_another(app: Flask, people: People) -> None:
    cases = [people["resident"].file()["id"] for _ in range(5)]
    due = [datetime(2026, 12, day, tzinfo=TOWN_ZONE) for day in (5, 2, 4, 2, 3)]
    with app.app_context(), unit_of_work() as session:
        for case, at in zip(cases, due, strict=True):
            session.execute(update(Case).where(Case.id == uuid.UUID(case)).values(due_at=at))
    expected = [case for _, case in sorted(zip(due, cases, strict=True))]
    assert [case for _, case in waiting(people, "dispatcher")] == expected
    paged, cursor = [], {}
    while True:
        desk = people["dispatcher"]
        answer = desk.client.get("/api/v1/cases/to-do", query_string={"limit": 2, **cursor}, headers=desk.headers).json
        paged += [one["case"]["id"] for one in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = {"cursor": answer["next_cursor"]}
    assert paged == expected


def test_ratings_come_after_work_and_page_on_from_it(people: People) -> None:
    rated = [people["grid_worker"].file()["id"] for _ in range(3)]
    for case in rated:
        carry(people, case, "close", holder="sanitation")
    work = people["resident"].file()["id"]
    carry(people, work, "dispatch")
    expected = [("handle", work), *(("rate", case) for case in reversed(rated))]
    assert waiting(people, "grid_worker") == expected
    worker, paged, cursor = people["grid_worker"], [], ""
    for _ in range(4):
        answer = worker.get(f"/cases/to-do?limit=1{cursor}").json
        paged += [(one["waits_for"], one["case"]["id"]) for one in answer["items"]]
        cursor = f"&cursor={answer['next_cursor']}"
    assert paged == expected and answer["next_cursor"] is None


@pytest.mark.sql
def test_a_work_list_holds_exactly_the_cases_whose_step_the_caller_may_do(empty_app: Flask) -> None:
    random = Random(1258)
    cases = [random_case(random, number) for number in range(120)]
    for case in cases:
        if case.accepted_at is not None:
            case.status = random.choice([status for status in STATUSES if status not in ("reported", "declined")])
            case.asked = random.choice((None, "extension")) if case.status in ("dispatched", "handling") else None
        case.due_at = START + timedelta(minutes=random.randrange(1000)) if case.status in STEP else None
        case.reporting = random.choice(("named", "named", "named", "protected"))
    with empty_app.app_context():
        with unit_of_work() as session:
            keys = [column.key for column in Case.__table__.c]
            session.execute(insert(Case), [{key: getattr(case, key) for key in keys} for case in cases])
            for case in cases:
                session.execute(insert(CaseReporter), _reporter(case, random))
                session.execute(insert(CaseEvent), list(_events(case, random)))
        for _ in range(120):
            caller = random_caller(random)
            expected = [(case.id, one) for case in cases if (one := _step(caller, case)) is not None]
            found = [(one.case.id, one.waits_for) for one in work_list(caller, None, 1000)]
            assert sorted(map(str, found)) == sorted(map(str, expected)), caller
            due = [one.position[1] for one in work_list(caller, None, 1000) if one.position[0] == to_do.DUE]
            assert due == sorted(due)


def _reporter(case: Case, random: Random) -> dict[str, Any]:
    mine = {"case_id": case.id, "tag": tag_of(random.choice(PEOPLE)), "pseudonym": uuid.uuid4()}
    return mine | {"for_caller": False, "occurred_at": case.occurred_at}


def _events(case: Case, random: Random) -> Any:
    for version, action in (
        (1, "report"),
        (2, random.choice(("start", "hand_in", "draft_task", "ask_decline", "raise_secrecy"))),
    ):
        yield {
            "case_id": case.id,
            "version": version,
            "action": action,
            "to_status": case.status,
            "actor_id": random.choice(PEOPLE),
            "actor_role": random.choice(("reporter", "village_officer")),
            "details": {},
            "internal": False,
            "occurred_at": START,
            "recorded_at": START,
        }


def _step(caller: Caller, case: Case) -> str | None:
    """What the case's own page offers of its next step; of two steps granting first."""
    try:
        row, seen = read_case(caller, case.id)
    except NotFound:
        return None
    offered = set(show_one(caller, row, seen)["allowed_actions"])
    protected = case.reporting == "protected"
    steps = [(PROTECTED_STEP if protected else STEP).get(case.status, ""), *(["decline"] if protected else [])]
    for step in ("grant", *steps, "verify", "rate"):
        if offered & STEPS.get(step, set()):
            return step
    return None


@pytest.mark.sql
def test_every_work_list_walks_indexes_only_and_reads_no_more_with_five_times_the_cases(
    empty_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught: list[tuple[Any, dict[str, Any]]] = []
    whole = Prepared.all

    def catch(self: Prepared[Any], **values: Any) -> Any:
        caught.append((self.statement, values))
        return whole(self, **values)

    monkeypatch.setattr(Prepared, "all", catch)
    few, many = 8_000, 40_000  # of fewer PostgreSQL reads a status whole
    work: dict[str, list[int]] = {}
    workers = {who: CALLERS[who] for who in ("grid_worker", "village_officer", "handler", "dispatcher", "inspector")}
    with empty_app.app_context():
        for first, last in ((0, few), (few, many)):
            add_cases(first, last)
            with unit_of_work() as session:
                _put_in_all_states(session)
            for who, grants in workers.items():
                caught.clear()
                found = work_list(Caller(RESIDENT, uuid.uuid4(), "", "", grants), None, 3)
                assert len(found) == 3 and len(caught) == 1 + (who == "grid_worker"), who  # what they have in hand, too
                plan, read = plan_and_work(*caught[-1])
                work.setdefault(who, []).append(read)
                if last == many:
                    assert "ix_cases_to_do" in plan, (who, plan)
                    read_whole = r'"Seq Scan"[^{}]*"Relation Name": "cases"|SCAN cases'
                    assert not re.search(read_whole, plan), (who, plan)
    assert {who: numbers for who, numbers in work.items() if numbers[1] > numbers[0] * 1.3} == {}


def _put_in_all_states(session: Any) -> None:
    """The cases of add_cases, each with a deadline in the order of filing, spread over all statuses."""
    from sqlalchemy import text

    postgresql = session.get_bind().dialect.name == "postgresql"
    number = "CAST(number AS integer)"
    session.execute(text("UPDATE cases SET due_at = occurred_at"))
    for status, rest in (("handled", 1), ("closed", 2), ("reported", 3), ("dispatched", 4), ("checked", 5)):
        session.execute(text(f"UPDATE cases SET status = '{status}' WHERE {number} % 7 = {rest}"))
    session.commit()
    with session.get_bind().connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
        opened.execute(text("VACUUM ANALYZE" if postgresql else "ANALYZE"))
