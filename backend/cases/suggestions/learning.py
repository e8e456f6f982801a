"""Learning categories from a town's accepted cases: a nightly job, which has a child process do the work.

It reads at most the 10,000 newest accepted cases, as masked readers read them, and none that is protected. A version is
kept when enough is new; the town uses it when it is better than the lexicon (see suggestion_versions.py).
"""

import base64
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import and_, bindparam, delete, func, insert, or_, select

from backend.cases.reporter.redaction import MARK
from backend.cases.search.wording import Wording, wording_of
from backend.cases.suggestions.lexicon import lexicon, shares
from backend.cases.suggestions.suggesting import READ, known_categories
from backend.cases.suggestions.suggestion_tables import SuggestionVersion, SuggestionWeight
from backend.cases.suggestions.suggestion_versions import choice, chosen_version, versions
from backend.cases.tables import Case
from backend.extensions import UtcDateTime, db
from backend.http.ids import new_id
from backend.http.logs import described
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.territory.tables import Area

MOST_CASES = 10_000
LEAST_CASES = 50
"""Accepted cases below which nothing is learnt."""
LEAST_TEXTS = 5
"""Texts in which a run of characters has to stand to be kept: fewer might tell of one person."""
LEAST_NEW, LEAST_SHARE = 20, 0.05
"""Cases accepted since the newest version from which on it is learnt anew, and as a share of all."""
VERSIONS_KEPT = 10
TIMEOUT_SECONDS = 1_800.0
PAGE, BATCH, GIVE_WAY = 500, 200, 0.02
_PROGRAM = Path(__file__).with_name("learner")
log = structlog.get_logger()

_towns = select(Area.code).where(Area.kind == "town").order_by(Area.code)
_accepted = (
    select(
        Case.id,
        Case.category,
        Case.occurred_at,
        Case.accepted_at,
        func.coalesce(Case.redacted, Case.description).label("said"),
    )
    .where(
        Case.town_code == bindparam("town"),
        Case.accepted_at.is_not(None),
        Case.reporting.in_(("named", "anonymous")),  # neither protected nor a part, which the desk wrote
        Case.status.not_in(("declined", "withdrawn")),
        Case.description != "",  # its time was over (retention.py)
        Case.occurred_at <= bindparam("before", type_=UtcDateTime),
        or_(
            Case.occurred_at < bindparam("before", type_=UtcDateTime),
            and_(Case.occurred_at == bindparam("before"), Case.id < bindparam("id", type_=Case.id.type)),
        ),
    )
    .order_by(Case.occurred_at.desc(), Case.id.desc())
    .limit(PAGE)
)
_left_over = (
    select(SuggestionWeight.version_id, SuggestionWeight.gram)
    .where(SuggestionWeight.version_id.not_in(select(SuggestionVersion.id)))
    .limit(BATCH)
)


def learn_suggestions(now: datetime) -> None:
    """Learn from each town's cases, where enough is new. What goes wrong is tried again the next night."""
    for town in [found.code for found in rows(_towns)]:
        try:
            learn_of(town, now)
        except (subprocess.SubprocessError, ValueError) as error:
            log.error("not_learnt", **described(error))


def learn_of(town: str, now: datetime) -> int | None:
    """Learn from a town's cases; answers the new version, None where there is none. Raises SubprocessError."""
    _clear_left_overs()
    told = list(_cases(town, now))
    held = versions(town)
    if len(told) < LEAST_CASES or not _enough_new(told, held):
        return None
    known = known_categories(town)
    urgent = [code for code, kind in known.items() if kind.limits["handle"].unit == "urgent_hours"]
    wordings = {said: category for said, category, _ in reversed(told)}  # the same words twice are one text
    learnt = _by_child(
        {
            "texts": list(wordings),
            "labels": list(wordings.values()),
            "lexicon": {code: words for code, words in lexicon().words.items() if code in known},
            "urgent": urgent,
            "least": LEAST_TEXTS,
        }
    )
    return None if learnt is None else _keep(town, learnt, _lexicon_alone(wordings, learnt), held, now)


def _cases(town: str, now: datetime) -> Iterator[tuple[str, str, datetime]]:
    """Wording, category and moment of acceptance of the newest accepted cases of a town."""
    before, last, count = now, uuid.UUID(int=0), 0
    while count < MOST_CASES and (page := rows(_accepted, town=town, before=before, id=last)):
        for case in page:
            yield wording_of(case.said.replace(MARK, "\n")).text[:READ], case.category, case.accepted_at
        before, last, count = page[-1].occurred_at, page[-1].id, count + len(page)


def _enough_new(told: Sequence[tuple[str, str, datetime]], held: Sequence[Any]) -> bool:
    if not held:
        return True
    new = sum(1 for _, _, accepted_at in told if accepted_at > held[0].learnt_at)
    return new >= max(LEAST_NEW, LEAST_SHARE * len(told))


def _by_child(told: Mapping[str, Any]) -> dict[str, Any] | None:
    # The child sees none of our secrets, and takes one of the machine's processors at most.
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    environment |= {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.run(
        [sys.executable, "-I", str(_PROGRAM)],
        input=orjson.dumps(told),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT_SECONDS,
        env=environment,
        check=True,
    )
    learnt: dict[str, Any] | None = orjson.loads(child.stdout)
    return learnt


def _lexicon_alone(wordings: Mapping[str, str], learnt: Mapping[str, Any]) -> tuple[float, float]:
    """Accuracy and macro-F1 of the lexicon on the cases that were learnt from."""
    counted = {kind["code"] for kind in learnt["categories"] if kind["cases"]}
    pairs = []
    for said, category in wordings.items():
        if category in counted:
            found, _ = shares(Wording(said, range(len(said))))
            pairs.append((category, max(found, key=lambda code: found[code], default="")))
    right = sum(category == said for category, said in pairs)
    return right / len(pairs), sum(_f1(pairs, category) for category in counted) / len(counted)


def _f1(pairs: Sequence[tuple[str, str]], category: str) -> float:
    both = sum(meant == said == category for meant, said in pairs)
    either = sum((meant == category) + (said == category) for meant, said in pairs)
    return 2 * both / either


def _keep(town: str, learnt: Mapping[str, Any], alone: tuple[float, float], held: Sequence[Any], now: datetime) -> int:
    """Keep what was learnt as the town's newest version, and drop the oldest ones."""
    version_id, number = new_id(), held[0].version + 1 if held else 1
    weights = [
        {"version_id": version_id, "gram": gram, "weights": base64.b64decode(told)}
        for gram, told in learnt["grams"].items()
    ]
    for start in range(0, len(weights), BATCH):
        with unit_of_work() as session:
            session.execute(insert(SuggestionWeight), weights[start : start + BATCH])
        _give_way()
    sure, urgent = learnt["sure"] or {}, learnt["urgent"] or {}
    kept = {name: learnt[name] for name in ("learnt_from", "lengths", "categories", "accuracy", "macro_f1")}
    kept |= {"id": version_id, "town_code": town, "version": number, "learnt_at": now, "words": len(weights)}
    kept |= {"lexicon_accuracy": alone[0], "lexicon_macro_f1": alone[1]}
    kept |= {name: sure.get(name) for name in ("threshold", "right", "suggested")}
    kept |= {f"urgent_{name}": urgent.get(name) for name in ("threshold", "right", "suggested")}
    chosen = chosen_version(choice(town))
    old = [one.id for one in held[VERSIONS_KEPT - 1 :] if one.version != chosen]
    with unit_of_work() as session:
        session.execute(insert(SuggestionVersion), kept)
        session.execute(delete(SuggestionVersion).where(SuggestionVersion.id.in_(old)))
    _clear_left_overs()
    return number


def _clear_left_overs() -> None:
    """Drop the weights of versions that are no more, or never came to be."""
    while found := rows(_left_over):
        with unit_of_work() as session:
            for version_id in {one.version_id for one in found}:
                these = [one.gram for one in found if one.version_id == version_id]
                session.execute(
                    delete(SuggestionWeight).where(
                        SuggestionWeight.version_id == version_id, SuggestionWeight.gram.in_(these)
                    )
                )
        _give_way()


def _give_way() -> None:
    if db.engine.dialect.name == "sqlite":
        time.sleep(GIVE_WAY)
