"""The roster: who holds which grid, importing it, proposals of the villages, and one's own leave."""

import uuid
from datetime import datetime
from typing import Any

from flask import Response, request
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import identifier, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import Invalid, language
from backend.http.reading import answer, rows
from backend.http.sent_tables import sent_table
from backend.http.work import unit_of_work
from backend.ledger.answers import once
from backend.people.access import Caller, covers, town_scope
from backend.people.account_schemas import AbsenceBody, EmptyBody
from backend.people.caller import current_caller
from backend.people.proposing import decide, propose
from backend.people.roster import grids_of, read_roster
from backend.people.roster_import import Plan, import_roster
from backend.people.roster_schemas import (
    DecisionBody,
    GridsQuery,
    GridsSchema,
    ImportQuery,
    MyRosterSchema,
    ProposalBody,
    ProposalSchema,
    ProposalsQuery,
    ProposalsSchema,
    RosterBody,
    RosterImportedSchema,
)
from backend.people.roster_tables import Absence, RosterProposal, StandIn
from backend.people.tables import Account, RoleAssignment
from backend.people.taking_leave import end_absence, take_leave
from backend.territory.codes import code_in_cursor, prefix_bounds
from backend.territory.location import territory

room = Room("roster", "Who holds which grid, and who stands in")

_names = select(Account.id, Account.name).where(Account.id.in_(bindparam("accounts", expanding=True)))
_FIELDS = tuple(ProposalSchema().fields)
_proposals = select(*(getattr(RosterProposal, name) for name in _FIELDS)).order_by(RosterProposal.id)
_my_roles = (
    select(
        *(
            getattr(RoleAssignment, name)
            for name in ("id", "role", "area_code", "department", "valid_from", "valid_to", "ended_at")
        )
    )
    .where(RoleAssignment.account_id == bindparam("me"))
    .order_by(RoleAssignment.id)
)
_my_absences = (
    select(Absence.id, Absence.begins_at, Absence.ends_at, Absence.reason)
    .where(Absence.account_id == bindparam("me"))
    .order_by(Absence.begins_at.desc())
    .limit(100)
)
_my_grids = select(StandIn.grid_code).where(StandIn.account_id == bindparam("me")).order_by(StandIn.grid_code)


@room.get("/roster/grids")
@room.arguments(GridsQuery, location="query")
@room.response(200, GridsSchema)
@permission("read_roster")
def grids(query: dict[str, Any]) -> Response:
    """Each grid and who holds it, now or at another moment."""
    caller, moment = current_caller(), query["at"] or clock.now()
    areas = _areas(caller, query["area"])
    after = read_cursor(query["cursor"], code_in_cursor) or ("",)
    codes = sorted({grid for area in areas for grid in grids_of(area) if grid > after[0]})
    kept, cursor = page(codes[: query["limit"] + 1], query["limit"], lambda code: (code,))
    return answer(listing(_held(kept, moment), cursor))


@room.post("/roster/import")
@room.arguments(ImportQuery, location="query")
@room.arguments(RosterBody, location="files")
@room.response(200, RosterImportedSchema)
@permission("keep_roster")
def import_file(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Import the roster from XLSX or CSV: all of it, or with `good_only` the lines without a fault."""
    caller = current_caller()
    if len(list(request.files.items(multi=True))) != 1:
        raise Invalid({"file": [("请只上传一个文件。", "Send one file.")]})
    town = min(town_scope(caller, "keep_roster"))
    with sent_table("roster", body["file"].read()) as file, unit_of_work() as session:
        plan = import_roster(session, file, town, actor=caller.account_id, now=clock.now(), **query)
    return answer(_told(plan, not query["dry_run"]))


@room.get("/roster/proposals")
@room.arguments(ProposalsQuery, location="query")
@room.response(200, ProposalsSchema)
@permission("read_roster")
def list_proposals(query: dict[str, Any]) -> Response:
    """What villages have proposed, oldest first."""
    wanted = _proposals.where(or_(*(_below(area) for area in _areas(current_caller(), None))))
    if query["status"]:
        wanted = wanted.where(RosterProposal.status == query["status"])
    after = read_cursor(query["cursor"], identifier)
    if after:
        wanted = wanted.where(RosterProposal.id > after[0])
    found = rows(wanted.limit(query["limit"] + 1))
    kept, cursor = page(found, query["limit"], lambda proposal: (proposal.id,))
    return answer(listing([dict(proposal._mapping) for proposal in kept], cursor))


@room.post("/roster/proposals")
@room.arguments(ProposalBody)
@room.response(201, ProposalSchema)
@room.resendable
@permission("propose_roster")
def new_proposal(body: dict[str, Any]) -> Response:
    """Propose a worker or substitute for one's own village; it holds once the admin has confirmed it."""
    caller = current_caller()

    def work(session: Session) -> Response:
        return _shown(propose(session, caller, body, clock.now()), 201)

    return once(caller.account_id, work)


@room.post("/roster/proposals/<uuid:proposal_id>/decision")
@room.arguments(DecisionBody)
@room.response(200, ProposalSchema)
@room.conditional
@permission("keep_roster")
def decided(body: dict[str, Any], proposal_id: uuid.UUID) -> Response:
    """Confirm a proposal, which gives the role, or decline it."""
    caller = current_caller()

    def work(session: Session) -> Response:
        return _shown(decide(session, caller, proposal_id, body["confirm"], body["reason"], clock.now()))

    return once(caller.account_id, work)


@room.get("/me/roster")
@room.response(200, MyRosterSchema)
@permission("signed_in")
def my_roster() -> Response:
    """My roles with their days, my leave, and the grids I stand in for now."""
    return _mine(current_caller())


@room.post("/me/absences")
@room.arguments(AbsenceBody)
@room.response(201, MyRosterSchema)
@room.resendable
@permission("signed_in")
def my_absence(body: dict[str, Any]) -> Response:
    """Take leave: my grids go to the substitutes for that time."""
    caller = current_caller()

    def work(session: Session) -> Response:
        take_leave(session, caller.account_id, body, clock.now(), caller.account_id)
        return _mine(caller, session, 201)

    return once(caller.account_id, work)


@room.post("/me/absences/<uuid:absence_id>/end")
@room.arguments(EmptyBody)
@room.response(200, MyRosterSchema)
@room.resendable
@permission("signed_in")
def my_return(_body: dict[str, Any], absence_id: uuid.UUID) -> Response:
    """I am back before the time, or will not go."""
    caller = current_caller()

    def work(session: Session) -> Response:
        end_absence(session, caller.account_id, absence_id, clock.now(), caller.account_id)
        return _mine(caller, session)

    return once(caller.account_id, work)


def _areas(caller: Caller, asked: str | None) -> list[str]:
    """The areas whose roster the caller reads, narrowed to the one asked for."""
    mine = sorted(town_scope(caller, "read_roster"))
    if asked is None:
        return mine
    return [asked] if any(covers(area, asked) for area in mine) else [area for area in mine if covers(asked, area)]


def _below(area: str) -> Any:
    low, high = prefix_bounds(area)
    return RosterProposal.village_code.between(low, high)


def _held(codes: Any, moment: datetime) -> list[dict[str, Any]]:
    rosters = {town: read_roster(town, moment) for town in {code[:9] for code in codes}}
    holders = {code: rosters[code[:9]].holder(code) for code in codes}
    names = {one.id: one.name for one in rows(_names, accounts={held.account_id for held in holders.values() if held})}
    known = territory().areas
    return [
        {
            "code": code,
            "name": known[code].name if code in known else code,
            "holder": {"name": names[held.account_id], "acting_as": held.acting_as} if held else None,
        }
        for code, held in holders.items()
    ]


def _told(plan: Plan, written: bool) -> dict[str, Any]:
    lines = [
        {
            "line": change.row.line,
            "what": change.what,
            "new_account": change.account is None,
            "role": change.row.role,
            "area_code": change.row.area_code,
        }
        for change in plan.changes
    ]
    return {
        "written": written,
        "new_roles": plan.count("new"),
        "new_accounts": plan.new_accounts,
        "dates_changed": plan.count("dates"),
        "unchanged": plan.count("none"),
        "lines": lines,
        "faults": [fault.told(language()) for fault in plan.faults],
        "columns_not_read": plan.ignored,
    }


def _shown(proposal: RosterProposal, status: int = 200) -> Response:
    return answer({name: getattr(proposal, name) for name in _FIELDS}, status, etag=str(proposal.version))


def _mine(caller: Caller, session: Session | None = None, status: int = 200) -> Response:
    def ask(statement: Any) -> Any:
        values = {"me": caller.account_id}
        return rows(statement, **values) if session is None else session.execute(statement, values).all()

    return answer(
        {
            "roles": [dict(one._mapping) for one in ask(_my_roles)],
            "absences": [dict(one._mapping) for one in ask(_my_absences)],
            "standing_in": [one.grid_code for one in ask(_my_grids)],
        },
        status,
    )
