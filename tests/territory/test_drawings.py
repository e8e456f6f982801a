"""Outlines as the map draws them: without gaps at any zoom, kept up as areas change, and read by tile."""

from __future__ import annotations

from random import Random

import pytest
import shapely
from flask import Flask
from sqlalchemy import text, update

from backend.http import clock
from backend.http.reading import connection
from backend.http.work import unit_of_work
from backend.territory import drawings
from backend.territory.areas import lock_areas
from backend.territory.drawings import area_shapes, draw, draw_areas, drawn_revision
from backend.territory.tables import Area, AreaDrawing
from backend.territory.tiles import Tile
from tests.town import VILLAGE

EVERYWHERE = frozenset({""})
TOWN_TILE = Tile(9, 416, 222)
MOVED = Tile(14, 13344, 7120)
STEP, JAGS = 0.0027, 16


def jagged(side: int) -> list[shapely.Geometry]:
    """Squares side by side whose borders are jagged; the same on both sides of each."""

    def edge(one: tuple[int, int], other: tuple[int, int]) -> list[tuple[float, float]]:
        (x, y), (u, v) = low, high = sorted((one, other))
        chance = Random(f"{low}{high}")
        off = [0.0, *(chance.uniform(-0.03, 0.03) for _ in range(JAGS - 1))]
        along = [(x + (u - x) * n / JAGS, y + (v - y) * n / JAGS, off[n]) for n in range(JAGS)]
        points = [(a + (d if x == u else 0), b + (0 if x == u else d)) for a, b, d in along]
        return points if one == low else [*points[1:], (float(u), float(v))][::-1]

    def square(x: int, y: int) -> shapely.Geometry:
        corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]
        ring = [at for one, other in zip(corners, corners[1:] + corners[:1], strict=True) for at in edge(one, other)]
        return shapely.Polygon([(113 + a * STEP, 22.86 + b * STEP) for a, b in ring])

    return [square(x, y) for x in range(side) for y in range(side)]


@pytest.mark.parametrize("zoom", [11, 13, 16])
def test_neighbours_have_no_gap_and_no_overlap_at_any_zoom(zoom: int) -> None:
    outlines = jagged(6)
    drawn = draw(outlines, zoom)
    whole = shapely.union_all(drawn)
    assert shapely.get_num_interior_rings(whole) == 0 and whole.geom_type == "Polygon"
    assert sum(one.area for one in drawn) == pytest.approx(whole.area, rel=1e-9)
    assert all(float(number).is_integer() for number in shapely.get_coordinates(drawn).ravel())
    fewer = shapely.get_num_coordinates(drawn).sum() / shapely.get_num_coordinates(outlines).sum()
    assert fewer < 0.5 if zoom == 11 else fewer == 1.0 if zoom == 16 else fewer < 1.0


def test_drawings_follow_the_areas_and_only_those_that_changed_are_written(app: Flask) -> None:
    with app.app_context():
        everything = draw_areas(clock.now())
        drawn = drawn_revision()
        assert everything > 27 and drawn > 0
        assert draw_areas(clock.now()) == 0
        with unit_of_work() as session:
            lock_areas(session)
            moved = shapely.box(113.2, 22.9, 113.21, 22.91)
            session.execute(update(Area).where(Area.code == VILLAGE).values(outline=shapely.to_geojson(moved)))
        assert 0 < draw_areas(clock.now()) < everything / 2
        assert drawn_revision() == drawn + 1
        shapes = area_shapes(MOVED, "village", EVERYWHERE, lambda _areas: {})
        assert shapes.told["code"] == [VILLAGE]
        with unit_of_work() as session:
            lock_areas(session)
            session.execute(update(Area).where(Area.code == VILLAGE).values(outline=None))
        assert draw_areas(clock.now()) > 0
        shapes = area_shapes(MOVED, "village", EVERYWHERE, lambda _areas: {})
        assert shapes.told == {}


def test_villages_stand_for_grids_where_these_are_too_many(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(scopes: frozenset[str] = EVERYWHERE) -> list[tuple[str, str, int | None]]:
        shapes = area_shapes(TOWN_TILE, "grid", scopes, lambda _areas: {})
        parts = shapes.told.get("parts", [None] * len(shapes.outlines))
        return list(zip(shapes.told["code"], shapes.told["kind"], parts, strict=True))

    with app.app_context():
        draw_areas(clock.now())
        grids = shown()
        monkeypatch.setattr(drawings, "MOST", len(grids) - 1)
        villages = shown()
        assert sum(parts or 0 for _, _, parts in villages) == len(grids) > len(villages)
        assert {kind for _, kind, _ in villages} <= {"village", "community"}
        assert shown(frozenset({VILLAGE})) == [grid for grid in grids if grid[0].startswith(VILLAGE)]


@pytest.mark.sql
def test_a_tile_reads_the_outlines_of_its_zoom_only(app: Flask) -> None:
    with app.app_context():
        draw_areas(clock.now())
        held = connection()
        if held.dialect.name == "postgresql":
            held.execute(text("SET enable_seqscan = off"))
        compiled = drawings._codes.statement.compile(held.engine)
        values = {"zoom": 14, "level": "grid", "left": 0, "right": 9, "top": 0, "bottom": 9}
        how = "EXPLAIN" if held.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        bound = tuple(values[name] for name in compiled.positiontup or ())
        plan = str(held.exec_driver_sql(f"{how} {compiled}", bound).all())
        assert "pk_area_drawings" in plan or "sqlite_autoindex_area_drawings_1 (zoom=? AND level=?)" in plan, plan
        assert AreaDrawing.__tablename__ in plan
