"""Who sees which ranking, and what of it."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from marshmallow import Schema

from backend.rewards.ranking import hides
from backend.rewards.schemas import RankingSchema, RunDetailSchema, RunsSchema
from tests.rewards.conftest import NOW, OTHER_TOWN, SHANGHAI, TOWN, RewardsTown

pytestmark = pytest.mark.sql

READERS_OF_DRAFTS = ["committee", "dispatcher", "auditor"]
OTHERS = ["resident", "party_member", "grid_worker", "village_officer", "handler", "inspector", "admin"]


def cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize("role", READERS_OF_DRAFTS)
def test_the_committee_the_dispatch_desk_and_the_auditor_see_drafts(town: RewardsTown, role: str) -> None:
    town.ordinary_october()
    run = town.run(town.person("committee"))
    reader = town.person(role)
    for path in (f"/runs/{run['id']}", f"/runs/{run['id']}/ranking", "/runs/latest/ranking"):
        assert town.get(path, reader).status_code == 200, path
    assert [one["id"] for one in (town.get("/runs", reader).json or {})["items"]] == [run["id"]]


@pytest.mark.parametrize("role", [*OTHERS, None])
def test_everybody_else_sees_only_what_is_published(town: RewardsTown, role: str | None) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    reader = town.person(role) if role else None
    run = town.run(committee)
    unknown = town.get(f"/runs/{uuid.uuid4()}", reader)
    for path in (f"/runs/{run['id']}", f"/runs/{run['id']}/ranking", "/runs/latest/ranking"):
        hidden = town.get(path, reader)
        assert (hidden.status_code, hidden.data) == (404, unknown.data), path
    assert (town.get("/runs", reader).json or {})["items"] == []
    town.publish(run)
    later = town.run(committee, "2026-11")
    assert later["provisional"]
    latest = town.get("/runs/latest/ranking", reader).json
    assert latest and latest["run"]["id"] == run["id"] and len(latest["items"]) == 5
    assert [one["id"] for one in (town.get("/runs", reader).json or {})["items"]] == [run["id"]]


def test_who_started_and_published_a_run_is_told_only_to_those_who_see_drafts(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    run = town.run(committee)
    town.publish(run)
    for who, told in ((committee, True), (None, False), (town.person("resident"), False)):
        seen = town.get(f"/runs/{run['id']}", who).json or {}
        assert [bool(seen[f"{step}_by"]) for step in ("started", "proposed", "published")] == [told] * 3
        assert seen["published_at"].startswith("2026-11-27T12:00:00")


def test_the_latest_ranking_is_of_the_period_that_ends_last_and_of_its_newest_run(
    town: RewardsTown, travel: Callable[[datetime], None]
) -> None:
    february = datetime(2027, 2, 3, tzinfo=SHANGHAI)
    travel(february)
    town.ordinary_october()
    committee = town.person("committee")

    def latest() -> str:
        found = town.get("/runs/latest/ranking", committee).json
        assert found
        period: str = found["run"]["period"]
        return period

    for period, expected in (
        ("2026-10", "2026-10"),
        ("2026-Q3", "2026-10"),
        ("2026", "2026"),
        ("2026-Q4", "2026-Q4"),
        ("2026-12", "2026-12"),
        ("2026-11", "2026-12"),
    ):
        town.run(committee, period)
        assert latest() == expected
    travel(february + timedelta(minutes=1))
    town.happened("handled_in_time", "201", 1, 1, at=datetime(2026, 12, 5, tzinfo=SHANGHAI))
    newest = town.run(committee, "2026-12")
    assert (town.get("/runs/latest/ranking", committee).json or {})["run"]["id"] == newest["id"]


def test_a_reader_may_name_another_town_and_sees_its_published_rankings(town: RewardsTown) -> None:
    town.happened("handled_in_time", "001", 1, 1, town=OTHER_TOWN)
    run = town.run(town.person("committee", OTHER_TOWN))
    path = f"/runs/latest/ranking?town={OTHER_TOWN}"
    assert town.get(path, town.person("committee")).status_code == 404
    for _ in range(2):
        town.post(f"/runs/{run['id']}/publish", town.person("committee", OTHER_TOWN))
    assert (town.get(path, town.person("committee")).json or {})["run"]["town"] == OTHER_TOWN
    assert town.get("/runs/latest/ranking", town.person("committee")).status_code == 404
    assert town.get("/runs/latest/ranking", town.person("resident", OTHER_TOWN)).status_code == 200


def test_small_counts_are_hidden_from_whoever_may_not_read_the_cases(town: RewardsTown) -> None:
    town.happened("handled_in_time", "001", 9, 10)
    town.happened("handled_in_time", "003", 20, 40)
    town.happened("handled_in_time", "004", 40, 40)
    town.happened("open_service_points", "001", 1, 2)
    run = town.run(town.person("committee"))
    town.publish(run)
    path = f"/runs/{run['id']}/ranking"

    def in_time(who: Any) -> dict[str, tuple[int | None, int | None, bool]]:
        found = town.get(path, who).json or {}
        lines = {one["code"][9:]: one["indicators"][0] for one in found["items"]}
        return {code: (one["numerator"], one["exposure"], one["counts_hidden"]) for code, one in lines.items()}

    for who in (None, *(town.person(role) for role in ("resident", "village_officer", "auditor", "admin"))):
        seen = in_time(who)
        # One late case of ten is a count below five as well.
        assert seen["001"] == (None, None, True)
        assert seen["003"] == (20, 40, False) and seen["004"] == (40, 40, False)
    for role in ("committee", "dispatcher", "inspector"):
        assert in_time(town.person(role))["001"] == (9, 10, False)
    # Service points are public anyway.
    public = {one["code"][9:]: one["indicators"] for one in (town.get(path).json or {})["items"]}
    assert public["001"][2]["numerator"] == 1


@pytest.mark.parametrize(
    ("numerator", "exposure", "hidden"),
    [(0, 4, True), (0, 5, False), (4, 20, True), (5, 20, False), (16, 20, True), (20, 20, False), (0, 0, False),
     (None, None, False)],
)  # fmt: skip
def test_a_count_and_what_would_give_it_back_are_hidden_together(
    numerator: int | None, exposure: int | None, hidden: bool
) -> None:
    assert hides(numerator, exposure, 5) is hidden


def test_a_ranking_pages_in_one_order_with_its_ties_by_code(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    path = f"/runs/{town.run(committee)['id']}/ranking?limit=2"
    seen: list[tuple[str, int | None]] = []
    after: str | None = ""
    while after is not None:
        found = town.get(path + (f"&cursor={after}" if after else ""), committee).json
        assert found and len(found["items"]) <= 2
        seen += [(one["code"][9:], one["rank"]) for one in found["items"]]
        after = found["next_cursor"]
    assert seen == [("001", 1), ("003", 2), ("004", 2), ("006", None), ("201", None)]


def test_the_list_of_runs_pages_from_the_newest_on(town: RewardsTown, travel: Callable[[datetime], None]) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    started = []
    for minute, period in enumerate(("2026-08", "2026-10", "2026-09")):
        travel(NOW + timedelta(minutes=minute))
        started.append(town.run(committee, period)["id"])
    first = town.get("/runs?limit=2", committee).json or {}
    second = town.get(f"/runs?limit=2&cursor={first['next_cursor']}", committee).json or {}
    assert [one["id"] for one in first["items"] + second["items"]] == started[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "cursor=x", f"cursor={cursor(1.5)}", f"cursor={cursor('1')}",
     f"cursor={cursor(True)}", f"cursor={cursor(10**12)}", f"cursor={cursor(-1)}", f"cursor={cursor(1, 2)}",
     f"cursor={cursor(None)}"],
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused(town: RewardsTown, query: str) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    town.run(committee)
    for path in ("/runs/latest/ranking", "/runs"):
        answered = town.get(f"{path}?{query}", committee)
        assert answered.status_code == 422, (path, answered.data)
        assert answered.content_type == "application/problem+json"


def test_titles_come_in_the_readers_language(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    town.run(committee)
    chinese = town.get("/runs/latest/ranking", committee).json or {}
    english = town.get("/runs/latest/ranking", committee, Accept_Language="en").json or {}
    assert chinese["items"][0]["indicators"][0]["title"] == "按期处置率"
    assert english["items"][0]["indicators"][0]["title"] == "Handled in time"


def test_a_renamed_village_keeps_its_name_in_old_rankings(town: RewardsTown) -> None:
    from sqlalchemy import update

    from backend.http.work import unit_of_work
    from backend.territory.tables import Area

    town.ordinary_october()
    committee = town.person("committee")
    run = town.run(committee)
    with town.app.app_context(), unit_of_work() as session:
        session.execute(update(Area).where(Area.code == f"{TOWN}001").values(name="新名"))
    assert (town.get(f"/runs/{run['id']}/ranking", committee).json or {})["items"][0]["name"] == "江滨"


def test_a_run_tells_its_method_in_full(town: RewardsTown) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    run = town.run(committee)
    answered = town.get(f"/runs/{run['id']}", committee)
    assert answered.json and answered.json["rule_set"] == "main-1"
    assert [one["weight"] for one in answered.json["rule_set_document"]["indicators"]] == [0.6, 0.25, 0.15]
    assert answered.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("path", "schema"),
    [("/runs", RunsSchema), ("/runs/{run}", RunDetailSchema), ("/runs/{run}/ranking", RankingSchema)],
)
def test_answers_are_what_their_schemas_say(town: RewardsTown, path: str, schema: type[Schema]) -> None:
    town.ordinary_october()
    committee = town.person("committee")
    run = town.run(committee)
    town.publish(run)
    answered = town.get(path.format(run=run["id"]), committee).json
    assert answered
    assert schema().validate(answered) == {}
    assert schema().dump(schema().load(answered)) == answered


def test_a_town_of_villages_all_alike_and_a_village_alone_are_ranked(town: RewardsTown) -> None:
    for village in ("001", "003", "004", "006", "201"):
        town.happened("handled_in_time", village, 7, 10)
    town.happened("handled_in_time", "001", 7, 10, town=OTHER_TOWN)
    committee, alone = town.person("committee"), town.person("committee", OTHER_TOWN)
    town.run(committee)
    town.run(alone)
    same = town.get("/runs/latest/ranking", committee).json or {}
    assert {(one["rank"], one["score"]) for one in same["items"]} == {(1, 75)}
    only = town.get("/runs/latest/ranking", alone)
    assert [one["rank"] for one in (only.json or {})["items"]] == [1]
    assert b"NaN" not in only.data and b"Infinity" not in only.data


def test_a_town_without_a_fact_is_listed_unranked(town: RewardsTown) -> None:
    committee = town.person("committee")
    run = town.run(committee)
    found = town.get(f"/runs/{run['id']}/ranking", committee).json or {}
    assert [(one["rank"], one["score"]) for one in found["items"]] == [(None, None)] * 5
