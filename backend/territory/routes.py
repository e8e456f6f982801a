"""Areas, their outlines, and the question which grid a point is in."""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, request
from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import aliased

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.bodies import large_body
from backend.http.pages import listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound, language
from backend.http.reading import answer, render, row, rows
from backend.http.registry import ask
from backend.http.work import unit_of_work
from backend.territory.boundaries import import_boundaries
from backend.territory.codes import code_in_cursor, level_of
from backend.territory.coordinates import from_wgs84
from backend.territory.layers import area_feature
from backend.territory.location import forget, locate, territory
from backend.territory.places import AreaRow, Territory
from backend.territory.schemas import (
    AreaSchema,
    AreasQuery,
    AreasSchema,
    CrsQuery,
    FeatureCollectionBody,
    ImportedSchema,
    ImportQuery,
    LocatedSchema,
    LocateQuery,
    OutlineSchema,
    OutlinesQuery,
    OutlinesSchema,
)
from backend.territory.tables import Area, AreaPopulation

room = Room("territory", "Town, villages and grids, and which of them a point is in")
OUTLINE_SECONDS = 300
"""How long a map may keep outlines without asking again."""

_counted = aliased(AreaPopulation)
_latest = select(func.max(_counted.as_of)).where(_counted.area_code == Area.code).correlate(Area).scalar_subquery()
_areas = select(
    Area.code,
    Area.name,
    Area.kind,
    Area.parent_code,
    Area.urban_rural_class,
    Area.lon,
    Area.lat,
    Area.west.is_not(None).label("has_outline"),
    Area.outline_source,
    Area.demonstration,
    AreaPopulation.households,
    AreaPopulation.population,
    AreaPopulation.as_of.label("population_as_of"),
    AreaPopulation.source.label("population_source"),
).outerjoin(AreaPopulation, and_(AreaPopulation.area_code == Area.code, AreaPopulation.as_of == _latest))
_one_area = _areas.where(Area.code == bindparam("code"))
_page_of = _areas.where(Area.code > bindparam("after")).order_by(Area.code).limit(bindparam("most"))
_towns = _page_of.where(Area.parent_code.is_(None))
_parts = _page_of.where(Area.parent_code == bindparam("parent"))


@room.get("/areas")
@room.arguments(AreasQuery, location="query")
@room.response(200, AreasSchema)
@permission("read_areas")
def areas(query: dict[str, Any]) -> Response:
    """The parts of an area, or the towns, by code."""
    after = read_cursor(query["cursor"], code_in_cursor) or ("",)
    wanted = {"after": after[0], "most": query["limit"] + 1}
    found = rows(_parts, parent=query["parent"], **wanted) if query["parent"] else rows(_towns, **wanted)
    kept, next_cursor = page(found, query["limit"], lambda area: (area.code,))
    return answer(listing([_told(area, query["crs"]) for area in kept], next_cursor))


@room.get("/areas/<string:code>")
@room.arguments(CrsQuery, location="query")
@room.response(200, AreaSchema)
@permission("read_areas")
def area(query: dict[str, Any], code: str) -> Response:
    """One area; the ETag counts the changes of all areas."""
    found = row(_one_area, code=code) if level_of(code) else None
    if found is None:
        raise NotFound
    return answer(_told(found, query["crs"]), etag=str(territory().revision))


@room.get("/areas/<string:code>/outline")
@room.arguments(CrsQuery, location="query")
@room.response(200, OutlineSchema, content_type="application/geo+json")
@room.cached
@permission("public")
def outline(query: dict[str, Any], code: str) -> Response:
    """The outline of an area as a GeoJSON feature."""
    held = territory()
    found = held.areas.get(code)
    if found is None or found.outline is None:
        raise NotFound
    drawn: AreaRow = found
    return _drawing(held, f"{code} {query['crs']}", lambda: area_feature(drawn, query["crs"]))


@room.get("/areas.geojson")
@room.arguments(OutlinesQuery, location="query")
@room.response(200, OutlinesSchema, content_type="application/geo+json")
@room.cached
@permission("public")
def outlines(query: dict[str, Any]) -> Response:
    """The outlines of an area's parts as a GeoJSON feature collection."""
    held = territory()
    parent: str | None = query["parent"]
    level: str | None = query["level"]
    crs: str = query["crs"]

    def wanted(area: AreaRow) -> bool:
        if level is None:
            return area.parent_code == parent
        return level_of(area.code) == level and area.code.startswith(parent or "") and area.code != parent

    def draw() -> dict[str, Any]:
        features = [area_feature(area, crs) for area in held.outlined if wanted(area)]
        return {"type": "FeatureCollection", "features": features}

    return _drawing(held, f"{parent} {level} {crs}", draw)


@room.get("/locate")
@room.arguments(LocateQuery, location="query")
@room.response(200, LocatedSchema)
@permission("read_areas")
def locate_point(query: dict[str, Any]) -> Response:
    """The grid, village and town of a point, or of the nearest grid up to 3 km away."""
    place = locate(query["lon"], query["lat"], query["crs"])
    return answer(
        {
            "grid": place.grid and place.grid._asdict(),
            "village": place.village and place.village._asdict(),
            "town": place.town._asdict(),
            "distance_to_boundary": round(place.distance_to_boundary or 0.0, 1),
            "inside": place.inside,
        }
    )


@room.post("/areas/import")
@room.arguments(ImportQuery, location="query")
@room.arguments(FeatureCollectionBody)
@room.response(200, ImportedSchema)
@large_body
@permission("import_areas")
def import_areas(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Import areas and boundaries from GeoJSON: all, or with `good_only` those without a fault."""
    actor, scopes = ask("who_may", "import_areas")
    with unit_of_work() as session:
        examined = import_boundaries(
            session,
            body,
            query["crs"],
            source=query["source"],
            actor=actor,
            now=clock.now(),
            scopes=scopes,
            good_only=query["good_only"],
            dry_run=query["dry_run"],
        )
    forget()
    faults = [fault.told(language()) for fault in examined.faults]
    return answer({"written": not query["dry_run"], "accepted": len(examined.accepted), "faults": faults})


def _told(found: Any, crs: str) -> dict[str, Any]:
    told = dict(found._mapping) | {"crs": crs, "has_outline": bool(found.has_outline)}
    if found.lon is not None and found.lat is not None:
        told["lon"], told["lat"] = from_wgs84(found.lon, found.lat, crs)
    return told


def _drawing(held: Territory, name: str, draw: Callable[[], dict[str, Any]]) -> Response:
    """A drawing as everybody may keep it; worked out once for each state of the territory."""
    body = held.drawings.get(name)
    if body is None:
        body = held.remember_drawing(name, render(draw()))
    response = Response(body, content_type="application/geo+json")
    response.headers["Cache-Control"] = f"public, max-age={OUTLINE_SECONDS}"
    response.set_etag(hashlib.blake2b(body, digest_size=12).hexdigest())
    return response.make_conditional(request)  # type: ignore[return-value]  # werkzeug types it as the base Response
