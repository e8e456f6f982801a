"""Public cases on the map: each at its grid's centre, counted where it is shown, and gone when it is public no more."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text, update

from backend.cases.layers import CASE_HEAT, PUBLIC_CASES
from backend.cases.public import pinning, pins
from backend.cases.public.pin_tables import PublicPin, PublicPlace
from backend.cases.tables import Case
from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.territory.cells import ZOOM, _tile
from backend.territory.drawings import draw_areas
from backend.territory.tiles import Tile
from tests.cases.test_list_plans import START, add_cases, plan_and_work
from tests.cases.test_public_texts import NOON
from tests.town import ELSEWHERE, HOME, TOWN, VILLAGE, People, carry, clear

EVERYWHERE = frozenset({""})
GRID_CENTRE = {"lon": 113.0005, "lat": 22.8694}


def around(lon: float, lat: float, z: int) -> Tile:
    column, row = _tile(lon, lat)
    return Tile(z, column >> ZOOM - z, row >> ZOOM - z)


def keep(app: Flask) -> int:
    with app.app_context():
        return pinning.keep_pins(clock.now())


def shown(app: Flask, z: int = 11) -> list[dict[str, Any]]:
    """What the tile around the town tells, at a zoom of clusters or of points."""
    with app.app_context():
        tile = around(GRID_CENTRE["lon"], GRID_CENTRE["lat"], z)
        told = PUBLIC_CASES.tile(tile, EVERYWHERE, PUBLIC_CASES.points_from).told
        return [dict(zip(told, one, strict=True)) for one in zip(*told.values(), strict=True)]


def counted(app: Flask) -> int:
    return sum(cluster["count"] for cluster in shown(app))


def published(people: People, frozen: Any, *places: Any) -> list[str]:
    """Cases at these places, accepted, and four days later."""
    cases = [str(people["resident"].file(location=place)["id"]) for place in places]
    for case in cases:
        carry(people, case, "accept")
    frozen.shift(timedelta(days=4))
    people.clear()
    return cases


def agree(app: Flask) -> Counter[tuple[int, str]]:
    """The numbers kept are those of the pins, and the pins those of the cases that everybody may see."""
    with app.app_context():
        pinned = rows(select(PublicPin.case_id, PublicPin.cell, PublicPin.area_code))
        places = rows(select(PublicPlace.cell, PublicPlace.area_code, PublicPlace.cases))
        public = rows(select(Case.id).where(pins.PUBLIC), town=TOWN, before=clock.now())
    numbers = Counter((pin.cell, pin.area_code) for pin in pinned)
    assert numbers == {(place.cell, place.area_code): place.cases for place in places}
    assert {pin.case_id for pin in pinned} == {case.id for case in public}
    return numbers


def test_a_case_is_pinned_at_its_grids_centre_once_it_is_public_and_not_before(app: Flask, people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        case = str(people["resident"].file()["id"])
        carry(people, case, "accept")
        assert keep(app) == 0 and shown(app) == []
        frozen.shift(timedelta(days=4))
        people.clear()
        assert keep(app) == 1 and keep(app) == 0
        (seen,) = people.client.get("/api/v1/public/cases").json["items"]
        with app.app_context():
            marks = PUBLIC_CASES.tile(around(seen["lon"], seen["lat"], 16), EVERYWHERE, 14)
        assert (marks.lons[0], marks.lats[0]) == (seen["lon"], seen["lat"])
        told = {name: values[0] for name, values in marks.told.items()}
        assert (told["id"], told["day"], told["village"]) == (seen["id"], seen["day"], VILLAGE)
        assert told["category"] == seen["category"]["code"]
        assert set(told) == {"id", "category", "category_name", "village", "day"}  # how far it is, is told late
        assert shown(app) == [{"count": 1}]
        agree(app)


def test_what_becomes_protected_is_gone_from_the_map_and_its_numbers_at_once(app: Flask, people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        stays, raised = published(people, frozen, HOME, HOME)
        assert keep(app) == 2 and counted(app) == 2
        clear(people)
        assert people["resident"].act(raised, "raise_secrecy", reason="怕报复").status_code == 200
        assert [len(shown(app, 14)), counted(app)] == [1, 1]
        agree(app)
        assert keep(app) == 0 and counted(app) == 1
        with app.app_context():
            assert [str(pin.case_id) for pin in rows(select(PublicPin.case_id))] == [stays]


def test_numbers_stay_those_of_what_is_public_whatever_happens(app: Flask, people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        moved, hidden, withdrawn, handled = published(people, frozen, HOME, HOME, ELSEWHERE, ELSEWHERE)
        keep(app)
        assert sorted(agree(app).values()) == [2, 2]
        done = [
            people["dispatcher"].act(moved, "correct_place", location=ELSEWHERE, reason="报错了"),
            people["inspector"].act(hidden, "unpublish", reason="有人被认出"),
            people["resident"].act(withdrawn, "withdraw"),
            people["dispatcher"].act(handled, "dispatch", department=VILLAGE),
        ]
        assert [answer.status_code for answer in done] == [200] * 4, [answer.json for answer in done]
        assert shown(app, 14) == []  # before the job has looked
        keep(app)
        assert sorted(agree(app).values()) == [1]
        frozen.shift(timedelta(days=4))  # what was moved is published anew, where it is now
        keep(app)
        assert [*agree(app).values()] == [2]


def test_many_published_at_one_instant_are_all_pinned_in_batches(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinning, "BATCH", 2)
    with time_machine.travel(NOON, tick=False) as frozen:
        cases = published(people, frozen, HOME, HOME, HOME, ELSEWHERE, HOME)
        with app.app_context(), unit_of_work() as session:
            ids = [uuid.UUID(case) for case in cases[:4]]
            session.execute(update(Case).where(Case.id.in_(ids)).values(public_at=NOON + timedelta(days=2)))
        assert keep(app) == 5
        agree(app)


def test_where_cases_are_too_many_clusters_take_over_and_lose_none(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "MOST", 2)
    with time_machine.travel(NOON, tick=False) as frozen:
        published(people, frozen, HOME, HOME, HOME)
        keep(app)
        assert shown(app, 14) == [{"count": 3}]


def test_heat_counts_what_is_public_in_each_grid_and_nothing_else(app: Flask, people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        published(people, frozen, HOME, HOME, ELSEWHERE)
        people["resident"].file()  # not accepted
        keep(app)
        with app.app_context():
            draw_areas(clock.now())
            told = CASE_HEAT.tile(around(GRID_CENTRE["lon"], GRID_CENTRE["lat"], 11), EVERYWHERE, 0).told
        assert sorted(filter(None, told["cases"])) == [1, 2]
        assert set(told["kind"]) == {"grid"}


@pytest.mark.sql
def test_a_tile_is_one_range_of_an_index_and_reads_no_other_case(empty_app: Flask) -> None:
    with empty_app.app_context():
        add_cases(0, 2000)
        with unit_of_work() as session:
            session.execute(text("UPDATE cases SET public_at = occurred_at"))
            session.execute(
                text(
                    "INSERT INTO public_pins (case_id, town_code, cell, area_code)"
                    " SELECT id, town_code, CAST(number AS integer) * 1000, area_code FROM cases"
                )
            )
            session.execute(text("ANALYZE"))
        span = {"town": TOWN, "first": 1_000_000, "last": 1_099_999}
        asked = {**span, "before": START + timedelta(days=9), "until": START + timedelta(days=8)}
        each, _ = plan_and_work(pins._pins.statement, asked)
        numbers, _ = plan_and_work(pins._number.statement, span)
        clusters, _ = plan_and_work(pins._clusters.statement, {**span, "bits": 9})
        assert len(pins._pins.all(**asked)) == 100
    assert "ix_public_pins_cell" in each and "ix_cases_public" not in each, each
    assert "pk_cases" in each or "sqlite_autoindex_cases_1" in each, each
    if empty_app.extensions["reading"].dialect.name == "sqlite":  # PostgreSQL reads an empty table as it is
        for plan in (numbers, clusters):
            assert "sqlite_autoindex_public_places_1 (town_code=? AND cell>? AND cell<?)" in plan, plan
