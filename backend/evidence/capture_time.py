"""When a photo was taken, from what its camera wrote."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_WRITTEN = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)(?!\d)(?:[.,]\d+)?\s*(.*)")
_OFFSET = re.compile(r"([+-])(\d\d?)(?::?(\d\d))?")


def moment_taken(written: str | None, offset: str | None, zone: tzinfo) -> datetime | None:
    """The instant of EXIF's DateTimeOriginal with its OffsetTimeOriginal, or the one behind it; without, by the clocks
    of `zone`.

    None for what is no instant, such as the `0000:00:00 00:00:00` of a camera whose clock was never set.
    """
    found = _WRITTEN.fullmatch((written or "").strip())
    if found is None:
        return None
    *clock, behind = found.groups()
    try:
        moment = datetime(*map(int, clock), tzinfo=_zone(offset) or _zone(behind) or zone)  # type: ignore[misc, arg-type]
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str | None) -> tzinfo | None:
    if (offset or "").strip().upper() in ("Z", "UTC", "GMT"):
        return UTC
    found = _OFFSET.fullmatch((offset or "").strip())
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    shift = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-shift if sign == "-" else shift) if shift < timedelta(hours=24) else None
