"""Fields that refuse what no database or screen should meet."""

import math
import re
import unicodedata
from datetime import date, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from backend.config import TOWN_ZONE

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters and marks that show nothing: fillers, a joiner, braille without dots."""
_BLANK = ("不能是空白。", "Must not be blank.")
_BLANK_FOR_PLUS = re.compile(r"^(\S+T\S+) (\d\d:?\d\d)\Z")
"""An offset from an address in which the + was left as it is: there it stands for a blank."""
_YEARS = (1901, 2999)
_OUT_OF_RANGE = (f"应在 {_YEARS[0]} 年至 {_YEARS[1]} 年之间。", f"Out of range: the years {_YEARS[0]} to {_YEARS[1]}.")
_NUL = ("不能包含空字符（NUL）或不完整的字符。", "NUL bytes and lone surrogates cannot be stored.")


def unturned(text: str) -> str:
    """A text without the signs that turn the direction of all that follows (U+202A-202E, U+2066-2069).

    With them a page would show what is read otherwise than it is kept.
    """
    return _TURNING.sub("", text)


def blank(text: str) -> bool:
    """Whether a text shows nothing: empty, or only spaces, controls, signs of formatting, fillers."""
    return all(_unseen(character) for character in text)


def _unseen(character: str) -> bool:
    if character in _INVISIBLE or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return True
    return unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")


class Strict(Schema):
    """A body in which every field is known."""

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """Text of at most `longest` characters, taken without signs that turn its direction.

    Where it must have at least one, blank does not do; where it is `required`, blank counts as missing.
    """

    def __init__(self, longest: int, shortest: int = 0, **kwargs: Any) -> None:
        self.shortest = shortest = shortest or (1 if kwargs.get("required") else 0)
        super().__init__(validate=validate.Length(min=shortest or None, max=longest), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = unturned(super()._deserialize(value, attr, data, **kwargs))
        if _UNSTORABLE.search(text):
            raise ValidationError([_NUL])
        if self.shortest and blank(text):
            raise self.make_error("required") if self.required else ValidationError([_BLANK])
        return text


class Shape(validate.Regexp):
    """Text of a shape that is told in words, in Chinese and English."""

    def __init__(self, regex: str, what: tuple[str, str]) -> None:
        super().__init__(regex)
        self.what = what

    def __call__(self, value: Any) -> Any:
        try:
            super().__call__(value)
        except ValidationError as error:
            raise ValidationError([self.what]) from error
        return value


class Number(fields.Float):
    """A finite number given as a number, or with `as_text` as a query string has it; true and false are none."""

    def __init__(self, low: float, high: float, what: tuple[str, str], as_text: bool = False, **kwargs: Any) -> None:
        super().__init__(metadata={"minimum": low, "maximum": high, **kwargs.pop("metadata", {})}, **kwargs)
        self.low, self.high, self.what, self.as_text = low, high, what, as_text

    def _validated(self, value: Any) -> float:
        given = isinstance(value, str) and value.isascii() and "_" not in value if self.as_text else is_number(value)
        if not given:
            raise self.make_error("invalid", input=value)
        number = float(super()._validated(value))
        if not math.isfinite(number) or not self.low <= number <= self.high:
            raise ValidationError([self.what])
        return number


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; in Python true and false are, too."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Instant(fields.AwareDateTime):
    """A time with its offset, within the years that every database and zone can hold; taken in the town's zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        written = _BLANK_FOR_PLUS.sub(r"\1+\2", value) if isinstance(value, str) else value
        moment = super()._deserialize(written, attr, data, **kwargs)
        _require_usual(moment)
        return moment.astimezone(TOWN_ZONE)


class Day(fields.Date):
    """A day within the years that every database can hold."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        day = super()._deserialize(value, attr, data, **kwargs)
        _require_usual(day)
        return day


def _require_usual(day: date) -> None:
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValidationError([_OUT_OF_RANGE])


class Longitude(Number):
    """Degrees east, -180 to 180."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(-180, 180, ("经度应在 -180 到 180 之间。", "A longitude lies between -180 and 180."), **kwargs)


class Latitude(Number):
    """Degrees north, -90 to 90."""

    def __init__(self, **kwargs: Any) -> None:
        what = (
            "纬度应在 -90 到 90 之间，请检查经纬度是否填反。",
            "A latitude lies between -90 and 90; are the two swapped?",
        )
        super().__init__(-90, 90, what, **kwargs)


CRS = ("wgs84", "cgcs2000", "gcj02", "bd09")


_NO_CRS: Any = [
    (f"必须填写坐标系，应为其中之一：{'、'.join(CRS)}。", f"Name the coordinate system: one of {', '.join(CRS)}."),
]


class Crs(fields.String):
    """Name of a coordinate system in degrees; never guessed (a wrong guess is 460 m off)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(CRS), error_messages={"required": _NO_CRS}, **kwargs)


class Location(Strict):
    """A place as a phone gives it."""

    lon = Longitude(required=True)
    lat = Latitude(required=True)
    crs = Crs(required=True)
