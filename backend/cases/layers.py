"""What cases show on the map: published ones, at their grid's centre, and how many each grid has."""

from typing import Any

from flask import current_app

from backend.cases.public.pins import cases_by_area, marks, revision
from backend.cases.public.publication import published_cases, show_published, shown_until
from backend.http import clock
from backend.http.registry import Layer
from backend.territory.drawings import area_shapes, drawn_revision
from backend.territory.tiles import Marks, Shapes, Tile

MOST = 1000


def _town() -> str:
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    return town


def _features(element: str | None = None) -> list[dict[str, Any]]:
    cases = (show_published(case) for case in published_cases(_town(), clock.now(), MOST, element=element))
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [case.pop("lon"), case.pop("lat")]},
            "properties": case,
        }
        for case in cases
        if case["lon"] is not None
    ]


def _cases(tile: Tile, _scopes: frozenset[str], points_from: int) -> Marks:
    return marks(_town(), tile, points_from, clock.now())


def _heat(tile: Tile, scopes: frozenset[str], _points_from: int) -> Shapes:
    town = _town()
    return area_shapes(tile, "grid", scopes, lambda areas: {"cases": cases_by_area(town, areas)})


PUBLIC_CASES = Layer(
    name="public_cases",
    title_zh="公开案件",
    title_en="Public cases",
    features=_features,
    tile=_cases,
    # What changed shows at midnight, when no case does.
    version=lambda: f"{revision(_town())}.{shown_until(clock.now()):%Y%m%d}",
    fields=dict.fromkeys(("id", "category", "category_name", "village", "day"), "String") | {"count": "Number"},
    colour="#c2410c",
    order=70,
    points_from=14,
)
CASE_HEAT = Layer(
    name="case_heat",
    title_zh="网格案件热力",
    title_en="Public cases by grid",
    features=None,
    tile=_heat,
    version=lambda: f"{drawn_revision()}.{revision(_town())}",
    fields={"code": "String", "name": "String", "kind": "String", "cases": "Number", "parts": "Number"},
    colour="#b91c1c",
    order=30,
    areas=True,
    counted="cases",
    steps=(1, 5, 20, 50, 200),
)

LAYERS = (PUBLIC_CASES, CASE_HEAT)
