"""One row of another system's export, understood: its texts as our fields, or the reason why not."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.cases.imports.import_mappings import ImportMapping
from backend.http.fields import blank, unturned
from backend.http.table_files import SourceRow, Value
from backend.territory.coordinates import OutOfRange, Point, to_wgs84

LONGEST = {"external_id": 200, "description": 10_000, "note": 10_000, "address": 200, "area": 100}
"""Most characters of a field."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """A row that cannot become a case; the message says why."""


@dataclass(frozen=True, slots=True)
class ForeignCase:
    """A case as the other system tells it. Times are in UTC, `status` is how far it got, `point` WGS84 degrees."""

    external_id: str
    description: str
    category: str
    status: str
    filed_at: datetime
    due_at: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    note: str | None
    rating: int | None
    area: str
    address: str | None
    given_point: Point | None
    point: Point | None


def understand(row: SourceRow, mapping: ImportMapping, now: datetime) -> ForeignCase:
    """The case a row tells of. Raises Refused."""
    if row.fault is not None:
        raise Refused(row.fault)
    reader = _Reader(row.values, mapping)
    filed_at = reader.needed_time("filed_at")
    handled_at = reader.time("handled_at", filed_at)
    closed_at = reader.time("closed_at", handled_at or filed_at)
    if handled_at is None:
        handled_at = closed_at
    status = reader.status(handled_at, closed_at)
    _check_order(filed_at, handled_at, closed_at, status, now)
    given = reader.point()
    return ForeignCase(
        external_id=reader.needed("external_id"),
        description=reader.needed("description"),
        category=reader.category(),
        status=status,
        filed_at=filed_at,
        due_at=reader.time("due_at"),
        handled_at=handled_at,
        closed_at=closed_at,
        note=reader.text("note") or None,
        rating=reader.rating() if status == "closed" else None,
        area=reader.text("area"),
        address=reader.text("address") or None,
        given_point=given,
        point=reader.on_earth(given),
    )


def _check_order(
    filed_at: datetime, handled_at: datetime | None, closed_at: datetime | None, status: str, now: datetime
) -> None:
    if not _BEGINNING <= filed_at <= now:
        raise Refused(f"filed_at {filed_at.date()} is before 1970 or in the future")
    if status in ("closed", "declined", "withdrawn") and closed_at is None:
        raise Refused(f"is {status} without a time in closed_at")
    if status in ("handled", "checked") and handled_at is None:
        raise Refused(f"is {status} without a time in handled_at")
    for earlier, later, words in (
        (filed_at, handled_at, "handled before it was filed"),
        (filed_at, closed_at, "closed before it was filed"),
        (handled_at, closed_at, "closed before it was handled"),
    ):
        if earlier is not None and later is not None and later < earlier:
            raise Refused(f"was {words}")
    if max(filter(None, (filed_at, handled_at, closed_at))) > now:
        raise Refused("was handled or closed in the future")


class _Reader:
    """The texts of one row, by our field."""

    def __init__(self, values: Mapping[str, Value], mapping: ImportMapping) -> None:
        self._values, self._mapping = values, mapping

    def text(self, name: str) -> str:
        """A field's text without blanks at its ends; empty where it has no column. Raises Refused."""
        parts = (str(self._values.get(column, "")).strip() for column in self._mapping.columns.get(name, ()))
        text = unturned("\n".join(part for part in parts if part))
        if _UNSTORABLE.search(text):
            raise Refused(f"{name} has characters that are broken or cannot be stored (NUL)")
        if len(text) > LONGEST.get(name, math.inf):
            raise Refused(f"{name} has {len(text)} characters, more than {LONGEST[name]}")
        return text

    def needed(self, name: str) -> str:
        text = self.text(name)
        if blank(text):
            raise Refused(f"{name} is empty")
        return text

    def time(self, name: str, earliest: datetime | None = None) -> datetime | None:
        """A time, of the two there are in an hour that a clock change repeats the one that is not before `earliest`."""
        columns = self._mapping.columns.get(name)
        value = self._values.get(columns[0], "") if columns else ""
        if not isinstance(value, datetime):
            value = value.strip()
        return self._instant(name, value, earliest) if value else None

    def needed_time(self, name: str) -> datetime:
        found = self.time(name)
        if found is None:
            raise Refused(f"{name} is empty")
        return found

    def _instant(self, name: str, value: Value, earliest: datetime | None) -> datetime:
        local = value if isinstance(value, datetime) else self._parsed(name, value)
        try:
            if local.tzinfo:
                return local.astimezone(UTC)
            zone = self._mapping.zone
            first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
            return second if earliest is not None and first < earliest else first
        except OverflowError:
            raise Refused(f"{name} {value} is no usable time") from None

    def _parsed(self, name: str, text: str) -> datetime:
        for form in self._mapping.times:
            try:
                return datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007  # local time
            except ValueError:
                continue
        raise Refused(f"{name} {text!r} is no time in the forms {', '.join(self._mapping.times)}")

    def category(self) -> str:
        word = self.text("category")
        code = self._mapping.category.meaning(word)
        if code is None:
            raise Refused(f"category {word!r} has no meaning in the mapping")
        return code

    def status(self, handled_at: datetime | None, closed_at: datetime | None) -> str:
        if self._mapping.status is None:
            return "closed" if closed_at else "handled" if handled_at else "dispatched"
        word = self.text("status")
        status = self._mapping.status.meaning(word)
        if status is None:
            raise Refused(f"status {word!r} has no meaning in the mapping")
        return status

    def rating(self) -> int | None:
        text = self.text("rating")
        if text and not re.fullmatch("[1-5]", text):
            raise Refused(f"rating {text!r} is not 1 to 5")
        return int(text) if text else None

    def point(self) -> Point | None:
        lon, lat = self.text("lon"), self.text("lat")
        if not (lon or lat):
            return None
        try:
            return _number(lon), _number(lat)
        except ValueError:
            raise Refused(f"lon {lon!r}, lat {lat!r} is no place") from None

    def on_earth(self, given: Point | None) -> Point | None:
        if given is None:
            return None
        try:
            return to_wgs84(*given, self._mapping.crs or "")
        except OutOfRange as error:
            raise Refused(f"lon {given[0]}, lat {given[1]}: {error.en}") from None


def _number(text: str) -> float:
    """A number as exports write it; Python would also take 1_13."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return float(text)
