"""A town for the map: 3,000 grids with jagged borders, 5,000 service points, and as many public cases as one wants.

A corner of it, `APART`, has the same few cases in every town, so that tiles of two towns show as many features there.
"""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
import shapely
from sqlalchemy import Connection, Engine, insert, text

from backend.http.ids import new_id
from backend.partymap.tables import ServicePoint
from backend.territory.cells import cell
from backend.territory.tables import Area
from tests.town import TOWN

WEST, SOUTH, STEP, SIDE = 112.91, 22.80, 0.0027, 55
"""The lower left corner of the grids, the width of each in degrees, and how many stand side by side."""
APART = (112.70, 22.70)
"""The lower left corner of the places that are the same in every town: 300 of them in a tile of zoom 14."""
POINTS, JAGS = 5_000, 8

_SPOTS = """
    CREATE TEMPORARY TABLE spots
        (number int PRIMARY KEY, code varchar(15), cell bigint, lon double precision, lat double precision)
"""
_CASES = """
    INSERT INTO cases (id, number, town_code, village_code, area_code, status, version, category, description, cell,
        coarse_lon, coarse_lat, reporting, occurred_at, recorded_at, accepted_at, public_at)
    WITH RECURSIVE counted (i) AS
        (SELECT CAST(:first AS integer) UNION ALL SELECT i + 1 FROM counted WHERE i < :last)
    SELECT {id}, 'B' || i, substr(code, 1, 9), substr(code, 1, 12), code, 'closed', 1, 'litter', '', cell, lon, lat,
        'named', {at}, {at}, {at}, {at}
    FROM counted JOIN spots ON spots.number = :from_spot + i % :spots
"""
_OWN = {
    "postgresql": {"id": "md5(i::text)::uuid", "at": "now() - i * interval '7 seconds'"},
    "sqlite": {
        "id": "lower(hex(randomblob(16)))",
        "at": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (7 * i) || ' seconds') || '000'",
    },
}


def fill_map(engine: Engine, cases: int) -> None:
    """Fill an otherwise empty town; nothing is pinned or drawn yet."""
    with engine.begin() as connection:
        villages = connection.execute(text("SELECT code FROM areas WHERE length(code) = 12 ORDER BY code")).scalars()
        grids = list(_grids([*villages]))
        connection.execute(text("DELETE FROM area_populations WHERE length(area_code) = 15"))
        connection.execute(text("DELETE FROM areas WHERE kind = 'grid'"))
        connection.execute(insert(Area), grids)
        connection.execute(text("UPDATE area_revisions SET revision = revision + 1"))
        connection.execute(text("DELETE FROM service_points"))
        connection.execute(insert(ServicePoint), list(_points()))
        spots = [(grid["code"], grid["lon"], grid["lat"]) for grid in grids] + list(_apart(str(grids[0]["code"])))
        _add_cases(connection, cases, spots, len(grids))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")


def _add_cases(connection: Connection, cases: int, spots: list[tuple[str, float, float]], grids: int) -> None:
    # Other indexes than those that pinning uses are of no account here.
    made = "SELECT indexname FROM pg_indexes WHERE tablename = 'cases'"
    if connection.dialect.name == "sqlite":
        made = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'cases' AND sql IS NOT NULL"
    for (name,) in connection.execute(text(made)).all():
        if name.startswith("ix_") and name != "ix_cases_public":
            connection.exec_driver_sql(f"DROP INDEX {name}")
    connection.exec_driver_sql(_SPOTS)
    connection.execute(
        text("INSERT INTO spots VALUES (:number, :code, :cell, :lon, :lat)"),
        [
            {"number": number, "code": code, "cell": cell(lon, lat), "lon": lon, "lat": lat}
            for number, (code, lon, lat) in enumerate(spots)
        ],
    )
    add = text(_CASES.format(**_OWN[connection.dialect.name]))
    apart = len(spots) - grids
    connection.execute(add, {"first": 1, "last": 3 * apart, "from_spot": grids, "spots": apart})
    connection.execute(add, {"first": 3 * apart + 1, "last": cases, "from_spot": 0, "spots": grids})


def _grids(villages: list[str]) -> Iterator[dict[str, object]]:
    for number in range(SIDE * SIDE):
        column, row = number % SIDE, number // SIDE
        corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
        ring = [at for one, other in zip(corners, corners[1:] + corners[:1], strict=True) for at in _edge(one, other)]
        outline = shapely.Polygon(ring)
        middle = shapely.point_on_surface(outline)
        west, south, east, north = outline.bounds
        village = villages[row * len(villages) // SIDE]
        yield {
            "code": f"{village}{number % 900 + 100}",
            "name": f"第{number}网格",
            "kind": "grid",
            "parent_code": village,
            "lon": middle.x,
            "lat": middle.y,
            "outline": orjson.dumps(shapely.geometry.mapping(outline)).decode(),
            "demonstration": True,
            "west": west,
            "south": south,
            "east": east,
            "north": north,
        }


def _edge(one: tuple[int, int], other: tuple[int, int]) -> list[tuple[float, float]]:
    """From one corner towards the other, jagged, and the same jags whichever of the two neighbours draws them."""
    first, last = sorted((one, other))
    chance = random.Random(f"{first}{last}")
    jags = [(number / JAGS, chance.uniform(-0.05, 0.05) if number else 0.0) for number in range(JAGS)]
    along = [(first[0] + (last[0] - first[0]) * t, first[1] + (last[1] - first[1]) * t, off) for t, off in jags]
    upright = first[0] == last[0]
    points = [(x + (off if upright else 0.0), y + (0.0 if upright else off)) for x, y, off in along]
    if (one, other) != (first, last):
        points = [*points[1:], (float(last[0]), float(last[1]))][::-1]
    return [(WEST + x * STEP, SOUTH + y * STEP) for x, y in points]


def _apart(code: str) -> Iterator[tuple[str, float, float]]:
    for number in range(300):
        yield code, APART[0] + number % 20 * 0.0009, APART[1] + number // 20 * 0.0009


def _points() -> Iterator[dict[str, object]]:
    chance, opened = random.Random(1258), datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(POINTS):
        lon, lat = WEST + chance.random() * SIDE * STEP, SOUTH + math.sqrt(chance.random()) * SIDE * STEP
        place = {"lon": lon, "lat": lat, "cell": cell(lon, lat), "original_lon": lon, "original_lat": lat}
        yield {
            **place,
            **dict.fromkeys(("opened_at", "confirmed_at", "created_at", "updated_at"), opened),
            "id": new_id(),
            "original_crs": "wgs84",
            "name": f"第{number}党群服务点",
            "kind": "point",
            "area_code": TOWN,
            "address": f"示范路{number}号",
            "services": ["library"],
            "facilities": [],
            "opening_hours": {"weekly": {}},
            "weekly_open_minutes": 0,
            "accessible": True,
            "active": True,
            "version": 1,
        }
