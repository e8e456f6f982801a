"""Turnout: how many of each Party branch signed up for an event and came, once it is over.

One to four people are not told, and nothing that would bring them back by subtraction: a branch of whom so few came, or
stayed away, is left out whole, a second one with it, and the totals where that is not enough.
"""

import uuid
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.http.reading import rows
from backend.partymap.events.tables import SignUp
from backend.territory.hiding import hidden
from backend.territory.location import territory

_by_branch = (
    select(SignUp.branch_code, func.count().label("signed_up"), func.count(SignUp.checked_in_at).label("came"))
    .where(SignUp.event_id == bindparam("event"), SignUp.status == "signed_up")
    .group_by(SignUp.branch_code)
    .order_by(SignUp.branch_code)
)


def turnout_of(event_id: uuid.UUID) -> dict[str, Any]:
    """The turnout of an event by branch; None for a number that is not told."""
    counts = {one.branch_code or "": (one.signed_up, one.came) for one in rows(_by_branch, event=event_id)}
    came = {branch: there for branch, (_, there) in counts.items()}
    away = {branch: signed - there for branch, (signed, there) in counts.items()}
    left_out, no_total = _left_out(came, away)
    signed_up, there = (sum(counted) for counted in zip(*counts.values(), strict=True)) if counts else (0, 0)
    return {
        "branches": [_line(branch, *(None, None) if branch in left_out else counts[branch]) for branch in counts],
        "signed_up": None if no_total else signed_up,
        "came": None if no_total else there,
    }


def _left_out(*columns: dict[str, int]) -> tuple[frozenset[str], bool]:
    """The lines that are not told, in any column, and whether the totals are not."""
    left_out, no_total = frozenset[str](), False
    while True:
        before = left_out, no_total
        for column in columns:
            groups, total = hidden(column, left_out, no_total, none_too=False)
            left_out, no_total = left_out | groups, no_total or total
        if (left_out, no_total) == before:
            return before


def _line(branch: str, signed_up: int | None, came: int | None) -> dict[str, Any]:
    area = territory().areas.get(branch)
    return {"branch": branch or None, "name": area.name if area else None, "signed_up": signed_up, "came": came}
