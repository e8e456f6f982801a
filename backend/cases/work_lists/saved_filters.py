"""Filters of the list of cases that people keep under a name, each for themselves.

They are kept as they were sent and checked like the list's own query, when saved and whenever used: a filter sees no
more than its owner does at that moment.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from backend.cases.schemas import CaseFilters
from backend.cases.work_lists.saved_filter_tables import SavedFilter
from backend.http.ids import new_id
from backend.http.problems import NotFound, Problem
from backend.http.reading import row, rows
from backend.people.access import Caller

MOST = 50
"""Filters that one person keeps."""

_mine = select(SavedFilter.id, SavedFilter.name, SavedFilter.query, SavedFilter.saved_at).where(
    SavedFilter.account_id == bindparam("me")
)
_one = _mine.where(SavedFilter.id == bindparam("id"))
_all = _mine.order_by(SavedFilter.name, SavedFilter.id).limit(MOST)
_named = select(SavedFilter.id).where(SavedFilter.account_id == bindparam("me"), SavedFilter.name == bindparam("name"))
_count = select(func.count()).select_from(SavedFilter).where(SavedFilter.account_id == bindparam("me"))
_checked = CaseFilters()


class TooManyFilters(Problem):
    """One filter more than a person keeps."""

    status, code = 409, "too_many_filters"
    zh = "最多保存 {most} 个筛选条件，请先删除不用的。"
    en = "At most {most} filters are kept; delete one that is not used first."


def list_filters(account: uuid.UUID) -> list[dict[str, Any]]:
    """All filters that an account keeps, by name."""
    return [dict(found._mapping) for found in rows(_all, me=account)]


def saved_filters(caller: Caller, filter_id: uuid.UUID) -> dict[str, Any]:
    """A filter of the caller's as the list takes it. Raises NotFound, also for what another keeps."""
    found = row(_one, me=caller.account_id, id=filter_id)
    if found is None:
        raise NotFound
    loaded: dict[str, Any] = _checked.load(found.query)
    return {name: value for name, value in loaded.items() if name != "crs"}


def save_filter(
    session: Session, account: uuid.UUID, name: str, query: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Keep a filter under a name; the one that had the name before is replaced. Answers it; commits nothing.

    Raises TooManyFilters.
    """
    kept = {"query": dict(query), "saved_at": now}
    held = session.execute(_named, {"me": account, "name": name}).scalar()
    if held is None:
        if session.execute(_count, {"me": account}).scalar_one() >= MOST:
            raise TooManyFilters(most=MOST)
        held = new_id()
        session.execute(insert(SavedFilter), {"id": held, "account_id": account, "name": name, **kept})
    else:
        session.execute(update(SavedFilter).where(SavedFilter.id == held).values(kept))
    return {"id": held, "name": name, **kept}


def delete_filter(session: Session, account: uuid.UUID, filter_id: uuid.UUID) -> None:
    """Delete a filter of an account's. Raises NotFound, also for what another keeps."""
    mine = delete(SavedFilter).where(SavedFilter.account_id == account, SavedFilter.id == filter_id)
    if session.connection().execute(mine).rowcount != 1:
        raise NotFound


def forget_filters(session: Session, account: uuid.UUID) -> None:
    """Delete all that an account keeps: a text that somebody looked for may name a person."""
    session.connection().execute(delete(SavedFilter).where(SavedFilter.account_id == account))
