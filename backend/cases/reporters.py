"""The one place where a case and the person who reported it meet."""

import uuid

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from backend.cases.case_row import CaseRow
from backend.cases.tables import Case, CaseReporter
from backend.http.reading import row
from backend.http.work import add
from backend.outbox.messages import post
from backend.people.tables import Account

_address = (
    select(Account.phone)
    .join(CaseReporter, CaseReporter.account_id == Account.id)
    .where(CaseReporter.case_id == bindparam("case"), CaseReporter.for_caller.is_(False))
)

is_mine: ColumnElement[bool] = (
    exists().where(CaseReporter.case_id == Case.id, CaseReporter.account_id == bindparam("me")).correlate(Case)
)
"""Whether the account bound as `me` reported the case."""


def remember(session: Session, case: CaseRow, account: uuid.UUID, for_caller: bool) -> None:
    """Keep who reported a case; `for_caller` when the desk wrote it down for somebody else."""
    kept = {
        "case_id": case.id,
        "account_id": account,
        "for_caller": for_caller,
        "occurred_at": case.occurred_at,
    }
    add(session, CaseReporter, kept)


def tell_reporter(session: Session, case_id: uuid.UUID, template: str) -> None:
    """Post a message to whoever reported the case; it says nothing but that there is news."""
    found = row(_address, case=case_id)
    if found is not None:
        post(session, "sms", found.phone, template)
