"""Bodies, queries and answers of the party map."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from backend.config import TOWN_ZONE
from backend.http.fields import Crs, Location, Strict, Text
from backend.http.pages import PageQuery, page_of
from backend.partymap.hours_as_written import FAULTS, MOST_EXCEPTIONS, MOST_SPANS_A_DAY, FaultyHours, read_hours
from backend.partymap.in_charge import MOST as MOST_PEOPLE
from backend.partymap.offers import KINDS, SERVICES
from backend.partymap.opening_hours import RULE_DAYS
from backend.partymap.photos import MOST as MOST_PHOTOS
from backend.territory.boxes import BoxField
from backend.territory.codes import AreaCode
from backend.territory.governance_model import MOST_TAGS, ElementCode
from backend.territory.named_days import DAY_NAMES

_CLOCK = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


class Yes(fields.Boolean):
    """true or false, and no word or number for it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Whole(fields.Integer):
    """A whole number given as a number."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(low, high), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Names(fields.List[Any]):
    """A list of different short texts or codes."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        names = super()._deserialize(value, attr, data, **kwargs)
        if len(set(names)) < len(names):
            raise ValidationError([("有重复的项目。", "An entry is given twice.")])
        return names


class SpanSchema(Strict):
    """One stretch of open time; a closing time before the opening time is on the next day."""

    opens = fields.String(required=True, metadata={"pattern": _CLOCK, "example": "08:30"})
    closes = fields.String(required=True, metadata={"pattern": _CLOCK, "example": "17:30"})


def _spans(**kwargs: Any) -> fields.List[Any]:
    return fields.List(fields.Nested(SpanSchema), metadata={"maxItems": MOST_SPANS_A_DAY}, **kwargs)


WeekSchema = Strict.from_dict({day: _spans() for day in RULE_DAYS}, name="OpeningWeekSchema")


class HoursExceptionSchema(Strict):
    """A date, a stretch of dates, or all days of a holiday, with hours of their own; no hours: closed."""

    date = fields.String(allow_none=True, metadata={"format": "date"})
    until = fields.String(allow_none=True, metadata={"format": "date", "description": "last date of the stretch"})
    holiday = fields.String(
        allow_none=True,
        validate=validate.OneOf(tuple(DAY_NAMES)),
        metadata={"description": "instead of a date: the days off of a public holiday, or a festival's day"},
    )
    hours = _spans(required=True)
    note = fields.String(allow_none=True, metadata={"maxLength": 200})


class OpeningHoursSchema(Strict):
    """Hours of a regular week by weekday, or by the work calendar (`workdays`, `restdays`), and dated exceptions."""

    weekly = fields.Nested(WeekSchema)
    exceptions = fields.List(fields.Nested(HoursExceptionSchema), metadata={"maxItems": MOST_EXCEPTIONS})


class HoursField(fields.Nested):
    """Opening hours, kept as written once they can be read; the schema is for the documentation."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(OpeningHoursSchema, **kwargs)

    def _deserialize(self, value: Any, *_rest: Any, **_options: Any) -> Any:
        try:
            hours = read_hours(value, TOWN_ZONE)
        except FaultyHours as refused:
            messages: dict[str, Any] = {}
            for fault in refused.faults:
                messages.setdefault(fault.where, []).append((fault.zh, fault.en))
            raise ValidationError(messages) from refused
        if not hours.opens_ever():
            raise ValidationError({"weekly": [FAULTS["never_opens"]]})
        return value


class EmptyBody(Strict):
    """Nothing to be said."""


class PointChanges(Strict):
    """What may be changed of a service point; an empty change confirms it as it is."""

    name = Text(100, shortest=1)
    kind = fields.String(validate=validate.OneOf(KINDS))
    location = fields.Nested(Location)
    area_code = AreaCode(
        "village", "grid", metadata={"description": "village or grid; left out with a new place: where that lies"}
    )
    address = Text(200, shortest=1)
    phone = Text(30, allow_none=True)
    in_charge = Text(60, allow_none=True)
    services = Names(fields.String(validate=validate.OneOf(SERVICES)), validate=validate.Length(max=len(SERVICES)))
    facilities = Names(Text(30, shortest=1), validate=validate.Length(max=20))
    elements = Names(
        ElementCode(),
        validate=validate.Length(max=MOST_TAGS),
        metadata={"description": "elements of the governance model, by code", "example": ["5.2"]},
    )
    photos = Names(
        fields.UUID(),
        validate=validate.Length(max=MOST_PHOTOS),
        metadata={"description": "ids of photos sent as evidence, the first one on the cover"},
    )
    people = Names(
        fields.UUID(),
        validate=validate.Length(max=MOST_PEOPLE),
        metadata={"description": "ids of the accounts in charge; not shown to the public"},
    )
    capacity = Whole(0, 100_000, allow_none=True)
    star = Whole(1, 5, allow_none=True)
    opening_hours = HoursField()
    accessible = Yes()
    active = Yes()


class NewPoint(PointChanges):
    """A service point to enter."""

    class Meta(Strict.Meta):
        exclude = ("active",)

    name = Text(100, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    location = fields.Nested(Location, required=True)
    address = Text(200, required=True)
    phone = Text(30, allow_none=True, load_default=None)
    in_charge = Text(60, allow_none=True, load_default=None)
    services = Names(
        fields.String(validate=validate.OneOf(SERVICES)), load_default=[], validate=validate.Length(max=len(SERVICES))
    )
    facilities = Names(Text(30, shortest=1), load_default=[], validate=validate.Length(max=20))
    elements = Names(ElementCode(), load_default=[], validate=validate.Length(max=MOST_TAGS))
    capacity = Whole(0, 100_000, allow_none=True, load_default=None)
    star = Whole(1, 5, allow_none=True, load_default=None)
    opening_hours = HoursField(required=True)
    accessible = Yes(load_default=False)


class CrsQuery(Strict):
    """In which coordinate system to answer."""

    crs = Crs(load_default="wgs84")


class PointsQuery(PageQuery, CrsQuery):
    """Which service points."""

    text = Text(40, shortest=1, metadata={"description": "part of the name, its pinyin, or the initials of that"})
    area = AreaCode(metadata={"description": "code of a town, village or grid"})
    kind = fields.String(validate=validate.OneOf(KINDS))
    service = fields.String(validate=validate.OneOf(SERVICES))
    element = ElementCode(metadata={"description": "of the governance model, by code"})
    open_now = fields.Boolean(metadata={"description": "open at this moment, or shut"})
    active = fields.Boolean(load_default=True, metadata={"description": "false: those given up"})


class GeoJsonQuery(CrsQuery):
    """Which part of the map."""

    bbox = BoxField()
    element = ElementCode(metadata={"description": "only points that bear on it, of the governance model"})


class ElementsQuery(Strict):
    """Of which area; of the whole town, if none is named."""

    area = AreaCode(metadata={"description": "code of a town, village or grid"})


class PointsOfElementSchema(Schema):
    """How many service points bear on an element of the governance model."""

    element = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    placeholder = fields.Boolean(required=True, metadata={"description": "not named by the town yet: say so on screen"})
    points = fields.Integer(required=True)


PointsOfElementsSchema = page_of("PointsOfElementsSchema", PointsOfElementSchema)


class PlaceSchema(Strict):
    """A place in the coordinate system asked for."""

    lon = fields.Float(required=True)
    lat = fields.Float(required=True)
    crs = fields.String(required=True)


class PointSchema(Strict):
    """A service point."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    area_code = fields.String(required=True)
    location = fields.Nested(PlaceSchema, required=True)
    address = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    in_charge = fields.String(required=True, allow_none=True)
    services = fields.List(fields.String(), required=True)
    facilities = fields.List(fields.String(), required=True)
    elements = fields.List(fields.String(), required=True, metadata={"description": "of the governance model, by code"})
    photos = fields.List(fields.UUID(), required=True, metadata={"description": "each at …/photos/{id}"})
    capacity = fields.Integer(required=True, allow_none=True)
    star = fields.Integer(required=True, allow_none=True)
    accessible = fields.Boolean(required=True)
    opening_hours = fields.Nested(OpeningHoursSchema, required=True)
    weekly_open_minutes = fields.Integer(required=True, metadata={"description": "of a regular week"})
    open_now = fields.Boolean(required=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    opened_at = fields.AwareDateTime(required=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    confirmed_at = fields.AwareDateTime(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class PointDetailSchema(PointSchema):
    """A service point with when its door opens and shuts next; null: not within 400 days."""

    opens_next = fields.AwareDateTime(required=True, allow_none=True)
    closes_next = fields.AwareDateTime(required=True, allow_none=True)


PointsSchema = page_of("PointsSchema", PointSchema)


class PersonSchema(Strict):
    """An account."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


PeopleSchema = page_of("PeopleSchema", PersonSchema)


class OfferSchema(Strict):
    """A code of a list, in Chinese and English."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class OffersSchema(Strict):
    """The coded lists of service points."""

    kinds = fields.List(fields.Nested(OfferSchema), required=True)
    services = fields.List(fields.Nested(OfferSchema), required=True)
    holidays = fields.List(fields.Nested(OfferSchema), required=True)


class FeatureCollectionSchema(Strict):
    """GeoJSON (RFC 7946) with two members of ours."""

    type = fields.String(required=True, validate=validate.Equal("FeatureCollection"))
    features = fields.List(fields.Dict(), required=True)
    truncated = fields.Boolean(required=True, metadata={"description": "more points lie in the box than are given"})
    coordinates_in = fields.String(required=True, metadata={"description": "coordinate system of the coordinates"})
