"""What the roster shows on the map: for which grids whoever asks is responsible, and as what each is held just now."""

from flask import current_app

from backend.http import clock
from backend.http.registry import Layer
from backend.people.roster import read_roster
from backend.territory.codes import level_of
from backend.territory.drawings import area_shapes, drawn_revision
from backend.territory.tiles import Shapes, Tile


def _responsible(tile: Tile, scopes: frozenset[str], _points_from: int) -> Shapes:
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    roster = read_roster(town, clock.now())

    def held(areas: list[str]) -> dict[str, list[str | None]]:
        holders = [roster.holder(area) if level_of(area) == "grid" else None for area in areas]
        return {"held_by": [holder.acting_as if holder else None for holder in holders]}

    return area_shapes(tile, "grid", scopes, held)


RESPONSIBLE_AREAS = Layer(
    name="responsible_areas",
    title_zh="责任区",
    title_en="Responsible areas",
    features=None,
    tile=_responsible,
    version=lambda: str(drawn_revision()),
    fields=dict.fromkeys(("code", "name", "kind", "held_by"), "String") | {"parts": "Number"},
    colour="#7c3aed",
    order=40,
    areas=True,
    permission="read_responsible_areas",
)

LAYERS = (RESPONSIBLE_AREAS,)
