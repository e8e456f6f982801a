"""Opening hours in one cell of a table, as people keep them there:

    工作日 08:30-12:00 14:00-17:30；周五 16:00-01:00；春节 休息；2027-02-05~2027-02-08 休息（装修）

Days, then stretches of time or 休息 (closed), then a note in brackets, apart by a semicolon or a line of its own. Days
are weekdays (周一, 周一至周五), 工作日 and 休息日 by the work calendar, names of holidays, and dates. English words do,
too (mon, workdays, closed), and so does the JSON form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from backend.partymap.opening_hours import CALENDAR_DAYS, RULE_DAYS, WEEKDAYS
from backend.territory.named_days import DAY_NAMES

_RULES: Mapping[str, str] = dict(zip(WEEKDAYS, (f"周{number}" for number in "一二三四五六日"), strict=True)) | {
    "workdays": "工作日",
    "restdays": "休息日",
}
_CLOSED = "休息"
_CLOSED_WORDS = frozenset((_CLOSED, "不开放", "关闭", "closed"))
_DAYS: Mapping[str, str] = (
    {zh: day for day, zh in _RULES.items()}
    | {f"星期{zh[1]}": day for day, zh in _RULES.items() if day in WEEKDAYS}
    | {"周天": "sun", "星期天": "sun", "节假日": "restdays"}
    | {day: day for day in RULE_DAYS}
)
_HOLIDAYS: Mapping[str, str] = {zh: name for name, (zh, _) in DAY_NAMES.items()} | {name: name for name in DAY_NAMES}
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATES = re.compile(rf"({_DATE})(?:\s*[~～至]\s*({_DATE}))?")
_SPAN = re.compile(r"([0-9]{1,2}[:：][0-9]{2})\s*[-–—~～至]\s*(?:次日)?([0-9]{1,2}[:：][0-9]{2})")
_CLAUSE = re.compile(
    r"(?P<days>.+?)[\s:：]*(?P<hours>(?:[0-9]{1,2}[:：][0-9]{2}|休息|不开放|关闭|closed)[^（(]*?)\s*"
    r"(?:[（(](?P<note>.*)[)）])?",
    re.DOTALL | re.IGNORECASE,
)


class UnreadableHours(ValueError):
    """A clause that is not understood, as its words."""


def hours_text(written: Mapping[str, Any]) -> str:
    """Opening hours, checked, in words; as JSON where words would not bring them back the same."""
    text = "；".join(_clauses(written))
    try:
        same = text and read_hours_text(text) == _plain(written)
    except UnreadableHours:
        same = False
    return text if same else orjson.dumps(written, option=orjson.OPT_SORT_KEYS).decode()


def read_hours_text(text: str) -> Any:
    """The written (JSON) form of hours in words, not checked any further. Raises UnreadableHours with the first clause
    that is not understood."""
    if text.lstrip().startswith("{"):
        try:
            return orjson.loads(text)
        except ValueError:
            raise UnreadableHours(text[:40]) from None
    weekly: dict[str, Any] = {}
    exceptions: list[dict[str, Any]] = []
    for clause in filter(None, (part.strip() for part in re.split("[;；\n]", text))):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise UnreadableHours(clause[:40])
        hours, note = _hours(found["hours"], clause), (found["note"] or "").strip()
        days = found["days"].strip().lower()
        if days in _HOLIDAYS or (dates := _DATES.fullmatch(days)):
            when = {"holiday": _HOLIDAYS[days]} if days in _HOLIDAYS else _dated(dates)
            exceptions.append({**when, "hours": hours, **({"note": note} if note else {})})
            continue
        for day in _rule_days(days, clause):
            if day in weekly or note:
                raise UnreadableHours(clause[:40])
            weekly[day] = hours
    return {"weekly": weekly, **({"exceptions": exceptions} if exceptions else {})}


def _clauses(written: Mapping[str, Any]) -> Iterator[str]:
    # In an order of our own: a database may keep the keys of a document in another one than they came in.
    for day in (*CALENDAR_DAYS, *WEEKDAYS):
        if day in written.get("weekly", {}):
            yield f"{_RULES[day]} {_spans(written['weekly'][day])}"
    for one in written.get("exceptions", ()):
        note = f"（{one['note']}）" if one.get("note") else ""
        yield f"{_when(one)} {_spans(one['hours'])}{note}"


def _when(one: Mapping[str, Any]) -> str:
    if one.get("holiday"):
        return DAY_NAMES[one["holiday"]][0]
    return f"{one['date']}~{one['until']}" if one.get("until") else str(one["date"])


def _spans(hours: list[Mapping[str, str]]) -> str:
    return " ".join(f"{span['opens']}-{span['closes']}" for span in hours) or _CLOSED


def _hours(text: str, clause: str) -> list[dict[str, str]]:
    if text.strip().lower() in _CLOSED_WORDS:
        return []
    if re.sub(r"[\s,，、]+", "", _SPAN.sub("", text)):
        raise UnreadableHours(clause[:40])
    return [{"opens": _clock(opens), "closes": _clock(closes)} for opens, closes in _SPAN.findall(text)]


def _clock(text: str) -> str:
    return text.replace("：", ":").rjust(5, "0")


def _dated(found: re.Match[str] | None) -> dict[str, str]:
    assert found is not None  # asked before
    return {"date": found[1], **({"until": found[2]} if found[2] else {})}


def _rule_days(days: str, clause: str) -> list[str]:
    """The days of 周一, 周六、周日 or 周一至周五."""
    found: list[str] = []
    for part in re.split(r"[、,，\s]+", days):
        ends = [_DAYS.get(end) for end in re.split(r"\s*[至~～-]\s*", part)]
        if len(ends) == 1 and ends[0] is not None:
            found.append(ends[0])
        elif len(ends) == 2 and ends[0] in WEEKDAYS and ends[1] in WEEKDAYS:
            first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[1])
            found += [WEEKDAYS[number % 7] for number in range(first, last + 1 + 7 * (last < first))]
        else:
            raise UnreadableHours(clause[:40])
    return found


def _plain(written: Mapping[str, Any]) -> dict[str, Any]:
    """Hours without what says nothing: an empty list of exceptions, a note or last date that is null."""
    exceptions = [
        {key: value for key, value in one.items() if value is not None} for one in written.get("exceptions", ())
    ]
    return {"weekly": dict(written.get("weekly", {})), **({"exceptions": exceptions} if exceptions else {})}
