"""The box of a map, as asked for: west,south,east,north in the asker's coordinate system."""

import math
from typing import Any

from marshmallow import ValidationError, fields

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

_FOUR = ("应为四个数：西,南,东,北。", "Must be four numbers: west,south,east,north.")
_RANGE = (
    "经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间；次序为西,南,东,北。",
    "Longitudes lie between -180 and 180, latitudes between -90 and 90; the order is west,south,east,north.",
)
_REVERSED = (
    "西应小于东，南应小于北；跨越 180 度经线的范围请分成两次查询。",
    "West must be less than east and south less than north; ask for a box across the 180th meridian in two halves.",
)


class BoxField(fields.String):
    """Four finite numbers `west,south,east,north` (degrees), each pair ascending."""

    def __init__(self, **kwargs: Any) -> None:
        said = {"description": "west,south,east,north in degrees of `crs`", "example": "112.91,22.80,113.06,22.93"}
        super().__init__(metadata=said, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return read_box(super()._deserialize(value, attr, data, **kwargs))


def read_box(text: str) -> Box:
    """A box from its text. Raises ValidationError: not four numbers, NaN, out of range, reversed, across 180°."""
    parts = text.split(",")
    # Python would also take １１３ and 1_13 for numbers.
    if len(parts) != 4 or not text.isascii() or "_" in text:
        raise ValidationError([_FOUR])
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError as error:
        raise ValidationError([_FOUR]) from error
    if not all(map(math.isfinite, (west, south, east, north))):
        raise ValidationError([_FOUR])
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise ValidationError([_RANGE])
    if west >= east or south >= north:
        raise ValidationError([_REVERSED])
    return west, south, east, north
