"""Runs of the ranking: under which rule set, from which facts, and what came out for every village."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE


class UsedRuleSet(Base):
    """The document of a rule set that a run has used; from then on it may not change under its code and version."""

    __tablename__ = "rule_sets"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    document: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    first_used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Run(Base):
    """One scoring of all villages of a town for a period, known by its period, rule set and the hash of its facts.

    `started_by` is nobody where the scheduler started it. Its numbers never change; `version` counts its states.
    """

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("town", "period", "rule_set_hash", "facts_hash"),
        ForeignKeyConstraint(["rule_set_code", "rule_set_version"], ["rule_sets.code", "rule_sets.version"]),
        Index("ix_runs_latest", "town", "period_end", "period_start", "id"),
        Index("ix_runs_newest", "town", "id"),
        Index(
            "uq_runs_published_period",
            "town",
            "period",
            unique=True,
            postgresql_where=text("status = 'published'"),
            sqlite_where=text("status = 'published'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    town: Mapped[str] = mapped_column(AREA_CODE)
    period: Mapped[str] = mapped_column(String(7))
    period_start: Mapped[datetime] = mapped_column(UtcDateTime)
    period_end: Mapped[datetime] = mapped_column(UtcDateTime)
    provisional: Mapped[bool]
    rule_set_code: Mapped[str] = mapped_column(String(40))
    rule_set_version: Mapped[int]
    rule_set_hash: Mapped[str] = mapped_column(String(64))
    facts_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    started_by: Mapped[uuid.UUID | None]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    proposed_by: Mapped[uuid.UUID | None]
    proposed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_by: Mapped[uuid.UUID | None]
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RunVillage(Base):
    """A village's place in a run, under the name it had then; `position` is its line in the ranking, from 1."""

    __tablename__ = "run_villages"
    __table_args__ = (UniqueConstraint("run_id", "position"),)

    run_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("runs.id"), primary_key=True)
    village: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    position: Mapped[int]
    rank: Mapped[int | None]
    score: Mapped[float | None] = mapped_column(Double)
    flags: Mapped[list[str]] = mapped_column(JsonColumn)


class RunValue(Base):
    """One indicator of one village in a run: what was counted and what it gave, in numbers of 6 decimals."""

    __tablename__ = "run_values"
    __table_args__ = (ForeignKeyConstraint(["run_id", "village"], ["run_villages.run_id", "run_villages.village"]),)

    run_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    village: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    indicator: Mapped[str] = mapped_column(String(40), primary_key=True)
    numerator: Mapped[int | None] = mapped_column(BigInteger)
    exposure: Mapped[int | None] = mapped_column(BigInteger)
    value: Mapped[float | None] = mapped_column(Double)
    weight: Mapped[float | None] = mapped_column(Double)
    points: Mapped[float | None] = mapped_column(Double)
