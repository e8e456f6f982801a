"""A ranking is published by two people, never of a period still running, and never twice."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from backend.extensions import db
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.rewards import publishing
from backend.rewards.publishing import (
    STEPS,
    AlreadyPublished,
    ProvisionalRun,
    SecondPersonNeeded,
    next_step,
    publish,
)
from backend.rewards.tables import Run
from tests.rewards.conftest import NOW, OTHER_TOWN, RewardsTown

pytestmark = pytest.mark.sql

ME, YOU = uuid.uuid4(), uuid.uuid4()


def test_the_first_person_proposes_and_a_second_one_publishes() -> None:
    assert next_step("draft", False, None, ME).to == "proposed"
    assert next_step("proposed", False, ME, YOU).to == "published"
    assert {step.to for step in STEPS.values()} == {"proposed", "published"}


def test_nobody_publishes_alone_or_again_or_a_provisional_run() -> None:
    with pytest.raises(SecondPersonNeeded):
        next_step("proposed", False, ME, ME)
    with pytest.raises(AlreadyPublished):
        next_step("published", False, ME, YOU)
    for status in ("draft", "proposed"):
        with pytest.raises(ProvisionalRun):
            next_step(status, True, ME, YOU)  # type: ignore[arg-type]


def test_two_members_of_the_committee_publish_a_ranking_for_everybody(town: RewardsTown) -> None:
    town.ordinary_october()
    first, second = town.person("committee"), town.person("committee")
    run = town.run(first)
    path = f"/runs/{run['id']}"
    assert town.get(f"{path}/ranking").status_code == 404
    proposed = town.post(f"{path}/publish", first)
    assert proposed.status_code == 202 and proposed.json
    assert (proposed.json["status"], proposed.json["proposed_by"]) == ("proposed", str(first.account))
    alone = town.post(f"{path}/publish", first)
    assert (alone.status_code, alone.json and alone.json["code"]) == (409, "second_person_needed")
    assert town.get(f"{path}/ranking").status_code == 404
    published = town.post(f"{path}/publish", second)
    assert published.status_code == 200 and published.json
    assert (published.json["status"], published.json["published_by"]) == ("published", str(second.account))
    assert town.get(f"{path}/ranking").status_code == 200
    again = town.post(f"{path}/publish", first)
    assert (again.status_code, again.json and again.json["code"]) == (409, "already_published")


def test_a_provisional_run_is_not_published(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    run = town.run(committee, "2026-11")
    refused = town.post(f"/runs/{run['id']}/publish", committee)
    assert (refused.status_code, refused.json and refused.json["code"]) == (409, "provisional_run")
    assert refused.content_type == "application/problem+json"
    seen = town.get(f"/runs/{run['id']}", committee).json
    assert seen and seen["status"] == "draft"


def test_a_run_that_ranks_nobody_is_not_published_and_one_ranked_village_is_enough(town: RewardsTown) -> None:
    committee = town.person("committee")
    empty = town.run(committee, "1999-01")
    refused = town.post(f"/runs/{empty['id']}/publish", committee)
    assert (refused.status_code, refused.json and refused.json["code"]) == (409, "nothing_ranked")
    seen = town.get(f"/runs/{empty['id']}", committee).json
    assert seen and seen["status"] == "draft"
    for fact in ("handled_in_time", "rework", "open_service_points"):
        town.happened(fact, "001", 9, 10)
    town.publish(town.run(committee))


def test_a_second_ranking_of_a_published_period_is_not_published(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    town.publish(town.run(committee))
    town.correct("handled_in_time", "003", 10)
    later = town.run(committee)
    refused = town.post(f"/runs/{later['id']}/publish", committee)
    assert (refused.status_code, refused.json and refused.json["code"]) == (409, "already_published")


def at_once(town: RewardsTown, *asked: tuple[str, uuid.UUID]) -> list[str]:
    """Ask to publish from several threads at once; what each reached, or the Problem it met."""
    together, got = threading.Barrier(len(asked)), []

    def ask(run: str, actor: uuid.UUID) -> None:
        with town.app.app_context():
            together.wait()
            try:
                with unit_of_work() as session:
                    got.append(publish(session, uuid.UUID(run), actor, NOW))
            except Exception as error:
                got.append(type(error).__name__)

    threads = [threading.Thread(target=ask, args=one) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(got)


def two_proposed_rankings_of_october(town: RewardsTown) -> list[str]:
    town.ordinary_october()
    first = town.run(town.person("committee"))
    town.correct("handled_in_time", "003", 10)
    second = town.run(town.person("committee"))
    for run in (first, second):
        assert town.post(f"/runs/{run['id']}/publish", town.person("committee")).status_code == 202
    return [first["id"], second["id"]]


def statuses(town: RewardsTown) -> list[str]:
    with town.app.app_context():
        return sorted(db.session.scalars(select(Run.status)))


def test_two_rankings_of_a_period_published_at_once_leave_one_published(town: RewardsTown) -> None:
    first, second = two_proposed_rankings_of_october(town)
    assert at_once(town, (first, YOU), (second, YOU)) == ["AlreadyPublished", "published"]
    assert statuses(town) == ["proposed", "published"]


def test_the_database_itself_refuses_a_second_published_ranking_of_a_period(
    town: RewardsTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_proposed_rankings_of_october(town)
    monkeypatch.setattr(publishing, "_published", lambda session, run: None)
    assert at_once(town, (first, YOU), (second, YOU)) == ["AlreadyPublished", "published"]
    assert statuses(town) == ["proposed", "published"]


def test_of_two_people_who_ask_at_once_one_proposes_and_the_other_publishes(town: RewardsTown) -> None:
    town.ordinary_october()
    run = town.run(town.person("committee"))["id"]
    assert at_once(town, (run, ME), (run, YOU)) == ["proposed", "published"]
    with town.app.app_context():
        kept = db.session.scalars(select(Run)).one()
        assert {kept.proposed_by, kept.published_by} == {ME, YOU}


def test_a_resent_proposal_gets_the_first_answer_and_does_not_publish(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    path = f"/runs/{town.run(committee)['id']}/publish"
    first = town.post(path, committee, Idempotency_Key="once")
    again = town.post(path, committee, Idempotency_Key="once")
    assert (first.status_code, again.status_code) == (202, 202) and again.data == first.data


@pytest.mark.parametrize("role", ["resident", "village_officer", "dispatcher", "inspector", "admin", "auditor"])
def test_only_the_committee_publishes(town: RewardsTown, role: str) -> None:
    town.ordinary_october()
    run = town.run(town.person("committee"))
    assert town.post(f"/runs/{run['id']}/publish", town.person(role)).status_code == 404


def test_another_towns_committee_neither_sees_nor_publishes_a_draft(town: RewardsTown) -> None:
    town.ordinary_october()
    run = town.run(town.person("committee"))
    stranger = town.person("committee", OTHER_TOWN)
    unknown = town.post(f"/runs/{uuid.uuid4()}/publish", stranger)
    for answered in (town.post(f"/runs/{run['id']}/publish", stranger), town.get(f"/runs/{run['id']}", stranger)):
        assert (answered.status_code, answered.data) == (404, unknown.data)
    town.publish(run)
    assert town.post(f"/runs/{run['id']}/publish", stranger).status_code == 404


def test_the_ledger_names_who_proposed_and_who_published(town: RewardsTown, travel: Callable[[datetime], None]) -> None:
    town.ordinary_october()
    run = town.run(town.person("committee"))
    town.publish(run)
    with town.app.app_context():
        told = db.session.scalars(
            select(LedgerEntry).where(LedgerEntry.thing_id == run["id"]).order_by(LedgerEntry.thing_version)
        ).all()
        assert [(one.action, one.thing_version) for one in told] == [
            ("start_run", 1),
            ("propose_ranking", 2),
            ("publish_ranking", 3),
        ]
        assert len({one.actor_id for one in told}) == 3
