"""Schedule texts as crontab(5) means them: five fields, Sunday is 0 or 7, Monday is 1.

APScheduler's own `CronTrigger.from_crontab` counts weekdays from Monday = 0, so that "1" runs on Tuesday and "7" is
refused; and it joins day of month and day of week by "and" where crontab(5) joins them by "or".
"""

import re
from datetime import tzinfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERS = re.compile(r"[0-9*,/-]+", re.ASCII)
_NAMES = re.compile(r"[0-9a-z*,/-]+", re.ASCII)
_DAYS = re.compile(r"(?:(\*)|([0-7]|[a-z]{3})(?:-([0-7]|[a-z]{3}))?)(?:/([1-9][0-9]?))?", re.ASCII)


def cron_trigger(text: str, timezone: tzinfo) -> BaseTrigger:
    """The trigger for "minute hour day-of-month month day-of-week" on the clock of `timezone`.

    Raises ValueError, naming the text, for anything crontab(5) would not take.
    """
    fields = text.lower().split()
    shapes = (_NUMBERS, _NUMBERS, _NUMBERS, _NAMES, _NAMES)
    if len(fields) != 5 or not all(shape.fullmatch(field) for shape, field in zip(shapes, fields, strict=True)):
        raise ValueError(f"not a schedule of five crontab fields: {text!r}")
    minute, hour, day, month, weekday = fields
    try:
        names = weekday_names(weekday)
        choices = [(day, "*"), ("*", names)] if "*" not in (day[0], weekday[0]) else [(day, names)]
        triggers = [
            CronTrigger(minute=minute, hour=hour, day=on, month=month, day_of_week=names, timezone=timezone)
            for on, names in choices
        ]
    except ValueError as error:
        raise ValueError(f"not a crontab schedule: {text!r} ({error})") from error
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def weekday_names(field: str) -> str:
    """A crontab day-of-week field as names: "1-5" → "mon,tue,wed,thu,fri"; "0" and "7" → "sun"; "*" stays."""
    if field == "*":
        return field
    days: set[int] = set()
    for part in field.split(","):
        match = _DAYS.fullmatch(part)
        if match is None:
            raise ValueError(f"not a day of the week: {part!r}")
        star, first, last, step = match.groups()
        start = 0 if star else _number(first)
        end = 6 if star else _number(last) if last else start
        if step and not star and not last:
            raise ValueError(f"a step needs a range before it: {part!r}")
        if last in ("7", "sun") and end < start:
            end += 7
        if end < start:
            raise ValueError(f"days of the week run backwards: {part!r}")
        days.update(one % 7 for one in range(start, end + 1, int(step or 1)))
    return ",".join(WEEKDAYS[one] for one in sorted(days))


def _number(day: str) -> int:
    if day.isdigit():
        return int(day)
    if day not in WEEKDAYS:
        raise ValueError(f"not a day of the week: {day!r}")
    return WEEKDAYS.index(day)
