"""Who sees a case, how much of it, and what they may do with it: the access table read for one case and for lists.

The two readings, `sight` for one case and `branches` for a list's SQL, come from the same rows, and a test holds them
against each other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from backend.cases.case_row import CaseRow, ListedCase, by_name
from backend.cases.protection.accusing import accuses_person
from backend.cases.protection.protected import PROTECTED, TASK
from backend.cases.public.publication import publication_of
from backend.cases.workflow import LOOKING, Action, offered
from backend.http import clock
from backend.people.access import SUBSTITUTE, Caller, Grant, covers


class Sight(NamedTuple):
    """How much of a case a caller sees: the text as written or redacted, the place exact or coarse."""

    text: bool
    place: bool


@dataclass(frozen=True, order=True)
class Branch:
    """One way in which cases come into a caller's list: `kind` is own, asked, protected, town, village, grid or holder.

    `values` are the codes of areas, or of the departments, villages and people of `town` that hold; asked are those of
    `town` that the caller was asked by name to look at. `accepted` leaves out what
    nobody has accepted; `masked` filters by what a masked reader may see; `yields` leaves out the villages whose
    officer the caller is. Protected reports come by own, and by protected: the cleared person's way to those of a town.
    """

    kind: str
    town: str
    accepted: bool
    masked: bool
    yields: bool
    values: tuple[str, ...]


def sight(caller: Caller, case: CaseRow | ListedCase, mine: bool) -> Sight | None:
    """What the caller sees of a case, or None: then it does not exist for them."""
    if mine:
        return Sight(text=True, place=True)  # a reporter keeps their own view, whatever became of their roles
    permission = "read_case" if case.accepted_at is not None else "read_unaccepted_case"
    if case.reporting == PROTECTED:
        return Sight(text=True, place=True) if reaches(caller, "read_protected_case", case) else None
    text, place = False, _is_called(caller, case)
    seen = place
    for grant, letters in caller.allowed(permission):
        if not (_reaches(caller, grant, letters, case, mine) or _holds_as_village(grant, case)):
            continue
        seen = True
        text = text or "m" not in letters
        place = place or "m" not in letters or _holds(caller, grant, case) or _asked(caller, grant, case)
    return Sight(text, place) if seen else None


def reaches(caller: Caller, permission: str, case: CaseRow | ListedCase) -> bool:
    """Whether a row of the table reaches a case that is not the caller's own; of a protected one, if they see it."""
    if case.reporting == PROTECTED and permission != "read_protected_case":
        return reaches(caller, "read_protected_case", case) and _any_reaches(caller, permission, case)
    return _any_reaches(caller, permission, case)


def _any_reaches(caller: Caller, permission: str, case: CaseRow | ListedCase) -> bool:
    return any(_reaches(caller, grant, letters, case, mine=False) for grant, letters in caller.allowed(permission))


def allowed_actions(caller: Caller, case: CaseRow, mine: bool, handled: bool) -> list[str]:
    """The names of the actions the caller may do now. `handled`: the caller is among those who handled the case."""
    offered = offered_for(case, clock.now())
    return [action.name for action in offered if may_act(caller, action, case, mine, handled)]


def offered_for(case: CaseRow, now: datetime) -> list[Action]:
    """The actions that the table has for a case as it stands, whoever asks."""
    whole, held, called = case.reporting not in ("part", TASK), case.holder is not None, bool(case.called_as)
    public = publication_of(case)
    return offered(case.status, case.rating is not None, case.asked, over(case, now), whole, held, called, public)


def over(case: CaseRow, now: datetime) -> bool:
    """Whether the time in which the case's closing could be answered has passed."""
    return case.answer_until is not None and case.answer_until < now


def may_act(caller: Caller, action: Action, case: CaseRow, mine: bool, handled: bool) -> bool:
    """Whether the caller may do an action, the case's status aside."""
    return role_for(caller, action, case, mine, handled) is not None


def role_for(caller: Caller, action: Action, case: CaseRow, mine: bool, handled: bool) -> str | None:
    """The role in which the caller may do an action, or None. Who handled a case never checks or closes it."""
    if action.protected == ("never" if case.reporting == PROTECTED else "only"):
        return None
    if case.reporting in (TASK, "part") and action.permission == "raise_secrecy":
        return None
    if (handled and not action.own_work) or action.reporter == ("never" if mine else "only"):
        return None
    if action.only == "public_draft" and case.public_draft_by == caller.account_id:
        return None  # the second look is somebody else's
    for grant, letters in caller.allowed(action.permission):
        if case.reporting == PROTECTED and "o" not in letters and (mine or not grant.cleared):
            continue  # the cleared only, and never on what they reported themselves
        if mine and case.reported_as == "reporter" and grant.role == "village_officer":
            continue  # who became an officer of the village they once reported keeps their own view, and nothing more
        if _reaches(caller, grant, letters, case, mine) and not _is_accused(caller, action, case):
            return grant.acting_as or grant.role
    return None


def _is_accused(caller: Caller, action: Action, case: CaseRow) -> bool:
    """Whether it would be for who is accused to look whether it is so, or was mended."""
    if action.permission not in LOOKING:
        return False
    of_grid = any(held.role == "grid_worker" and covers(held.area_code, case.area_code) for held in caller.grants)
    return accuses_person(case.description, caller.name, of_grid)


def acting_as(role: str, mine: bool) -> str:
    """The role in which somebody appears in a case's history: whoever reported it is its reporter in what reporters
    do (`mine`)."""
    return "reporter" if mine and role in ("resident", "party_member", "grid_worker", SUBSTITUTE) else role


def _reaches(caller: Caller, grant: Grant, letters: str, case: CaseRow | ListedCase, mine: bool) -> bool:
    if mine and "o" in letters:
        return True
    if "c" in letters and not grant.cleared:
        return False
    if grant.role != "village_officer" and case.village_code in caller.conflicts:
        return False  # an officer of the village is its officer here, whatever else they are
    if "a" in letters and _asked(caller, grant, case):
        return True
    if "d" in letters:
        return _called(grant, case)
    if "h" in letters:
        return _holds(caller, grant, case)
    return any(area in letters for area in "gvt") and covers(grant.area_code, case.area_code)


def _asked(caller: Caller, grant: Grant, case: CaseRow | ListedCase) -> bool:
    # By name, so wherever it lies in the town in which they have the role.
    asked = case.assignee is not None and case.assignee == caller.account_id
    return asked and covers(grant.area_code[:9], case.area_code)


def holds(caller: Caller, case: CaseRow) -> bool:
    """Whether the caller is among those who hold a case."""
    return any(_holds(caller, grant, case) for grant, _ in caller.allowed("handle"))


def _is_called(caller: Caller, case: CaseRow | ListedCase) -> bool:
    return bool(case.called) and any(
        _reaches(caller, grant, letters, case, mine=False) for grant, letters in caller.allowed("answer_whistle")
    )


def _called(grant: Grant, case: CaseRow | ListedCase) -> bool:
    if grant.role == "village_officer":
        return grant.area_code in case.called
    return grant.department in case.called and covers(grant.area_code, case.area_code)


def _holds(caller: Caller, grant: Grant, case: CaseRow | ListedCase) -> bool:
    if case.holder is None:
        return False
    if grant.role == "handler":
        return case.holder == grant.department and covers(grant.area_code, case.area_code)
    if grant.role == "village_officer":
        return _holds_as_village(grant, case)
    if grant.role in ("party_member", "grid_worker") and case.held_by(caller.account_id):
        return covers(grant.area_code[:9], case.area_code)
    # A grid worker handles for the village what lies in their own grid.
    return grant.role == "grid_worker" and case.holder == case.village_code and covers(grant.area_code, case.area_code)


def _holds_as_village(grant: Grant, case: CaseRow | ListedCase) -> bool:
    # A village sees and handles what was dispatched to it, wherever in its town that lies.
    return (
        grant.role == "village_officer"
        and case.holder == grant.area_code
        and covers(grant.area_code[:9], case.area_code)
    )


def branches(caller: Caller) -> list[Branch]:
    """The ways in which cases come into the caller's list: their own, and one for each kind of scope they hold."""
    own = ("own", "", False, False, False)
    found: dict[tuple[str, str, bool, bool, bool], set[str]] = {own: {""}}
    for permission, accepted in (("read_unaccepted_case", False), ("read_case", True)):
        for grant, letters in caller.allowed(permission):
            yields, masked = grant.role != "village_officer", "m" in letters
            holder, where = _held_under(caller, grant)
            if accepted and holder is not None:
                found.setdefault(("holder", where, True, masked, yields), set()).add(holder)
            if "a" in letters:
                found.setdefault(("asked", grant.area_code[:9], False, masked, yields), set()).add("")
            if "o" not in letters and "h" not in letters:
                key = (_LEVEL[len(grant.area_code)], "", accepted, masked, yields)
                found.setdefault(key, set()).add(grant.area_code)
    for (kind, town, accepted, _, yields), values in found.items():
        if accepted and not town:  # who sees all of an area needs no second branch for the accepted part of it
            values -= found.get((kind, "", False, False, yields), set())
    for grant, letters in caller.allowed("read_protected_case"):
        if "c" in letters and grant.cleared:
            found.setdefault(("protected", "", False, False, True), set()).add(grant.area_code)
    return sorted(Branch(*key, tuple(sorted(values))) for key, values in found.items() if values)


def _held_under(caller: Caller, grant: Grant) -> tuple[str | None, str]:
    """The code under which somebody in a role holds cases (None: under none), and the area that these lie in."""
    if grant.role == "handler":
        return grant.department, grant.area_code
    held = {"village_officer": grant.area_code, "party_member": by_name(caller.account_id)}
    return held.get(grant.role), grant.area_code[:9]


_LEVEL = {9: "town", 12: "village", 15: "grid"}
