"""What a mapping file says: which column of another system's export is which of our fields, and what its words mean.

A small JSON document; docs/import.md describes it, `mappings/` holds those of two systems.
"""

import codecs
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from backend.cases.rules.categories import shipped
from backend.cases.workflow import STATUSES
from backend.config import TOWN_ZONE
from backend.http.fields import Strict, Text
from backend.territory.coordinates import CRS

SHIPPED = Path(__file__).parent / "mappings"

FIELDS = (
    "external_id",
    "description",
    "filed_at",
    "due_at",
    "handled_at",
    "closed_at",
    "note",
    "rating",
    "status",
    "category",
    "area",
    "address",
    "lon",
    "lat",
)
"""What can be taken from columns."""

NEEDED = ("external_id", "description", "filed_at")
_NOT_IMPORTED = ("reopened", "suspended", "split", "merged", "apart", "drafted", "tasked")
END_STATUSES = [status for status in STATUSES if status not in _NOT_IMPORTED]


class BadMapping(Exception):
    """A mapping file that cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Words:
    """Our code for each word of the other system, and for all other words (None: the row is refused)."""

    values: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None

    def meaning(self, word: str) -> str | None:
        """Our code for a word."""
        return self.values.get(word, self.otherwise)


@dataclass(frozen=True)
class AreaRule:
    """How a row finds its village.

    `values`: by the word in the area column. `made`: the same, and the villages themselves are made from the words of
    that column; rows without a word go to one called `nameless`. `location`: by longitude and latitude. `seed`: where
    the source has no places, by a keyed hash of the row's key, each village as likely as the other.
    """

    by: Literal["values", "made", "location", "seed"]
    words: Words = field(default_factory=Words)
    nameless: str = ""
    seed: str = ""


@dataclass(frozen=True)
class ImportMapping:
    """A mapping file as read. `columns` names one column for each field, several for the description."""

    source: str
    town_code: str
    town_name: str | None
    zone: ZoneInfo
    columns: Mapping[str, tuple[str, ...]]
    area: AreaRule
    category: Words
    status: Words | None
    times: tuple[str, ...]
    crs: str | None
    encoding: str | None
    delimiter: str | None
    sheet: str | None

    def missing_from(self, present: Collection[str], of: Collection[str] = FIELDS) -> list[str]:
        """The columns it names for these fields that a file does not have."""
        return [name for one in of for name in self.columns.get(one, ()) if name not in present]


class _OneOrMore(fields.Field[tuple[str, ...]]):
    """A column's name, or a list of them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value
        if not (isinstance(names, list) and names and all(isinstance(name, str) and name for name in names)):
            raise ValidationError("Not a column's name or a list of them.")
        return tuple(names)


class _WordsSchema(Strict):
    values = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    otherwise = fields.String(load_default=None)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Words:
        return Words(**data)


class _TownSchema(Strict):
    code = fields.String(required=True, validate=validate.Regexp(r"^\d{9}\Z"))
    name = Text(100, shortest=1, load_default=None)


class _AreaSchema(Strict):
    by = fields.String(required=True, validate=validate.OneOf(("values", "made", "location", "seed")))
    values = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    otherwise = fields.String(load_default=None)
    nameless = Text(100, load_default="")
    seed = fields.String(load_default="")

    @validates_schema
    def _complete(self, data: dict[str, Any], **_: Any) -> None:
        needed = {"values": "values", "made": "nameless", "seed": "seed"}.get(data["by"])
        if needed and not data[needed]:
            raise ValidationError("Missing data for required field.", needed)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> AreaRule:
        return AreaRule(data["by"], Words(data["values"], data["otherwise"]), data["nameless"], data["seed"])


def _known_in(codes: Any) -> Any:
    def check(words: Words) -> None:
        for code in (*words.values.values(), *([words.otherwise] if words.otherwise else [])):
            if code not in codes:
                raise ValidationError(f"{code} is none of {', '.join(codes)}.")

    return check


def _encoding(name: str) -> None:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValidationError("Not an encoding known here.") from None


def _time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError("Not an IANA time zone.") from None


class _MappingSchema(Strict):
    source = Text(40, shortest=1, required=True)
    town = fields.Nested(_TownSchema, required=True)
    time_zone = fields.String(load_default=TOWN_ZONE.key, validate=_time_zone)
    times = fields.List(fields.String(), load_default=lambda: ["iso"])
    columns = fields.Dict(keys=fields.String(validate=validate.OneOf(FIELDS)), values=_OneOrMore(), required=True)
    area = fields.Nested(_AreaSchema, required=True)
    category = fields.Nested(_WordsSchema, required=True, validate=lambda words: _known_in(shipped())(words))
    status = fields.Nested(_WordsSchema, load_default=None, validate=_known_in(END_STATUSES))
    crs = fields.String(load_default=None, validate=validate.OneOf(CRS))
    encoding = fields.String(load_default=None, validate=_encoding)
    delimiter = fields.String(load_default=None, validate=validate.Length(equal=1))
    sheet = fields.String(load_default=None)

    @validates_schema
    def _complete(self, data: dict[str, Any], **_: Any) -> None:
        columns = data["columns"]
        missing = [name for name in NEEDED if name not in columns]
        missing += [
            name for name, other in (("lon", "lat"), ("lat", "lon")) if other in columns and name not in columns
        ]
        if data["area"].by == "location" and "lon" not in columns:
            missing.append("lon")
        if data["area"].by in ("values", "made") and "area" not in columns:
            missing.append("area")
        if missing:
            raise ValidationError(f"no column for {', '.join(missing)}", "columns")
        several = [name for name, names in columns.items() if len(names) > 1 and name != "description"]
        if several:
            raise ValidationError(f"more than one column for {', '.join(several)}", "columns")
        if "lon" in columns and data["crs"] is None:
            raise ValidationError("Name the coordinate system of lon and lat.", "crs")
        if data["status"] is not None and "status" not in columns:
            raise ValidationError("no column for status", "columns")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> ImportMapping:
        town = data.pop("town")
        zone, times = ZoneInfo(data.pop("time_zone")), tuple(data.pop("times"))
        return ImportMapping(town_code=town["code"], town_name=town["name"], zone=zone, times=times, **data)


def shipped_mappings() -> list[str]:
    """The names of the mappings that come with the product."""
    return sorted(path.stem for path in SHIPPED.glob("*.json"))


def read_mapping(name: str) -> ImportMapping:
    """A mapping from a file, or one that comes with the product by its name. Raises BadMapping."""
    path = SHIPPED / f"{name}.json" if name in shipped_mappings() else Path(name)
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise BadMapping(f"{name}: {error.strerror}; shipped are {', '.join(shipped_mappings())}") from error
    except orjson.JSONDecodeError as error:
        raise BadMapping(f"{name} is not JSON: {error}") from error
    return mapping_of(document)


def mapping_of(document: Any) -> ImportMapping:
    """A mapping from its JSON document. Raises BadMapping with every fault by its place."""
    schema: Schema = _MappingSchema()
    try:
        mapping: ImportMapping = schema.load(document)
    except ValidationError as error:
        raise BadMapping("; ".join(_faults(error.messages))) from error
    return mapping


def _faults(messages: Any, place: str = "") -> list[str]:
    if isinstance(messages, dict):
        inner = ((f"{place}.{name}" if place else str(name), below) for name, below in messages.items())
        return [fault for name, below in inner for fault in _faults(below, name)]
    return [
        f"{place}: {' '.join(str(message) for message in messages)}" if isinstance(messages, list) else str(messages)
    ]
