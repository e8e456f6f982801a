"""What is said in the history of a protected report: sealed beside its events, which keep no word of it."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.reporter.reporters import tag_of
from backend.cases.tables import CaseEvent, CaseReporter, SealedNote
from backend.http.envelope import envelope
from backend.http.reading import rows
from backend.http.work import add, write_added

_told = (
    select(
        CaseEvent.version,
        CaseEvent.action,
        CaseEvent.actor_id,
        SealedNote.sealed,
        CaseReporter.tag,
        CaseReporter.pseudonym,
    )
    .outerjoin(SealedNote, (SealedNote.case_id == CaseEvent.case_id) & (SealedNote.version == CaseEvent.version))
    .outerjoin(CaseReporter, CaseReporter.case_id == CaseEvent.case_id)
    .where(CaseEvent.case_id == bindparam("case"))
    .order_by(CaseEvent.version)
)
_sealed = select(SealedNote.version, SealedNote.sealed).where(SealedNote.case_id == bindparam("case"))


class Told(NamedTuple):
    """A step of a protected report: who did what, what was said with it, and whether its reporter did, in any role."""

    version: int
    action: str
    actor: uuid.UUID | None
    said: Mapping[str, Any]
    by_reporter: bool = False


def keep_said(session: Session, case_id: uuid.UUID, version: int, said: Mapping[str, Any]) -> None:
    """Keep what was said at a version of a protected report, sealed."""
    add(session, SealedNote, sealed_row(case_id, version, said))


def sealed_row(case_id: uuid.UUID, version: int, said: Mapping[str, Any]) -> dict[str, Any]:
    """The row that keeps what was said at a version of a case."""
    sealed = envelope().seal(orjson.dumps(said), _context(case_id, version))
    return {"case_id": case_id, "version": version, "sealed": sealed}


def history(case_id: uuid.UUID, within: Session | None = None) -> Sequence[Told]:
    """The steps of a protected report with what was said, oldest first, for who sees it only.

    `within`: with what this unit of work has done so far. Raises CannotOpen.
    """
    if within is None:
        found: Sequence[Any] = rows(_told, case=case_id)
    else:
        write_added(within)
        found = within.execute(_told, {"case": case_id}).all()
    return [
        Told(
            row.version,
            row.action,
            row.actor_id,
            _open(case_id, row.version, row.sealed) if row.sealed else {},
            row.actor_id is not None and (row.actor_id == row.pseudonym or tag_of(row.actor_id) == row.tag),
        )
        for row in found
    ]


def said_in(case: CaseRow) -> Mapping[int, Mapping[str, Any]]:
    """What was said at each version of a protected report, for who sees it only; nothing of any other case."""
    if case.sealed is None:
        return {}
    return {row.version: _open(case.id, row.version, row.sealed) for row in rows(_sealed, case=case.id)}


def reword_said(session: Session, case_id: uuid.UUID, word: Callable[[str], str]) -> None:
    """Seal anew what was said in a case, with its words as `word` puts them."""
    for row in session.execute(_sealed, {"case": case_id}).all():
        said = _open(case_id, row.version, row.sealed)
        worded = said | {name: word(said[name]) for name in ("note", "leader") if said.get(name)}
        again = sealed_row(case_id, row.version, worded)["sealed"]
        here = (SealedNote.case_id == case_id, SealedNote.version == row.version)
        session.execute(update(SealedNote).where(*here).values(sealed=again))


def _open(case_id: uuid.UUID, version: int, sealed: bytes) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(envelope().open(sealed, _context(case_id, version)))
    return said


def _context(case_id: uuid.UUID, version: int) -> str:
    return f"said of {case_id} at {version}"
