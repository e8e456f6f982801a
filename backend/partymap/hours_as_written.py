"""Opening hours as people write them: read with every fault named, and written back the same.

    {"weekly": {"workdays": [{"opens": "08:30", "closes": "12:00"}], "fri": [{"opens": "16:00", "closes": "01:00"}]},
     "exceptions": [{"date": "2026-10-01", "until": "2026-10-03", "hours": [], "note": "装修"},
                    {"holiday": "spring_festival", "hours": [], "note": "春节"}]}

A closing time before the opening time is on the next day; "24:00" may only close; a day with no hours is closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from backend.partymap.opening_hours import CALENDAR_DAYS, DAY_MINUTES, RULE_DAYS, WEEKDAYS, OpeningHours, Span
from backend.territory.named_days import DAY_NAMES

MOST_SPANS_A_DAY = 6
MOST_EXCEPTIONS = 200
LONGEST_EXCEPTION_DAYS = 366
LONGEST_NOTE = 200

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_Week = dict[str, tuple[Span, ...]]
_Dated = dict[date, tuple[tuple[Span, ...], str]]
"""By date its hours, and where they are written."""


FAULTS: dict[str, tuple[str, str]] = {
    "not_an_object": ("应为对象", "must be an object"),
    "not_a_list": ("应为列表", "must be a list"),
    "unknown_key": ("不认识的项目“{key}”", "unknown entry “{key}”"),
    "missing": ("缺少“{key}”", "“{key}” is missing"),
    "not_a_time": ("“{value}”不是时间，请写成 08:30 的样子", "“{value}” is no time; write it like 08:30"),
    "opens_at_2400": (
        "24:00 只能作为结束时间，开始请写 00:00",
        "24:00 can only close a day; to open at midnight write 00:00",
    ),
    "past_2400": (
        "“{value}”超过 24:00；次日凌晨结束请直接写钟点，如 01:00",
        "“{value}” is past 24:00; for an hour after midnight write that hour, like 01:00",
    ),
    "no_length": (
        "开始与结束相同；全天开放请写 00:00 至 24:00",
        "opens and closes at the same time; for the whole day write 00:00 to 24:00",
    ),
    "overlap": ("与 {other} 的时间重叠", "overlaps {other}"),
    "too_many": ("最多 {most} 项", "at most {most} entries"),
    "not_a_date": ("“{value}”不是日期，请写成 2026-10-01 的样子", "“{value}” is no date; write it like 2026-10-01"),
    "until_before_date": ("结束日期早于开始日期", "ends before it begins"),
    "too_long": ("最长 {most} 天", "at most {most} days"),
    "same_date": ("{date} 已有例外", "{date} already has an exception"),
    "date_or_holiday": (
        "请填写 date（日期）或 holiday（节日）之一，until 只能与 date 同用",
        "give either a date or a holiday; until goes with a date",
    ),
    "not_a_holiday": ("没有节日“{value}”，可填：{names}", "there is no holiday “{value}”; there are: {names}"),
    "same_holiday": ("{value} 已有例外", "{value} already has an exception"),
    "never_opens": (
        "没有任何开放时间；不再开放的服务点请停用（active 为 false）",
        "no hours at all; give a point that no longer opens up (active false)",
    ),
    "not_a_note": (
        "说明应为不超过 {most} 个字的完整文字",
        "must be whole text of at most {most} characters",
    ),
}


@dataclass(frozen=True, slots=True)
class HoursFault:
    """One thing wrong, `where` (a path such as `weekly.fri[0].closes`), by a stable `code` and in both languages."""

    where: str
    code: str
    zh: str
    en: str


class FaultyHours(ValueError):
    """The hours as written cannot be kept; `faults` lists everything wrong with them."""

    def __init__(self, faults: list[HoursFault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.en}" for fault in faults))
        self.faults = faults


def read_hours(written: object, zone: ZoneInfo) -> OpeningHours:
    """Opening hours from their written (JSON) form, on the wall clock of `zone`. FaultyHours names every fault."""
    reading = _Reading()
    weekly, exceptions, named = reading.hours(written)
    if reading.faults:
        raise FaultyHours(reading.faults)
    return OpeningHours(weekly=weekly, exceptions=exceptions, zone=zone, named=named)


@dataclass(slots=True)
class _Reading:
    faults: list[HoursFault] = field(default_factory=list)

    def fault(self, where: str, code: str, **said: object) -> None:
        zh, en = FAULTS[code]
        self.faults.append(HoursFault(where, code, zh.format(**said), en.format(**said)))

    def hours(self, written: object) -> tuple[_Week, dict[date, tuple[Span, ...]], _Week]:
        """The regular week, the exceptions by date and those by name; what is wrong is noted."""
        whole = self._object(written, "opening_hours", {"weekly", "exceptions"})
        week = self._object(whole.get("weekly", {}), "weekly", set(RULE_DAYS))
        weekly = {day: self._day(week[day], f"weekly.{day}") for day in RULE_DAYS if day in week}
        self._spills(weekly)
        dated: _Dated = {}
        named: _Week = {}
        for number, item in enumerate(self._list(whole.get("exceptions", []), "exceptions", MOST_EXCEPTIONS)):
            self._exception(item, f"exceptions[{number}]", dated, named)
        self._nights(dated)
        return weekly, {day: spans for day, (spans, _) in dated.items()}, named

    def _object(self, written: object, where: str, known: set[str]) -> Mapping[str, Any]:
        if not isinstance(written, Mapping):
            self.fault(where, "not_an_object")
            return {}
        for key in written:
            if key not in known:
                self.fault(where, "unknown_key", key=_short(key))
        return written

    def _list(self, written: object, where: str, most: int) -> list[object]:
        if not isinstance(written, list):
            self.fault(where, "not_a_list")
            return []
        if len(written) > most:
            self.fault(where, "too_many", most=most)
        return written[:most]

    def _day(self, written: object, where: str) -> tuple[Span, ...]:
        """The stretches of one day, in order, faults noted: a broken one, one that overlaps another."""
        read = [
            (span, f"{where}[{number}]")
            for number, item in enumerate(self._list(written, where, MOST_SPANS_A_DAY))
            if (span := self._span(item, f"{where}[{number}]")) is not None
        ]
        read.sort()
        for (earlier, there), (later, here) in pairwise(read):
            if later.opens < earlier.closes:
                self.fault(here, "overlap", other=there)
        return tuple(span for span, _ in read)

    def _span(self, written: object, where: str) -> Span | None:
        item = self._object(written, where, {"opens", "closes"})
        opens, closes = (self._time(item, key, where) for key in ("opens", "closes"))
        if opens is None or closes is None:
            return None
        if opens == closes:
            self.fault(where, "no_length")
            return None
        return Span(opens, closes if closes > opens else closes + DAY_MINUTES)

    def _time(self, item: Mapping[str, Any], key: str, where: str) -> int | None:
        """Minutes after midnight of one written time; None with the fault noted."""
        if key not in item:
            self.fault(where, "missing", key=key)
            return None
        value = item[key]
        if value == "24:00":
            if key == "closes":
                return DAY_MINUTES
            self.fault(f"{where}.{key}", "opens_at_2400")
            return None
        if isinstance(value, str) and (match := _TIME.fullmatch(value)):
            return int(match[1]) * 60 + int(match[2])
        past = isinstance(value, str) and re.fullmatch(r"(2[4-9]|3[0-9]|4[0-8]):[0-5][0-9]", value, re.ASCII)
        self.fault(f"{where}.{key}", "past_2400" if past else "not_a_time", value=_short(value))
        return None

    def _spills(self, weekly: Mapping[str, tuple[Span, ...]]) -> None:
        """Notes hours that run past midnight into the first hours of a day that can follow."""
        for day, following in _neighbours():
            if _meet(weekly.get(day, ()), weekly.get(following, ())):
                self.fault(f"weekly.{following}", "overlap", other=f"weekly.{day}")

    def _exception(self, written: object, where: str, dated: _Dated, named: _Week) -> None:
        item = self._object(written, where, {"date", "until", "holiday", "hours", "note"})
        note = item.get("note")
        if note is not None and not (isinstance(note, str) and len(note) <= LONGEST_NOTE and _storable(note)):
            self.fault(f"{where}.note", "not_a_note", most=LONGEST_NOTE)
        if "hours" not in item:
            self.fault(where, "missing", key="hours")
        spans = self._day(item.get("hours", []), f"{where}.hours")
        if item.get("holiday") is not None:
            self._holiday(item, where, spans, named)
            return
        for day in self._dates(item, where):
            if day in dated:
                self.fault(where, "same_date", date=day.isoformat())
                return
            dated[day] = (spans, where)

    def _holiday(self, item: Mapping[str, Any], where: str, spans: tuple[Span, ...], named: _Week) -> None:
        name = item["holiday"]
        if item.get("date") is not None or item.get("until") is not None:
            self.fault(where, "date_or_holiday")
        elif not isinstance(name, str) or name not in DAY_NAMES:
            self.fault(f"{where}.holiday", "not_a_holiday", value=_short(name), names=", ".join(DAY_NAMES))
        elif name in named:
            self.fault(where, "same_holiday", value=name)
        else:
            named[name] = spans

    def _nights(self, dated: _Dated) -> None:
        """Notes a night of one exception that runs into the morning of the next date's."""
        for (day, (spans, there)), (following, (others, here)) in pairwise(sorted(dated.items())):
            if (following - day).days == 1 and _meet(spans, others):
                self.fault(f"{here}.hours", "overlap", other=f"{there}.hours")
                return

    def _dates(self, item: Mapping[str, Any], where: str) -> Iterator[date]:
        if "date" not in item:
            self.fault(where, "missing", key="date")
            return
        first = self._date(item["date"], f"{where}.date")
        last = first if item.get("until") is None else self._date(item["until"], f"{where}.until")
        if first is None or last is None:
            return
        days = (last - first).days + 1
        if days < 1:
            self.fault(f"{where}.until", "until_before_date")
        elif days > LONGEST_EXCEPTION_DAYS:
            self.fault(f"{where}.until", "too_long", most=LONGEST_EXCEPTION_DAYS)
        else:
            yield from (first + timedelta(days=number) for number in range(days))

    def _date(self, value: object, where: str) -> date | None:
        try:
            # fromisoformat alone also takes 20261001 and 2026-W40-4.
            if isinstance(value, str) and _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.fault(where, "not_a_date", value=_short(value))
        return None


def _neighbours() -> Iterator[tuple[str, str]]:
    """Pairs of rule days of which the second can be the day after the first: any, once the calendar decides."""
    for number, day in enumerate(WEEKDAYS):
        yield day, WEEKDAYS[(number + 1) % 7]
    for kind in CALENDAR_DAYS:
        for day in RULE_DAYS:
            yield kind, day
    for day in WEEKDAYS:
        for kind in CALENDAR_DAYS:
            yield day, kind


def _meet(evening: tuple[Span, ...], morning: tuple[Span, ...]) -> bool:
    """Whether the hours of a date run past midnight into those of the date after it."""
    return bool(evening and morning) and evening[-1].closes - DAY_MINUTES > morning[0].opens


def _storable(text: str) -> bool:
    return not re.search("[\x00\ud800-\udfff]", text)


def _short(value: object) -> str:
    """A value quoted in a message: cut, and without the lone surrogates that no answer could carry."""
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= 40 else text[:39] + "…"
