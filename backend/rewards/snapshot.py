"""The facts of one period, all read at one instant, and the hash they are known by."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Engine

from backend.http.registry import Fact, facts
from backend.rewards.rule_sets import RuleSet, digest
from backend.rewards.scoring import Evidence
from backend.territory.codes import prefix_bounds
from backend.territory.periods import Period


class FactNotPublished(LookupError):
    """A rule set asks for a fact that no room publishes: the product is put together wrongly."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was true when it was taken.

    `villages` holds names by code, `evidence` what each village has by the name of the fact, `complete` whether the
    period had ended. `hash` covers all of it: same town, period and facts, same hash.
    """

    town: str
    period: Period
    taken_at: datetime
    complete: bool
    villages: Mapping[str, str]
    evidence: Mapping[str, Mapping[str, Evidence]]
    hash: str

    @property
    def empty(self) -> bool:
        """Whether nothing was found but what the villages say of themselves, such as their opening hours."""
        return not any(found for name, found in self.evidence.items() if facts()[name].channel != "village")


def facts_hash(town: str, period: Period, complete: bool, villages: list[str], evidence: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical spelling of a period's facts.

    Whether the period had ended is one of them: a provisional run must not stand in the way of the final one when
    nothing happened in between.
    """
    counted = {
        fact: {village: [one.numerator, one.exposure] for village, one in by_village.items()}
        for fact, by_village in evidence.items()
    }
    bounds = [instant.astimezone(UTC).isoformat() for instant in (period.start, period.end)]
    return digest([town, period.name, bounds, complete, sorted(villages), counted])


def take_snapshot(town: str, period: Period, rule_set: RuleSet, villages: Mapping[str, str], now: datetime) -> Snapshot:
    """Read the facts a rule set names for all villages of a town; `villages` holds their names by code.

    A row with an exposure of 0 says the same as no row and is left out; so is a place that is no village of the town.
    """
    published = facts()
    wanted = sorted({one.fact for one in rule_set.indicators})
    missing = [name for name in wanted if name not in published]
    if missing:
        raise FactNotPublished(f"rule set {rule_set.name} needs facts that no room publishes: {', '.join(missing)}")
    with _one_instant() as connection:
        bounds = _bounds(town, period, now)
        evidence = {name: _evidence(connection, published[name], bounds, villages) for name in wanted}
    complete = period.ended(now)
    fingerprint = facts_hash(town, period, complete, list(villages), evidence)
    return Snapshot(town, period, now, complete, villages, evidence, fingerprint)


def _bounds(town: str, period: Period, now: datetime) -> dict[str, Any]:
    # Of a period still running only what is past: a step due tomorrow is not late today.
    town_start, town_end = prefix_bounds(town)
    return {
        "town_start": town_start,
        "town_end": town_end,
        "period_start": period.start,
        "period_end": min(period.end, now),
    }


def _evidence(
    connection: Connection, fact: Fact, bounds: Mapping[str, Any], villages: Mapping[str, str]
) -> dict[str, Evidence]:
    found: dict[str, Evidence] = {}
    for village, numerator, exposure in connection.execute(fact.select, bounds):
        if village in found:
            raise ValueError(f"fact {fact.name} counts village {village} twice")
        if village in villages and exposure:
            found[village] = Evidence(_whole(fact, numerator), _whole(fact, exposure))
    return found


def _whole(fact: Fact, number: Any) -> int:
    # Sums come as int from SQLite and as Decimal from PostgreSQL.
    whole = int(number or 0)
    if whole != (number or 0) or whole < 0:
        raise ValueError(f"fact {fact.name} gives {number!r} where a count is due")
    return whole


@contextmanager
def _one_instant() -> Iterator[Connection]:
    """A reading connection on which every statement sees the same committed state, and which holds no writer up."""
    engine: Engine = current_app.extensions["reading"]
    begin = "BEGIN" if engine.dialect.name == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    with engine.connect() as connection:
        connection.exec_driver_sql(begin)
        try:
            yield connection
        finally:
            connection.exec_driver_sql("COMMIT")
