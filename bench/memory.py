"""What a worker takes: the time to import the app, and memory over a long and mixed day."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import DoesNotCount
from bench.load import drive
from bench.requests import Stream, details, filings, lists, photos, sign_ins
from bench.servers import AS_IN_A_TOWN, Town, filled_town, small_town
from tests.evidence.photos import jpeg, picture

HOURS = 20
"""In each: 5,000 requests, 12 of them photos of 12 megapixels and 20 sign-ins."""
MOST_MEGABYTES, MOST_SECONDS, IMPORTS = 150, 2.0, 3


@contextmanager
def town_python() -> Iterator[str]:
    """The Python of an environment with the packages that run a town and no others: some use what they find."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["make", "--silent", "install", f"VENV={folder}/venv"], check=True, stdout=subprocess.DEVNULL)
        yield f"{folder}/venv/bin/python"


def import_time(python: str) -> None:
    """Print how long it takes to import and make the app, the best of three."""
    seconds = []
    with tempfile.TemporaryDirectory() as instance:
        settings = {"INSTANCE": instance}
        small_town(settings)
        for _ in range(IMPORTS):
            started = time.perf_counter()
            subprocess.run([python, "-c", "import wsgi"], env=AS_IN_A_TOWN | settings, check=True)
            seconds.append(time.perf_counter() - started)
    verdict = "met" if min(seconds) < MOST_SECONDS else "MISSED"
    print(f"The app imports in {min(seconds):.2f} s; wanted below {MOST_SECONDS:.0f}: {verdict}", flush=True)


def memory() -> None:
    """Print the import time, and the workers' peaks over 100,000 requests with sign-ins and photos among them."""
    with town_python() as python:
        import_time(python)
        print("A worker's own peak of resident memory:")
        with filled_town(10_000, python) as town:
            _long_day(town)


def _long_day(town: Town) -> None:
    day: list[tuple[Stream, int]] = [
        (details(town), 2_400),
        (lists(town), 2_368),
        (filings(town), 200),
        (photos(town, jpeg(picture(4000, 3000))), 12),
        (sign_ins(), 20),
    ]
    print(f"  at the start {_told(town)} MB")
    answered = sum(_ask(town, stream, count) for _ in range(HOURS) for stream, count in day)
    verdict = "met" if max(town.peaks()) < MOST_MEGABYTES else "MISSED"
    print(f"  after {answered:,} requests {_told(town)} MB; wanted below {MOST_MEGABYTES}: {verdict}", flush=True)


def _ask(town: Town, stream: Stream, count: int) -> int:
    outcome = drive(town.port, stream.requests, most=count)
    if outcome.statuses != {stream.status: count}:
        raise DoesNotCount(f"answers {dict(outcome.statuses)}, {outcome.refusals}")
    return count


def _told(town: Town) -> str:
    return " and ".join(f"{peak:.0f}" for peak in town.peaks())
