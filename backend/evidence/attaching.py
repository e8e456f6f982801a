"""Attaching photos to a case, and discarding those that were attached to none."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from backend.evidence.store import clear_workrooms, photo_store
from backend.evidence.tables import Evidence
from backend.http.problems import Problem
from backend.http.reading import rows
from backend.http.work import unit_of_work

KEPT_UNATTACHED = timedelta(days=1)
BATCH = 200

_known_as = bindparam("known_as", type_=Evidence.uploaded_by.type)
# A photo keeps the action it was first attached to: a report's own photos are not for all who see the case, and naming
# one again later must not make it so.
_attach = (
    update(Evidence)
    .where(
        Evidence.id.in_(bindparam("ids", expanding=True)),
        Evidence.uploaded_by.in_([bindparam("by", type_=Evidence.uploaded_by.type), _known_as]),
        or_(Evidence.case_id.is_(None), Evidence.case_id == bindparam("case")),
    )
    .values(
        uploaded_by=_known_as,
        case_id=bindparam("case"),
        event_version=func.coalesce(Evidence.event_version, bindparam("version")),
    )
)
_unattached = (
    select(Evidence.id)
    .where(Evidence.case_id.is_(None), Evidence.created_at < bindparam("before"))
    .order_by(Evidence.created_at)
    .limit(BATCH)
)
# Asked again outside: a photo may be attached while this waits for its row.
_discard = delete(Evidence).where(Evidence.id.in_(_unattached), Evidence.case_id.is_(None)).returning(Evidence.id)
_known = select(Evidence.id).where(Evidence.id.in_(bindparam("ids", expanding=True)))


class UnknownEvidence(Problem):
    """A photo that is not there, is somebody else's, or belongs to another case."""

    status, code = 422, "unknown_evidence"
    zh, en = (
        "有照片不存在或已用于其他案件，请重新上传。",
        "A photo is not there or belongs to another case; upload it again.",
    )


def attach(
    session: Session,
    ids: Sequence[uuid.UUID],
    case_id: uuid.UUID,
    version: int,
    by: uuid.UUID,
    known_as: uuid.UUID | None = None,
) -> None:
    """Attach one's own photos to an action of a case. With `known_as`, a reporter's pseudonym in this case, they are
    told to be from there, no longer from the account. Raises UnknownEvidence; the caller of this commits.
    """
    if not ids:
        return
    values = {"ids": list(ids), "by": by, "known_as": known_as or by, "case": case_id, "version": version}
    if session.connection().execute(_attach, values).rowcount != len(set(ids)):
        raise UnknownEvidence({"evidence": [(UnknownEvidence.zh, UnknownEvidence.en)]})


def discard_unattached(now: datetime) -> None:
    """Discard the photos that a day after they were sent belong to no case, rows first, then files."""
    store = photo_store()
    while True:
        with unit_of_work() as session:
            discarded = session.connection().execute(_discard, {"before": now - KEPT_UNATTACHED}).scalars().all()
        for photo in discarded:
            store.delete(photo)
        if len(discarded) < BATCH:
            return


def discard_orphans(now: datetime) -> None:
    """Discard the files that no row tells of: those of a server that was killed between the two."""
    store, before = photo_store(), now - KEPT_UNATTACHED
    clear_workrooms(before)
    old = store.put_before(before)
    while batch := set(islice(old, BATCH)):
        for photo in batch - {found.id for found in rows(_known, ids=list(batch))}:
            store.delete(photo)
