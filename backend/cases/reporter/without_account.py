"""Reporting without an account, named by a phone that a code proves or anonymously, and asking after it by receipt.

Whoever files so is known by an id derived from the Idempotency-Key of the filing, and afterwards by the receipt: the
sixteen digits that only they were told. A phone that has an account makes it that account's report.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.filing import Report, file_case
from backend.cases.reporter.reporters import Identity, known_as_reporter
from backend.config import Config
from backend.http.problems import NotFound
from backend.people.access import Caller, Grant
from backend.people.codes import Proof, spend
from backend.people.joining import account_of
from backend.people.receipts import thing_of
from backend.people.throttle import forgive, take_tries
from backend.territory.calendar import WorkCalendar


class Holder(NamedTuple):
    """Who holds the receipt of a case: a caller who is its reporter and nothing else, under the reporter's tag."""

    caller: Caller
    case_id: uuid.UUID
    tag: uuid.UUID


def file_without_account(
    session: Session, sender: uuid.UUID, told: Mapping[str, Any], town: str, calendar: WorkCalendar, now: datetime
) -> tuple[CaseRow, Caller] | None:
    """Store what somebody reports, as a resident would; answers the case and who it is from.

    None when their code is wrong: that has been counted then.

    `sender` is who they are known as, `told` the body as sent. Raises what `file_case` raises. Commits nothing.
    """
    who = told.get("reporter")
    name, reporter = None, Identity(sender, "anonymous", without_account=True)
    if who is not None:
        name = who["name"]
        if not spend(session, Proof(who["code_id"], who["phone"], who["code"]), "file", now):
            return None
        account = account_of(session, who["phone"], now)
        kept = {"name": name, "phone": who["phone"], "consent": who["consent"]}
        reporter = Identity(account or sender, "named", without_account=account is None, **kept)
    report = Report(
        told["category"],
        told["description"],
        location=told["location"],
        address=told.get("address"),
        reporting=reporter.known_as,
        accuses=told["accuses"],
        evidence=tuple(told["evidence"]),
        reporter=reporter,
    )
    caller = _resident(sender, name or "", town)
    return file_case(session, caller, report, calendar, now), caller


def holder_of(receipt: str, address: str, now: datetime) -> Holder:
    """Who holds a receipt. Raises NotFound, alike for what is no receipt and what belongs to nothing, and TooManyTries.

    `address` is where the question comes from: wrong ones are slowed down by it, right ones are not counted.
    """
    take_tries(now, receipt=address)
    case_id = thing_of(receipt)
    known = None if case_id is None else known_as_reporter(case_id)
    if case_id is None or known is None:
        raise NotFound
    forgive(("receipt", address), None, now)
    config: Config = current_app.config["TOWN_CONFIG"]
    tag, pseudonym = known
    return Holder(_resident(pseudonym, "", config.TOWN), case_id, tag)


def _resident(known_as: uuid.UUID, name: str, town: str) -> Caller:
    return Caller(known_as, known_as, name, None, (Grant("resident", town),))
