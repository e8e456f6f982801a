"""What a town lays down for itself: settings, days on and off, where cases go, its own words. One shape for all of it.

A rule of a kind stands under a key and has a value. Each change is another version, with who set it and when; the
newest one holds, and None takes the rule back. What was decided under a version is not touched by the next one: whoever
needs to know what held at a moment asks for it.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import request
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session, aliased

from backend.http.reading import rows
from backend.http.versions import require_match
from backend.ledger.record import record
from backend.territory.settings_tables import TownRule


class Rule(NamedTuple):
    """One version of a rule; a value of None took it back."""

    key: str
    version: int
    value: Any
    set_by: uuid.UUID | None
    set_at: datetime


_later = aliased(TownRule)
_columns = (TownRule.key, TownRule.version, TownRule.value, TownRule.set_by, TownRule.set_at)
_of_kind = select(*_columns).where(TownRule.town_code == bindparam("town"), TownRule.kind == bindparam("kind"))
_newest = TownRule.version == (
    select(func.max(_later.version))
    .where(_later.town_code == TownRule.town_code, _later.kind == TownRule.kind, _later.key == TownRule.key)
    .correlate(TownRule)
    .scalar_subquery()
)
_in_force = (
    _of_kind.where(TownRule.key > bindparam("after"), TownRule.value.is_not(None), _newest)
    .order_by(TownRule.key)
    .limit(bindparam("most", type_=TownRule.version.type))
)
_versions = (
    _of_kind.where(
        TownRule.key == bindparam("key"), TownRule.version < bindparam("before", type_=TownRule.version.type)
    )
    .order_by(TownRule.version.desc())
    .limit(bindparam("most", type_=TownRule.version.type))
)
_of_keys = _of_kind.where(TownRule.key.in_(bindparam("keys", expanding=True))).order_by(TownRule.key, TownRule.version)
FIRST, MANY = 2**31 - 1, 10_000


def newest(town: str, kind: str, key: str, within: Session | None = None) -> Rule | None:
    """The newest version of a rule, also one that took it back; None where there never was one."""
    values = {"town": town, "kind": kind, "key": key, "before": FIRST, "most": 1}
    found = within.execute(_versions, values).first() if within else next(iter(rows(_versions, **values)), None)
    return Rule(*found) if found else None


def in_force(town: str, kind: str, after: str = "", most: int = MANY) -> Sequence[Rule]:
    """Up to `most` rules of a kind that hold now, by key, beginning after a key."""
    return [Rule(*found) for found in rows(_in_force, town=town, kind=kind, after=after, most=most)]


def versions(town: str, kind: str, key: str, before: int, most: int) -> Sequence[Rule]:
    """Up to `most` versions of a rule that are older than a version, newest first."""
    return [Rule(*found) for found in rows(_versions, town=town, kind=kind, key=key, before=before, most=most)]


def of_keys(town: str, kind: str, keys: Collection[str]) -> Mapping[str, Sequence[Rule]]:
    """All versions of some rules, oldest first, by key."""
    found: dict[str, list[Rule]] = {}
    for one in rows(_of_keys, town=town, kind=kind, keys=[*keys]) if keys else ():
        found.setdefault(one.key, []).append(Rule(*one))
    return found


def held_at(kept: Sequence[Rule], moment: datetime | None = None) -> Rule | None:
    """Which of a rule's versions held at a moment (now, if none is given); None where none did."""
    held = [rule for rule in kept if moment is None or rule.set_at <= moment]
    return held[-1] if held and held[-1].value is not None else None


def require_version(held: Rule | None) -> None:
    """Refuse to change a rule unless If-Match names its version; what is not there is made anew without one. Raises
    what `require_match` raises."""
    version = held.version if held is not None and held.value is not None else 0
    if version or request.headers.get("If-Match"):
        require_match(version)


def lay_down(
    session: Session,
    town: str,
    kind: str,
    key: str,
    value: Any,
    version: int,
    actor: uuid.UUID | None,
    now: datetime,
    action: str = "",
) -> Rule:
    """Write a version of a rule and record it; of two at once the second fails on the key. Commits nothing."""
    kept = {"town_code": town, "kind": kind, "key": key, "version": version, "value": value}
    session.execute(insert(TownRule), kept | {"set_by": actor, "set_at": now})
    record(
        session,
        town=town,
        actor=actor,
        action=action or f"change_{kind}",
        thing=(kind, f"{town} {key}"),
        version=version,
        occurred_at=now,
        details=value if isinstance(value, dict) else {"value": value},
    )
    return Rule(key, version, value, actor, now)
