"""Shapes of what `territory` takes and answers."""

from marshmallow import INCLUDE, Schema, fields, validate

from backend.http.fields import CRS, Crs, Day, Latitude, Longitude, Strict, Text
from backend.http.pages import PageQuery, page_of
from backend.territory.codes import AreaCode

GEOMETRY = {"type": ["object", "null"], "description": "GeoJSON Polygon or MultiPolygon, longitude first"}

_EXAMPLE = {
    "type": "Feature",
    "properties": {"code": "440605121012", "name": "敦根社区", "kind": "community"},
    "geometry": None,
}


class CrsQuery(Strict):
    """The coordinate system to answer in."""

    crs = Crs(load_default="wgs84", metadata={"description": "coordinate system of the answer"})


class AreasQuery(PageQuery, CrsQuery):
    """Which areas to list."""

    parent = AreaCode(
        load_default=None,
        metadata={"description": "code of the area whose parts to list; without it, the towns"},
    )


class OutlinesQuery(CrsQuery):
    """Which outlines to draw."""

    parent = AreaCode(
        load_default=None,
        metadata={"description": "code of the area whose parts to draw; without it, the towns"},
    )
    level = fields.String(
        load_default=None,
        validate=validate.OneOf(("town", "village", "grid")),
        metadata={"description": "draw all parts of this level, however far below; without it, the next level"},
    )


class LocateQuery(Strict):
    """A point, and the coordinate system it is given in: there is no default."""

    lon = Longitude(as_text=True, required=True, metadata={"example": 113.0055})
    lat = Latitude(as_text=True, required=True, metadata={"example": 22.8667})
    crs = Crs(required=True, metadata={"example": "gcj02"})


class AreaNameSchema(Schema):
    """Code and name of an area."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class LocatedSchema(Schema):
    """Where a point lies."""

    grid = fields.Nested(
        AreaNameSchema, required=True, allow_none=True, metadata={"description": "null where none is drawn"}
    )
    village = fields.Nested(AreaNameSchema, required=True, allow_none=True)
    town = fields.Nested(AreaNameSchema, required=True)
    distance_to_boundary = fields.Float(
        required=True, metadata={"description": "metres to the boundary of the grid, from inside or outside"}
    )
    inside = fields.Boolean(
        required=True, metadata={"description": "false: outside every grid, and this is the nearest, at most 3 km away"}
    )


class AreaSchema(Schema):
    """A town, village, community or grid."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("town", "village", "community", "grid")))
    parent_code = fields.String(required=True, allow_none=True)
    urban_rural_class = fields.String(required=True, allow_none=True)
    lon = fields.Float(required=True, allow_none=True, metadata={"description": "centre, degrees in `crs`"})
    lat = fields.Float(required=True, allow_none=True)
    crs = fields.String(required=True, validate=validate.OneOf(CRS))
    has_outline = fields.Boolean(required=True)
    outline_source = fields.String(required=True, allow_none=True)
    demonstration = fields.Boolean(required=True, metadata={"description": "the outline is made up"})
    households = fields.Integer(required=True, allow_none=True)
    population = fields.Integer(required=True, allow_none=True)
    population_as_of = fields.Date(required=True, allow_none=True)
    population_source = fields.String(required=True, allow_none=True)


AreasSchema = page_of("AreasSchema", AreaSchema)


class OutlinePropertiesSchema(AreaNameSchema):
    """What a drawn area says of itself."""

    kind = fields.String(required=True)
    parent_code = fields.String(required=True, allow_none=True)
    demonstration = fields.Boolean(required=True)


class OutlineSchema(Schema):
    """A GeoJSON feature."""

    type = fields.String(required=True, validate=validate.Equal("Feature"))
    id = fields.String(required=True)
    properties = fields.Nested(OutlinePropertiesSchema, required=True)
    geometry = fields.Dict(required=True, allow_none=True, metadata=GEOMETRY)


class OutlinesSchema(Schema):
    """A GeoJSON feature collection."""

    type = fields.String(required=True, validate=validate.Equal("FeatureCollection"))
    features = fields.List(fields.Nested(OutlineSchema), required=True)


class ImportQuery(Strict):
    """How to read a file of boundaries."""

    crs = Text(
        40,
        required=True,
        metadata={
            "description": "wgs84, cgcs2000, gcj02, bd09, or epsg:4491 to epsg:4554 for metres in Gauss-Krüger zones",
            "pattern": r"^(wgs84|cgcs2000|gcj02|bd09|epsg:4(49[1-9]|5[0-4][0-9]|55[0-4]))$",
            "example": "wgs84",
        },
    )
    source = Text(
        200,
        required=True,
        metadata={
            "description": "where the boundaries come from, kept beside them",
            "example": "自然资源所 2026 年测绘",
        },
    )
    dry_run = fields.Boolean(load_default=False, metadata={"description": "examine, write nothing"})
    good_only = fields.Boolean(
        load_default=False, metadata={"description": "write what has no fault, leave out the rest"}
    )


class RedrawQuery(Strict):
    """How to read a file of boundaries, and from which day they hold."""

    crs = ImportQuery._declared_fields["crs"]
    source = ImportQuery._declared_fields["source"]
    effective_on = Day(required=True, metadata={"description": "the first day, in the town's time"})


class AreaChanges(Strict):
    """Another name."""

    name = Text(100, required=True)


class RedrawingSchema(Schema):
    """Boundaries that hold from a day on."""

    id = fields.UUID(required=True)
    town_code = fields.String(required=True)
    effective_on = fields.Date(required=True)
    source = fields.String(required=True)
    features = fields.Integer(required=True)
    status = fields.String(required=True, metadata={"description": "planned, applied, cancelled or refused"})
    planned_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)


RedrawingsSchema = page_of("RedrawingsSchema", RedrawingSchema)


class FeatureCollectionBody(Schema):
    """A GeoJSON feature collection; `properties.code` and `properties.name` say which area a feature is."""

    class Meta:
        unknown = INCLUDE  # foreign members are allowed by RFC 7946 §6.1

    type = fields.String(required=True, validate=validate.Equal("FeatureCollection"))
    features = fields.List(
        fields.Raw(allow_none=True),
        required=True,
        validate=validate.Length(min=1, max=50_000),
        metadata={"example": [_EXAMPLE]},
    )


class FaultSchema(Schema):
    """What keeps a feature out."""

    feature = fields.Integer(required=True, metadata={"description": "its number in the file, from 1"})
    code = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, metadata={"description": "stable name of the fault"})
    message = fields.String(required=True)


class ImportedSchema(Schema):
    """What an import did, or would do."""

    written = fields.Boolean(required=True)
    accepted = fields.Integer(required=True, metadata={"description": "features without a fault"})
    faults = fields.List(fields.Nested(FaultSchema), required=True)
