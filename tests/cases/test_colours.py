"""Steps turn amber and red: who is told, who held the case, and how little the job does for it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, insert, select, text

from backend.cases.acting import act
from backend.cases.facts import HANDLED_IN_TIME
from backend.cases.tables import Case, OverdueStep
from backend.cases.timing import turning
from backend.cases.timing.turning import TURNING, turn_colours
from backend.cases.viewing import read_case
from backend.extensions import db
from backend.http.reading import connection, rows
from backend.http.work import unit_of_work
from backend.outbox.tables import OutboxMessage
from backend.people.access import Caller, Grant
from backend.people.tables import Account
from backend.territory.calendar import WorkCalendar
from tests.cases.test_deadlines import at
from tests.cases.test_facts import figures
from tests.cases.test_list_plans import plan_and_work
from tests.cases.test_protected import clear, protected
from tests.town import TOWN, VILLAGE, People, carry, phone

TEMPLATES = ("work_due_soon", "work_overdue", "duty_call")
MONDAY = at("2026-11-23T09:00")
AMBER, DUE = at("2026-11-25T14:42"), at("2026-11-25T17:30")
"""Of a handling step of two workdays that began on Monday: of 14 open hours 11:12 are over."""


def told(app: Flask) -> list[tuple[str, str]]:
    """Who was told what of deadlines: the role whose phone it is, and the text's name."""
    roles = {
        f"+86{phone(role)}": role for role in ("dispatcher", "committee", "village_officer", "handler", "inspector")
    }
    with app.app_context():
        people = {f"account:{person.id}": person.phone for person in rows(select(Account.id, Account.phone))}
        found = rows(
            select(OutboxMessage.address, OutboxMessage.template)
            .where(OutboxMessage.template.in_(TEMPLATES), OutboxMessage.channel == "notice")
            .order_by(OutboxMessage.created_at, OutboxMessage.template)
        )
    told = [(people.get(message.address), message.template) for message in found]
    return [(roles.get(phone or "", phone or "?"), template) for phone, template in told]


def overdue(app: Flask) -> list[tuple[str, str | None, datetime]]:
    """The steps that ran past their time: step, holder, when they were due."""
    with app.app_context():
        found = rows(select(OverdueStep.step, OverdueStep.holder, OverdueStep.due_at).order_by(OverdueStep.due_at))
    return [tuple(step) for step in found]


def held_case(people: People, upto: str = "start", holder: str = VILLAGE) -> str:
    case = str(people["resident"].file()["id"])
    carry(people, case, upto, holder)
    return case


def run(app: Flask, moment: datetime) -> int:
    with app.app_context(), time_machine.travel(moment, tick=False):
        return turn_colours(moment)


def seen(people: People, case: str, moment: datetime) -> Any:
    with time_machine.travel(moment, tick=False):
        return People(people.client)["dispatcher"].get(f"/cases/{case}").json


def test_a_step_is_green_then_amber_at_four_fifths_of_its_open_time_then_red(people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        case = held_case(people)
    assert (seen(people, case, MONDAY)["due_at"], seen(people, case, MONDAY)["amber_at"]) == (
        DUE.isoformat(),
        AMBER.isoformat(),
    )
    second = timedelta(seconds=1)
    colours = [seen(people, case, moment)["colour"] for moment in (AMBER - second, AMBER, DUE, DUE + second)]
    assert colours == ["green", "amber", "amber", "red"]


def test_a_list_is_filtered_by_colour(people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        case, new = held_case(people), people["resident"].file()["id"]
    for moment, expected in (
        (MONDAY, {"green": {new, case}, "amber": set(), "red": set()}),
        (AMBER, {"green": set(), "amber": {case}, "red": {new}}),
        (DUE + timedelta(seconds=1), {"green": set(), "amber": set(), "red": {new, case}}),
    ):
        with time_machine.travel(moment, tick=False):
            desk = People(people.client)["dispatcher"]
            lists = {
                colour: {item["id"] for item in desk.get(f"/cases?colour={colour}").json["items"]}
                for colour in expected
            }
        assert lists == expected, moment
    assert People(people.client)["dispatcher"].get("/cases?colour=blue").status_code == 422


def test_the_holder_hears_of_amber_and_those_above_of_red_once_each(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        held_case(people)
    assert run(app, AMBER) == 0
    later = AMBER + timedelta(seconds=30)
    assert [run(app, later), run(app, later), run(app, DUE)] == [1, 0, 0]
    assert told(app) == [("village_officer", "work_due_soon")]
    red = DUE + timedelta(seconds=30)
    assert [run(app, red), run(app, red), run(app, red + timedelta(days=9))] == [1, 0, 0]
    assert sorted(told(app)[1:]) == [
        ("+8613800000011", "work_overdue"),  # the other one of the committee
        ("committee", "work_overdue"),
        ("dispatcher", "work_overdue"),
    ]
    assert overdue(app) == [("handle", VILLAGE, DUE)]


def test_a_scheduler_that_slept_over_both_turns_loses_neither_of_them(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        held_case(people)
    assert run(app, DUE + timedelta(days=3)) == 1
    assert {who for who, _ in told(app)} >= {"village_officer", "dispatcher", "committee"}
    assert {text for _, text in told(app)} == {"work_overdue"}
    assert overdue(app) == [("handle", VILLAGE, DUE)]


def test_many_that_turn_at_once_are_one_message_for_each_person(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        for _ in range(3):
            held_case(people)
    assert run(app, AMBER + timedelta(minutes=1)) == 3
    assert told(app) == [("village_officer", "work_due_soon")]


def test_marking_leaves_the_version_alone_so_that_nobody_s_work_is_refused(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        case = held_case(people)
    before = seen(people, case, MONDAY)
    run(app, AMBER + timedelta(minutes=1))
    run(app, DUE + timedelta(minutes=1))
    after = seen(people, case, MONDAY)
    assert after == before


def test_an_action_on_a_case_read_before_it_turned_has_nobody_told_again(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        case, desk = uuid.UUID(held_case(people)), uuid.UUID(people["dispatcher"].get("/me").json["id"])
    caller = Caller(desk, uuid.uuid4(), "", None, (Grant("dispatcher", TOWN),))
    later = AMBER + timedelta(minutes=1)
    with app.app_context():
        read, _ = read_case(caller, case)
        assert turn_colours(later) == 1
        with unit_of_work() as session:
            act(session, caller, read, {"action": "urge"}, WorkCalendar(), later)
        assert turn_colours(later + timedelta(minutes=1)) == 0


def test_a_town_s_own_step_is_held_by_nobody_and_its_desk_is_told(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        people["resident"].file()  # four work hours to accept it: until three
    assert run(app, at("2026-11-23T14:13")) == 1
    assert told(app) == [("dispatcher", "work_due_soon")]
    assert run(app, at("2026-11-23T15:01")) == 1
    assert told(app)[1:] == [("dispatcher", "work_overdue")]  # what nobody has accepted the committee cannot open
    assert overdue(app) == [("accept", None, at("2026-11-23T15:00"))]


def test_who_checks_is_told_of_what_waits_for_a_check(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        held_case(people, upto="hand_in")
    assert run(app, AMBER + timedelta(minutes=1)) == 1
    assert told(app) == [("inspector", "work_due_soon")]


@pytest.mark.parametrize("seen_first", [True, False])
def test_red_counts_against_who_held_it_then_whoever_holds_it_next(
    app: Flask, people: People, seen_first: bool
) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        case = held_case(people)
        frozen.move_to(at("2026-11-05T09:00"))  # due on the 4th
        people.clear()
        if seen_first:
            run(app, at("2026-11-05T09:00"))
        assert people["dispatcher"].act(case, "dispatch", department="sanitation", note="由环卫处理").status_code == 200
        if not seen_first:
            run(app, at("2026-11-05T09:00"))
    assert overdue(app) == [("handle", VILLAGE, at("2026-11-04T17:30"))]
    event = people_timeline(people, case)[-1]
    assert event["ended_step"] == {
        "step": "handle",
        "holder": VILLAGE,
        "due_at": "2026-11-04T17:30:00+08:00",
        "late": True,
    }
    assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (0, 1)}


def people_timeline(people: People, case: str) -> list[Any]:
    with time_machine.travel(at("2026-11-05T10:00"), tick=False):
        items: list[Any] = People(people.client)["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    return items


def test_what_a_holder_gives_back_on_leaving_counts_against_them(app: Flask, people: People) -> None:
    from backend.cases.handing_over import hand_over
    from backend.people.leaving import closing

    with time_machine.travel(MONDAY, tick=False):
        held_case(people, holder="sanitation")
    late = at("2026-11-27T09:00")
    with app.app_context(), time_machine.travel(late, tick=False), unit_of_work() as session:
        assert hand_over(session, None, [closing("sanitation", TOWN)], None, late) == 1
    assert overdue(app) == [("handle", "sanitation", DUE)]


def test_an_extension_is_green_again_and_what_turned_red_before_stays_on_record(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        case = held_case(people)
    late = at("2026-11-26T09:00")
    run(app, late)
    with time_machine.travel(late, tick=False):
        people = People(people.client)
        wanted = {"reason": "等待材料", "until": "2026-12-03T17:30:00+08:00"}
        assert people["village_officer"].act(case, "ask_extension", **wanted).status_code == 200
        granted = people["dispatcher"].act(case, "extend").json
    # Five open days from Friday on; four of them are over on Wednesday at half past five.
    assert (granted["colour"], granted["amber_at"]) == ("green", "2026-12-02T17:30:00+08:00")
    assert overdue(app) == [("handle", VILLAGE, DUE)]
    assert run(app, at("2026-12-02T17:31")) == 1 and run(app, at("2026-12-03T17:31")) == 1
    assert [due for _, _, due in overdue(app)] == [DUE, at("2026-12-03T17:30")]


def test_while_suspended_a_step_turns_no_colour(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        case = held_case(people)
        wanted = {"reason": "等待拆迁", "until": "2026-12-07T09:00:00+08:00"}
        assert people["village_officer"].act(case, "ask_suspension", **wanted).status_code == 200
        suspended = people["dispatcher"].act(case, "suspend").json
    # Two days were left, and are left from Monday the 7th on; a fifth of them is 2:48 before closing time.
    assert (suspended["due_at"], suspended["amber_at"]) == ("2026-12-09T17:30:00+08:00", "2026-12-09T14:42:00+08:00")
    assert run(app, at("2026-12-09T14:42")) == 0
    assert run(app, at("2026-12-09T14:43")) == 1


def test_only_the_cleared_are_told_of_a_protected_report(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        clear(people)
        assert people["resident"].post("/cases", protected()).status_code == 201
    assert run(app, at("2026-12-31T09:00")) == 1
    assert told(app) == [("dispatcher", "work_overdue")]


def test_where_none_of_those_above_may_see_a_case_the_next_who_may_is_told(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        for role in ("dispatcher", "inspector"):
            clear(people, role)
        assert people["resident"].post("/cases", protected()).status_code == 201
        held_case(people)
        desk = people["dispatcher"].get("/me").json["id"]
        entry = {"account_id": desk, "area_code": VILLAGE, "reason": "亲属任职"}
        assert people["admin"].post("/conflicts", entry).status_code == 201
    assert run(app, at("2026-11-23T15:01")) == 1  # the protected report is to be accepted by three
    assert told(app) == [("inspector", "work_overdue")]
    assert run(app, DUE + timedelta(minutes=1)) == 1
    assert {who for who, text in told(app)[1:] if text == "work_overdue"} == {
        "committee",
        "+8613800000011",
        "village_officer",
    }


# --- how little the job does -------------------------------------------------------------------------------------


def add_open_cases(count: int, due: datetime, first: int = 0) -> None:
    """Cases that a village handles, due one after the other from an instant on."""
    empty = dict.fromkeys(column.key for column in Case.__table__.c)
    kept = [
        empty
        | {"id": uuid.UUID(int=number << 80 | 1), "number": str(number), "town_code": TOWN, "village_code": VILLAGE}
        | {"area_code": f"{VILLAGE}001", "status": "handling", "version": 4, "category": "litter", "description": "灯"}
        | {"reporting": "named", "occurred_at": MONDAY, "recorded_at": MONDAY, "accepted_at": MONDAY, "holder": VILLAGE}
        | {"step_started_at": MONDAY, "case_started_at": MONDAY, "case_due_at": due + timedelta(days=30)}
        | {"due_at": due + timedelta(seconds=number), "amber_at": due - timedelta(days=1)}
        | {"turns_at": due + timedelta(seconds=number)}
        for number in range(first, first + count)
    ]
    with unit_of_work() as session:
        session.execute(insert(Case), kept)


@pytest.mark.sql
def test_the_job_walks_an_index_of_what_is_to_turn_however_many_cases_there_are(empty_app: Flask) -> None:
    with empty_app.app_context():
        work = []
        for first, count in ((0, 3_000), (3_000, 12_000)):
            add_open_cases(count, DUE + timedelta(days=first), first)
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
                opened.execute(text("VACUUM ANALYZE" if opened.dialect.name == "postgresql" else "ANALYZE"))
            now = DUE + timedelta(seconds=30)
            plan, touched = plan_and_work(TURNING, {"now": now, "most": turning.BATCH})
            assert "ix_cases_turning" in plan, plan
            assert "Seq Scan" not in plan and "SCAN cases" not in plan and "TEMP B-TREE" not in plan, plan
            work.append(touched)
        assert work[1] <= work[0] * 1.1
        assert turn_colours(now) == 30
        assert rows(select(func.count()).select_from(OverdueStep))[0][0] == 30
        assert rows(select(func.count()).where(Case.turns_at.is_(None)))[0][0] == 30
        assert connection().dialect.name in ("sqlite", "postgresql")


def test_many_are_marked_in_small_units_of_work(empty_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    turn = turning._Run.turn

    def counted(self: Any, batch: Any) -> Any:
        sizes.append(len(batch))
        return turn(self, batch)

    monkeypatch.setattr(turning._Run, "turn", counted)
    with empty_app.app_context():
        add_open_cases(450, DUE)
        assert turn_colours(DUE + timedelta(days=1)) == 450
        assert sum(sizes) == 450 and max(sizes) <= turning.BATCH and len(sizes) >= 3
        assert turn_colours(DUE + timedelta(days=1)) == 0
