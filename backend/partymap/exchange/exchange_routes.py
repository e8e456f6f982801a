"""Service points in files over HTTP: to take out, and to bring in."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from backend.http import clock
from backend.http.attachments import attachment, table_file
from backend.http.blueprint import Room
from backend.http.bodies import large_body
from backend.http.fields import Crs, Strict
from backend.http.permission import permission
from backend.http.problems import Invalid, language
from backend.http.reading import answer
from backend.http.work import unit_of_work
from backend.partymap.exchange.exporting import exported, write_geojson
from backend.partymap.exchange.importing import Plan, import_points
from backend.partymap.exchange.reading import read_points
from backend.partymap.keeping import keeps
from backend.people.access import town_scope
from backend.people.caller import current_caller

room = Room("partymap_files", "Service points in files: CSV, XLSX and GeoJSON, out and in")

_FILE: Any = {"description": "a file: CSV in UTF-8 with a mark, XLSX, or GeoJSON"}


class FileQuery(Strict):
    """In which format, and in which coordinate system."""

    format = fields.String(load_default="xlsx", validate=validate.OneOf(("csv", "xlsx", "geojson")))
    crs = Crs(load_default="wgs84")


class PointsImportQuery(Strict):
    """How to import."""

    crs = Crs(metadata={"description": "of all rows that name none; a file that names none either is refused"})
    dry_run = fields.Boolean(load_default=False, metadata={"description": "say what would change, write nothing"})
    good_only = fields.Boolean(
        load_default=False, metadata={"description": "write the lines without a fault, leave out the rest"}
    )


class PointsFileBody(Strict):
    """A form with a file of service points in it."""

    file = Upload(required=True, metadata={"description": "XLSX, GeoJSON, or CSV in UTF-8 or GB18030"})


class PointLineSchema(Schema):
    """What a line does."""

    line = fields.Integer(required=True, metadata={"description": "of a GeoJSON: which feature, from 1"})
    what = fields.String(required=True, validate=validate.OneOf(("new", "changed", "unchanged")))
    id = fields.UUID(required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields")


class PointFaultSchema(Schema):
    """What is wrong with a line."""

    line = fields.Integer(required=True)
    column = fields.String(required=True)
    error = fields.String(required=True)
    message = fields.String(required=True)


class PointsImportedSchema(Schema):
    """What an import did, or with `dry_run` would do."""

    written = fields.Boolean(required=True)
    new = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    lines = fields.List(fields.Nested(PointLineSchema), required=True)
    faults = fields.List(fields.Nested(PointFaultSchema), required=True)
    columns_not_read = fields.List(fields.String(), required=True)


@room.get("/partymap/points/file")
@room.arguments(FileQuery, location="query")
@room.response(200, _FILE, content_type="*/*")
@permission("keep_service_points")
def file_of_points(query: dict[str, Any]) -> Response:
    """The points that the caller keeps, as a file that can be changed and imported again."""
    areas, crs = sorted(town_scope(current_caller(), "keep_service_points")), query["crs"]
    name = f"党群服务点 {clock.now():%Y-%m-%d} {crs}"
    if query["format"] != "geojson":
        return table_file(query["format"], name, exported(areas, crs))

    def write(path: Any) -> None:
        with path.open("wb") as file:
            write_geojson(file, areas, crs)

    return attachment("geojson", name, write)


@room.post("/partymap/points/import")
@room.arguments(PointsImportQuery, location="query")
@room.arguments(PointsFileBody, location="files")
@room.response(200, PointsImportedSchema)
@large_body
@permission("keep_service_points")
def import_file(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Import service points: all of a file, or with `good_only` the lines without a fault; twice is as once."""
    caller = current_caller()
    if len(list(request.files.items(multi=True))) != 1:
        raise Invalid({"file": [("请只上传一个文件。", "Send one file.")]})
    read, crs = read_points(body["file"].read()), query.pop("crs", None)
    town = min(town_scope(caller, "keep_service_points"))[:9]
    with unit_of_work() as session:
        plan = import_points(
            session,
            read,
            lambda area: keeps(caller, area),
            town,
            crs,
            actor=caller.account_id,
            now=clock.now(),
            **query,
        )
    return answer(_told(plan, not query["dry_run"]))


def _told(plan: Plan, written: bool) -> dict[str, Any]:
    return {
        "written": written,
        **{what: plan.count(what) for what in ("new", "changed", "unchanged")},
        "lines": [
            {"line": one.line, "what": one.what, "id": one.point, "fields": sorted(one.values)} for one in plan.changes
        ],
        "faults": [fault.told(language()) for fault in plan.faults],
        "columns_not_read": plan.ignored,
    }
