"""What a person is told of who looked at their data: the looker's name, the moment, the action and the reason.

Neither the matter nor the place it was looked at for: who sees the screen of a protected reporter learns nothing.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import bindparam, select

from backend.http.pages import write_cursor
from backend.http.reading import rows
from backend.ledger.accesses import accesses
from backend.people.tables import Account

_names = select(Account.id, Account.name).where(Account.id.in_(bindparam("accounts", expanding=True)))


def looks(
    account: uuid.UUID, after: tuple[Any, ...] | None, limit: int, now: datetime
) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """A page of the looks at an account's data, and the cursor of the next one (None on the last).

    `after` is the instant of the last look seen and how many of that instant were seen: no position of the ledger is
    shown, whose gaps would tell of what others must not know.
    """
    until, passed = after or (now, 0)
    found = accesses(account, until, limit + 1, passed)
    kept = found[:limit]
    names = {row.id: row.name for row in rows(_names, accounts={look.by for look in kept if look.by})}
    items = [
        {"at": one.at, "action": one.action, "by": one.by and names.get(one.by), "reason": one.reason} for one in kept
    ]
    if len(found) <= limit:
        return items, None
    last = kept[-1].at
    seen = sum(1 for _ in takewhile(lambda look: look.at == last, reversed(kept)))
    return items, write_cursor(last, seen + (passed if last == until else 0))
