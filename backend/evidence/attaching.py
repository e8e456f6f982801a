"""Attaching photos to a case, and dropping those that were attached to none."""

import uuid
from collections.abc import Sequence

from sqlalchemy import bindparam, or_, update
from sqlalchemy.orm import Session

from backend.evidence.tables import Evidence
from backend.http.problems import Problem

_attach = (
    update(Evidence)
    .where(
        Evidence.id.in_(bindparam("ids", expanding=True)),
        Evidence.uploaded_by == bindparam("by"),
        or_(Evidence.case_id.is_(None), Evidence.case_id == bindparam("case")),
    )
    .values(case_id=bindparam("case"), event_version=bindparam("version"))
)


class UnknownEvidence(Problem):
    """A photo that is not there, is somebody else's, or belongs to another case."""

    status, code = 422, "unknown_evidence"
    zh, en = "有照片不存在或已用于其他案件，请重新上传。", "A photo is not there or belongs to another case; upload it again."


def attach(session: Session, ids: Sequence[uuid.UUID], case_id: uuid.UUID, version: int, by: uuid.UUID) -> None:
    """Attach one's own photos to an action of a case. Raises UnknownEvidence; the caller of this commits."""
    if not ids:
        return
    values = {"ids": list(ids), "by": by, "case": case_id, "version": version}
    if session.connection().execute(_attach, values).rowcount != len(set(ids)):
        raise UnknownEvidence
