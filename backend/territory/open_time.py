"""Open minutes as SQL counts them.

A work calendar is code; a database that sorts by handling times needs it as numbers. So it is handed to a statement as
one document: for each day (of UTC, counted from 1970) how many seconds were open before it, and its open pieces. The
seconds open before any instant are then found by the day's row alone, and those between two instants are a difference.
Whole seconds throughout, so that both databases come to the same figures.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, case, cast, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from backend.territory.calendar import WorkCalendar

DAY = 86_400
_EPOCH = date(1970, 1, 1)


class OpenDays(NamedTuple):
    """The document for `days_table`, [[day, seconds open before it, opens, closes, opens, closes, …], …] with the
    pieces in seconds of the day, and how many pieces a day has at most."""

    document: str
    pieces: int


class EpochSeconds(FunctionElement[int]):
    """An instant as whole seconds since 1970, what is less than a second cut off."""

    type = BigInteger()
    inherit_cache = True


@compiles(EpochSeconds, "postgresql")
def _on_postgresql(element: EpochSeconds, compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **more)})) AS BIGINT)"


@compiles(EpochSeconds, "sqlite")
def _on_sqlite(element: EpochSeconds, compiler: SQLCompiler, **more: Any) -> str:
    # Left to itself it rounds to milliseconds.
    return f"CAST(strftime('%s', substr({compiler.process(element.clauses, **more)}, 1, 19)) AS INTEGER)"


def open_days(calendar: WorkCalendar, first: datetime, last: datetime) -> OpenDays:
    """A calendar as numbers, for every instant from `first` to `last`."""
    return _open_days(calendar, first.astimezone(UTC).date(), last.astimezone(UTC).date())


@lru_cache(maxsize=8)
def _open_days(calendar: WorkCalendar, first: date, last: date) -> OpenDays:
    pieces = dict[int, list[tuple[int, int]]]()
    local = first - timedelta(days=1)  # a local day reaches into its neighbours
    while local <= last + timedelta(days=1):
        for opening, closing in calendar.open_intervals(local):
            _lay_out(pieces, int(opening.timestamp()), int(closing.timestamp()))
        local += timedelta(days=1)
    rows, before = list[list[int]](), 0
    for day in range((first - _EPOCH).days, (last - _EPOCH).days + 1):
        found = pieces.get(day, [])
        rows.append([day, before, *(edge for piece in found for edge in piece)])
        before += sum(closes - opens for opens, closes in found)
    return OpenDays(orjson.dumps(rows).decode(), max(map(len, pieces.values()), default=0))


def _lay_out(pieces: dict[int, list[tuple[int, int]]], opening: int, closing: int) -> None:
    while opening < closing:
        day, start = divmod(opening, DAY)
        end = min(closing - day * DAY, DAY)
        pieces.setdefault(day, []).append((start, end))
        opening = day * DAY + end


def days_table(dialect: str, pieces: int) -> Select[*tuple[Any, ...]]:
    """The rows of the document bound as `days`: day, before, opens_0, closes_0, …; a piece that is not is empty."""
    if dialect == "postgresql":
        document: Any = func.jsonb_array_elements(cast(bindparam("days"), JSONB))
        listed = document.table_valued(column("value", JSONB)).render_derived()
    else:
        listed = func.json_each(bindparam("days")).table_valued(column("value"))
    names = ["day", "before", *(name for number in range(pieces) for name in _edges(number))]
    told = (listed.c.value.op("->>")(literal_column(str(place))) for place in range(len(names)))
    return select(*(cast(one, BigInteger).label(name) for one, name in zip(told, names, strict=True)))


def open_before(seconds: ColumnElement[int], days: Any, pieces: int) -> ColumnElement[int]:
    """Seconds open before an instant (as `EpochSeconds`), given its day's row of the table."""
    clock, total = seconds - days.c.day * DAY, days.c.before
    for opens, closes in ([days.c[name] for name in _edges(number)] for number in range(pieces)):
        # Of a piece that is not, nothing is true.
        total = total + case((clock >= closes, closes - opens), (clock > opens, clock - opens), else_=0)
    worked: ColumnElement[int] = total
    return worked


def _edges(number: int) -> tuple[str, str]:
    return f"opens_{number}", f"closes_{number}"
