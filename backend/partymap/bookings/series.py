"""The dates of a series: the same time by the clock on the wall, every day, week or two weeks."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

EVERY = {"day": 1, "week": 7, "two_weeks": 14}
"""Days from one date of a series to the next."""
MOST_DATES = 60


def dates_of(
    begins: datetime, ends: datetime, every: str, until: date, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of a series from its first one on, at most `MOST_DATES`: none begins after the day `until`.

    By the wall clock of `zone`: nine o'clock stays nine o'clock when clocks change.
    """
    first, last = begins.astimezone(zone), ends.astimezone(zone)
    for number in range(MOST_DATES):
        later = timedelta(days=number * EVERY[every])
        if (first + later).date() > until:
            return
        yield first + later, last + later
