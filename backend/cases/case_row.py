"""A case as it was read for one caller."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple, Self

PERSON = "person:"
"""What the code of a holder begins with that is a person; no department's has such a sign in it."""


def by_name(person: uuid.UUID) -> str:
    """The code under which a person holds a case: an account, or whoever reported it under their pseudonym there."""
    return f"{PERSON}{person.hex}"


class ListedCase(NamedTuple):
    """What a list reads of a case: where it stands in the list, and what decides who sees how much of it.

    `written` is another for each version of the row that was ever committed; None where the database cannot tell.
    """

    id: uuid.UUID
    occurred_at: datetime
    accepted_at: datetime | None
    reporting: str
    area_code: str
    holder: str | None
    assignee: uuid.UUID | None
    mine: bool
    written: str | None

    def held_by(self, account: uuid.UUID) -> bool:
        """Whether the person holds it by name."""
        return self.holder == by_name(account)

    @property
    def called(self) -> tuple[str, ...]:
        """A list shows nothing because of a call: calls have a list of their own."""
        return ()

    @property
    def village_code(self) -> str:
        """The village it lies in."""
        return self.area_code[:12]


def as_listed(found: Any) -> ListedCase:
    """A case that was read beside something else, as a list has it, for who did not report it."""
    told = {name: getattr(found, name) for name in ListedCase._fields if name not in ("mine", "written")}
    return ListedCase(**told, mine=False, written=None)


class CaseRow(NamedTuple):
    """A case as read for one caller: its columns, whether it is theirs, whether they handled it, its photos.

    What stands after `mine` is read for a single case only. `pseudonym` is the reporter's, if that is who is asking:
    under it they act in the case's history. `open_evidence` are those of the photos that the caller may
    see without seeing the place. `called` are the departments as which the caller is called to the case, `called_as`
    those of them that have not answered yet.
    """

    id: uuid.UUID
    number: str
    area_code: str
    status: str
    version: int
    category: str
    description: str
    redacted: str | None
    address: str | None
    lon: float | None
    lat: float | None
    original_lon: float | None
    original_lat: float | None
    original_crs: str | None
    coarse_lon: float | None
    coarse_lat: float | None
    reporting: str
    holder: str | None
    occurred_at: datetime
    accepted_at: datetime | None
    due_at: datetime | None
    amber_at: datetime | None
    case_due_at: datetime | None
    closed_at: datetime | None
    rating: int | None
    sealed: bytes | None
    mine: bool
    step_started_at: datetime | None = None
    case_started_at: datetime | None = None
    turns_at: datetime | None = None
    public_at: datetime | None = None
    asked: str | None = None
    asked_until: datetime | None = None
    suspended_until: datetime | None = None
    leader: str | None = None
    supervised_until: datetime | None = None
    assignee: uuid.UUID | None = None
    answer_until: datetime | None = None
    public_draft_by: uuid.UUID | None = None
    pseudonym: uuid.UUID | None = None
    handled_by_me: bool = False
    reported_as: str | None = None
    evidence: str | None = None
    open_evidence: str | None = None
    called: tuple[str, ...] = ()
    called_as: tuple[str, ...] = ()

    @property
    def town_code(self) -> str:
        """The town it lies in."""
        return self.area_code[:9]

    @property
    def village_code(self) -> str:
        """The village it lies in."""
        return self.area_code[:12]

    def held_by(self, account: uuid.UUID) -> bool:
        """Whether the person who asks holds it by name, be it under their pseudonym."""
        return self.holder == by_name(account) or (
            self.pseudonym is not None and self.holder == by_name(self.pseudonym)
        )

    def changed(self, **changes: Any) -> Self:
        """The case after a change."""
        return self._replace(**changes)
