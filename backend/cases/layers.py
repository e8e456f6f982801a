"""What cases show on the map: published ones, at their grid's centre."""

from typing import Any

from flask import current_app

from backend.cases.public.publication import published_cases, show_published
from backend.http import clock
from backend.http.registry import Layer

MOST = 1000


def _features(element: str | None = None) -> list[dict[str, Any]]:
    town = current_app.config["TOWN_CONFIG"].TOWN
    cases = (show_published(case) for case in published_cases(town, clock.now(), MOST, element=element))
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [case.pop("lon"), case.pop("lat")]},
            "properties": case,
        }
        for case in cases
        if case["lon"] is not None
    ]


PUBLIC_CASES = Layer("public_cases", "公开案件", "Public cases", _features)

LAYERS = (PUBLIC_CASES,)
