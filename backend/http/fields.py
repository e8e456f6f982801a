"""Fields that refuse what no database or screen should meet."""

import math
import re
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NUL = ("不能包含空字符（NUL）或不完整的字符。", "NUL bytes and lone surrogates cannot be stored.")


class Strict(Schema):
    """A body in which every field is known."""

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """Text of at most `longest` characters; blank counts as missing where `required`."""

    def __init__(self, longest: int, shortest: int = 0, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=shortest or None, max=longest), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if _UNSTORABLE.search(text):
            raise ValidationError([_NUL])
        if self.required and not text.strip():
            raise self.make_error("required")
        return text


class Number(fields.Float):
    """A finite number given as a number: text, true and false are refused."""

    def __init__(self, low: float, high: float, what: tuple[str, str], **kwargs: Any) -> None:
        super().__init__(metadata={"minimum": low, "maximum": high, **kwargs.pop("metadata", {})}, **kwargs)
        self.low, self.high, self.what = low, high, what

    def _validated(self, value: Any) -> float:
        # A query string has only text, a body must have numbers.
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.make_error("invalid", input=value)
        number = float(super()._validated(value))
        if not math.isfinite(number) or not self.low <= number <= self.high:
            raise ValidationError([self.what])
        return number


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


class Crs(fields.String):
    """Name of a coordinate system in degrees; never guessed (a wrong guess is 460 m off)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(CRS), **kwargs)


class Location(Strict):
    """A place as a phone gives it."""

    lon = Longitude(required=True)
    lat = Latitude(required=True)
    crs = Crs(required=True)
