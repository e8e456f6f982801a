"""Questions and answers between whoever works on a case and whoever reported it: neither side learns who the other is.

What is said goes through the case's history, under a role. Before anybody reads it, numbers by which a person is known
or reached are taken out of it, and names: the two sides' own, and what looks like one by the words around it.
"""

import uuid

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, aliased

from backend.cases.case_row import CaseRow
from backend.cases.reporter.redaction import redact
from backend.cases.reporter.reporters import reporter_known_by
from backend.cases.sight import sight
from backend.cases.tables import CaseEvent
from backend.http.reading import row, rows
from backend.outbox.messages import ACCOUNT, NOTICE, post
from backend.people.access import Caller
from backend.people.names import known_by
from backend.people.tables import Account

ASK, REPLY = "ask", "reply"

_step = aliased(CaseEvent)
# Whoever asked before a case became protected may not know of it any more.
_raised = (
    select(func.coalesce(func.max(_step.version), 0))
    .where(_step.case_id == bindparam("case"), _step.action == "raise_secrecy")
    .scalar_subquery()
)
_asker = (
    select(Account.id)
    .join(CaseEvent, CaseEvent.actor_id == Account.id)
    .where(CaseEvent.case_id == bindparam("case"), CaseEvent.action == ASK, CaseEvent.version > _raised, Account.active)
    .order_by(CaseEvent.version.desc())
    .limit(1)
)
_workers = (
    select(Account.name)
    .join(CaseEvent, CaseEvent.actor_id == Account.id)
    .where(CaseEvent.case_id == bindparam("case"))
    .distinct()
)


def as_relayed(caller: Caller, case: CaseRow, text: str) -> str:
    """What a caller says to the other side of a case, without the names of either.

    Who sees the case masked does not have the reporter's taken out: they could try names, and read which one is gone.
    """
    seen = sight(caller, case, case.mine)
    reporter = reporter_known_by(case) if seen is not None and seen.text else []
    workers = [part for one in rows(_workers, case=case.id) for part in known_by(one.name)]
    return redact(text, [*known_by(caller.name, caller.phone), *reporter, *workers])


def tell_asker(session: Session, case_id: uuid.UUID) -> None:
    """Tell whoever asked last that there is an answer."""
    asker = row(_asker, case=case_id)
    if asker is not None:
        post(session, NOTICE, f"{ACCOUNT}:{asker.id}", "case_answered", about=case_id)
