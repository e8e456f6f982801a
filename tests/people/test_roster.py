"""Who holds a grid at a given moment: its worker, else its substitute, else the village's, else the dispatcher."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.ids import new_id
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.outbox.sharing import share_out
from backend.outbox.tables import OutboxMessage
from backend.people.access import SUBSTITUTE
from backend.people.roster import Duty, Leave, Roster, holder_of
from backend.people.roster_tables import Absence, StandIn
from backend.people.stand_ins import watch_roster
from backend.people.tables import Account, RoleAssignment
from tests.town import TOWN, VILLAGE, People, carry

GRIDS = ("440605121012001", "440605121012002", "440605121013001")
PLACES = {"grid_worker": (*GRIDS, VILLAGE), SUBSTITUTE: (*GRIDS, VILLAGE), "dispatcher": (TOWN, "440605122")}
FIRST = date(2026, 3, 1)
START = datetime(2026, 3, 1, tzinfo=TOWN_ZONE)
PEOPLE = [uuid.UUID(int=number) for number in range(4)]


@st.composite
def duties(draw: st.DrawFn) -> list[Duty]:
    made = []
    for number in range(draw(st.integers(0, 8))):
        role = draw(st.sampled_from(sorted(PLACES)))
        since = FIRST + timedelta(days=draw(st.integers(0, 6)))
        until = draw(st.none() | st.integers(0, 5).map(lambda days, since=since: since + timedelta(days=days)))
        ended = draw(st.none() | st.integers(0, 200).map(lambda hours: START + timedelta(hours=hours)))
        place, person = draw(st.sampled_from(PLACES[role])), draw(st.sampled_from(PEOPLE))
        made.append(Duty(uuid.UUID(int=number), person, role, place, since, until, ended))
    return draw(st.permutations(made))


leaves = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.integers(0, 200), st.none() | st.integers(1, 100)).map(
        lambda drawn: Leave(
            drawn[0],
            START + timedelta(hours=drawn[1]),
            None if drawn[2] is None else START + timedelta(hours=drawn[1] + drawn[2]),
        )
    ),
    max_size=5,
)
moments = st.integers(-5, 230).map(lambda hours: START + timedelta(hours=hours))


def slowly(grid: str, moment: datetime, held: list[Duty], away: list[Leave]) -> tuple[uuid.UUID, str] | None:
    """The rule word by word: look at every duty for every step of the way."""
    steps = [
        ("grid_worker", grid, "grid_worker"),
        ("grid_worker", grid[:12], "grid_worker"),
        ("grid_worker", grid[:9], "grid_worker"),
        ("grid_substitute", grid, "grid_substitute"),
        ("grid_substitute", grid[:12], "village_substitute"),
        ("dispatcher", grid[:9], "dispatcher"),
    ]
    for role, area, acting_as in steps:
        found = []
        for duty in held:
            begun = datetime.combine(duty.valid_from, datetime.min.time(), TOWN_ZONE) <= moment
            over = duty.valid_to is not None and moment >= datetime.combine(
                duty.valid_to + timedelta(days=1), datetime.min.time(), TOWN_ZONE
            )
            over = over or (duty.ended_at is not None and duty.ended_at <= moment)
            gone = [
                leave
                for leave in away
                if leave.account_id == duty.account_id
                and leave.begins_at <= moment
                and not (leave.ends_at is not None and leave.ends_at <= moment)
            ]
            if duty.role == role and duty.area_code == area and begun and not over and not gone:
                found.append((duty.valid_from, duty.id, duty.account_id))
        if found:
            return min(found)[2], acting_as
    return None


@given(grid=st.sampled_from(GRIDS), moment=moments, held=duties(), away=leaves)
def test_the_holder_is_the_one_whom_the_rule_names_word_by_word(
    grid: str, moment: datetime, held: list[Duty], away: list[Leave]
) -> None:
    assert Roster(held, away, moment).holder(grid) == slowly(grid, moment, held, away)


def account(phone_end: int) -> uuid.UUID:
    with unit_of_work() as session:
        return session.execute(select(Account.id).where(Account.phone == f"+861380000{phone_end:04d}")).scalar_one()


def grid_of_worker() -> str:
    with unit_of_work() as session:
        found = select(RoleAssignment.area_code).where(RoleAssignment.role == "grid_worker")
        return session.execute(found).scalar_one()


def appoint(person: uuid.UUID, role: str, area: str, since: date | None = None) -> None:
    with unit_of_work() as session:
        row = {"id": new_id(), "account_id": person, "role": role, "area_code": area, "department": None}
        session.execute(insert(RoleAssignment), row | {"valid_from": since or clock.now().date()})


def send_away(person: uuid.UUID, begins: datetime, ends: datetime | None = None) -> None:
    with unit_of_work() as session:
        row = {"id": new_id(), "account_id": person, "begins_at": begins, "ends_at": ends}
        session.execute(insert(Absence), row | {"reason": "leave", "version": 1})


@given(moment=moments, held=duties(), away=leaves)
def test_the_caller_reads_the_same_roster_from_any_order(moment: datetime, held: list[Duty], away: list[Leave]) -> None:
    assert [Roster(held, away, moment).holder(grid) for grid in GRIDS] == [
        Roster(list(reversed(held)), list(reversed(away)), moment).holder(grid) for grid in GRIDS
    ]


def test_a_grid_goes_from_its_worker_to_the_substitutes_and_at_last_to_the_dispatcher(app: Flask) -> None:
    with app.app_context():
        grid, now = grid_of_worker(), clock.now()
        worker, substitute, villages, dispatcher = account(3), account(1), account(2), account(6)
        appoint(substitute, SUBSTITUTE, grid)
        appoint(villages, SUBSTITUTE, VILLAGE)
        seen = []
        for absent in (worker, substitute, villages, dispatcher):
            seen.append(holder_of(grid, now))
            send_away(absent, now)
        assert seen == [
            (worker, "grid_worker"),
            (substitute, "grid_substitute"),
            (villages, "village_substitute"),
            (dispatcher, "dispatcher"),
        ]
        assert holder_of(grid, now) is None
        assert holder_of(grid, now - timedelta(seconds=1)) == (worker, "grid_worker")


def test_a_substitute_does_the_workers_work_while_the_worker_is_away_and_it_is_put_down_so(
    app: Flask, people: People
) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "dispatch")
    with app.app_context():
        grid, substitute = grid_of_worker(), account(2)
        appoint(substitute, SUBSTITUTE, grid)
        person = people["party_member"]
        assert person.get(f"/cases/{case}").status_code == 404
        now = clock.now()
        send_away(account(3), now - timedelta(hours=1), now + timedelta(days=1))
    held = [role for role in person.get("/me").json["roles"] if role.get("acting_as")]
    assert held == [{"role": "grid_worker", "area_code": grid, "acting_as": SUBSTITUTE}]
    assert person.act(case, "start").status_code == 200
    steps = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    assert steps[-1]["actor"]["role"] == SUBSTITUTE
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Absence).values(ends_at=clock.now()))
    assert person.get(f"/cases/{case}").status_code == 404
    assert people["grid_worker"].get(f"/cases/{case}").status_code == 200


def told(app: Flask) -> list[str]:
    with app.app_context(), unit_of_work() as session:
        found = select(OutboxMessage.address).where(OutboxMessage.template == "stand_in")
        return sorted(session.execute(found).scalars())


def test_whoever_comes_to_hold_grids_is_told_once_however_many_they_are(app: Flask) -> None:
    with app.app_context():
        watch_roster(clock.now())
        watch_roster(clock.now())
    with app.app_context():
        assert told(app) == [f"account:{account(6)}"]
    with app.app_context():
        grid, now = grid_of_worker(), clock.now()
        appoint(account(2), SUBSTITUTE, grid)
        send_away(account(3), now)
        assert watch_roster(now) == 1 and watch_roster(now) == 0
        with unit_of_work() as session:
            kept = session.execute(select(StandIn.account_id).where(StandIn.grid_code == grid)).scalar_one()
            actions = session.execute(select(LedgerEntry.action).where(LedgerEntry.thing_kind == "roster")).scalars()
            assert kept == account(2) and list(actions) == ["stand_in", "stand_in"]
    with app.app_context():
        assert told(app) == sorted(f"account:{account(person)}" for person in (2, 6))
    with app.app_context():
        assert watch_roster(now - timedelta(seconds=1)) == 1, "the worker is back"
        with unit_of_work() as session:
            assert session.execute(select(StandIn).where(StandIn.grid_code == grid)).first() is None
    assert len(told(app)) == 2


def test_the_roster_goes_on_with_a_holder_whose_number_went_to_somebody_else(app: Flask) -> None:
    with app.app_context():
        with unit_of_work() as session:
            session.execute(update(Account).where(Account.id == account(6)).values(phone=None))
        assert watch_roster(clock.now()) > 0 and watch_roster(clock.now()) == 0
        while share_out(("sms",), clock.now()):
            pass
        with unit_of_work() as session:
            left = session.execute(select(OutboxMessage.channel)).scalars().all()
    assert left == ["notice"], "it stands in their inbox, and goes to nobody's phone"


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_a_role_is_held_from_its_first_to_its_last_day(app: Flask, days: int) -> None:
    with app.app_context():
        day = datetime(2026, 5, 4, 12, tzinfo=TOWN_ZONE)
        with unit_of_work() as session:
            values = {"valid_from": day.date(), "valid_to": day.date()}
            session.execute(update(RoleAssignment).where(RoleAssignment.role == "grid_worker").values(values))
        holder = holder_of(grid_of_worker(), day + timedelta(days=days))
        assert holder is not None and holder.acting_as == ("dispatcher" if days else "grid_worker")
