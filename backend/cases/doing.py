"""An action sent over HTTP: once for an Idempotency-Key, on the version named by If-Match."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.cases.acting import act
from backend.cases.protection.protected import TASK
from backend.cases.protection.task_words import require_no_quotes
from backend.cases.rules.standard_answers import put_in
from backend.cases.sight import Sight, sight
from backend.cases.viewing import read_case, show_one
from backend.config import Config
from backend.http import clock
from backend.http.reading import answer
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.people.access import Caller
from backend.territory.work_calendar import work_calendar


def done(caller: Caller, case_id: uuid.UUID, body: Mapping[str, Any], tag: uuid.UUID | None = None) -> Response:
    """Do an action as a caller and answer the case after it; `tag` as in `read_case`.

    Raises NotFound, TaskQuotesReport, what `act` and `once` raise, VersionRequired and StaleVersion.
    """
    config: Config = current_app.config["TOWN_CONFIG"]
    calendar, now = work_calendar(config.TOWN), clock.now()
    case, _ = read_case(caller, case_id, tag)

    def work(session: Session) -> Response:
        require_match(case.version)
        if case.reporting == TASK:
            require_no_quotes(caller, "\n".join(filter(None, (body.get("note"), body.get("reason")))), case.id)
        after = act(session, caller, case, put_in(case, body), calendar, now)
        seen = sight(caller, after, after.mine)
        # Who sends a case back no longer holds it, and is told so without being shown more of it.
        shown = show_one(caller, after, seen or Sight(text=False, place=False), within=session)
        return answer(shown, etag=str(after.version))

    return once(caller.account_id, work, about=("case", str(case_id)))
