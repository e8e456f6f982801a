"""What happens in village B changes not a byte of anything that village A's people can ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from backend.config import TOWN_ZONE
from tests.access.trying import address, routes, told
from tests.access.verdicts import ROUTES
from tests.access.world import NOBODY, OTHER_VILLAGE, World
from tests.town import ELSEWHERE, VILLAGE

NOW = datetime(2026, 11, 25, 10, tzinfo=TOWN_ZONE)
PEOPLE_OF_A = (NOBODY, "resident", "grid_worker", "village_officer", "handler", "admin", "auditor")
"""Those who see nothing of village B's cases. The handler's department holds none of them."""
BOX = "112.95,22.87,112.96,22.88"
SEARCHES = (
    "?limit=1",
    f"?area={OTHER_VILLAGE}",
    f"?area={VILLAGE}",
    "?area=440605121",
    "?text=垃圾",
    "?text=渔船",
    "?status=closed",
    "?overdue=true",
    "?mine=true",
    "?category=litter",
    f"?bbox={BOX}&crs=wgs84",
    "?filed_from=2026-01-01T00:00:00%2B08:00",
)


def crawl(world: World) -> dict[tuple[str, str], tuple[int, bytes, list[tuple[str, str]]]]:
    """All that the people of A get: every route that reads, with A's ids and with B's, every search, all pages."""
    seen = {}
    for who in PEOPLE_OF_A:
        headers = {} if who == NOBODY else world.people[who].headers

        address_of = {"REMOTE_ADDR": f"127.0.1.{PEOPLE_OF_A.index(who)}"}  # so that none is slowed down for another

        def get(path: str, headers: dict[str, str] = headers, environ: dict[str, str] = address_of) -> TestResponse:
            return world.client.get(path, headers=headers, environ_overrides=environ)

        for name, method, rule in routes(world.app):
            # The trail is of the whole town, for its auditor, without content or place.
            if method != "GET" or (name, who) == ("GET audit.list_trail", "auditor"):
                continue
            for inside in (True, False):
                path = address(world, rule, who, inside) + ROUTES[name].query
                seen[who, path] = told(get(path))
        for query in SEARCHES:
            path = f"/api/v1/cases{query}"
            while path:
                answer = get(path)
                seen[who, path] = told(answer)
                cursor = (answer.json or {}).get("next_cursor")
                path = f"/api/v1/cases{query}&cursor={cursor}" if cursor else ""
    return seen


def live_in_b(world: World) -> None:
    """Reports in B by B's own people, in every state, with photos, all that a village has in a year."""
    member, dispatcher = world.people["party_member"], world.people["dispatcher"]
    for number in range(6):
        text = f"渔船旁垃圾第 {number} 堆，李四 13955550000"
        case = str(member.file(location=ELSEWHERE, description=text, evidence=[world.photo(member)])["id"])
        steps = (
            (dispatcher, "accept", {}),
            (dispatcher, "dispatch", {"department": OTHER_VILLAGE if number % 2 else "water"}),
            (world.water, "start", {}),
            (world.water, "hand_in", {"note": "已清"}),
            (world.people["inspector"], "pass_check", {}),
        )
        for person, action, fields in steps[:number]:
            if number % 2 and person is world.water:
                break
            assert person.act(case, action, **fields).status_code == 200, (number, action)


@pytest.mark.counted
def test_nothing_in_village_b_changes_what_village_a_sees(
    app: Flask, record_property: Callable[[str, object], None]
) -> None:
    with time_machine.travel(NOW, tick=False):
        world = World(app)
        before = crawl(world)
        live_in_b(world)
        after = crawl(world)
    changed = [key for key in before if before[key] != after[key]]
    record_property(
        "twin villages", f"{len(before)} answers to village A, {len(changed)} changed by what happened in B"
    )
    assert changed == []
    assert set(after) == set(before)
    assert sum(status == 200 for status, _, _ in before.values()) > 100


def test_a_village_that_is_not_theirs_looks_like_one_that_does_not_exist(app: Flask) -> None:
    world = World(app)
    live_in_b(world)
    for who in PEOPLE_OF_A[1:]:
        asked = [
            told(world.people[who].get(f"/cases?area={area}&text=垃圾")) for area in (OTHER_VILLAGE, "440605121999")
        ]
        assert asked[0] == asked[1], who
