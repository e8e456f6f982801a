"""A case, who reported it, and every step it took."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.people.tables import DEPARTMENT_CODE
from backend.territory.codes import AREA_CODE

# The statuses in which cases wait for the town, for who holds them, and for somebody in their grid.
WAIT_FOR_TOWN = "status IN ('reported', 'apart', 'accepted', 'reopened', 'handled', 'checked')"
WAIT_FOR_HOLDER = "status IN ('dispatched', 'handling')"
WAIT_IN_GRID = "status IN ('dispatched', 'handling', 'handled')"
COUNTED = "action IN ('accept', 'resolve', 'close', 'close_with_head', 'pass_check', 'rework', 'rate')"
WENT_ON = "action IN ('resume', 'unmerge')"


def _only(where: str) -> dict[str, Any]:
    return {"postgresql_where": text(where), "sqlite_where": text(where)}


class Case(Base):
    """What somebody saw and the town handles.

    `area_code` is the grid it fell in when filed (the village where only that is known). `due_at` is the present
    step's, `case_due_at` the whole case's. `coarse_lon` and `coarse_lat` are what those may see who may not see the
    place; `redacted` the same for the text. `holder` is the department or village the case was dispatched to, or a
    person (see `by_name`).
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("town_code", "number"),
        Index("ix_cases_town", "town_code", "occurred_at", "id"),
        Index("ix_cases_village", "village_code", "occurred_at", "id"),
        Index("ix_cases_area", "area_code", "occurred_at", "id"),
        Index("ix_cases_holder", "holder", "occurred_at", "id", postgresql_where=text("holder IS NOT NULL")),
        Index("ix_cases_status", "town_code", "status", "occurred_at", "id"),
        Index("ix_cases_cell", "cell", "occurred_at", postgresql_where=text("cell IS NOT NULL")),
        # What waits for whom, by what turns red first (to_do.py).
        Index("ix_cases_to_do", "town_code", "status", "due_at", "id", **_only(WAIT_FOR_TOWN)),
        Index("ix_cases_to_do_holder", "holder", "status", "due_at", "id", **_only(WAIT_FOR_HOLDER)),
        Index("ix_cases_to_do_area", "area_code", "status", "due_at", "id", **_only(WAIT_IN_GRID)),
        Index("ix_cases_asked", "town_code", "status", "due_at", "id", **_only("asked IS NOT NULL")),
        Index(
            "ix_cases_protected",
            "town_code",
            "occurred_at",
            "id",
            postgresql_where=text("reporting = 'protected'"),
            sqlite_where=text("reporting = 'protected'"),
        ),
        Index(
            "ix_cases_suspended",
            "suspended_until",
            postgresql_where=text("suspended_until IS NOT NULL"),
            sqlite_where=text("suspended_until IS NOT NULL"),
        ),
        Index(
            "ix_cases_assignee",
            "assignee",
            "occurred_at",
            "id",
            postgresql_where=text("assignee IS NOT NULL"),
            sqlite_where=text("assignee IS NOT NULL"),
        ),
        # What is to turn next (turning.py).
        Index("ix_cases_turning", "turns_at", **_only("turns_at IS NOT NULL")),
        Index("ix_cases_public", "town_code", "public_at", postgresql_where=text("public_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    village_code: Mapped[str] = mapped_column(AREA_CODE)
    area_code: Mapped[str] = mapped_column(AREA_CODE)
    status: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    category: Mapped[str] = mapped_column(String(40))
    description: Mapped[str] = mapped_column(Text)
    redacted: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(String(200))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    cell: Mapped[int | None] = mapped_column(BigInteger)
    original_lon: Mapped[float | None]
    original_lat: Mapped[float | None]
    original_crs: Mapped[str | None] = mapped_column(String(10))
    coarse_lon: Mapped[float | None]
    coarse_lat: Mapped[float | None]
    reporting: Mapped[str] = mapped_column(String(10))
    holder: Mapped[str | None] = mapped_column(DEPARTMENT_CODE)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    step_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    amber_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When four fifths of the step's time are over."""
    turns_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody is to be told of the step next: colours.py."""
    case_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    case_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rating: Mapped[int | None]
    public_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source: Mapped[str | None] = mapped_column(String(40))
    asked: Mapped[str | None] = mapped_column(String(12))
    """What was asked for and not answered yet: extension or suspension until `asked_until`, or lowering its secrecy."""
    asked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    suspended_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    leader: Mapped[str | None] = mapped_column(String(40))
    """Who supervises the case by name, and by when it is to be done."""
    supervised_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    assignee: Mapped[uuid.UUID | None]
    """Who was asked by name to look at the case in the step it waits for: to verify it, or to check what was done."""
    answer_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when the present closing can be rated and reopened; None for one without an end."""
    public_draft_by: Mapped[uuid.UUID | None]
    """Who worded the text for the public that waits for somebody else's look; None while none does."""
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Text, address and place of a protected report, which has none of them beside it."""


class OverdueStep(Base):
    """A step that ran past its time, and who held the case at that moment: it counts against them and nobody else."""

    __tablename__ = "overdue_steps"

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    step: Mapped[str] = mapped_column(String(20))
    holder: Mapped[str | None] = mapped_column(DEPARTMENT_CODE)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseReporter(Base):
    """That somebody reported a case, under a tag of their account and the pseudonym they act under in this case."""

    __tablename__ = "case_reporters"

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    tag: Mapped[uuid.UUID]
    pseudonym: Mapped[uuid.UUID]
    for_caller: Mapped[bool] = mapped_column(Boolean)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_case_reporters_tag", "tag", "occurred_at", "case_id"),)


class ReporterIdentity(Base):
    """Who reported a case, sealed. Opened in one place only: reporters.py."""

    __tablename__ = "reporter_identities"
    __table_args__ = {"info": {"apart": True}}  # noqa: RUF012  # SQLAlchemy's way; read under a role of its own

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class CaseEvent(Base):
    """One action on a case; version n of a case is what its events 1 to n made of it.

    `step`, `step_started_at` and `step_due_at` tell of the step that the action ended, and are empty when it ended
    none; `holder` is who had the case before the action.
    """

    __tablename__ = "case_events"
    __table_args__ = (
        Index(
            "ix_case_events_handled",
            "step_due_at",
            "holder",
            postgresql_where=text("step = 'handle'"),
            sqlite_where=text("step = 'handle'"),
        ),
        Index("ix_case_events_checks", "holder", "occurred_at", **_only("action IN ('rework', 'pass_check')")),
        # What reports count in a period, and where a case went on that had stood still (figures.py).
        Index("ix_case_events_counted", "occurred_at", **_only(COUNTED)),
        Index("ix_case_events_went_on", "case_id", **_only(WENT_ON)),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(String(20))
    from_status: Mapped[str | None] = mapped_column(String(20))
    to_status: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[uuid.UUID | None]
    actor_role: Mapped[str] = mapped_column(String(20))
    note: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    internal: Mapped[bool] = mapped_column(Boolean, default=False)
    """Not for whoever reported the case."""
    holder: Mapped[str | None] = mapped_column(DEPARTMENT_CODE)
    step: Mapped[str | None] = mapped_column(String(20))
    step_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    step_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SealedNote(Base):
    """What was said at a version of a protected report, sealed: its event has no word and no detail of it beside."""

    __tablename__ = "sealed_notes"

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
