"""Running a rule set over the facts of a period: the same facts give the same run, however often it is started."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.ledger.record import record
from backend.rewards.rule_sets import RuleSet
from backend.rewards.scoring import Standing, rounded, score_villages
from backend.rewards.snapshot import Snapshot, take_snapshot
from backend.rewards.tables import Run, RunValue, RunVillage, UsedRuleSet
from backend.rewards.towns import Town
from backend.territory.periods import Period, PeriodNotBegun


class RuleSetChanged(RuntimeError):
    """A rule set's document was changed after a run had used it: make it a new version instead."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule set makes of a snapshot; nothing of it is stored yet."""

    rule_set: RuleSet
    snapshot: Snapshot
    standings: Sequence[Standing]


def work_out(town: Town, period: Period, rule_set: RuleSet, now: datetime) -> Outcome:
    """Read the facts of a period at one instant and score every village. Raises PeriodNotBegun for a future one."""
    if not period.begun(now):
        raise PeriodNotBegun(errors={"period": [(PeriodNotBegun.zh, PeriodNotBegun.en)]})
    snapshot = take_snapshot(town.code, period, rule_set, town.villages, now)
    indicators = [one.scoring for one in rule_set.indicators]
    evidence = {one.scoring.code: snapshot.evidence[one.fact] for one in rule_set.indicators}
    standings = score_villages(indicators, rule_set.least_weight, town.villages, evidence)
    return Outcome(rule_set, snapshot, standings)


def keep(session: Session, outcome: Outcome, started_by: uuid.UUID | None) -> tuple[uuid.UUID, bool]:
    """Store an outcome and tell its run's id and whether it is new.

    Where a run of the same period, rule set and facts is there already, or another stores it at this moment, that one
    is the run. Raises RuleSetChanged when the rule set is not what earlier runs knew under its name.
    """
    for attempt in (1, 2):
        found = _run_like(session, outcome)
        if found is not None:
            return found, False
        try:
            with session.begin_nested():
                return _insert(session, outcome, started_by), True
        except IntegrityError:
            # Another came first with this run, or with the first run under this rule set: look again.
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


def _run_like(session: Session, outcome: Outcome) -> uuid.UUID | None:
    snapshot = outcome.snapshot
    return session.scalar(
        select(Run.id).where(
            Run.town == snapshot.town,
            Run.period == snapshot.period.name,
            Run.rule_set_hash == outcome.rule_set.hash,
            Run.facts_hash == snapshot.hash,
        )
    )


def _insert(session: Session, outcome: Outcome, started_by: uuid.UUID | None) -> uuid.UUID:
    snapshot, rule_set = outcome.snapshot, outcome.rule_set
    _remember(session, rule_set, snapshot.taken_at)
    run = Run(
        id=new_id(),
        town=snapshot.town,
        period=snapshot.period.name,
        period_start=snapshot.period.start,
        period_end=snapshot.period.end,
        provisional=not snapshot.complete,
        rule_set_code=rule_set.code,
        rule_set_version=rule_set.version,
        rule_set_hash=rule_set.hash,
        facts_hash=snapshot.hash,
        status="draft",
        version=1,
        started_by=started_by,
        started_at=snapshot.taken_at,
    )
    session.add(run)
    session.flush()
    if outcome.standings:
        session.execute(insert(RunVillage), _villages(run.id, outcome))
        session.execute(insert(RunValue), _values(run.id, outcome.standings))
    record(
        session,
        town=run.town,
        actor=started_by,
        action="start_run",
        thing=("run", str(run.id)),
        version=run.version,
        occurred_at=snapshot.taken_at,
        details={
            "period": run.period,
            "provisional": run.provisional,
            "rule_set": rule_set.name,
            "rule_set_hash": run.rule_set_hash,
            "facts_hash": run.facts_hash,
        },
    )
    return run.id


def _remember(session: Session, rule_set: RuleSet, now: datetime) -> None:
    known = session.get(UsedRuleSet, (rule_set.code, rule_set.version))
    if known is None:
        document = dict(rule_set.document)
        session.add(
            UsedRuleSet(
                code=rule_set.code, version=rule_set.version, hash=rule_set.hash, document=document, first_used_at=now
            )
        )
        session.flush()
    elif known.hash != rule_set.hash:
        raise RuleSetChanged(f"the document of {rule_set.name} was changed after a run had used it")


def _villages(run_id: uuid.UUID, outcome: Outcome) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "village": one.village,
            "name": outcome.snapshot.villages[one.village],
            "position": position,
            "rank": one.rank,
            "score": _stored(one.score),
            "flags": list(one.flags),
        }
        for position, one in enumerate(outcome.standings, 1)
    ]


def _values(run_id: uuid.UUID, standings: Sequence[Standing]) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "village": standing.village,
            "indicator": one.indicator,
            "numerator": one.numerator,
            "exposure": one.exposure,
            "value": _stored(one.value),
            "weight": _stored(one.weight),
            "points": _stored(one.points),
        }
        for standing in standings
        for one in standing.indicators
    ]


def _stored(value: Fraction | None) -> float | None:
    return None if value is None else float(rounded(value))
