"""What those who read protected reports say on a task: the accused side reads it, so none of it is a report's."""

import uuid

from backend.cases.listing import list_cases
from backend.cases.protection.protected_steps import of_report
from backend.cases.protection.sealed_notes import history
from backend.cases.protection.tasks import require_own_words
from backend.cases.viewing import read_case
from backend.people.access import Caller

MOST = 200
"""Open protected reports, the newest, with which the words of a task are compared."""


def require_no_quotes(caller: Caller, said: str | None, task: uuid.UUID | None = None) -> None:
    """Refuse words in which an open protected report that the caller reads is quoted: with `task`, the one for which
    that task was given out. Whoever reads none has none to quote. Raises TaskQuotesReport."""
    if not said or not any(grant.cleared for grant in caller.grants):
        return
    for listed in list_cases(caller, {"open": 1}, None, MOST, ("protected",)):
        report, told = read_case(caller, listed.id)[0], history(listed.id)
        if task is None or any(step.said.get("task") == str(task) for step in told):
            require_own_words(said, *of_report(report, told))
