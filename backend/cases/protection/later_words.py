"""What reporters say after they filed and that accuses the village or its officers: the desk looks first, as it does at
a report that does.

Such a note, answer or reason is marked with its event. Nobody but its reporter and the desk reads it until the desk has
accepted the report since, or let the words through; it may raise the report to a protected one first. Let through, they
are read as all else is: redacted by who sees the case masked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.protection.accusing import accused, accuses
from backend.cases.protection.protected import PROTECTED
from backend.cases.reporter.relaying import REPLY, tell_asker
from backend.cases.sight import reaches
from backend.cases.tables import CaseEvent
from backend.http.problems import Problem
from backend.http.reading import row, rows
from backend.outbox.messages import ALSO, DESK, NOTICE, post
from backend.people.access import Caller

APART = "apart"
LET_THROUGH = "let_through"

_looked = select(func.coalesce(func.max(CaseEvent.version), 0).label("version")).where(
    CaseEvent.case_id == bindparam("case"), CaseEvent.action.in_(("accept", LET_THROUGH))
)
_since = select(CaseEvent.version, CaseEvent.action, CaseEvent.details).where(
    CaseEvent.case_id == bindparam("case"), CaseEvent.version > bindparam("looked", type_=CaseEvent.version.type)
)


class NothingApart(Problem):
    """Letting through what a reporter said, where nothing of it is kept for the desk."""

    status, code = 409, "nothing_apart"
    zh = "本案没有待审看的上报人留言，无需放行。"
    en = "Nothing that its reporter said waits for the desk's look."


def set_apart(case: CaseRow, role: str, appears: str, request: Mapping[str, Any]) -> bool:
    """Whether what is said with an action is for the desk first. What the town's own people write names officers in
    passing, so of theirs only what accuses is."""
    if appears != "reporter" or case.reporting == PROTECTED:
        return False
    said = "\n".join(filter(None, (request.get("note"), request.get("reason"))))
    return accuses(said) if role in ("resident", "party_member") else bool(accused(said))


def still_apart(case: CaseRow, found: Sequence[Any]) -> set[int]:
    """The versions of those of a case's events whose words the desk has not looked at yet."""
    apart = {event.version for event in found if event.details.get(APART)}
    return {version for version in apart if version > _looked_at(case)} if apart else apart


def looks_first(caller: Caller, case: CaseRow) -> bool:
    """Whether the caller reads such words before they are let through."""
    return case.mine or reaches(caller, "accept", case)


def tell_desk(session: Session, case: CaseRow) -> None:
    """Tell the desk that there is something to look at."""
    post(session, NOTICE, f"{DESK}:{case.id}", ALSO[DESK])


def let_through(session: Session, case: CaseRow) -> None:
    """Have everybody who sees a case read what was kept for the desk, and whoever asked hear of the answer.

    Raises NothingApart.
    """
    since = [event for event in rows(_since, case=case.id, looked=_looked_at(case)) if event.details.get(APART)]
    if not since:
        raise NothingApart
    if any(event.action == REPLY for event in since):
        tell_asker(session, case.id)


def _looked_at(case: CaseRow) -> int:
    found = row(_looked, case=case.id)
    return int(found.version) if found else 0
