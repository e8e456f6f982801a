"""Figures of a period: how many cases, how long their handling took, what was on time, done again, and rated how.

They count accepted cases only, and never protected reports. What each figure says:

- accepted, closed: cases accepted, and closings, in the period; parts of a case that was split are one with it.
- due: handling steps whose time ended in the period and has passed, as the score counts them (`facts.py`): one that was
  never handed in is late.
- handling times: of those of them that were handed in, from the beginning of the step, without the time for which the
  town had suspended it or it went with another case. Counted as its limit counts: by the clock where the category has
  urgent hours, in open minutes else. Whole minutes, begun ones not counted.
- median and 90th percentile by nearest rank: the smallest time that at least half (nine in ten) of all do not exceed,
  so each is a time that was really taken. Ordering and rank are SQL that both databases know.
- rework: of the looks at what was handed in, how many found that it was to be done again.
- satisfaction: the mean of the ratings given in the period, each case once, by the rating that stands.

What happened is read by `ix_case_events_counted`, steps by `ix_case_events_handled`; steps that still run are among
what is held now (`ix_cases_to_do_holder`). Conditions of partial indexes are written out as these have them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import aliased

from backend.cases.case_row import PERSON
from backend.cases.facts import merged
from backend.cases.listing import Beside
from backend.cases.protection.protected import counted
from backend.cases.rules.categories import catalogue
from backend.cases.rules.tag_tables import CaseTag
from backend.cases.tables import COUNTED, WAIT_FOR_HOLDER, WENT_ON, Case, CaseEvent
from backend.config import TOWN_ZONE
from backend.extensions import UtcDateTime
from backend.http.reading import connection, planned_for_their_values, row, rows
from backend.people.access import Caller
from backend.territory.open_time import EpochSeconds, days_table, open_before, open_days
from backend.territory.periods import Period, months_of
from backend.territory.work_calendar import work_calendar

By = Literal["village", "grid", "category", "department", "month", "element"]
# Compared with beside the instants, whose indexes are walked.
_AREA: Mapping[int, Any] = {9: Beside(Case.town_code), 12: Beside(Case.village_code), 15: Beside(Case.area_code)}
_PAUSE = ("suspend", "merge")
_start, _until = (bindparam(name, type_=UtcDateTime) for name in ("start", "until"))
_first_case = select(func.min(Case.occurred_at)).where(Case.town_code == bindparam("town"))


@dataclass
class Figures:
    """The figures of a group of cases; `median` and `ninth` (the 90th percentile) in minutes, `rated` the sum of the
    ratings, `months` what of the counts is of which month."""

    accepted: int = 0
    closed: int = 0
    due: int = 0
    on_time: int = 0
    handed_in: int = 0
    median: int | None = None
    ninth: int | None = None
    checks: int = 0
    reworks: int = 0
    ratings: int = 0
    rated: int = 0
    months: dict[str, "Figures"] = field(default_factory=dict, compare=False)

    def add(self, other: "Figures") -> None:
        """Count the other's cases, too; times cannot be added."""
        for name in ("accepted", "closed", "due", "on_time", "handed_in", "checks", "reworks", "ratings", "rated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Asked:
    """What a report asks: the figures of a town in a period up to `now`, by what; only of `area`, and only
    of cases tagged with `element`, if one is named."""

    town: str
    period: Period
    by: By
    area: str | None
    now: datetime
    element: str | None = None

    @property
    def until(self) -> datetime:
        """Up to when it counts."""
        return min(self.period.end, self.now)


def figures(caller: Caller, asked: Asked) -> tuple[dict[str, Figures], Figures]:
    """The figures by group, of the groups that have any, and those of all together; of what the caller's roles reach.

    Groups are codes of areas, categories, elements or departments (`person:` for all who hold cases by name), or
    months. By element a case counts under each that it bears on, so all together are counted for themselves.
    """
    found, whole = _figures(caller, asked)
    if asked.by == "element":
        months, whole = _figures(caller, replace(asked, by="month"))
        whole.months = months
    return found, whole


def _figures(caller: Caller, asked: Asked) -> tuple[dict[str, Figures], Figures]:
    first = row(_first_case, town=asked.town)
    began = first[0] if first is not None and first[0] is not None else asked.now
    calendar = open_days(work_calendar(asked.town), began, asked.now)
    found, whole = dict[str, Figures](), Figures()
    values: dict[str, Any] = {"start": asked.period.start, "until": asked.until}
    timed = _times(_steps(caller, asked), connection().dialect.name, calendar.pieces)
    with planned_for_their_values():
        counts = rows(_counts(caller, asked), **values)
        times = rows(timed, **values, days=calendar.document)
    for told in counts:
        numbers: Any = {name: int(n) for name, n in told._mapping.items() if name not in ("grp", "month")}
        _put(found, told, Figures(**numbers))
    for told in times:
        group = _put(found, told, Figures(due=int(told.due), on_time=int(told.on_time), handed_in=int(told.handed_in)))
        # The rank falls into one of the months, and that in all of them into one of the groups.
        group.median = told.median if group.median is None else group.median
        group.ninth = told.ninth if group.ninth is None else group.ninth
        whole.median = told.whole_median if whole.median is None else whole.median
        whole.ninth = told.whole_ninth if whole.ninth is None else whole.ninth
    for group in found.values():
        whole.add(group)
    return found, whole


def _put(found: dict[str, Figures], told: Any, one: Figures) -> Figures:
    """Count what is told of a month of a group; answers the group."""
    group = found.setdefault(told.grp, Figures())
    group.months.setdefault(told.month, Figures()).add(one)
    group.add(one)
    return group


def _counts(caller: Caller, asked: Asked) -> Select[Any]:
    """Counts of what happened in the period, by group and month."""
    later = aliased(CaseEvent)
    action, is_one = CaseEvent.action, Case.reporting != "part"
    rated_anew = exists().where(
        later.case_id == CaseEvent.case_id, later.version > CaseEvent.version, later.action == "rate"
    )
    stands = and_(action == "rate", Case.rating.is_not(None), ~rated_anew)
    # Other systems do not tell of checks: an imported one was put in between, nobody looked.
    looked = and_(CaseEvent.actor_role != "import", ~merged)
    group = _group(asked, CaseEvent.holder, CaseEvent.occurred_at)
    counts = (
        select(
            group.label("grp"),
            _month(asked, CaseEvent.occurred_at).label("month"),
            _sum(and_(action.in_(("accept", "resolve")), is_one)).label("accepted"),
            _sum(and_(action.in_(("close", "close_with_head")), is_one)).label("closed"),
            _sum(and_(action.in_(("pass_check", "rework")), looked)).label("checks"),
            _sum(and_(action == "rework", looked)).label("reworks"),
            _sum(stands).label("ratings"),
            func.sum(case((stands, Case.rating), else_=0)).label("rated"),
        )
        .join(Case, Case.id == CaseEvent.case_id)
        .where(
            text(f"case_events.{COUNTED}"),
            CaseEvent.occurred_at >= _start,
            CaseEvent.occurred_at < _until,
            *_within(caller, asked, CaseEvent.holder),
        )
        .group_by("grp", "month")
    )
    return _by_element(counts, asked)


def _sum(true: ColumnElement[bool]) -> ColumnElement[int]:
    counted: ColumnElement[int] = func.sum(case((true, 1), else_=0))
    return counted


def _steps(caller: Caller, asked: Asked) -> CTE:
    """The handling steps that were due in the period: when they began and, if they were handed in, ended."""
    urgent = [kind.code for kind in catalogue(asked.town).ever() if kind.limits["handle"].unit == "urgent_hours"]
    over = or_(CaseEvent.action == "hand_in", CaseEvent.occurred_at > CaseEvent.step_due_at)
    ended = (
        select(
            CaseEvent.case_id.label("case_id"),
            CaseEvent.version.label("version"),
            _group(asked, CaseEvent.holder, CaseEvent.step_due_at).label("grp"),
            _month(asked, CaseEvent.step_due_at).label("month"),
            case((CaseEvent.occurred_at <= CaseEvent.step_due_at, 1), else_=0).label("in_time"),
            case((Case.category.in_(urgent), 1), else_=0).label("by_clock"),
            EpochSeconds(CaseEvent.step_started_at).label("began"),
            case((CaseEvent.action == "hand_in", EpochSeconds(CaseEvent.occurred_at))).label("ended"),
        )
        .join(Case, Case.id == CaseEvent.case_id)
        .where(
            # Written out, so that the planner knows the partial index for it.
            CaseEvent.step == literal_column("'handle'"),
            over,
            ~merged,
            CaseEvent.step_due_at >= _start,
            CaseEvent.step_due_at < _until,
            *_within(caller, asked, CaseEvent.holder),
        )
    )
    group, month = _group(asked, Case.holder, Case.due_at), _month(asked, Case.due_at)
    never = select(Case.id, Case.version, group, month, literal(0), literal(0), null(), null()).where(
        text(f"cases.{WAIT_FOR_HOLDER}"),
        Case.due_at >= _start,
        Case.due_at < _until,
        *_within(caller, asked, Case.holder),
    )
    return union_all(_by_element(ended, asked), _by_element(never, asked)).cte("steps")


def _times(steps: CTE, dialect: str, pieces: int) -> Select[Any]:
    """How many of the steps were on time, and their handling times by rank, by group and month and of all together."""
    days = days_table(dialect, pieces).cte("days")

    def lasted(source: Select[Any], table: Any, since: Any, until: Any) -> tuple[Select[Any], ColumnElement[int]]:
        """Joined with the days of two instants, and the seconds that count between them."""
        first, last = days.alias(), days.alias()
        joined = source.outerjoin(first, first.c.day == since // 86_400).outerjoin(last, last.c.day == until // 86_400)
        worked = open_before(until, last, pieces) - open_before(since, first, pieces)
        return joined, case((table.c.by_clock == 1, until - since), else_=worked)

    pauses = _pauses().cte("pauses")
    step = (steps.c.case_id, steps.c.version, steps.c.grp)
    stood = select(*step).join(
        pauses,
        and_(
            pauses.c.case_id == steps.c.case_id,
            pauses.c.version < steps.c.version,
            pauses.c.since >= steps.c.began,
        ),
    )
    stood, stood_for = lasted(stood, steps, pauses.c.since, pauses.c.until)
    still = stood.add_columns(cast(func.sum(stood_for), BigInteger).label("seconds")).group_by(*step)
    stood_still = still.cte("stood_still")
    timed, took = lasted(select(steps.c.grp, steps.c.month, steps.c.in_time), steps, steps.c.began, steps.c.ended)
    minutes = (took - func.coalesce(stood_still.c.seconds, 0)) // 60
    same = and_(*(stood_still.c[column.name] == column for column in step))
    timed = timed.outerjoin(stood_still, same)
    times = timed.add_columns(case((steps.c.ended.is_not(None), minutes)).label("minutes")).cte("times")
    unknown = times.c.minutes.is_(None)
    number, count = func.row_number, func.count(times.c.minutes)
    ranked = select(
        times,
        number().over(partition_by=[times.c.grp, unknown], order_by=times.c.minutes).label("rank"),
        count.over(partition_by=times.c.grp).label("of"),
        number().over(partition_by=unknown, order_by=times.c.minutes).label("whole_rank"),
        count.over().label("whole_of"),
    ).cte("ranked")
    c = ranked.c
    ranks = {
        "median": c.rank == (c.of + 1) // 2,
        "ninth": c.rank == (9 * c.of + 9) // 10,
        "whole_median": c.whole_rank == (c.whole_of + 1) // 2,
        "whole_ninth": c.whole_rank == (9 * c.whole_of + 9) // 10,
    }
    return select(
        c.grp,
        c.month,
        func.count().label("due"),
        func.sum(c.in_time).label("on_time"),
        func.count(c.minutes).label("handed_in"),
        *(func.min(case((at, c.minutes))).label(name) for name, at in ranks.items()),
    ).group_by(c.grp, c.month)


def _pauses() -> Select[*tuple[Any, ...]]:
    """When cases stood still, and the version at which they went on: few of all, by `ix_case_events_went_on`."""
    went_on, stopped, before = aliased(CaseEvent, name="went_on"), aliased(CaseEvent), aliased(CaseEvent)
    latest = (
        select(func.max(before.version))
        .where(before.case_id == went_on.case_id, before.version < went_on.version, before.action.in_(_PAUSE))
        .scalar_subquery()
    )
    return (
        select(
            went_on.case_id.label("case_id"),
            went_on.version.label("version"),
            EpochSeconds(stopped.occurred_at).label("since"),
            EpochSeconds(went_on.occurred_at).label("until"),
        )
        .join(stopped, and_(stopped.case_id == went_on.case_id, stopped.version == latest))
        .where(text(f"went_on.{WENT_ON}"))
    )


def _group(asked: Asked, holder: Any, at: Any) -> ColumnElement[Any]:
    if asked.by == "month":
        return _month(asked, at)
    if asked.by == "department":
        return case((holder.like(f"{PERSON}%"), PERSON), else_=holder)
    columns: Mapping[By, Any] = {
        "village": Case.village_code,
        "grid": Case.area_code,
        "category": Case.category,
        "element": CaseTag.element,
    }
    group: ColumnElement[Any] = columns[asked.by]
    return group


def _by_element(counting: Select[Any], asked: Asked) -> Select[Any]:
    """With a row for each element of a case, where these are the groups."""
    return counting.join(CaseTag, CaseTag.case_id == Case.id) if asked.by == "element" else counting


def _month(asked: Asked, at: Any) -> ColumnElement[Any]:
    months = months_of(asked.period, TOWN_ZONE)
    return case(*((at < month.end, month.name) for month in months), else_=months[-1].name)


def _within(caller: Caller, asked: Asked, holder: Any) -> Iterator[ColumnElement[bool]]:
    """What is counted: cases that were accepted, none protected and no tasks, that the caller reads one by one, too."""
    yield _AREA[9] == asked.town
    yield counted
    yield Case.accepted_at.is_not(None)
    if asked.area is not None:
        yield _AREA[len(asked.area)] == asked.area
    if asked.element is not None:
        yield exists().where(CaseTag.case_id == Case.id, CaseTag.element == asked.element).correlate(Case)
    if asked.by == "department":
        yield holder.is_not(None)
    ways = []
    for grant, letters in caller.allowed("read_figures"):
        way = [_AREA[len(grant.area_code)] == grant.area_code]
        if "h" in letters:
            way.append(Beside(holder) == grant.department)
        if grant.role != "village_officer" and caller.conflicts:
            way.append(_AREA[12].not_in(caller.conflicts))
        ways.append(and_(*way))
    yield or_(false(), *ways)
