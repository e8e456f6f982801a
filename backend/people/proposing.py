"""A village proposes who is to work in its grids; the admin confirms or declines."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import NotFound, Problem
from backend.http.versions import require_match
from backend.ledger.record import record
from backend.people.access import SUBSTITUTE, Caller, covers, town_scope
from backend.people.accounts import NewAccount, create_account
from backend.people.administering import OwnAccount, RoleUnfit
from backend.people.appointing import Unfit, add_role, check_place
from backend.people.roster_tables import RosterProposal
from backend.people.tables import Account

PROPOSED = ("grid_worker", SUBSTITUTE)
"""What a village may propose."""


class NotYourVillage(Problem):
    """A proposal for an area of another village."""

    status, code = 422, "not_your_village"
    zh, en = "只能为本村（社区）的网格提名。", "Propose people for the grids of your own village only."


class ProposalSettled(Problem):
    """A proposal on which somebody has decided."""

    status, code = 409, "proposal_settled"
    zh, en = "这条提名已经处理过了。", "This proposal has been decided on."


class NameDiffers(Problem):
    """A proposal for a number that has an account under another name."""

    status, code = 409, "name_differs"
    zh = "这个号码的账号登记的是另一个姓名，请与村里核对。"
    en = "The account of this number has another name; check it with the village."


def propose(session: Session, caller: Caller, values: Mapping[str, Any], now: datetime) -> RosterProposal:
    """Propose somebody for a grid of the caller's village, or as its substitute. Raises NotYourVillage, RoleUnfit."""
    area = values["area_code"]
    if not any(covers(village, area) for village in town_scope(caller, "propose_roster")):
        raise NotYourVillage
    since, until = values.get("valid_from") or now.date(), values.get("valid_to")
    _check(values["role"], area, since, until)
    proposal = RosterProposal(
        id=new_id(),
        village_code=area[:12],
        proposed_by=caller.account_id,
        proposed_at=now,
        phone=values["phone"],
        name=values["name"],
        role=values["role"],
        area_code=area,
        valid_from=since,
        valid_to=until,
        status="open",
        version=1,
    )
    session.add(proposal)
    session.flush()
    _tell(session, proposal, "propose_roster", caller, now)
    return proposal


def decide(
    session: Session, caller: Caller, proposal_id: uuid.UUID, confirm: bool, reason: str | None, now: datetime
) -> RosterProposal:
    """Confirm a proposal, which gives the role, or decline it. Raises NotFound, ProposalSettled, NameDiffers,
    OwnAccount, RoleUnfit and what `require_match` raises."""
    found = select(RosterProposal).where(RosterProposal.id == proposal_id).with_for_update()
    proposal = session.execute(found).scalar_one_or_none()
    towns = town_scope(caller, "keep_roster")
    if proposal is None or not any(covers(town, proposal.village_code) for town in towns):
        raise NotFound
    require_match(proposal.version)
    if proposal.status != "open":
        raise ProposalSettled
    if confirm:
        _appoint(session, caller, proposal, now)
    proposal.status = "confirmed" if confirm else "declined"
    proposal.decided_by, proposal.decided_at, proposal.reason = caller.account_id, now, reason
    proposal.version += 1
    session.flush()
    _tell(session, proposal, "confirm_proposal" if confirm else "decline_proposal", caller, now)
    return proposal


def _appoint(session: Session, caller: Caller, proposal: RosterProposal, now: datetime) -> None:
    since, until = max(proposal.valid_from, now.date()), proposal.valid_to
    _check(proposal.role, proposal.area_code, since, until)
    person = NewAccount(proposal.phone, proposal.name, proposal.role, proposal.area_code)
    known = session.execute(select(Account).where(Account.phone == person.phone)).scalar_one_or_none()
    if known is None:
        create_account(session, person, None, now, since, until, caller.account_id)
        return
    if known.name != person.name:
        raise NameDiffers
    if known.id == caller.account_id:
        raise OwnAccount
    try:
        add_role(session, known.id, person, now, since=since, until=until, actor=caller.account_id)
    except Unfit as unfit:
        raise RoleUnfit(why_zh=unfit.zh, why_en=unfit.en) from unfit


def _check(role: str, area: str, since: date, until: date | None) -> None:
    try:
        check_place(role, area, None)
        if until is not None and until < since:
            raise Unfit("结束日期早于开始日期", "the last day is before the first")
    except Unfit as unfit:
        raise RoleUnfit(why_zh=unfit.zh, why_en=unfit.en) from unfit


def _tell(session: Session, proposal: RosterProposal, action: str, caller: Caller, now: datetime) -> None:
    record(
        session,
        town=proposal.village_code[:9],
        actor=caller.account_id,
        action=action,
        thing=("roster_proposal", str(proposal.id)),
        version=proposal.version,
        occurred_at=now,
        details={"role": proposal.role, "area_code": proposal.area_code},
    )
