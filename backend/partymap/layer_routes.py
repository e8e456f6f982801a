"""The layers of the map over HTTP: which there are, their tiles, a style to draw them, and how the town shows them."""

from typing import Any

from flask import Response, current_app, request
from marshmallow import Schema, fields, validate

from backend.config import Config
from backend.http.blueprint import Room
from backend.http.fields import Strict, Text
from backend.http.pages import PageQuery, listing, page_of
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import public_answer
from backend.http.registry import layers
from backend.partymap.layer_settings import KIND, SETTABLE, Shown
from backend.partymap.tiles import forget_tiles, layer_for_caller, layers_for_caller, tile_of
from backend.people.access import PUBLIC
from backend.territory.location import territory
from backend.territory.rule_answers import (
    AsRead,
    RuleBody,
    RuleVersionsSchema,
    rule_set,
    rule_taken_back,
    versions_page,
)
from backend.territory.tiles import LAST_ZOOM, Tile
from backend.territory.town_rules import Rule

room = Room("map_layers", "The map's layers, their vector tiles, and how the town shows them")

MVT = "application/vnd.mapbox-vector-tile"
_TILE: Any = {"type": "string", "format": "binary", "description": "Mapbox Vector Tile 2.1; empty: nothing to show"}
SECONDS = 30
"""How long a cache may show a tile without asking again."""


class LegendSchema(Schema):
    """A colour and what it means."""

    colour = fields.String(required=True)
    opacity = fields.Float(required=True)
    from_ = fields.Integer(
        required=True, allow_none=True, data_key="from", metadata={"description": "count from which on it is this one"}
    )


class LayerSchema(Schema):
    """A layer of the map as the town shows it."""

    name = fields.String(required=True)
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    geometry = fields.String(required=True, validate=validate.OneOf(("point", "polygon")))
    access = fields.String(
        required=True, metadata={"description": "public, or the permission by which the caller sees it"}
    )
    colour = fields.String(required=True)
    order = fields.Integer(required=True, metadata={"description": "the lowest is drawn first"})
    points_from = fields.Integer(required=True, metadata={"description": "zoom from which points stand alone"})
    legend = fields.List(fields.Nested(LegendSchema), required=True)
    tiles = fields.String(required=True, metadata={"description": "address of its tiles"})
    tilejson = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "0: as it ships"})


LayersSchema = page_of("LayersSchema", LayerSchema)


class TileJsonSchema(Schema):
    """TileJSON 3.0.0."""

    tilejson = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    tiles = fields.List(fields.String(), required=True)
    vector_layers = fields.List(fields.Dict(), required=True)
    minzoom = fields.Integer(required=True)
    maxzoom = fields.Integer(required=True)
    bounds = fields.List(fields.Float(), required=True)
    center = fields.List(fields.Float(), required=True)
    scheme = fields.String(required=True)


class StyleSchema(Schema):
    """A MapLibre style, version 8."""

    version = fields.Integer(required=True)
    name = fields.String(required=True)
    center = fields.List(fields.Float(), required=True)
    zoom = fields.Float(required=True)
    sources = fields.Dict(required=True)
    layers = fields.List(fields.Dict(), required=True)


class _Settable(Strict):
    """How a layer is shown."""

    shown = fields.Boolean(metadata={"description": "false: nobody gets it"})
    title_zh = Text(40, shortest=1, metadata={"example": "党群服务点"})
    title_en = Text(60, shortest=1)
    colour = fields.String(validate=validate.Regexp("^#[0-9a-f]{6}$"), metadata={"example": "#dc2626"})
    order = fields.Integer(strict=True, validate=validate.Range(0, 1000))
    points_from = fields.Integer(strict=True, validate=validate.Range(0, LAST_ZOOM))


class LayerBody(RuleBody, _Settable):
    """How the town shows a layer; what is left out is as it ships."""

    name, geometry, access, legend, tiles, tilejson = (AsRead() for _ in range(6))


class LayerRuleSchema(_Settable):
    """What the town laid down for a layer."""

    name = fields.String(required=True)
    version = fields.Integer(required=True)
    set_at = fields.AwareDateTime(required=True)


@room.get("/partymap/layers")
@room.response(200, LayersSchema)
@room.cached
@permission("public")
def list_layers() -> Response:
    """The layers shown to the caller: to somebody signed in those of their roles, too."""
    return _scoped(public_answer(listing([_told(one) for one in layers_for_caller()]), SECONDS), by_caller=True)


@room.get("/partymap/layers/<string:layer>/tiles.json")
@room.response(200, TileJsonSchema)
@room.cached
@permission("public")
def tile_json_of(layer: str) -> Response:
    """A layer as TileJSON, for any client of vector tiles."""
    from backend.partymap.map_style import tile_json

    shown, _ = layer_for_caller(layer)
    return _scoped(public_answer(tile_json(shown, _base(), _bounds()), SECONDS), by_caller=_is_private(shown))


@room.get("/partymap/style.json")
@room.response(200, StyleSchema)
@room.cached
@permission("public")
def style() -> Response:
    """A MapLibre style of all layers shown to the caller, readable without any outside service."""
    from backend.partymap.map_style import map_style

    config: Config = current_app.config["TOWN_CONFIG"]
    drawn = map_style(layers_for_caller(), _base(), _bounds(), config)
    return _scoped(public_answer(drawn, SECONDS), by_caller=True)


@room.get("/partymap/tiles/<string:layer>/<int:z>/<int:x>/<int:y>.mvt")
@room.response(200, _TILE, content_type=MVT)
@room.cached
@permission("public")
def tile(layer: str, z: int, x: int, y: int) -> Response:
    """A vector tile of a layer, at most 1,000 features; clusters, or villages for grids, where there were more."""
    shown, scopes = layer_for_caller(layer)
    made = tile_of(shown, scopes, Tile(z, x, y))
    known = request.if_none_match.contains_weak(made.etag)
    response = Response(status=304) if known else Response(made.body, content_type=MVT)
    response.headers["ETag"], response.headers["Cache-Control"] = f'"{made.etag}"', f"public, max-age={SECONDS}"
    return _scoped(response, by_caller=_is_private(shown))


@room.put("/partymap/layers/<string:layer>")
@room.arguments(LayerBody)
@room.response(200, LayerRuleSchema)
@room.replacing
@permission("keep_settings")
def set_layer(body: dict[str, Any], layer: str) -> Response:
    """Lay down how the town shows a layer: switched on or off, its names, colour, order, where points stand alone."""
    value = {name: body[name] for name in SETTABLE if name in body}
    answered = rule_set(KIND, _known(layer), lambda _town: value, _rule)
    forget_tiles()
    return answered


@room.delete("/partymap/layers/<string:layer>")
@room.response(204)
@room.conditional
@permission("keep_settings")
def take_back_layer(layer: str) -> Response:
    """Show a layer as it ships again; the history stays."""
    answered = rule_taken_back(KIND, _known(layer))
    forget_tiles()
    return answered


@room.get("/partymap/layers/<string:layer>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, RuleVersionsSchema)
@permission("read_settings")
def layer_history(query: dict[str, Any], layer: str) -> Response:
    """All that was laid down for a layer, newest first."""
    return versions_page(KIND, _known(layer), query)


def _known(layer: str) -> str:
    if layer not in layers():
        raise NotFound
    return layer


def _rule(rule: Rule) -> dict[str, Any]:
    return {"name": rule.key, **rule.value, "version": rule.version, "set_at": rule.set_at}


def _told(shown: Shown) -> dict[str, Any]:
    from backend.partymap.map_style import legend

    here = "/api/v1/partymap"
    return {
        "name": shown.layer.name,
        "title_zh": shown.title_zh,
        "title_en": shown.title_en,
        "geometry": "polygon" if shown.layer.areas else "point",
        "access": shown.layer.permission,
        "colour": shown.colour,
        "order": shown.order,
        "points_from": shown.points_from,
        "legend": legend(shown),
        "tiles": f"{here}/tiles/{shown.layer.name}/{{z}}/{{x}}/{{y}}.mvt",
        "tilejson": f"{here}/layers/{shown.layer.name}/tiles.json",
        "version": shown.version,
    }


def _is_private(shown: Shown) -> bool:
    return shown.layer.permission != PUBLIC


def _scoped(response: Response, *, by_caller: bool) -> Response:
    """Say for whom an answer may be kept: what goes by who asks, for nobody else, and not without asking again."""
    if by_caller:
        response.headers["Vary"] = "Authorization"
        if "Authorization" in request.headers:
            response.headers["Cache-Control"] = "private, no-cache"
    return response


def _base() -> str:
    config: Config = current_app.config["TOWN_CONFIG"]
    return config.PUBLIC_URL or request.host_url.rstrip("/")


def _bounds() -> list[float]:
    """West, south, east and north of the town; of the middles of its areas, where it has no outline."""
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    held = territory()
    middles = [
        (area.lon, area.lat) for area in held.areas.values() if area.lon and area.lat and area.code.startswith(town)
    ]
    if not middles:
        return [-180.0, -85.0, 180.0, 85.0]
    lons, lats = [lon for lon, _ in middles], [lat for _, lat in middles]
    return [min(lons) - 0.02, min(lats) - 0.02, max(lons) + 0.02, max(lats) + 0.02]
