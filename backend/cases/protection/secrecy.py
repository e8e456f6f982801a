"""Secrecy raised and lowered: a case that becomes a protected report, and one that is one no more.

Raising seals text, place and history, takes the case out of every search, list and figure, and begins anew with the
cleared dispatcher's look. It does not unsend: which roles could see the case until then is put down and shown. Photos
stay with the case, for who sees it. Lowering takes two people; what was said under protection stays sealed.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import PERSON, CaseRow
from backend.cases.filing import NoClearedDispatcher
from backend.cases.links.link_tables import CaseCall, CaseLink
from backend.cases.protection.protected import sealed, unsealed
from backend.cases.protection.sealed_notes import sealed_row
from backend.cases.public.pinning import unpin
from backend.cases.public.public_text_tables import PublicText
from backend.cases.rules.tag_tables import CaseTag
from backend.cases.search import search
from backend.cases.tables import Case, CaseEvent, SealedNote
from backend.evidence.attaching import compare_again
from backend.evidence.comparing import forget_prints_of_case
from backend.http.problems import Problem
from backend.ledger.erasing import erase
from backend.ledger.tables import LedgerEntry
from backend.people.access import TABLE, Caller
from backend.people.clearing import has_reader
from backend.territory.town_settings import setting

CHANGING = ("raise_secrecy", "lower_secrecy")
WHY = "secrecy raised"
_ANEW: Mapping[str, Any] = {
    "holder": None,
    "accepted_at": None,
    "closed_at": None,
    "rating": None,
    "public_at": None,
    "public_draft_by": None,
    "leader": None,
    "supervised_until": None,
    "asked": None,
    "assignee": None,
    "answer_until": None,
    "asked_until": None,
    "suspended_until": None,
}
_row = select(Case.__table__).where(Case.id == bindparam("case")).with_for_update()
_holders = select(CaseEvent.holder).where(CaseEvent.case_id == bindparam("case"), CaseEvent.holder.is_not(None))
_notes = select(CaseEvent.version, CaseEvent.note, CaseEvent.details).where(CaseEvent.case_id == bindparam("case"))
_entries = select(LedgerEntry.id, LedgerEntry.payload).where(
    LedgerEntry.thing_id == bindparam("case"), LedgerEntry.thing_kind == "case", LedgerEntry.payload != b""
)
_split = select(CaseLink.case_id).where(CaseLink.head_id == bindparam("case"), CaseLink.kind == "part")
_asked = select(CaseEvent.action).where(
    CaseEvent.case_id == bindparam("case"), CaseEvent.action.in_(("assign", "entrust"))
)
_called = select(CaseCall.department).where(CaseCall.case_id == bindparam("case"))
_STEPS = {"from", "to", "role"}
"""What an entry on a case may tell when the case is protected."""


class GoesWithOthers(Problem):
    """Raising the secrecy of a case that was split: its parts, in the words of the desk, would go on telling of it."""

    status, code = 409, "goes_with_others"
    zh = "该案件已拆分为多个部分，不能转为保密；请另行登记保密举报。"
    en = "This case was split into parts, so it cannot become a protected report; file one anew."


def require_reader(caller: Caller, case: CaseRow, now: datetime) -> None:
    """Refuse to raise what nobody here could read afterwards. Raises NoClearedDispatcher."""
    reads = not case.mine and any(grant.cleared for grant, _ in caller.allowed("draft_task"))
    if not reads and not has_reader(case.village_code, caller.account_id if case.mine else case.id, now.date()):
        raise NoClearedDispatcher(channel=setting(case.town_code, "protected_channel"))


def changed(session: Session, action: str, case: CaseRow) -> dict[str, Any]:
    """The columns that raising or lowering the secrecy of a case changes, besides its status and version."""
    if action == "lower_secrecy":
        was = {"reporting": "anonymous"} if case.sealed is None else unsealed(case.id, case.sealed)
        return {**_ANEW, **was}  # nothing is sealed any more of what was kept for its time
    kept = dict(session.execute(_row, {"case": case.id}).one()._mapping)
    # Under the lock of the row: whoever merges into it meanwhile waits for it, and then sees a protected report.
    if session.execute(_split, {"case": case.id}).first() is not None:
        raise GoesWithOthers
    return {**_ANEW, **{name: value for name, value in sealed(kept).items() if value != kept[name]}}


def seen_by(session: Session, case: CaseRow, now: datetime) -> list[str]:
    """The roles, besides whoever reported it, that could see a case until now; public: everybody."""
    roles = {role for role, letters in TABLE["read_unaccepted_case"].items() if "o" not in letters}
    if case.accepted_at is not None:
        holders = {case.holder, *session.execute(_holders, {"case": case.id}).scalars()} - {None}
        department = any(not str(holder).isdigit() and not holder.startswith(PERSON) for holder in holders)
        reads = TABLE["read_case"].items()
        roles |= {role for role, letters in reads if "o" not in letters and ("h" not in letters or department)}
    asked = set(session.execute(_asked, {"case": case.id}).scalars())
    roles |= {"party_member"} if asked else set()
    roles |= {"grid_worker"} if "assign" in asked else set()
    called = session.execute(_called, {"case": case.id}).scalars().all()
    roles |= {"village_officer" if code.isdigit() else "handler" for code in called}
    if case.public_at is not None and case.public_at <= now:
        roles.add("public")
    return sorted(roles)


def follow(session: Session, action: str, case: CaseRow, after: CaseRow, now: datetime) -> None:
    """Have the history, the search and the ledger follow the change: sealed and dropped, or found again."""
    if action == "lower_secrecy":
        search.index(session, [(after.id, after.description, after.redacted, after.occurred_at)])
        compare_again(session, after.id)
        return
    search.drop(session, case.id)
    forget_prints_of_case(session, case.id)
    # Who was called to it is told by its history; the list of calls is read by those who may not know of it any more.
    # What the desk worded for the public, and tags, would stand beside it unsealed.
    for beside in (CaseCall, PublicText, CaseTag):
        session.execute(delete(beside).where(beside.case_id == case.id), {}, execution_options=_PLAIN)
    unpin(session, case.town_code, case.id)
    _seal_history(session, case.id)
    told = [row.id for row in session.execute(_entries, {"case": str(case.id)}) if _tells(row.payload)]
    if told:
        erase(session, LedgerEntry.id.in_(told), by=None, why=WHY, now=now)


_PLAIN = {"synchronize_session": False}


def _seal_history(session: Session, case_id: uuid.UUID) -> None:
    spoken = [row for row in session.execute(_notes, {"case": case_id}) if row.note is not None or row.details]
    if not spoken:
        return
    kept = [sealed_row(case_id, row.version, {"note": row.note, **row.details}) for row in spoken]
    session.execute(insert(SealedNote), kept)
    here = (CaseEvent.case_id == case_id, CaseEvent.version.in_([row.version for row in spoken]))
    emptied = update(CaseEvent).where(*here).values(note=None, details={})
    session.execute(emptied, execution_options={"synchronize_session": False})


def _tells(payload: bytes) -> bool:
    told: Mapping[str, Any] = orjson.loads(payload)["details"]
    return any(value is not None for name, value in told.items() if name not in _STEPS)
