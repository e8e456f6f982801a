"""A run is known by its period, its rules and its facts; started again it is the same run."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.extensions import db
from backend.http.reading import connection
from backend.http.work import unit_of_work
from backend.ledger import chain
from backend.ledger.tables import LedgerEntry
from backend.ledger.verifying import verify
from backend.rewards.rule_sets import load_rule_set, read_rule_set
from backend.rewards.running import RuleSetChanged, keep, work_out
from backend.rewards.snapshot import FactNotPublished
from backend.rewards.tables import Run, RunValue, RunVillage, UsedRuleSet
from backend.rewards.towns import read_town
from backend.territory.periods import read_period
from tests.rewards.conftest import NOW, OTHER_TOWN, SHANGHAI, TOWN, VILLAGES, RewardsTown

pytestmark = pytest.mark.sql

Travel = Callable[[datetime], None]


def count(town: RewardsTown, table: Any) -> int:
    with town.app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def ranks(town: RewardsTown, run: dict[str, Any], who: Any) -> dict[str, int | None]:
    ranking = town.get(f"/runs/{run['id']}/ranking", who).json
    assert ranking
    return {one["code"][9:]: one["rank"] for one in ranking["items"]}


def test_a_run_scores_every_village_of_the_town_and_no_other(town: RewardsTown) -> None:
    town.ordinary_october()
    town.happened("handled_in_time", "001", 10, 10, town=OTHER_TOWN)
    town.happened("handled_in_time", "999", 10, 10)
    committee = town.person("committee")
    answered = town.post("/runs", committee, {"period": "2026-10"})
    assert answered.status_code == 201
    run = answered.json
    assert run and (run["town"], run["status"], run["provisional"]) == (TOWN, "draft", False)
    assert run["started_by"] == str(committee.account)
    assert run["period_start"].startswith("2026-10-01T00:00:00") and run["period_end"].startswith("2026-11-01T00:00:00")
    ranking = town.get(f"/runs/{run['id']}/ranking", committee).json
    assert ranking and ranking["next_cursor"] is None
    assert [(one["code"], one["name"]) for one in ranking["items"]] == [
        (code, VILLAGES[code]) for code in (f"{TOWN}{number}" for number in ("001", "003", "004", "006", "201"))
    ]


def test_scores_follow_from_the_facts_by_weights_and_goalposts(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    ranking = town.get(f"/runs/{town.run(committee)['id']}/ranking", committee).json
    assert ranking
    first, second, third, little, nothing = ranking["items"]
    # In time 9 of 10: 60 × (0.9 − 0.1) / 0.8; no rework: 25; one point of two open: 15 × ½.
    assert (first["rank"], first["score"], first["flags"]) == (1, 92.5, [])
    assert [one["points"] for one in first["indicators"]] == [60, 25, 7.5]
    assert [one["weight"] for one in first["indicators"]] == [0.6, 0.25, 0.15]
    # 60 × 0.4 / 0.8 + 25 × (1 − 0.1 / 0.5) + 7.5; two villages alike share the rank.
    assert [(one["rank"], one["score"]) for one in (second, third)] == [(2, 57.5), (2, 57.5)]
    assert (little["rank"], little["score"], little["flags"]) == (None, None, ["incomplete", "unranked"])
    assert [one["value"] for one in little["indicators"]] == [None, None, 1]
    assert (nothing["rank"], nothing["flags"]) == (None, ["incomplete", "unranked"])


def test_facts_on_the_edges_of_a_period_belong_to_it_or_to_the_next(town: RewardsTown) -> None:
    edges = [(2026, 9, 30, 23, 59, 59), (2026, 10, 1, 0, 0, 0), (2026, 10, 31, 23, 59, 59), (2026, 11, 1, 0, 0, 0)]
    for edge in edges:
        town.happened("handled_in_time", "001", 1, 1, at=datetime(*edge, tzinfo=SHANGHAI))
    committee = town.person("committee")
    ranking = town.get(f"/runs/{town.run(committee)['id']}/ranking", committee).json
    assert ranking and ranking["items"][0]["indicators"][0]["exposure"] == 2


def test_a_run_started_again_with_nothing_new_is_the_same_run(town: RewardsTown, travel: Travel) -> None:
    town.ordinary_october()
    first = town.post("/runs", town.person("committee"), {"period": "2026-10"})
    travel(NOW + timedelta(hours=3))
    again = town.post("/runs", town.person("dispatcher"), {"period": "2026-10"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json and again.json and again.json["id"] == first.json["id"]
    assert again.json["started_at"] == first.json["started_at"]
    assert (count(town, Run), count(town, RunVillage)) == (1, 5)


def test_a_changed_fact_makes_another_run_and_leaves_the_first_as_it_was(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    first = town.run(committee)
    before = town.get(f"/runs/{first['id']}/ranking", committee).json
    town.correct("handled_in_time", "003", 10)
    second = town.run(committee)
    assert second["id"] != first["id"] and second["facts_hash"] != first["facts_hash"]
    assert (ranks(town, first, committee)["004"], ranks(town, second, committee)["004"]) == (2, 3)
    assert town.get(f"/runs/{first['id']}/ranking", committee).json == before


def test_two_starts_at_once_give_one_run(town: RewardsTown) -> None:
    town.ordinary_october()
    together = threading.Barrier(4)
    got: list[tuple[uuid.UUID, bool]] = []
    failed: list[BaseException] = []

    def start() -> None:
        try:
            with town.app.app_context():
                ranked = read_town(TOWN)
                outcome = work_out(ranked, read_period("2026-10", ranked.zone), load_rule_set(), NOW)
                together.wait()
                with unit_of_work() as session:
                    got.append(keep(session, outcome, None))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len({run for run, _ in got}) == 1 and sorted(new for _, new in got) == [False, False, False, True]
    assert (count(town, Run), count(town, RunVillage), count(town, RunValue)) == (1, 5, 15)


def test_the_first_runs_of_two_periods_at_once_are_both_kept(town: RewardsTown) -> None:
    town.ordinary_october()
    together = threading.Barrier(2)
    failed: list[BaseException] = []

    def start(period: str) -> None:
        try:
            with town.app.app_context():
                ranked = read_town(TOWN)
                outcome = work_out(ranked, read_period(period, ranked.zone), load_rule_set(), NOW)
                together.wait()
                with unit_of_work() as session:
                    keep(session, outcome, None)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=start, args=[period]) for period in ("2026-10", "2026-Q4")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert (count(town, Run), count(town, UsedRuleSet)) == (2, 1)


def test_a_period_still_running_gives_a_provisional_run_and_its_end_another(town: RewardsTown, travel: Travel) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    early = town.run(committee, "2026-Q4")
    assert early["provisional"] is True
    travel(datetime(2027, 1, 1, tzinfo=SHANGHAI))
    committee = town.person("committee")
    final = town.run(committee, "2026-Q4")
    # Nothing has happened since, and yet the final run is one of its own.
    assert final["provisional"] is False and final["id"] != early["id"]


def test_what_falls_due_later_in_a_period_still_running_is_not_counted_yet(town: RewardsTown) -> None:
    town.happened("handled_in_time", "001", 1, 1, at=NOW - timedelta(hours=1))
    town.happened("handled_in_time", "001", 0, 1, at=NOW + timedelta(hours=1))
    committee = town.person("committee")
    ranking = town.get(f"/runs/{town.run(committee, '2026-11')['id']}/ranking", committee).json
    assert ranking and ranking["items"][0]["indicators"][0]["exposure"] == 1


def test_a_period_to_come_and_a_text_that_is_no_period_are_refused_and_nothing_is_written(town: RewardsTown) -> None:
    committee = town.person("committee")
    for body, code in (
        ({"period": "2026-12"}, "period_not_begun"),
        ({"period": "2026-13"}, "bad_period"),
        ({"period": "October"}, "bad_period"),
        ({"period": "2026\x00"}, "invalid"),
        ({"period": 2026}, "invalid"),
        ({"period": "2026-10", "village": "x"}, "invalid"),
        ({}, "invalid"),
        ({"period": "2026-10", "town": "44060512"}, "invalid"),
    ):
        answered = town.post("/runs", committee, body)
        assert (answered.status_code, answered.json and answered.json["code"]) == (422, code), body
        assert answered.content_type == "application/problem+json"
    assert (count(town, Run), count(town, UsedRuleSet)) == (0, 0)


def test_the_message_about_a_period_comes_in_both_languages(town: RewardsTown) -> None:
    committee = town.person("committee")
    chinese = town.post("/runs", committee, {"period": "2026-13"}).json
    english = town.post("/runs", committee, {"period": "2026-13"}, Accept_Language="en").json
    assert chinese and "季度" in chinese["detail"] and "季度" in chinese["errors"]["period"][0]
    assert english and "quarter" in english["detail"] and "quarter" in english["errors"]["period"][0]


def test_a_resent_start_gets_the_first_answer_again(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    first = town.post("/runs", committee, {"period": "2026-10"}, Idempotency_Key="k1")
    town.correct("handled_in_time", "003", 10)
    again = town.post("/runs", committee, {"period": "2026-10"}, Idempotency_Key="k1")
    assert (again.status_code, again.data) == (201, first.data)
    assert town.post("/runs", committee, {"period": "2026-Q3"}, Idempotency_Key="k1").status_code == 422


@pytest.mark.parametrize(
    "role", ["resident", "party_member", "grid_worker", "village_officer", "handler", "inspector", "admin", "auditor"]
)
def test_only_the_committee_and_the_dispatch_desk_start_runs(town: RewardsTown, role: str) -> None:
    assert town.post("/runs", town.person(role), {"period": "2026-10"}).status_code == 404
    assert count(town, Run) == 0


def test_nobody_starts_a_run_without_signing_in_or_for_another_town(town: RewardsTown) -> None:
    assert town.post("/runs", None, {"period": "2026-10"}).status_code == 401
    elsewhere = town.post("/runs", town.person("committee"), {"period": "2026-10", "town": OTHER_TOWN})
    nowhere = town.post("/runs", town.person("committee"), {"period": "2026-10", "town": "999999999"})
    assert elsewhere.status_code == nowhere.status_code == 404
    assert elsewhere.data == nowhere.data


def test_a_member_of_another_towns_committee_runs_that_town(town: RewardsTown) -> None:
    town.happened("handled_in_time", "001", 1, 1, town=OTHER_TOWN)
    run = town.run(town.person("committee", OTHER_TOWN))
    assert run["town"] == OTHER_TOWN


def test_the_ledger_tells_of_a_run_and_its_chain_holds(town: RewardsTown) -> None:
    town.ordinary_october()
    run = town.run(town.person("committee"))
    town.run(town.person("committee"))
    with town.app.app_context():
        told = db.session.scalars(select(LedgerEntry).where(LedgerEntry.thing_id == run["id"])).all()
        assert [(one.action, one.thing_version, one.chain) for one in told] == [("start_run", 1, TOWN)]
        db.session.rollback()
        chain.seal()
        assert verify(connection(), TOWN).fault is None


def test_a_rule_set_changed_after_its_use_is_refused(town: RewardsTown) -> None:
    town.ordinary_october()
    town.run(town.person("committee"))
    document = dict(load_rule_set().document) | {"least_weight": 0.1}
    with town.app.app_context():
        ranked = read_town(TOWN)
        changed = work_out(ranked, read_period("2026-10", ranked.zone), read_rule_set(document), NOW)
        with pytest.raises(RuleSetChanged), unit_of_work() as session:
            keep(session, changed, None)
        better = read_rule_set(document | {"version": 2})
        with unit_of_work() as session:
            _, new = keep(session, work_out(ranked, read_period("2026-10", ranked.zone), better, NOW), None)
    assert new and count(town, Run) == 2


def test_a_rule_set_that_needs_a_fact_nobody_publishes_is_refused(town: RewardsTown) -> None:
    del town.app.extensions["registry"].facts["rework"]
    with town.app.app_context():
        ranked, october = read_town(TOWN), read_period("2026-10", SHANGHAI)
        with pytest.raises(FactNotPublished, match="rework"):
            work_out(ranked, october, load_rule_set(), NOW)


def test_all_facts_are_read_at_one_instant(town: RewardsTown) -> None:
    """A writer that commits between two facts is seen by none of them."""
    town.happened("handled_in_time", "001", 1, 1)
    facts = town.app.extensions["registry"].facts

    class Meddling(dict):  # type: ignore[type-arg]
        def __getitem__(self, name: str) -> Any:
            if name == "rework":
                thread = threading.Thread(target=lambda: town.happened("rework", "001", 1, 1))
                thread.start()
                thread.join()
            return super().__getitem__(name)

    town.app.extensions["registry"].facts = Meddling(facts)
    with town.app.app_context():
        ranked = read_town(TOWN)
        outcome = work_out(ranked, read_period("2026-10", ranked.zone), load_rule_set(), NOW)
        later = work_out(ranked, read_period("2026-10", ranked.zone), load_rule_set(), NOW)
    assert outcome.snapshot.evidence["handled_in_time"] and not outcome.snapshot.evidence["rework"]
    assert later.snapshot.evidence["rework"]


def test_the_hash_of_the_facts_does_not_hang_on_the_database(town: RewardsTown) -> None:
    town.ordinary_october()
    run = town.run(town.person("committee"))
    assert run["facts_hash"] == "d12f7536d3e44987c4e53fbba14ce737827cdd82f7251bd7cdcd383b5401b08c"
