"""Which job has done its work for which period, so that a period's work is done once, whoever restarts when."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from backend.http.reading import row
from backend.ledger.tables import JobRun

KEPT = timedelta(days=400)
HEARTBEAT = "heartbeat"
_runs = JobRun.metadata.tables[JobRun.__tablename__]
_is_done = select(_runs.c.done_at).where(_runs.c.job == bindparam("job"), _runs.c.period == bindparam("period"))


def done_at(job: str, period: str = "") -> datetime | None:
    """When a job finished its work for a period; None when it has not."""
    found = row(_is_done, job=job, period=period)
    return found.done_at if found else None


def mark_done(session: Session, job: str, now: datetime, period: str = "") -> None:
    """Note that a job has finished its work for a period; done again, the later instant counts."""
    session.merge(JobRun(job=job, period=period, done_at=now))


def unmark(session: Session, job: str, period: str = "") -> None:
    """Take such a note back."""
    session.execute(delete(_runs).where(_runs.c.job == job, _runs.c.period == period))


def forget(session: Session, now: datetime) -> None:
    """Drop notes so old that no job asks for their period again."""
    session.execute(delete(_runs).where(_runs.c.done_at < now - KEPT))


def heartbeat() -> datetime | None:
    """The scheduler's last sign of life."""
    return done_at(HEARTBEAT)
