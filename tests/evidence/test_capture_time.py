"""When a photo was taken."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.evidence.capture_time import moment_taken

TOWN = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("written", "offset", "right"),
    [
        ("2026:03:05 23:30:00", None, "2026-03-05T23:30:00+08:00"),
        ("2026:03:05 23:30:00", "+09:00", "2026-03-05T22:30:00+08:00"),
        ("2026:03:05 23:30:00", "-05:00", "2026-03-06T12:30:00+08:00"),
        ("2026:03:05 15:30:00", "Z", "2026-03-05T23:30:00+08:00"),
        ("2026-03-05T23:30:00", None, "2026-03-05T23:30:00+08:00"),
        ("2026:03:05 23:30:00.25", None, "2026-03-05T23:30:00+08:00"),
        ("2026-03-05T23:30:00+09:00", None, "2026-03-05T22:30:00+08:00"),
        ("2026:03:05 15:30:00Z", "   :  ", "2026-03-05T23:30:00+08:00"),
        ("2026:03:05 23:30:00.25 +0900", "+10", "2026-03-05T21:30:00+08:00"),
        ("2026:03:05 15:30:00", "utc", "2026-03-05T23:30:00+08:00"),
        ("2026:03:05 23:30:00", "somewhere", "2026-03-05T23:30:00+08:00"),
        ("2026:03:05 23:30:00", "+99:00", "2026-03-05T23:30:00+08:00"),
    ],
)
def test_a_time_without_a_zone_is_by_the_clocks_of_the_town(written: str, offset: str | None, right: str) -> None:
    assert moment_taken(written, offset, TOWN) == datetime.fromisoformat(right)


@pytest.mark.parametrize(
    "written", [None, "", "0000:00:00 00:00:00", "2026:13:01 00:00:00", "    :  :     :  :  ", "0001:01:01 00:00:00"]
)
def test_a_clock_that_was_never_set_tells_no_time(written: str | None) -> None:
    assert moment_taken(written, None, TOWN) is None


@given(st.none() | st.text(), st.none() | st.text())
def test_no_text_whatever_is_an_error(written: str | None, offset: str | None) -> None:
    moment = moment_taken(written, offset, TOWN)
    assert moment is None or moment.utcoffset() is not None


@given(st.integers(0, 4_102_444_800), st.integers(-14 * 60, 14 * 60))
def test_an_offset_names_the_instant_exactly(second: int, minutes: int) -> None:
    right = datetime.fromtimestamp(second, timezone(timedelta(minutes=minutes)))
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    assert moment_taken(f"{right:%Y:%m:%d %H:%M:%S}", offset, TOWN) == right
