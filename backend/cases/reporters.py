"""The one place where a case and the person who reported it meet.

Beside a case stand a tag of the account, by which reporters find their own, and a pseudonym, under which they act in
this case's history. Who it is stands in a table of its own, sealed, and is opened by `identity_of` only.
"""

import uuid
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson
import structlog
from sqlalchemy import ColumnElement, ScalarSelect, bindparam, delete, exists, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.tables import Case, CaseReporter, ReporterIdentity
from backend.http.envelope import CannotOpen, Envelope, envelope
from backend.http.logs import described
from backend.http.reading import identity_row, row, rows
from backend.http.tags import tag
from backend.http.work import add
from backend.outbox.messages import NOTICE, REPORTER, post
from backend.people.access import Caller

log = structlog.get_logger()


_sealed = select(ReporterIdentity.sealed).where(ReporterIdentity.case_id == bindparam("case"))
_reported_themselves = select(CaseReporter.case_id).where(
    CaseReporter.case_id == bindparam("case"), CaseReporter.for_caller.is_(False)
)
_acts_as_reporter = select(CaseReporter.case_id).where(
    CaseReporter.case_id == bindparam("case"), CaseReporter.pseudonym == bindparam("actor")
)
_reported = (
    select(CaseReporter.case_id, CaseReporter.pseudonym)
    .where(CaseReporter.tag == bindparam("my_tag"))
    .order_by(CaseReporter.occurred_at.desc(), CaseReporter.case_id.desc())
)

is_mine: ColumnElement[bool] = (
    exists().where(CaseReporter.case_id == Case.id, CaseReporter.tag == bindparam("my_tag")).correlate(Case)
)
"""Whether the account whose tag is bound as `my_tag` reported the case."""

my_pseudonym: ScalarSelect[uuid.UUID] = (
    select(CaseReporter.pseudonym)
    .where(CaseReporter.case_id == Case.id, CaseReporter.tag == bindparam("my_tag"))
    .correlate(Case)
    .scalar_subquery()
)
"""The name under which that account acts in the case's history as its reporter; null when it is not."""


@dataclass(frozen=True)
class Identity:
    """Who reported a case. `known_as` is how they wanted to be known: named, anonymous or protected.

    Of somebody who wants to stay anonymous only the account is kept, so that they hear of their case.
    """

    account: uuid.UUID
    known_as: str
    name: str | None = None
    phone: str | None = None


def tag_of(account: uuid.UUID) -> uuid.UUID:
    """The tag by which an account finds what it reported."""
    return tag("reporter", account.bytes)


def remember(session: Session, case: CaseRow, caller: Caller, for_caller: bool) -> uuid.UUID:
    """Keep who reported a case, and answer the pseudonym; `for_caller` when the desk wrote it for somebody else."""
    pseudonym = uuid.uuid4()
    kept = {
        "case_id": case.id,
        "tag": tag_of(caller.account_id),
        "pseudonym": pseudonym,
        "for_caller": for_caller,
        "occurred_at": case.occurred_at,
    }
    told = {} if case.reporting == "anonymous" else {"name": caller.name, "phone": caller.phone}
    add(session, CaseReporter, kept)
    add(session, ReporterIdentity, sealed_row(case.id, Identity(caller.account_id, case.reporting, **told)))
    return pseudonym


def sealed_row(case_id: uuid.UUID, identity: Identity, by: Envelope | None = None) -> dict[str, Any]:
    """The row that keeps an identity, sealed for this case by the app's envelope or the one given."""
    return {"case_id": case_id, "sealed": (by or envelope()).seal(orjson.dumps(asdict(identity)), _context(case_id))}


def identity_of(case_id: uuid.UUID) -> Identity | None:
    """Who reported a case; None if nobody here did. Whoever shows it to a person records that as a read.

    Raises CannotOpen.
    """
    found = identity_row(_sealed, case=case_id)
    if found is None:
        return None
    told = orjson.loads(envelope().open(found.sealed, _context(case_id)))
    return Identity(**told | {"account": uuid.UUID(told["account"])})


def is_reporter(case_id: uuid.UUID, actor: uuid.UUID) -> bool:
    """Whether an actor of a case is the pseudonym of whoever reported it."""
    return row(_acts_as_reporter, case=case_id, actor=actor) is not None


def account_behind(case_id: uuid.UUID, actor: uuid.UUID) -> uuid.UUID | None:
    """The account of who acted in a case: of whoever reported it, who acts under a pseudonym, the one that is sealed,
    None once they are forgotten; of anybody else the actor itself. For the record of a read, never for a person.
    """
    if not is_reporter(case_id, actor):
        return actor
    reporter = identity_of(case_id)
    return reporter.account if reporter is not None else None


def tell_reporter(
    session: Session, case_id: uuid.UUID, template: str, also: Literal["holder", "desk"] | None = None
) -> None:
    """Post a notice to whoever reported the case, and `also` to who holds it or to the desk: no more than that there
    is news."""
    post(session, NOTICE, reporter_address(case_id), template, also=also)


def reporter_address(case_id: uuid.UUID) -> str:
    """The address of a message to whoever reported a case: it tells nobody who that is."""
    return f"{REPORTER}:{case_id}"


def account_of_reporter(case: str) -> uuid.UUID | None:
    """The account that reported a case for itself, for the sender of a message to it; None: nobody to tell.

    This shows nobody who it is, and so is no read of an identity.
    """
    case_id = uuid.UUID(case)
    if row(_reported_themselves, case=case_id) is None:
        return None
    try:
        reporter = identity_of(case_id)
    except CannotOpen as error:  # damaged: the case goes on, though its reporter does not hear of it
        log.error("identity_does_not_open", **described(error))
        return None
    return reporter.account if reporter is not None else None


def reported_by(account: uuid.UUID) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """What an account reported, newest first: the cases, and the pseudonym it has in each."""
    return [(found.case_id, found.pseudonym) for found in rows(_reported, my_tag=tag_of(account))]


def forget_reporter(session: Session, case_id: uuid.UUID) -> None:
    """Delete who reported a case, and put a tag that nobody has in place of theirs: the pseudonym stays."""
    session.execute(delete(ReporterIdentity).where(ReporterIdentity.case_id == case_id))
    session.execute(update(CaseReporter).where(CaseReporter.case_id == case_id).values(tag=uuid.uuid4()))


def _context(case_id: uuid.UUID) -> str:
    return f"reporter of {case_id}"
