"""The searches of the map go by an index, however the table grows."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from sqlalchemy import event, text

from backend.extensions import db
from tests.partymap.conftest import FIRST, MapTown, point_row

pytestmark = pytest.mark.sql


def plan(town: MapTown, path: str, **query: Any) -> str:
    """The plans of all statements on service points that a request runs."""
    ran: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "service_points" in statement:
            ran.append((statement, parameters))

    engine = town.app.extensions["reading"]
    event.listen(engine, "before_cursor_execute", remember)
    answered = town.get(path, **query)
    event.remove(engine, "before_cursor_execute", remember)
    assert answered.status_code == 200
    assert ran
    how = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"{how} {statement}", parameters) for statement, parameters in ran]
        return "\n".join(str(tuple(row)) for found in plans for row in found)


@pytest.fixture
def full(town: MapTown) -> MapTown:
    random = Random(3)
    spots = [(random.uniform(112.91, 113.06), random.uniform(22.80, 22.93)) for _ in range(5000)]
    areas = [f"440605121{number:03d}001" for number in range(1, 28)]
    town.keep(*(point_row(lon=lon, lat=lat, area_code=random.choice(areas)) for lon, lat in spots))
    with town.app.app_context(), db.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    return town


def test_the_nearest_are_found_by_the_index_of_places(full: MapTown) -> None:
    found = plan(full, "/nearest", lon=113.0, lat=22.87, crs="wgs84")
    assert "ix_service_points_place" in found
    assert "Seq Scan" not in found
    assert "SCAN service_points" not in found


def test_a_box_of_the_map_is_found_by_the_index_of_places(full: MapTown) -> None:
    found = plan(full, ".geojson", bbox="113,22.86,113.01,22.87")
    assert "ix_service_points_place" in found
    assert "Seq Scan" not in found
    assert "SCAN service_points" not in found


def test_a_villages_points_and_the_next_page_are_found_by_the_index_of_areas(full: MapTown) -> None:
    found = plan(full, "", area=FIRST)
    assert "ix_service_points_area" in found
    assert "SCAN service_points" not in found
    next_cursor = full.get().json["next_cursor"]
    assert "ix_service_points_area" in plan(full, "", cursor=next_cursor)
