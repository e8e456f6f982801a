"""The one place where a case and the person who reported it meet.

Beside a case stand a tag of the account, by which reporters find their own, and a pseudonym, under which they act in
this case's history. Who it is stands in a table of its own, sealed, and is opened by `identity_of` only.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import structlog
from sqlalchemy import ColumnElement, ScalarSelect, bindparam, delete, exists, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.links.link_tables import CaseLink
from backend.cases.tables import Case, CaseReporter, ReporterIdentity
from backend.http.envelope import CannotOpen, Envelope, envelope
from backend.http.logs import described
from backend.http.reading import AnyRow, identity_rows, row, rows
from backend.http.tags import tag
from backend.http.work import add
from backend.outbox.messages import NOTICE, REPORTER, post
from backend.outbox.reaching import Number, Who
from backend.people.access import Caller
from backend.people.names import known_by
from backend.people.receipts import forget_receipts
from backend.people.tables import Account

log = structlog.get_logger()


_sealed = select(ReporterIdentity.case_id, ReporterIdentity.sealed).where(
    ReporterIdentity.case_id.in_(bindparam("cases", expanding=True))
)
_reported_themselves = select(CaseReporter.case_id).where(
    CaseReporter.case_id.in_(bindparam("cases", expanding=True)), CaseReporter.for_caller.is_(False)
)
_acts_as_reporter = select(CaseReporter.case_id).where(
    CaseReporter.case_id == bindparam("case"), CaseReporter.pseudonym == bindparam("actor")
)
_reported_one = select(CaseReporter.case_id).where(
    CaseReporter.case_id == bindparam("case"), CaseReporter.tag == bindparam("my_tag")
)
_reported = (
    select(CaseReporter.case_id, CaseReporter.pseudonym)
    .where(CaseReporter.tag == bindparam("my_tag"))
    .order_by(CaseReporter.occurred_at.desc(), CaseReporter.case_id.desc())
)
_account = select(Account.name, Account.phone).where(Account.id == bindparam("account"))
_whole = select(CaseLink.head_id).where(CaseLink.case_id == bindparam("case"), CaseLink.kind == "part")
_by_case = select(CaseReporter.tag, CaseReporter.pseudonym).where(CaseReporter.case_id == bindparam("case"))

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

    Of somebody who wants to stay anonymous only the account is kept, so that they hear of their case. Who has none is
    known by an id that nobody signs in with (`without_account`). `consent` is what was agreed to when name and phone
    were given: the version of the text, or that the desk asked.
    """

    account: uuid.UUID
    known_as: str
    name: str | None = None
    phone: str | None = None
    without_account: bool = False
    consent: str | None = None


def tag_of(account: uuid.UUID) -> uuid.UUID:
    """The tag by which an account finds what it reported."""
    return tag("reporter", account.bytes)


def reporter_of(caller: Caller, known_as: str) -> Identity:
    """A caller as the reporter of a case of their own."""
    if known_as == "anonymous":
        return Identity(caller.account_id, known_as)
    return Identity(caller.account_id, known_as, caller.name, caller.phone)


def remember(session: Session, case: CaseRow, reporter: Identity, for_caller: bool) -> uuid.UUID:
    """Keep who reported a case, and answer the pseudonym; `for_caller` when the desk wrote it down for them."""
    pseudonym = uuid.uuid4()
    kept = {
        "case_id": case.id,
        "tag": tag_of(reporter.account),
        "pseudonym": pseudonym,
        "for_caller": for_caller,
        "occurred_at": case.occurred_at,
    }
    add(session, CaseReporter, kept)
    add(session, ReporterIdentity, sealed_row(case.id, reporter))
    return pseudonym


def sealed_row(case_id: uuid.UUID, identity: Identity, by: Envelope | None = None) -> dict[str, Any]:
    """The row that keeps an identity, sealed for this case by the app's envelope or the one given."""
    return {"case_id": case_id, "sealed": (by or envelope()).seal(orjson.dumps(identity), _context(case_id))}


def identity_of(case_id: uuid.UUID) -> Identity | None:
    """Who reported a case; None if nobody here did. Whoever shows it to a person records that as a read.

    Raises CannotOpen.
    """
    found = identity_rows(_sealed, cases=[case_id])
    return _opened(found[0]) if found else None


def has_reported(case_id: uuid.UUID, account: uuid.UUID) -> bool:
    """Whether a case is there that an account reported."""
    return row(_reported_one, case=case_id, my_tag=tag_of(account)) is not None


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


def who_reported(cases: Collection[uuid.UUID]) -> dict[uuid.UUID, Who]:
    """Who reported each case, for the sender of messages to them: the account that reported it for itself, or the
    number that somebody without one left. A case is left out where there is nobody to tell.

    Whom the desk wrote a report down for is told if they left a number. This shows nobody who it is, and so is no read
    of an identity.
    """
    identities = {found.case_id: _unread(found) for found in identity_rows(_sealed, cases=list(cases))}
    themselves = {found.case_id for found in rows(_reported_themselves, cases=list(cases))}
    told: dict[uuid.UUID, Who] = {}
    for case, reporter in identities.items():
        if reporter is not None and reporter.without_account:
            if reporter.phone:
                told[case] = Number(reporter.phone)
        elif reporter is not None and case in themselves:
            told[case] = reporter.account
    return told


def reporter_known_by(case: CaseRow) -> list[str]:
    """What whoever reported a case, or the whole it is a part of, is known by, to be taken out of what others will
    read. Not to be shown to anybody."""
    whole = row(_whole, case=case.id) if case.reporting == "part" else None
    reporter = _unread_of(whole.head_id if whole is not None else case.id)
    if reporter is None:
        return []
    found = None if reporter.without_account else row(_account, account=reporter.account)
    now = known_by(found.name, found.phone) if found is not None else []
    return [*known_by(reporter.name, reporter.phone), *now]


def reporter_without_account(case_id: uuid.UUID) -> uuid.UUID | None:
    """What whoever reported a case without an account is known by, for themselves; None for everybody else."""
    reporter = _unread_of(case_id)
    return reporter.account if reporter is not None and reporter.without_account else None


def _opened(kept: AnyRow) -> Identity:
    told = orjson.loads(envelope().open(kept.sealed, _context(kept.case_id)))
    return Identity(**told | {"account": uuid.UUID(told["account"])})


def _unread_of(case_id: uuid.UUID) -> Identity | None:
    found = identity_rows(_sealed, cases=[case_id])
    return _unread(found[0]) if found else None


def _unread(kept: AnyRow) -> Identity | None:
    try:
        return _opened(kept)
    except CannotOpen as error:  # damaged: the case goes on, though its reporter does not hear of it
        log.error("identity_does_not_open", **described(error))
        return None


def reported_by(account: uuid.UUID) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """What an account reported, newest first: the cases, and the pseudonym it has in each."""
    return [(found.case_id, found.pseudonym) for found in rows(_reported, my_tag=tag_of(account))]


def known_as_reporter(case_id: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The tag and the pseudonym of whoever reported a case, for who holds its receipt; None where nobody did."""
    found = row(_by_case, case=case_id)
    return (found.tag, found.pseudonym) if found is not None else None


def forget_reporter(session: Session, case_id: uuid.UUID) -> None:
    """Delete who reported a case, and put a tag that nobody has in place of theirs: the pseudonym stays.

    A receipt of it belongs to nothing from then on.
    """
    forget_receipts(session, case_id)
    session.execute(delete(ReporterIdentity).where(ReporterIdentity.case_id == case_id))
    session.execute(update(CaseReporter).where(CaseReporter.case_id == case_id).values(tag=uuid.uuid4()))


def _context(case_id: uuid.UUID) -> str:
    return f"reporter of {case_id}"
