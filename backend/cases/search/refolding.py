"""Texts that were indexed by other tables than today's are indexed anew, so that a search finds all alike.

The version of the index is made of the tables themselves (`folding.version`): nobody has to remember to raise it. Once
all has been looked through under a version, that is noted, and later looks cost one reading. A look compares each text
with how it would be indexed today and writes only what differs, some at a time, so that nobody who writes waits long;
one that was broken off is begun again, and finds the written ones in order.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from backend.cases.search.folding import searchable, version
from backend.cases.search.search import rewrite
from backend.cases.search.search_tables import CaseText
from backend.cases.tables import Case
from backend.extensions import db
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger import job_runs

JOB = "refold_search"
BATCH, BITE = 500, 50
"""Texts read at once, and those that one unit of work writes at most."""
GIVE_WAY = 0.02
"""Seconds between two units of work where only one can write at a time."""

_texts = select(
    CaseText.id, CaseText.case_id, CaseText.folded, CaseText.folded_redacted, Case.description, Case.redacted
).add_columns(Case.occurred_at)
_texts = _texts.join(Case, Case.id == CaseText.case_id)
_batch = (
    _texts.where(CaseText.id > bindparam("after", type_=CaseText.id.type))
    .order_by(CaseText.id)
    .limit(bindparam("limit", type_=Case.rating.type))
)
_some = _texts.where(CaseText.id.in_(bindparam("ids", expanding=True)))


def refold(now: datetime) -> int:
    """Index anew what is indexed otherwise than today; answers how many texts. Does nothing where that was done."""
    done_at, written = job_runs.done_at(JOB, version()), 0
    if done_at is None:
        after = 0
        while batch := rows(_batch, after=after, limit=BATCH):
            written += _write([one.id for one in batch if _is_old(one)])
            after = batch[-1].id
    if done_at is None or done_at < now - job_runs.KEPT / 2:  # noted anew before the note is forgotten
        with unit_of_work() as session:
            job_runs.mark_done(session, JOB, now, version())
    return written


def _is_old(text: Any) -> bool:
    redacted = None if text.redacted is None else searchable(text.redacted)
    return (text.folded, text.folded_redacted) != (searchable(text.description), redacted)


def _write(ids: Sequence[int]) -> int:
    written = 0
    for start in range(0, len(ids), BITE):
        with unit_of_work() as session:
            for text in session.execute(_some, {"ids": ids[start : start + BITE]}).all():
                case = (text.case_id, text.description, text.redacted, text.occurred_at)
                written += rewrite(session, text.id, text.folded, case)
        if db.engine.dialect.name == "sqlite":
            time.sleep(GIVE_WAY)
    return written
