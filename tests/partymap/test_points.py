"""Service points over HTTP: what everybody reads."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from backend.http import clock
from backend.http.pages import write_cursor
from backend.http.work import unit_of_work
from backend.partymap.finding_routes import NearestSchema
from backend.partymap.schemas import PointDetailSchema, PointsSchema
from backend.territory.coordinates import to_wgs84
from backend.territory.work_calendar import declare_day
from tests.partymap.conftest import EVENINGS, FIRST, OFFICE, SECOND, SHANGHAI, TOWN, MapTown, point_row

GCJ = (116.4036956, 39.9105905)
WGS = (116.397452, 39.909187)


def names(items: list[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in items}


def test_anybody_reads_service_points_without_signing_in(town: MapTown) -> None:
    (point,) = town.keep(point_row(phone="0757-00000001", star=4))
    (item,) = town.items()
    assert item["id"] == point
    assert (item["phone"], item["star"], item["services"]) == ("0757-00000001", 4, ["library"])
    assert item["location"] == {"lon": 113.005, "lat": 22.865, "crs": "wgs84"}
    detail = town.get(f"/{point}")
    assert detail.status_code == 200
    assert detail.headers["ETag"] == '"1"'
    assert detail.json["name"] == item["name"]


def test_every_answer_is_as_its_schema_says(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    PointsSchema().load(town.get().json)
    PointDetailSchema().load(town.get(f"/{point}").json)
    PointDetailSchema().load(town.get(f"/{point}", crs="bd09").json)
    NearestSchema().load(town.get("/nearest", lon=113, lat=22.86, crs="wgs84").json)


def test_times_carry_the_offset_of_the_town(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    detail = town.get(f"/{point}").json
    assert detail["confirmed_at"] == "2026-01-05T09:00:00+08:00"
    assert detail["closes_next"] == "2026-11-23T17:00:00+08:00"
    assert detail["opens_next"] == "2026-11-24T09:00:00+08:00"


def test_the_pages_of_a_list_hold_every_point_once(town: MapTown) -> None:
    rows = [point_row(name=f"点{n}", area_code=f"{FIRST if n % 3 else SECOND}001") for n in range(23)]
    town.keep(*rows)
    seen: list[str] = []
    cursor = None
    while True:
        answered = town.get(limit=5, **({"cursor": cursor} if cursor else {})).json
        seen += [item["id"] for item in answered["items"]]
        cursor = answered["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 23
    assert set(seen) == {str(row["id"]) for row in rows}


def test_a_list_is_narrowed_by_area_kind_and_service(town: MapTown) -> None:
    town.keep(
        point_row(name="甲", area_code=f"{FIRST}001", kind="point", services=["library", "mediation"]),
        point_row(name="乙", area_code=f"{SECOND}001", kind="point", services=["library"]),
        point_row(name="丙", area_code=f"{SECOND}", kind="training_ground", services=[]),
        point_row(name="丁", area_code="440605122001001", kind="point", services=["mediation"]),
    )
    assert names(town.items(area=TOWN)) == {"甲", "乙", "丙"}
    assert names(town.items(area=SECOND)) == {"乙", "丙"}
    assert names(town.items(area=f"{FIRST}001")) == {"甲"}
    assert names(town.items(kind="point", area=TOWN)) == {"甲", "乙"}
    assert names(town.items(service="mediation")) == {"甲", "丁"}
    assert names(town.items(service="library", area=SECOND, kind="point")) == {"乙"}


def test_open_now_is_asked_at_the_moment_of_the_call_and_pages_like_any_list(
    town: MapTown, travel: Callable[[datetime], None]
) -> None:
    town.keep(
        *(point_row(name=f"办公{n}", opening_hours=OFFICE) for n in range(3)),
        *(point_row(name=f"夜间{n}", opening_hours=EVENINGS) for n in range(2)),
    )
    assert names(town.items(open_now="true")) == {"办公0", "办公1", "办公2"}
    assert names(town.items(open_now="false")) == {"夜间0", "夜间1"}
    first = town.get(open_now="true", limit=2).json
    second = town.get(open_now="true", limit=2, cursor=first["next_cursor"]).json
    assert names(first["items"] + second["items"]) == {"办公0", "办公1", "办公2"}
    assert second["next_cursor"] is None
    travel(datetime(2026, 11, 28, 0, 30, tzinfo=SHANGHAI))
    assert names(town.items(open_now="true")) == {"夜间0", "夜间1"}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-02-14T10:00", True),
        ("2026-10-10T10:00", True),
        ("2026-09-20T10:00", True),
        ("2026-10-01T10:00", False),
        ("2026-09-25T10:00", False),
    ],
)
def test_a_make_up_saturday_opens_the_door_and_a_holiday_shuts_it(
    town: MapTown, travel: Callable[[datetime], None], moment: str, is_open: bool
) -> None:
    town.keep(point_row())
    travel(datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI))
    assert town.items()[0]["open_now"] is is_open


def test_a_typhoon_day_that_the_town_declares_shuts_the_door(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    assert town.get(f"/{point}").json["open_now"] is True
    with town.app.app_context(), unit_of_work() as session:
        declare_day(session, TOWN, date(2026, 11, 23), False, "台风", actor=None, now=clock.now())
    town.app.extensions.pop("work_calendar")  # as a second later, when processes look again
    detail = town.get(f"/{point}").json
    assert detail["open_now"] is False
    assert detail["opens_next"] == "2026-11-24T09:00:00+08:00"


def test_a_point_given_up_is_shut_and_in_no_list_but_its_own(town: MapTown) -> None:
    (point,) = town.keep(point_row(active=False, closed_at=datetime(2026, 6, 1, tzinfo=SHANGHAI)))
    assert town.items() == []
    assert town.items(active="false")[0]["open_now"] is False
    assert town.get("/nearest", lon=113.005, lat=22.865, crs="wgs84").json["items"] == []
    assert town.get(".geojson").json["features"] == []
    detail = town.get(f"/{point}").json
    assert (detail["active"], detail["open_now"], detail["opens_next"]) == (False, False, None)


def test_a_place_is_answered_in_the_system_asked_for(town: MapTown) -> None:
    (point,) = town.keep(point_row(lon=WGS[0], lat=WGS[1]))
    for path in (f"/{point}", "/nearest"):
        query = {"lon": GCJ[0], "lat": GCJ[1]} if path == "/nearest" else {}
        answered = town.get(path, crs="gcj02", **query).json
        place = answered["items"][0]["location"] if path == "/nearest" else answered["location"]
        assert place["crs"] == "gcj02"
        assert (place["lon"], place["lat"]) == pytest.approx(GCJ, abs=1e-6)
    assert town.items(crs="cgcs2000")[0]["location"]["lon"] == pytest.approx(WGS[0], abs=1e-6)
    baidu = town.items(crs="bd09")[0]["location"]
    assert to_wgs84(**baidu) == pytest.approx(WGS, abs=1e-6)
    assert baidu["lon"] - WGS[0] > 0.01


@pytest.mark.parametrize(
    "query",
    [
        {"crs": "epsg4326"},
        {"crs": ""},
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"kind": "pub"},
        {"service": "beer"},
        {"area": "44060512"},
        {"area": "44060512100100100"},
        {"area": "44060512%"},
        {"open_now": "perhaps"},
        {"cursor": "xyz"},
        {"cursor": "WzEsMl0"},
        {"cursor": "WyJhIiwiYiJd"},
        {"cursor": write_cursor("440605121\x00", uuid.UUID(int=0))},
        {"cursor": write_cursor("440605121012", 7)},
        {"cursor": write_cursor(["440605121012"], uuid.UUID(int=0))},
    ],
)
def test_a_list_asked_wrongly_is_refused_as_a_problem(quiet: MapTown, query: dict[str, Any]) -> None:
    answered = quiet.get(**query)
    assert answered.status_code == 422, answered.json
    assert answered.content_type == "application/problem+json"
    assert answered.json["code"]


def test_an_unknown_point_is_not_found(quiet: MapTown) -> None:
    for point in (uuid.uuid4(), "1", "nearest-to-me"):
        answered = quiet.get(f"/{point}")
        assert answered.status_code == 404
        assert answered.json["code"] == "not_found"
