"""The searches of the map go by an index, however the table grows."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from sqlalchemy import event, text

from backend.extensions import db
from backend.http.driven import Driven
from backend.partymap import nearest
from tests.partymap.conftest import FIRST, MapTown, point_row

pytestmark = pytest.mark.sql


def asked(town: MapTown, path: str, **query: Any) -> list[tuple[str, Any]]:
    """The statements on service points that a request runs, with their values: by the engine, and past it to libpq."""
    ran: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        ran.append((statement, parameters))

    bound, engine = Driven._bound, town.app.extensions["reading"]

    def catch(self: Driven, held: Any, values: Any) -> Any:
        ran.append(told := bound(self, held, values))
        return told

    event.listen(engine, "before_cursor_execute", remember)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Driven, "_bound", catch)
        answered = town.get(path, **query)
    event.remove(engine, "before_cursor_execute", remember)
    assert answered.status_code == 200
    return [(statement, values) for statement, values in ran if "service_points" in statement]


def plan(town: MapTown, path: str, **query: Any) -> str:
    """The plans of all statements on service points that a request runs."""
    ran, engine = asked(town, path, **query), town.app.extensions["reading"]
    assert ran
    how = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"{how} {statement}", tuple(parameters)) for statement, parameters in ran]
        return "\n".join(str(tuple(row)) for found in plans for row in found)


def test_what_the_map_is_asked_goes_by_an_index_and_the_nearest_in_one_statement(town: MapTown) -> None:
    random = Random(3)
    spots = [(random.uniform(112.91, 113.06), random.uniform(22.80, 22.93)) for _ in range(5000)]
    areas = [f"440605121{number:03d}001" for number in range(1, 28)]
    town.keep(*(point_row(name="党群", lon=lon, lat=lat, area_code=random.choice(areas)) for lon, lat in spots))
    with town.app.app_context(), db.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    nearest._radii.clear()  # of the towns of other tests
    second = {"cursor": town.get().json["next_cursor"]}
    place = {"lon": 113.0, "lat": 22.87, "crs": "wgs84"}
    of_service, of_kind = {"service": "library"}, {"kind": "village_centre", "service": "library"}
    for path, query, index in (
        ("/nearest", place, "ix_service_points_place"),
        (".geojson", {"bbox": "113,22.86,113.01,22.87"}, "ix_service_points_place"),
        ("", {"area": FIRST}, "ix_service_points_area"),
        ("", second, "ix_service_points_area"),
        ("", of_service, "ix_service_point_words_word"),
        ("", of_service | second, "ix_service_point_words_word"),
        ("", of_kind, "ix_service_point_words_word"),
        ("", {"text": "dq"}, "ix_service_point_words_word"),
        ("", {"text": "dq", "cursor": town.get(text="dq").json["next_cursor"]}, "ix_service_point_words_word"),
    ):
        found = plan(town, path, **query)
        assert index in found, query
        if query is not second:
            assert "Seq Scan" not in found and "SCAN service_point" not in found, query
    assert len(asked(town, "/nearest", **place | {"lon": 113.002})) == 1
