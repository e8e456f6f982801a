"""When and where a photo was taken and which side is up, as far as its EXIF can be read."""

import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from PIL import ExifTags, Image

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises for EXIF that is not as it should be: such a photo is served all the same.
BROKEN_EXIF = (ValueError, TypeError, LookupError, SyntaxError, OSError, ArithmeticError, AttributeError, struct.error)


def exif_from(data: bytes | None) -> Image.Exif:
    """EXIF from its bytes; empty without."""
    exif = Image.Exif()
    if data:
        exif.load(data)
    return exif


def orientation_of(exif: Image.Exif) -> int:
    """EXIF's orientation, 1 to 8; anything else counts as upright."""
    value = exif.get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and value in UPRIGHT else 1


def degrees(gps: Mapping[int, Any], tag: int, most: int) -> float:
    """Degrees from EXIF's degrees, minutes and seconds under `tag` and the hemisphere under the tag before it."""
    whole, minutes, seconds = (float(part) for part in gps[tag])
    value = whole + minutes / 60 + seconds / 3600
    if not 0 <= value <= most:  # NaN, too
        raise ValueError(value)
    return -value if str(gps.get(tag - 1)).strip("\0 ").upper().startswith(("W", "S")) else value


def place_of(exif: Image.Exif) -> tuple[float, float] | None:
    """Longitude and latitude as the camera wrote them; None for the 0, 0 of a camera without a fix."""
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place = degrees(gps, ExifTags.GPS.GPSLongitude, 180), degrees(gps, ExifTags.GPS.GPSLatitude, 90)
    return place if any(place) else None


def facts_of(exif: Image.Exif) -> dict[str, Any]:
    """When and where the photo says it was taken, as far as it can be read."""
    facts: dict[str, Any] = {"taken": None, "offset": None, "place": None, "datum": None}
    with suppress(*BROKEN_EXIF):
        details = exif.get_ifd(ExifTags.IFD.Exif)
        facts["taken"] = printable(details.get(ExifTags.Base.DateTimeOriginal))
        facts["offset"] = printable(details.get(ExifTags.Base.OffsetTimeOriginal))
    with suppress(*BROKEN_EXIF):
        facts["place"] = place_of(exif)
        facts["datum"] = printable(exif.get_ifd(ExifTags.IFD.GPSInfo).get(ExifTags.GPS.GPSMapDatum))
    return facts


def printable(value: Any) -> str | None:
    """A short text of EXIF, without what does not belong into one."""
    return re.sub(r"[^ -~]", "", value)[:40] if isinstance(value, str) else None
