"""Which of the versions that were learnt a town uses: the newest that is better than the lexicon, or the one chosen."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Text, any_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from backend.cases.suggestions.suggestion_tables import SuggestionVersion, SuggestionWeight
from backend.http.problems import NotFound
from backend.http.reading import Prepared, connection, render, rows
from backend.ledger.record import record
from backend.territory.town_rules import Rule, newest

KIND, KEY = "suggestions", "choice"
"""The rule of the town that names the version to use."""
LEXICON = 0
"""The number by which the lexicon is chosen."""
MOST_VERSION = 1_000_000
"""No town learns so often."""

_version = SuggestionVersion.__table__.c
_all = select(SuggestionVersion).where(_version.town_code == bindparam("town")).order_by(_version.version.desc())


class InUse(NamedTuple):
    """The version in use, as far as suggesting needs it."""

    id: uuid.UUID
    version: int
    learnt_from: int
    lengths: Sequence[int]
    categories: Sequence[Mapping[str, Any]]
    threshold: float | None
    urgent_threshold: float | None


class _Weighed(NamedTuple):
    gram: str
    weights: bytes


_in_use = Prepared(
    select(*(_version[name] for name in InUse._fields))
    .where(
        _version.town_code == bindparam("town"),
        _version.withdrawn_at.is_(None),
        or_(
            _version.version == bindparam("chosen"),
            _version.macro_f1 >= _version.lexicon_macro_f1,
        ),
    )
    .order_by(case((_version.version == bindparam("chosen"), 0), else_=1), _version.version.desc())
    .limit(1),
    InUse,
)
_of_version = select(SuggestionWeight.gram, SuggestionWeight.weights).where(
    SuggestionWeight.version_id == bindparam("id", type_=SuggestionWeight.version_id.type)
)
_by_array = Prepared(
    _of_version.where(SuggestionWeight.gram == any_(bindparam("grams", type_=ARRAY(Text())))), _Weighed
)
_listed = func.json_each(bindparam("grams")).table_valued("value")
_by_json = _of_version.where(SuggestionWeight.gram.in_(select(_listed.c.value)))


def in_use(town: str) -> InUse | None:
    """The version that a town uses now; None: the lexicon."""
    chosen = chosen_version(choice(town))
    return None if chosen == LEXICON else _in_use.first(town=town, chosen=chosen or LEXICON)


def weights_of(version: uuid.UUID, grams: Sequence[str]) -> Mapping[str, bytes]:
    """The weights of those of these runs of characters that a version knows."""
    if connection().dialect.name == "postgresql":
        found: Sequence[Any] = _by_array.all(id=version, grams=list(grams))
    else:
        found = rows(_by_json, id=version, grams=render(list(grams)).decode())
    return {one.gram: one.weights for one in found}


def versions(town: str) -> Sequence[Any]:
    """All versions of a town, the newest first."""
    return rows(_all, town=town)


def choice(town: str) -> Rule | None:
    """The rule by which the town's admin chose a version, also one that was taken back."""
    return newest(town, KIND, KEY)


def chosen_version(rule: Rule | None) -> int | None:
    """The version that a rule names; None: always the newest."""
    return None if rule is None or rule.value is None else int(rule.value["version"])


def checked_choice(town: str, choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """The choice of a version. Raises NotFound for one that the town does not have, or that was withdrawn."""
    version = choice["version"]
    if version != LEXICON and all(one.version != version or one.withdrawn_at for one in versions(town)):
        raise NotFound
    return choice


def withdraw(session: Session, town: str, version: int, actor: uuid.UUID, now: datetime) -> None:
    """Have a version never used again; once is enough. Commits nothing. Raises NotFound."""
    wanted = select(SuggestionVersion).filter_by(town_code=town, version=version)
    held = session.scalars(wanted).first() if version < MOST_VERSION else None
    if held is None:
        raise NotFound
    if held.withdrawn_at is not None:
        return
    held.withdrawn_by, held.withdrawn_at = actor, now
    session.flush()
    record(
        session,
        town=town,
        actor=actor,
        action="withdraw_suggestions",
        thing=("suggestion_version", f"{town} {version}"),
        version=2,
        occurred_at=now,
    )
