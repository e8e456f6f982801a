"""From draft to published: one table of steps, two people."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.http.problems import Problem
from backend.ledger.record import record
from backend.rewards.tables import Run, RunVillage

Status = Literal["draft", "proposed", "published"]


@dataclass(frozen=True, slots=True)
class Step:
    """What asking to publish does in a status: where it leads, and what the ledger calls it."""

    to: Status
    action: str
    another_person: bool


_ranked = select(RunVillage.village).where(RunVillage.run_id == bindparam("run"), RunVillage.rank.is_not(None)).limit(1)

# The first of the committee proposes, a second one publishes; what is published stays.
STEPS: Mapping[Status, Step] = {
    "draft": Step("proposed", "propose_ranking", another_person=False),
    "proposed": Step("published", "publish_ranking", another_person=True),
}


class ProvisionalRun(Problem):
    """The run's period had not ended when its facts were read."""

    status: ClassVar[int] = 409
    code: ClassVar[str] = "provisional_run"
    zh: ClassVar[str] = "该时段尚未结束时计算的排名只供参考，不能公布；请在时段结束后重新计算。"
    en: ClassVar[str] = (
        "A run of a period still going on cannot be published; start it again when the period has ended."
    )


class NothingRanked(Problem):
    """No village had facts enough to be ranked: published, it would stand for its period for good."""

    status: ClassVar[int] = 409
    code: ClassVar[str] = "nothing_ranked"
    zh: ClassVar[str] = "该时段没有一个村（社区）有足够的数据可以排名，不能公布；请核对时段，数据补齐后重新计算。"
    en: ClassVar[str] = (
        "No village has facts enough to be ranked in this period; check it, or run again when they are there."
    )


class SecondPersonNeeded(Problem):
    """Whoever proposed a ranking asks to publish it, too."""

    status: ClassVar[int] = 409
    code: ClassVar[str] = "second_person_needed"
    zh: ClassVar[str] = "公布排名需两人：您已提出，请由镇委另一位成员确认公布。"
    en: ClassVar[str] = "Publishing takes two people: you have proposed it, another committee member confirms it."


class AlreadyPublished(Problem):
    """The ranking, or another of the same period, is published."""

    status: ClassVar[int] = 409
    code: ClassVar[str] = "already_published"
    zh: ClassVar[str] = "该时段的排名已经公布，已公布的排名不会被覆盖。"
    en: ClassVar[str] = "A ranking of this period is published already, and nothing published is overwritten."


def next_step(status: Status, provisional: bool, proposed_by: uuid.UUID | None, actor: uuid.UUID) -> Step:
    """What `actor`'s asking to publish does to a run; raises the Problem that stands in the way."""
    if provisional:
        raise ProvisionalRun
    step = STEPS.get(status)
    if step is None:
        raise AlreadyPublished
    if step.another_person and actor == proposed_by:
        raise SecondPersonNeeded
    return step


def publish(session: Session, run_id: uuid.UUID, actor: uuid.UUID, now: datetime) -> Status:
    """Propose a run's ranking, or publish what another proposed, and tell the status reached.

    Raises what `next_step` does, AlreadyPublished for a period that has a published ranking, and NothingRanked.
    """
    run = session.scalars(select(Run).where(Run.id == run_id).with_for_update()).one()
    step = next_step(run.status, run.provisional, run.proposed_by, actor)  # type: ignore[arg-type]  # only STEPS writes it
    if _published(session, run) is not None:
        raise AlreadyPublished
    if session.scalar(_ranked, {"run": run_id}) is None:
        raise NothingRanked
    run.status, run.version = step.to, run.version + 1
    if step.to == "proposed":
        run.proposed_by, run.proposed_at = actor, now
    else:
        run.published_by, run.published_at = actor, now
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyPublished from error
    record(
        session,
        town=run.town,
        actor=actor,
        action=step.action,
        thing=("run", str(run.id)),
        version=run.version,
        occurred_at=now,
        details={"period": run.period, "facts_hash": run.facts_hash},
    )
    return step.to


def _published(session: Session, run: Run) -> uuid.UUID | None:
    return session.scalar(
        select(Run.id).where(Run.town == run.town, Run.period == run.period, Run.status == "published")
    )
