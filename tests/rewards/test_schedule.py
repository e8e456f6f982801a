"""Every period that ended gets one run, whoever starts it and however often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from backend.extensions import db
from backend.http.work import unit_of_work
from backend.rewards.schedule import run_ended_periods
from backend.rewards.tables import Run
from backend.territory.tables import Area
from tests.rewards.conftest import NOW, OTHER_TOWN, SHANGHAI, TOWN, RewardsTown

pytestmark = pytest.mark.sql


def periods(town: RewardsTown, of: str = TOWN) -> list[str]:
    with town.app.app_context():
        return sorted(db.session.scalars(select(Run.period).where(Run.town == of)))


def look(town: RewardsTown, now: datetime) -> None:
    with town.app.app_context():
        run_ended_periods(now)


def test_a_month_a_quarter_and_a_year_are_run_when_they_have_ended(town: RewardsTown) -> None:
    town.ordinary_october()
    end = datetime(2026, 11, 1, tzinfo=SHANGHAI)
    look(town, end - timedelta(seconds=1))
    assert periods(town) == []
    look(town, end)
    assert periods(town) == ["2026-10"]
    look(town, datetime(2027, 1, 1, tzinfo=SHANGHAI))
    assert periods(town) == ["2026", "2026-10", "2026-Q4"]


def test_looking_again_changes_nothing_even_when_facts_came_late(town: RewardsTown) -> None:
    town.ordinary_october()
    look(town, NOW)
    town.correct("handled_in_time", "003", 10)
    look(town, NOW + timedelta(days=1))
    assert periods(town) == ["2026-10"]


def test_a_period_without_a_fact_gets_no_run(town: RewardsTown) -> None:
    look(town, NOW)
    assert periods(town) == []


def test_a_provisional_run_does_not_stand_for_the_final_one(
    town: RewardsTown, travel: Callable[[datetime], None]
) -> None:
    town.ordinary_october()
    travel(datetime(2026, 10, 20, tzinfo=SHANGHAI))
    assert town.run(town.person("committee"))["provisional"]
    look(town, NOW)
    assert periods(town) == ["2026-10", "2026-10"]


def test_every_town_gets_its_own_runs_started_by_nobody(town: RewardsTown) -> None:
    town.ordinary_october()
    town.happened("handled_in_time", "001", 1, 1, town=OTHER_TOWN)
    look(town, NOW)
    assert (periods(town), periods(town, OTHER_TOWN)) == (["2026-10"], ["2026-10"])
    with town.app.app_context():
        assert set(db.session.scalars(select(Run.started_by))) == {None}


def test_a_town_whose_villages_are_not_entered_yet_stands_in_nobodys_way(town: RewardsTown) -> None:
    town.ordinary_october()
    empty = {"code": "440605100", "name": "新镇", "kind": "town", "demonstration": False}
    with town.app.app_context(), unit_of_work() as session:
        session.execute(insert(Area), empty)
    look(town, NOW)
    assert periods(town) == ["2026-10"]


def test_two_schedulers_at_once_make_each_run_once(town: RewardsTown) -> None:
    town.ordinary_october()
    together, failed = threading.Barrier(3), []

    def work() -> None:
        try:
            together.wait()
            look(town, datetime(2027, 1, 1, tzinfo=SHANGHAI))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert periods(town) == ["2026", "2026-10", "2026-Q4"]
