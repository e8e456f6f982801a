"""Each figure in turn with the yardstick, several rounds; a figure is the median of the rounds' ratios."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle

from sqlalchemy import text

from bench.load import drive, request
from bench.requests import Stream, actions, details, filings, lists, work_lists
from bench.servers import Town, filled_town, large_town, yardstick

ROUNDS, SECONDS = 5, 5.0
TURNS, TURN_SECONDS = 25, 1.0
"""Two towns are measured in many short turns: what the disk takes to sync changes fivefold within seconds."""
PER_ROUND, PER_TURN = {"action": 500}, {"action": 120}
"""At most so many requests a round or turn, where a town of 10,000 cases has no more for all of them."""

MAIN: Mapping[str, Callable[[Town], Stream]] = {
    "detail": details,
    "list of 50": lists,
    "create": filings,
    "action": actions,
}
WANTED = {
    "detail": 0.25,
    "list of 50": 0.20,
    "work list of 50": 0.15,
    "create": 0.10,
    "action": 0.10,
    "nearest 10": 0.20,
}
BESIDES: Mapping[str, Callable[[Town], Stream]] = {
    "list, grid worker": lambda town: lists(town, "grid_worker"),
    "list, village officer": lambda town: lists(town, "village_officer"),
    "work list of 50": work_lists,
}
AT_LEAST_OF_SMALL = 0.8


class DoesNotCount(SystemExit):
    """Answers that were not as they should be, or rows that are not there."""


def throughput() -> None:
    """Print the throughput with 100,000 cases as shares of the yardstick's."""
    print("Throughput with 100,000 cases as a share of a bare route's:")
    with filled_town(100_000) as town, yardstick() as bare:
        streams = {name: make(town) for name, make in {**MAIN, **BESIDES}.items()}
        print_rates(list(measured(town, bare, streams)))


def growth() -> None:
    """Print the throughput with 1,000,000 cases as a share of that with 10,000, measured in turn."""
    print("Throughput with 1,000,000 cases as a share of that with 10,000:")
    large = large_town()
    with filled_town(10_000) as small:
        towns = {town: {name: make(town) for name, make in MAIN.items()} for town in (small, large)}
        for name in MAIN:
            for town, streams in towns.items():
                rate(town, name, streams[name], TURN_SECONDS, PER_TURN.get(name))
            shares = []
            for _ in range(TURNS):
                few, many = (
                    rate(town, name, streams[name], TURN_SECONDS, PER_TURN.get(name)) for town, streams in towns.items()
                )
                shares.append(many / few)
            print_ratio(name, shares, AT_LEAST_OF_SMALL)


def measured(town: Town, bare: int, streams: Mapping[str, Stream]) -> Iterator[tuple[str, float, float]]:
    """Name, rate and the yardstick's rate beside it (both a second), for each figure and round."""
    simple = cycle([request("GET", "/")])
    for name, stream in streams.items():
        rate(town, name, stream, 1.0, PER_ROUND.get(name))
    for _ in range(ROUNDS):
        for name, stream in streams.items():
            yard = drive(bare, simple, SECONDS / 2).rate
            yield name, rate(town, name, stream, SECONDS, PER_ROUND.get(name)), yard


def rate(town: Town, name: str, stream: Stream, seconds: float, most: int | None) -> float:
    """Answers a second. Raises DoesNotCount for a wrong status, and unless each request answered is a row written."""
    before = _count(town, stream.table)
    outcome = drive(town.port, stream.requests, seconds, most)
    if set(outcome.statuses) != {stream.status}:
        raise DoesNotCount(f"{name}: answers {dict(outcome.statuses)}, {outcome.refusals}")
    written = _count(town, stream.table) - before
    if stream.table and written != outcome.statuses.total():
        raise DoesNotCount(f"{name}: {outcome.statuses.total()} answers, {written} rows")
    return outcome.rate


def _count(town: Town, table: str | None) -> int:
    if table is None:
        return 0
    with town.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def print_rates(rates: list[tuple[str, float, float]], wanted: Mapping[str, float] = WANTED) -> None:
    """Print each figure, and what the yardstick did beside it."""
    yards = [yard for _, _, yard in rates]
    print(f"  bare route {statistics.median(yards):,.0f} a second ({min(yards):,.0f} to {max(yards):,.0f})")
    for name in dict.fromkeys(name for name, _, _ in rates):
        own = [(done, yard) for other, done, yard in rates if other == name]
        note = f"{statistics.median(done for done, _ in own):,.0f} a second"
        print_ratio(name, [done / yard for done, yard in own], wanted.get(name), note)


def print_ratio(name: str, ratios: list[float], wanted: float | None, note: str = "") -> None:
    """Print median and spread, and whether it is what is wanted."""
    middle = statistics.median(ratios)
    verdict = "" if wanted is None else f"wanted {wanted:.2f}: {'met' if middle >= wanted else 'MISSED'}"
    print(f"  {name:<22} {middle:.3f}  ({min(ratios):.3f} to {max(ratios):.3f})  {verdict:<20} {note}", flush=True)
