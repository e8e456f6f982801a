"""A run and its ranking as a reader may see them.

What is published is for everybody; drafts are for those who prepare and audit the ranking. Counts below the rule set's
bound are hidden from whoever may not read the cases they count, and so is the count beside them that would give them
back; the share itself stays, since it is what the ranking is made of.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Row, bindparam, or_, select

from backend.http.reading import row, rows
from backend.people.access import Caller, of_whole_town
from backend.rewards.tables import Run, RunValue, RunVillage, UsedRuleSet

_visible = or_(Run.status == "published", bindparam("drafts", type_=Boolean()))
_runs = select(*Run.__table__.c, UsedRuleSet.document).join(
    UsedRuleSet, (UsedRuleSet.code == Run.rule_set_code) & (UsedRuleSet.version == Run.rule_set_version)
)
_one_run = _runs.where(Run.id == bindparam("run"))
# Index ix_runs_latest. Of periods that end together the shorter one is the later.
_latest_run = (
    _runs.where(Run.town == bindparam("town"), _visible)
    .order_by(Run.period_end.desc(), Run.period_start.desc(), Run.id.desc())
    .limit(1)
)
# Index ix_runs_newest; ids of version 7 rise with time.
_newest_runs = _runs.where(Run.town == bindparam("town"), _visible).order_by(Run.id.desc()).limit(bindparam("rows"))
_runs_before = _newest_runs.where(Run.id < bindparam("before"))
_places = (
    select(
        RunVillage.village, RunVillage.name, RunVillage.position, RunVillage.rank, RunVillage.score, RunVillage.flags
    )
    .where(RunVillage.run_id == bindparam("run"), RunVillage.position > bindparam("after"))
    .order_by(RunVillage.position)
    .limit(bindparam("rows"))
)
_values = select(*RunValue.__table__.c).where(
    RunValue.run_id == bindparam("run"), RunValue.village.in_(bindparam("villages", expanding=True))
)


def reads_drafts(caller: Caller | None, town: str) -> bool:
    """Whether the caller may see runs of a town that are not published."""
    return caller is not None and of_whole_town(caller, "read_draft_ranking", town)


def reads_counts(caller: Caller | None, town: str) -> bool:
    """Whether the caller may see small counts: who may read all of a town's cases can count them anyway."""
    return caller is not None and of_whole_town(caller, "read_case", town)


def visible_run(run_id: uuid.UUID, caller: Caller | None) -> Row[Any] | None:
    """The run with an id, where the caller may see it."""
    run = row(_one_run, run=run_id)
    return run if run is not None and (run.status == "published" or reads_drafts(caller, run.town)) else None


def latest_run(town: str, caller: Caller | None) -> Row[Any] | None:
    """Of the runs the caller may see, the newest of the period that ends last."""
    return row(_latest_run, town=town, drafts=reads_drafts(caller, town))


def newest_runs(town: str, caller: Caller | None, before: uuid.UUID | None, count: int) -> Sequence[Row[Any]]:
    """Up to `count` runs of a town that the caller may see, the newest first, from the one before `before` on."""
    drafts = reads_drafts(caller, town)
    if before is None:
        return rows(_newest_runs, town=town, drafts=drafts, rows=count)
    return rows(_runs_before, town=town, drafts=drafts, rows=count, before=before)


def places(run_id: uuid.UUID, after: int, count: int) -> Sequence[Row[Any]]:
    """Up to `count` villages of a run in the order of the ranking, from the line after `after` on."""
    return rows(_places, run=run_id, after=after, rows=count)


def items(run: Row[Any], found: Sequence[Row[Any]], exact: bool, language: str) -> list[dict[str, Any]]:
    """The lines of a ranking; `exact` shows small counts, `language` is a key of the rule set's titles."""
    values = {
        (value.village, value.indicator): value
        for value in rows(_values, run=run.id, villages=[place.village for place in found])
    }
    return [
        {
            "code": place.village,
            "name": place.name,
            "rank": place.rank,
            "score": place.score,
            "flags": place.flags,
            "indicators": [
                _indicator(rule, values[place.village, rule["code"]], exact, language)
                for rule in run.document["indicators"]
            ],
        }
        for place in found
    ]


def hides(numerator: int | None, exposure: int | None, least: int) -> bool:
    """Whether a pair of counts, or what is left when one is taken from the other, lies from 1 to below `least`."""
    if numerator is None or exposure is None:
        return False
    return any(0 < count < least for count in (numerator, exposure, exposure - numerator))


def _indicator(rule: Mapping[str, Any], value: Row[Any], exact: bool, language: str) -> dict[str, Any]:
    hidden = not exact and hides(value.numerator, value.exposure, rule["counts_shown_from"])
    return {
        "indicator": rule["code"],
        "title": rule["title"][language],
        "numerator": None if hidden else value.numerator,
        "exposure": None if hidden else value.exposure,
        "counts_hidden": hidden,
        "value": value.value,
        "weight": value.weight,
        "points": value.points,
    }
