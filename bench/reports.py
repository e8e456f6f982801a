"""What a report costs beside plain SQL that reads the same rows, and a file of as many cases as one may have."""

import io
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import create_engine, text

from backend import create_app
from backend.cases.reports.exporting import MOST, TooManyRows, exported
from backend.cases.reports.figures import Asked, figures
from backend.config import TOWN_ZONE, Config
from backend.http import clock
from backend.http.envelope import Envelope
from backend.http.key_file import KeyFile
from backend.http.papers import write_xlsx
from backend.http.reading import rows
from backend.http.table_writing import write_csv
from backend.people.access import Caller, Grant
from backend.territory.periods import read_period
from bench.filling import fill
from bench.servers import small_town
from tests import postgres
from tests.town import TOWN

CASES, ROUNDS = 100_000, 7
AT_MOST = 4.0
_COUNTED = text("""
    SELECT c.village_code, count(*) FILTER (WHERE e.action = 'accept'), count(*) FILTER (WHERE e.action = 'close'),
        count(*) FILTER (WHERE e.action = 'pass_check'), count(*) FILTER (WHERE e.action = 'rework')
    FROM case_events e JOIN cases c ON c.id = e.case_id
    WHERE e.action IN ('accept', 'resolve', 'close', 'pass_check', 'rework', 'rate')
        AND e.occurred_at >= :start AND e.occurred_at < :until AND c.town_code = :town AND c.reporting <> 'protected'
    GROUP BY c.village_code
""")
_TIMED = text("""
    SELECT c.village_code, count(*),
        percentile_disc(array[0.5, 0.9]) WITHIN GROUP (ORDER BY e.occurred_at - e.step_started_at)
    FROM case_events e JOIN cases c ON c.id = e.case_id
    WHERE e.step = 'handle' AND e.step_due_at >= :start AND e.step_due_at < :until AND c.town_code = :town
        AND c.reporting <> 'protected'
    GROUP BY c.village_code
""")


def reports() -> None:
    """Print how many times as long as plain SQL a report takes, by period, and how long the longest file does."""
    print(f"Reports with {CASES:,} cases:")
    with postgres.running(durable=True) as server, tempfile.TemporaryDirectory() as folder:
        address = server.url()
        small_town({"DATABASE_URL": address, "INSTANCE": folder})
        engine = create_engine(address)
        fill(engine, CASES, Envelope(KeyFile(Path(folder) / "identity.json")))
        engine.dispose()
        app = create_app(Config(INSTANCE=Path(folder), DATABASE_URL=address))
        desk = Caller(uuid.uuid4(), uuid.uuid4(), "", "", (Grant("dispatcher", TOWN),))
        with app.app_context():
            now = clock.now()
            for period in (f"{now.year}-{now.month:02d}", str(now.year)):
                _print(desk, Asked(TOWN, read_period(period, TOWN_ZONE), "village", None, now))
            _print_files(desk, Path(folder))


def _print(desk: Caller, asked: Asked) -> None:
    values = {"start": asked.period.start, "until": asked.until, "town": TOWN}
    ratios, own = list[float](), list[float]()
    for _ in range(ROUNDS):
        plain = _seconds(lambda: [rows(_COUNTED, **values), rows(_TIMED, **values)])
        own.append(_seconds(lambda: figures(desk, asked)))
        ratios.append(own[-1] / plain)
    _, whole = figures(desk, asked)
    ratio = statistics.median(ratios)
    print(
        f"  {asked.period.name:<8} {ratio:.2f} times plain SQL ({min(ratios):.2f} to {max(ratios):.2f}), at most"
        f" {AT_MOST:.0f}: {'met' if ratio <= AT_MOST else 'MISSED'}  ({statistics.median(own) * 1000:.0f} ms,"
        f" {whole.accepted:,} accepted, {whole.due:,} handling steps)",
        flush=True,
    )


def _print_files(desk: Caller, folder: Path) -> None:
    now = clock.now()

    def table() -> list[object]:
        found = []
        try:
            for row in exported(desk, {}, now):
                found.append(row)  # noqa: PERF402  # ended by the exception
        except TooManyRows:
            pass
        return found

    kept = table()
    read = _seconds(table)
    csv = _seconds(lambda: write_csv(io.StringIO(), kept))  # type: ignore[arg-type]
    xlsx = _seconds(lambda: write_xlsx(folder / "a.xlsx", "x", iter(kept)))  # type: ignore[arg-type]
    print(f"  a file of {MOST:,} cases: {read:.1f} s to read, {csv:.1f} s to write as CSV, {xlsx:.1f} s as XLSX")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
