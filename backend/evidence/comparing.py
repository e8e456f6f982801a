"""Whether a photo was used before: the same file, or the same picture in another one.

The rule: two files are the same when their bytes are (sha256); two photos look the same when their difference hashes
(see child/developing.py) differ in at most MOST_BITS of 64 bits. Enlarged, reduced or saved anew a picture keeps its
hash up to a few bits; turned, cut or drawn upon it does not. Two hashes that differ in fewer bits than there are
quarters have a quarter in common, by which an index finds them.

What belongs to a protected report is compared with nothing.
"""

import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, or_, select
from sqlalchemy.orm import Session

from backend.evidence.originals import Original
from backend.evidence.tables import Evidence, EvidencePrint
from backend.http.reading import rows
from backend.http.tags import tag

MOST_BITS = 3
_QUARTERS = ("look_0", "look_1", "look_2", "look_3")
_MOST_CANDIDATES = 20_000


class Likeness(NamedTuple):
    """That a photo is the same as, or looks like, another one of a case."""

    photo: uuid.UUID
    other: uuid.UUID
    other_case: uuid.UUID
    exact: bool


_print = (EvidencePrint.evidence_id, EvidencePrint.exact, *(getattr(EvidencePrint, name) for name in _QUARTERS))
_own = select(*_print).where(EvidencePrint.evidence_id.in_(bindparam("ids", expanding=True)))
_alike = (
    select(*_print, Evidence.case_id)
    .join(Evidence, Evidence.id == EvidencePrint.evidence_id)
    .where(
        or_(
            EvidencePrint.exact.in_(bindparam("exact", expanding=True)),
            *(getattr(EvidencePrint, name).in_(bindparam(name, expanding=True)) for name in _QUARTERS),
        )
    )
    .limit(_MOST_CANDIDATES)
)


def keep_print(session: Session, photo: uuid.UUID, original: Original) -> None:
    """Have a photo of a case compared with others from now on. Commits nothing."""
    if original.sha256 is None:
        return
    quarters = [None if original.look is None else original.look >> shift & 0xFFFF for shift in (0, 16, 32, 48)]
    values = {"evidence_id": photo, "exact": tag("evidence", original.sha256)}
    session.execute(insert(EvidencePrint), values | dict(zip(_QUARTERS, quarters, strict=True)))


def forget_prints(session: Session, photos: Collection[uuid.UUID]) -> None:
    """Have these photos compared with nothing any more: their sender is forgotten. Commits nothing."""
    session.execute(delete(EvidencePrint).where(EvidencePrint.evidence_id.in_(photos)))


def forget_prints_of_case(session: Session, case_id: uuid.UUID) -> None:
    """Have the photos of a case compared with nothing any more: the case became protected. Commits nothing."""
    of_case = select(Evidence.id).where(Evidence.case_id == case_id)
    statement = delete(EvidencePrint).where(EvidencePrint.evidence_id.in_(of_case))
    session.execute(statement, execution_options={"synchronize_session": False})


def likenesses(photos: Sequence[uuid.UUID]) -> Iterator[Likeness]:
    """The other photos of cases that are the same as one of these, or look the same."""
    own = rows(_own, ids=list(photos)) if photos else []
    if not own:
        return
    looks = {name: sorted({getattr(one, name) for one in own} - {None}) for name in _QUARTERS}
    candidates = rows(_alike, exact=[one.exact for one in own], **looks)
    for one in own:
        for other in candidates:
            if other.evidence_id != one.evidence_id and (one.exact == other.exact or _look_alike(one, other)):
                yield Likeness(one.evidence_id, other.evidence_id, other.case_id, one.exact == other.exact)


def _look_alike(one: Any, other: Any) -> bool:
    if one.look_0 is None or other.look_0 is None:
        return False
    differing: int = sum((getattr(one, name) ^ getattr(other, name)).bit_count() for name in _QUARTERS)
    return differing <= MOST_BITS
