"""Who may do what: the access table as data, and the caller it is read for.

Scope letters: o own · a asked by name · g own grid · v own village · d own department or village called · h holder ·
t town · c cleared only · m masked (no identity, coarse place, redacted text) · + a second person or a reason on record.
A role that a row does not name may not: what it asks for is not there for it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

ROLES = (
    "resident",
    "party_member",
    "grid_worker",
    "village_officer",
    "handler",
    "dispatcher",
    "inspector",
    "committee",
    "admin",
    "auditor",
)
SUBSTITUTE = "grid_substitute"
"""Held like a role, for a grid or a village, and nothing by itself: it makes somebody the grid worker of a grid while
none of its own is there (see roster.py)."""
PUBLIC, SIGNED_IN = "public", "signed_in"
"""Permissions that need no row: everybody, and everybody signed in, whatever their roles."""

TABLE: Mapping[str, Mapping[str, str]] = {
    "read_areas": dict.fromkeys(ROLES, "t"),
    "import_areas": {"admin": "t"},
    "read_departments": dict.fromkeys(ROLES, "t"),
    "file_case": {
        "resident": "o",
        "party_member": "o",
        "grid_worker": "g",
        "village_officer": "v",
        "dispatcher": "t",
        "inspector": "t",
    },
    "file_protected_case": {"resident": "o", "party_member": "o", "grid_worker": "o", "dispatcher": "t"},
    "file_for_caller": {"grid_worker": "g", "dispatcher": "t"},
    "support_case": {"resident": "o", "party_member": "o", "grid_worker": "o"},
    "read_figures": {
        "grid_worker": "g",
        "village_officer": "v",
        "handler": "h",
        "dispatcher": "t",
        "inspector": "t",
        "committee": "t",
    },
    "export_cases": {"handler": "hm", "dispatcher": "tm"},
    "read_unaccepted_case": {"resident": "o", "party_member": "oam", "grid_worker": "oa", "dispatcher": "t"},
    "read_case": {
        "resident": "o",
        "party_member": "oahm",
        "grid_worker": "ga",
        "village_officer": "vm",
        "handler": "hm",
        "dispatcher": "t",
        "inspector": "tm",
        "committee": "tm",
    },
    "read_protected_case": {
        "resident": "o",
        "party_member": "o",
        "grid_worker": "o",
        "dispatcher": "tc",
        "inspector": "tc",
    },
    "read_identity": {"resident": "o", "party_member": "o", "grid_worker": "o", "dispatcher": "t+"},
    "hold_identity_notice": {"auditor": "t"},
    "read_audit_trail": {"auditor": "t"},
    "accept": {"dispatcher": "t"},
    # Of what nobody has accepted an inspector sees protected reports only.
    "decline": {"dispatcher": "t", "inspector": "tc+"},
    "dispatch": {"dispatcher": "t"},
    "assign": {"dispatcher": "t"},
    "verify": {"party_member": "a", "grid_worker": "a"},
    "excuse": {"party_member": "a", "grid_worker": "a", "inspector": "a"},
    "resolve": {"grid_worker": "g"},
    "handle": {"party_member": "h", "grid_worker": "h", "village_officer": "h", "handler": "h"},
    "grant": {"dispatcher": "t"},
    "merge": {"dispatcher": "t"},
    "split": {"dispatcher": "t"},
    "correct_place": {"dispatcher": "t"},
    "whistle": {"grid_worker": "g", "dispatcher": "t"},
    "answer_whistle": {"village_officer": "d", "handler": "d"},
    "read_whistles": {"village_officer": "d", "handler": "d", "dispatcher": "t"},
    "correct": {"dispatcher": "t"},
    "urge": {"resident": "o", "party_member": "o", "grid_worker": "o", "dispatcher": "t"},
    "supervise": {"dispatcher": "t", "committee": "t"},
    "note": {
        "resident": "o",
        "party_member": "oh",
        "grid_worker": "g",
        "village_officer": "h",
        "handler": "h",
        "dispatcher": "t",
        "inspector": "t",
    },
    "message_reporter": {
        "grid_worker": "g",
        "village_officer": "h",
        "handler": "h",
        "dispatcher": "t",
        "inspector": "t",
    },
    "reply": {"resident": "o", "party_member": "o", "grid_worker": "o"},
    "tag_case": {"grid_worker": "g", "village_officer": "v", "dispatcher": "t"},
    "draft_public_text": {"dispatcher": "t"},
    "release_public_text": {"dispatcher": "t+", "inspector": "t+"},
    "unpublish": {"dispatcher": "t", "inspector": "t"},
    "check": {"party_member": "a", "grid_worker": "g", "inspector": "t"},
    "close": {"dispatcher": "t"},
    "rate": {"resident": "o", "party_member": "o", "grid_worker": "o"},
    "read_low_ratings": {"dispatcher": "t", "inspector": "t"},
    "withdraw": {"resident": "o", "party_member": "o", "grid_worker": "o"},
    "reopen": {"resident": "o", "party_member": "o", "grid_worker": "o", "dispatcher": "t"},
    "give_task": {"dispatcher": "t"},
    "draft_task": {"dispatcher": "tc"},
    "release_task": {"dispatcher": "tc+", "inspector": "tc+"},
    "conclude": {"dispatcher": "tc+", "inspector": "tc+"},
    "raise_secrecy": {"resident": "o", "party_member": "o", "grid_worker": "o", "dispatcher": "t", "inspector": "t"},
    "lower_secrecy": {"dispatcher": "tc+"},
    "upload_evidence": dict.fromkeys(ROLES[:7], "o"),
    "read_evidence": dict.fromkeys(ROLES[:8], "o"),
    "read_original": {"resident": "o", "party_member": "o", "grid_worker": "o", "dispatcher": "t+", "inspector": "t+"},
    "compare_evidence": {"dispatcher": "t", "inspector": "t"},
    "keep_service_points": {"village_officer": "v", "dispatcher": "t"},
    "book_room": dict.fromkeys(ROLES[:8], "o") | {"dispatcher": "t", "committee": "t"},
    "keep_events": {"village_officer": "v", "dispatcher": "t"},
    "join_events": dict.fromkeys(ROLES[:8], "o"),
    "read_turnout": {"village_officer": "v", "dispatcher": "t", "committee": "t"},
    "confirm_service_points": {
        **dict.fromkeys(("party_member", "handler", "inspector", "committee"), "a"),
        "grid_worker": "ga",
        "village_officer": "va",
        "dispatcher": "ta",
    },
    "start_run": {"dispatcher": "t", "committee": "t"},
    "read_draft_ranking": {"dispatcher": "t", "committee": "t", "auditor": "t"},
    "publish_ranking": {"committee": "t+"},
    "clear": {"committee": "t+", "admin": "t+"},
    "read_clearings": {"committee": "t", "admin": "t", "auditor": "t"},
    "keep_conflicts": {"admin": "t"},
    "read_accounts": {"admin": "t", "auditor": "t"},
    "keep_accounts": {"admin": "t"},
    "read_roster": {"village_officer": "v", "admin": "t", "auditor": "t"},
    "propose_roster": {"village_officer": "v"},
    "read_responsible_areas": {
        "grid_worker": "g",
        "village_officer": "v",
        "dispatcher": "t",
        "inspector": "t",
        "committee": "t",
        "admin": "t",
    },
    "keep_roster": {"admin": "t"},
    "keep_departments": {"admin": "t"},
    "read_webhooks": {"admin": "t", "auditor": "t"},
    "keep_webhooks": {"admin": "t+"},
    "read_settings": {"admin": "t", "auditor": "t"},
    "keep_settings": {"admin": "t"},
    "read_duty": dict.fromkeys(("dispatcher", "committee", "admin", "auditor"), "t"),
    "keep_duty": {"admin": "t"},
    "keep_categories": {"admin": "t"},
}


@dataclass(frozen=True)
class Grant:
    """A role held today for an area code (prefix) and, for handlers, a department."""

    role: str
    area_code: str
    department: str | None = None
    cleared: bool = False
    """Whether two people have cleared this role for protected reports."""
    acting_as: str | None = None
    """The role in which actions are put down where it is another: of a substitute who does the worker's work."""


@dataclass(frozen=True)
class Caller:
    """Who is asking: the account, this sign-in, and the roles held at this moment."""

    account_id: uuid.UUID
    sign_in_id: uuid.UUID
    name: str
    phone: str | None
    grants: tuple[Grant, ...]
    not_impartial_in: tuple[str, ...] = ()
    """The villages for which the person stands on the conflict list."""

    @property
    def towns(self) -> frozenset[str]:
        """The towns in which the caller holds a role."""
        return frozenset(grant.area_code[:9] for grant in self.grants)

    @cached_property
    def _asked(self) -> dict[str, list[tuple[Grant, str]]]:
        return {}  # a list asks for each of its cases

    def allowed(self, permission: str) -> Sequence[tuple[Grant, str]]:
        """The caller's roles that a row of the table names, each with its scope letters."""
        if permission not in self._asked:
            row = TABLE[permission]
            self._asked[permission] = [(grant, row[grant.role]) for grant in self.grants if grant.role in row]
        return self._asked[permission]

    def may(self, permission: str) -> bool:
        """Whether any of the caller's roles is named in a row of the table."""
        return bool(self.allowed(permission))

    @cached_property
    def conflicts(self) -> tuple[str, ...]:
        """The villages whose officer the caller is, or for which they stand on the conflict list: there every other
        role yields (deny wins)."""
        officer_of = (grant.area_code for grant in self.grants if grant.role == "village_officer")
        return tuple(dict.fromkeys((*officer_of, *self.not_impartial_in)))


def covers(area: str, code: str) -> bool:
    """Whether a code lies in an area: scope is a prefix."""
    return code.startswith(area)


def of_whole_town(caller: Caller, permission: str, town: str) -> bool:
    """Whether a row of the table lets the caller act in a whole town: by a role of the town, not by what they hold."""
    return any("t" in letters and covers(grant.area_code, town) for grant, letters in caller.allowed(permission))


def town_scope(caller: Caller, permission: str) -> frozenset[str]:
    """Area codes (town, village or grid prefixes) in which a row of the table lets the caller act."""
    return frozenset(grant.area_code for grant, _ in caller.allowed(permission))
