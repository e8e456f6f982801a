"""What a map needs to draw the layers: TileJSON of each, and a style for MapLibre that needs nothing from outside.

The style names no glyphs and no sprite: names are drawn with the fonts of the device, as MapLibre GL JS does from 5.11
on. An outside base map is drawn below them if one is configured.
"""

from typing import Any

from backend.config import Config
from backend.http.registry import Layer
from backend.partymap.layer_settings import Shown
from backend.people.access import PUBLIC
from backend.territory.tiles import LAST_ZOOM

Json = dict[str, Any]
_TIANDITU = (
    "https://t{n}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}&STYLE=default"
    "&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)
_NAMES_FROM = {"villages": 10, "grids": 15}
"""The zooms from which names of areas are written."""
_POINTS_FROM = 12
"""The zoom from which points are drawn: farther away they would cover the town."""
_FONT = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
_HALO = {"text-color": "#334155", "text-halo-color": "#ffffff", "text-halo-width": 1.5}


def tile_json(shown: Shown, base: str, bounds: list[float]) -> Json:
    """TileJSON 3.0 of a layer; `base` is the address of this server, `bounds` west, south, east, north."""
    layer = shown.layer
    described = [{"id": layer.name, "fields": dict(layer.fields), "minzoom": 0, "maxzoom": LAST_ZOOM}]
    if layer.areas:
        described.append({"id": f"{layer.name}_names", "fields": {"code": "String", "name": "String"}})
    return {
        "tilejson": "3.0.0",
        "name": shown.title_zh,
        "description": shown.title_en,
        "tiles": [f"{base}/api/v1/partymap/tiles/{layer.name}/{{z}}/{{x}}/{{y}}.mvt"],
        "vector_layers": described,
        "minzoom": 0,
        "maxzoom": LAST_ZOOM,
        "bounds": bounds,
        "center": [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, 12],
        "scheme": "xyz",
    }


def legend(shown: Shown) -> list[Json]:
    """What the colours of a layer mean, the least first: a colour, how opaque it is, and from which count on."""
    steps = shown.layer.steps
    if not steps:
        return [{"colour": shown.colour, "opacity": 1.0, "from": None}]
    return [
        {"colour": shown.colour, "opacity": _opacity(number, steps), "from": step} for number, step in enumerate(steps)
    ]


def _opacity(number: int, steps: tuple[int, ...]) -> float:
    return round(0.15 + 0.6 * number / max(1, len(steps) - 1), 2)


def map_style(layers: list[Shown], base: str, bounds: list[float], config: Config) -> Json:
    """A MapLibre style (version 8) of these layers, over the configured base map or a plain ground."""
    sources, drawn = _base_map(config)
    for one in layers:
        sources[one.layer.name] = {
            "type": "vector",
            "url": f"{base}/api/v1/partymap/layers/{one.layer.name}/tiles.json",
        }
    areas, points = [one for one in layers if one.layer.areas], [one for one in layers if not one.layer.areas]
    drawn += [_fill(one) for one in areas]
    drawn += [_border(one) for one in reversed(areas) if not one.layer.steps]  # the wider ones above
    drawn += [circle for one in points for circle in _points(one)]
    # Names above all that is drawn, the more important the later.
    drawn += [_names(one.layer) for one in reversed(areas) if one.layer.name in _NAMES_FROM]
    drawn += [written for one in points for written in _written(one.layer)]
    return {
        "version": 8,
        "name": "九江网格",
        "center": [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2],
        "zoom": 12,
        "sources": sources,
        "layers": [{"id": "ground", "type": "background", "paint": {"background-color": "#f8fafc"}}, *drawn],
    }


def _base_map(config: Config) -> tuple[Json, list[Json]]:
    if config.TIANDITU_KEY:
        sources = {
            f"base_{layer}": _raster([_TIANDITU.format(n=n, layer=layer, key=config.TIANDITU_KEY) for n in range(8)])
            | {"attribution": "© 天地图"}
            for layer in ("vec", "cva")
        }
    elif config.BASE_MAP.startswith("pmtiles://"):
        sources = {"base": {"type": "raster", "url": config.BASE_MAP, "tileSize": 256}}
    elif config.BASE_MAP:
        sources = {"base": _raster([config.BASE_MAP])}
    else:
        return {}, []
    return sources, [{"id": name, "type": "raster", "source": name} for name in sources]


def _raster(tiles: list[str]) -> Json:
    return {"type": "raster", "tiles": tiles, "tileSize": 256, "maxzoom": 18}


def _fill(one: Shown) -> Json:
    layer = one.layer
    opacity: Any = 0.06 if layer.permission == PUBLIC else 0.25
    if layer.steps:
        opacity = ["step", ["get", layer.counted], 0.0]
        for number, step in enumerate(layer.steps):
            opacity += [step, _opacity(number, layer.steps)]
    paint = {"fill-color": one.colour, "fill-opacity": opacity, "fill-antialias": False}
    return {"id": layer.name, "type": "fill", "source": layer.name, "source-layer": layer.name, "paint": paint}


def _border(one: Shown) -> Json:
    layer = one.layer
    width = ["interpolate", ["linear"], ["zoom"], 9, 0.3, 16, 1.2 if layer.name == "grids" else 3.0]
    of_layer = {"type": "line", "source": layer.name, "source-layer": layer.name}
    return {"id": f"{layer.name}_border", **of_layer, "paint": {"line-color": one.colour, "line-width": width}}


def _points(one: Shown) -> list[Json]:
    layer = one.layer
    of_layer = {"type": "circle", "source": layer.name, "source-layer": layer.name, "minzoom": _POINTS_FROM}
    clustered = ["has", "count"]
    size = ["interpolate", ["linear"], ["log10", ["get", "count"]], 0, 7, 3, 20, 6, 34]
    ring = {"circle-color": one.colour, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.5}
    return [
        {"id": layer.name, **of_layer, "filter": ["!", clustered], "paint": ring | {"circle-radius": 5}},
        {
            "id": f"{layer.name}_clusters",
            **of_layer,
            "filter": clustered,
            "paint": ring | {"circle-radius": size, "circle-opacity": 0.8},
        },
    ]


def _names(layer: Layer) -> Json:
    from_zoom = _NAMES_FROM[layer.name]
    above = {"text-anchor": "bottom", "text-offset": [0, -0.7]}  # the middle of a grid is where its cases stand
    size = ["interpolate", ["linear"], ["zoom"], from_zoom, 11, from_zoom + 4, 16]
    return {
        "id": f"{layer.name}_names",
        "type": "symbol",
        "source": layer.name,
        "source-layer": f"{layer.name}_names",
        "minzoom": from_zoom,
        "layout": {"text-field": ["get", "name"], "text-font": _FONT, "text-size": size, **above},
        "paint": _HALO,
    }


def _written(layer: Layer) -> list[Json]:
    of_layer = {"type": "symbol", "source": layer.name, "source-layer": layer.name, "minzoom": _POINTS_FROM}
    counts = {"text-field": ["to-string", ["get", "count"]], "text-font": _FONT, "text-size": 11}
    written: list[Json] = [
        {
            "id": f"{layer.name}_counts",
            **of_layer,
            "filter": ["has", "count"],
            "layout": counts | {"text-allow-overlap": True},
            "paint": {"text-color": "#ffffff"},
        }
    ]
    if "name" in layer.fields:
        beside = {"text-anchor": "top", "text-offset": [0, 0.7], "text-size": 12}
        layout = {"text-field": ["get", "name"], "text-font": _FONT, **beside}
        written.append(
            {
                "id": f"{layer.name}_names",
                **of_layer,
                "minzoom": 15,
                "filter": ["has", "name"],
                "layout": layout,
                "paint": _HALO,
            }
        )
    return written
