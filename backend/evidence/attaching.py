"""Attaching evidence to a case, and discarding what was attached to none."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from backend.evidence.comparing import forget_prints_of_case, keep_print
from backend.evidence.folder_store import clear_workrooms
from backend.evidence.originals import original_of
from backend.evidence.photo_store import photo_store
from backend.evidence.tables import Evidence
from backend.http.envelope import CannotOpen
from backend.http.logs import described
from backend.http.problems import Problem
from backend.http.reading import rows
from backend.http.work import unit_of_work

log = structlog.get_logger()

KEPT_UNATTACHED = timedelta(days=1)
KEPT_WORKROOMS = timedelta(hours=1)
BATCH = 200
SLOTS: Mapping[str, tuple[str, str]] = {
    "before": ("处置前", "before the work"),
    "during": ("处置中", "during the work"),
    "after": ("处置后", "after the work"),
}
"""What a photo shows of the work on a case."""

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
        slot=func.coalesce(Evidence.slot, bindparam("as_slot", type_=Evidence.slot.type)),
    )
    .returning(Evidence.id, Evidence.event_version, Evidence.sealed)
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
_of_case = select(Evidence.id, Evidence.sealed).where(Evidence.case_id == bindparam("case"))
_filled = select(Evidence.slot, func.max(Evidence.event_version).label("version")).where(
    Evidence.case_id == bindparam("case"), Evidence.slot.is_not(None)
)


class UnknownEvidence(Problem):
    """A photo that is not there, is somebody else's, or belongs to another case."""

    status, code = 422, "unknown_evidence"
    zh, en = (
        "有照片不存在或已用于其他案件，请重新上传。",
        "A photo is not there or belongs to another case; upload it again.",
    )


class PhotosMissing(Problem):
    """A slot that a case of this kind must have filled, and that no photo fills."""

    status, code = 422, "photos_missing"
    zh = "这类案件反馈时需要{missing}照片，请拍摄上传后填入 photos 再提交。"
    en = "Handing in a case of this kind takes photos {missing_en}; send them and name them under `photos`."


def attach(
    session: Session,
    slots: Mapping[uuid.UUID, str | None],
    case_id: uuid.UUID,
    version: int,
    by: uuid.UUID,
    known_as: uuid.UUID | None = None,
    compared: bool = True,
) -> None:
    """Attach one's own evidence, each with its slot if it has one, to an action of a case.

    With `known_as`, a reporter's pseudonym in this case, it is told to be from there, no longer from the account. What
    is not to be `compared` with other photos belongs to a protected report. Raises UnknownEvidence; the caller of this
    commits.
    """
    attached: list[Any] = []
    values = {"by": by, "known_as": known_as or by, "case": case_id, "version": version}
    for slot in dict.fromkeys(slots.values()):
        ids = [photo for photo, its in slots.items() if its == slot]
        attached += session.connection().execute(_attach, values | {"ids": ids, "as_slot": slot}).all()
    if len(attached) != len(slots):
        raise UnknownEvidence({"evidence": [(UnknownEvidence.zh, UnknownEvidence.en)]})
    if compared:
        _keep_prints(session, [one for one in attached if one.event_version == version])


def compare_again(session: Session, case_id: uuid.UUID) -> None:
    """Have the evidence of a case compared with others again: the case is protected no more. Commits nothing."""
    forget_prints_of_case(session, case_id)
    _keep_prints(session, session.execute(_of_case, {"case": case_id}).all())


def _keep_prints(session: Session, attached: Iterable[Any]) -> None:
    for photo in attached:
        try:
            keep_print(session, photo.id, original_of(photo.id, photo.sealed))
        except CannotOpen as error:  # damaged: the case goes on, though this is compared with nothing
            log.error("evidence_does_not_open", **described(error))


def require_slots(session: Session, case_id: uuid.UUID, needed: Sequence[str], version: int) -> None:
    """See that a case has photos in the slots needed, those of the work done attached at this version.

    What it looked like before may have been shown earlier, as by whoever reported it. Raises PhotosMissing.
    """
    filled = {one.slot: one.version for one in session.execute(_filled.group_by(Evidence.slot), {"case": case_id})}
    missing = [slot for slot in needed if filled.get(slot, 0) < (1 if slot == "before" else version)]
    if missing:
        zh, en = "和".join(SLOTS[slot][0] for slot in missing), " and ".join(SLOTS[slot][1] for slot in missing)
        errors = {"photos": {slot: [("必须填写。", "Missing data for required field.")] for slot in missing}}
        raise PhotosMissing(errors, missing=zh, missing_en=en)


def discard_unattached(now: datetime) -> None:
    """Discard what a day after it was sent belongs to no case, rows first, then files; and workrooms left behind."""
    store = photo_store()
    clear_workrooms(now - KEPT_WORKROOMS)
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
    old = store.put_before(before)
    while batch := set(islice(old, BATCH)):
        for photo in batch - {found.id for found in rows(_known, ids=list(batch))}:
            store.delete(photo)
