"""The calendar of a room as iCalendar (RFC 5545), for whoever wants to see when it is free: busy, and nothing of whom.

Neither who booked nor when they did is told: an event's id is a keyed hash, its stamp the instant at which it begins.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from backend.config import TOWN_ZONE
from backend.http.tags import tag

CONTENT_TYPE = "text/calendar"
_LINE = 75
"""Octets of a line (RFC 5545 §3.1)."""
_ESCAPED = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""}
_OFFSETS = [f"{datetime(2026, month, 1, tzinfo=TOWN_ZONE):%z}" for month in (1, 7)]


def calendar_of(room: str, place: str, bookings: Sequence[Any]) -> bytes:
    """The calendar of a room with a name at a place: its `bookings` have `id`, `begins_at` and `ends_at`."""
    return b"".join(_folded(line) for line in _lines(room, place, bookings))


def _lines(room: str, place: str, bookings: Sequence[Any]) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//grid1258//rooms//ZH", "METHOD:PUBLISH")
    yield f"X-WR-CALNAME:{_text(room)}"
    yield from _zone()
    for one in bookings:
        yield from ("BEGIN:VEVENT", f"UID:{tag('calendar entry', one.id.bytes)}", f"DTSTAMP:{_utc(one.begins_at)}")
        yield from (f"DTSTART{_when(one.begins_at)}", f"DTEND{_when(one.ends_at)}")
        yield from ("SUMMARY:已预约 Busy", f"LOCATION:{_text(f'{place} {room}')}", "TRANSP:OPAQUE", "END:VEVENT")
    yield "END:VCALENDAR"


def _zone() -> Iterator[str]:
    """The town's zone, if its clocks never change; else times are told in UTC."""
    january, july = _OFFSETS
    if january == july:
        yield from ("BEGIN:VTIMEZONE", f"TZID:{TOWN_ZONE}", "BEGIN:STANDARD", "DTSTART:19920101T000000")
        yield from (f"TZOFFSETFROM:{january}", f"TZOFFSETTO:{january}", "END:STANDARD", "END:VTIMEZONE")


def _when(at: datetime) -> str:
    january, july = _OFFSETS
    return f";TZID={TOWN_ZONE}:{at.astimezone(TOWN_ZONE):%Y%m%dT%H%M%S}" if january == july else f":{_utc(at)}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)


def _folded(line: str) -> bytes:
    """A line of at most 75 octets, and lines that go on with it; no character is cut."""
    written = [b""]
    for character in line:
        octets = character.encode()
        if len(written[-1]) + len(octets) > _LINE:
            written.append(b" ")
        written[-1] += octets
    return b"\r\n".join(written) + b"\r\n"
