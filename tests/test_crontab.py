"""Schedule texts mean what crontab(5) says they mean."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from backend.crontab import cron_trigger, weekday_names

SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY_NOON = datetime(2026, 11, 27, 12, 0, tzinfo=SHANGHAI)


def next_run(text: str, after: datetime = FRIDAY_NOON) -> datetime | None:
    found = cron_trigger(text, SHANGHAI).get_next_fire_time(None, after)
    assert found is None or isinstance(found, datetime)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 8 * * 1", datetime(2026, 11, 30, 8, tzinfo=SHANGHAI)),
        ("0 8 * * mon", datetime(2026, 11, 30, 8, tzinfo=SHANGHAI)),
        ("0 8 * * 0", datetime(2026, 11, 29, 8, tzinfo=SHANGHAI)),
        ("0 8 * * 7", datetime(2026, 11, 29, 8, tzinfo=SHANGHAI)),
        ("0 8 * * SUN", datetime(2026, 11, 29, 8, tzinfo=SHANGHAI)),
        ("30 0 1 * *", datetime(2026, 12, 1, 0, 30, tzinfo=SHANGHAI)),
        ("*/15 * * * *", datetime(2026, 11, 27, 12, 0, tzinfo=SHANGHAI)),
        ("0 8 1 1,4,7,10 *", datetime(2027, 1, 1, 8, tzinfo=SHANGHAI)),
    ],
)
def test_a_weekday_number_counts_from_sunday_so_one_is_monday(text: str, expected: datetime) -> None:
    assert next_run(text) == expected


def test_a_day_of_month_and_a_weekday_together_mean_either() -> None:
    assert next_run("0 8 1 * 6") == datetime(2026, 11, 28, 8, tzinfo=SHANGHAI)
    assert next_run("0 8 28 * 3") == datetime(2026, 11, 28, 8, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("1-5", "mon,tue,wed,thu,fri"),
        ("5-7", "sun,fri,sat"),
        ("fri-sun", "sun,fri,sat"),
        ("0-7", "sun,mon,tue,wed,thu,fri,sat"),
        ("*/2", "sun,tue,thu,sat"),
        ("1-5/2", "mon,wed,fri"),
        ("1,3,7", "sun,mon,wed"),
        ("*", "*"),
    ],
)
def test_weekday_ranges_steps_and_lists_become_names(field: str, names: str) -> None:
    assert weekday_names(field) == names


@pytest.mark.parametrize(
    "text",
    ["", "0 8 * *", "0 8 * * 1 *", "60 8 * * 1", "0 24 * * 1", "0 8 0 * 1", "0 8 * 13 *", "0 8 * * 8", "0 8 * * 5-2",
     "0 8 * * 2/2", "0 8 * * foo", "0 8 last * *", "0 8 * * ,", "a b c d e", "0 8 * * １", "-5 8 * * *"],
)  # fmt: skip
def test_a_text_that_is_no_schedule_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="crontab"):
        cron_trigger(text, SHANGHAI)
