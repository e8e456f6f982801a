"""Verifying a chain: each entry against the one before, its columns, the erasures on record and the anchors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Text, bindparam, cast, func, select

from backend.ledger.anchors import Head
from backend.ledger.chain import GENESIS, link, told
from backend.ledger.erasing import ERASE
from backend.ledger.tables import LedgerEntry

PAGE = 2000


def _digits(column: Any) -> Any:
    """A UUID's 32 digits, as text: the database writes them faster than an object of each is made."""
    return func.replace(cast(column, Text), "-", "")


_page = (
    select(
        LedgerEntry.seq,
        LedgerEntry.hash,
        LedgerEntry.salt,
        LedgerEntry.payload,
        LedgerEntry.digest,
        LedgerEntry.thing_kind,
        LedgerEntry.thing_id,
        LedgerEntry.thing_version,
        LedgerEntry.action,
        _digits(LedgerEntry.actor_id),
        _digits(LedgerEntry.subject_id),
        cast(LedgerEntry.occurred_at, Text),
    )
    .where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq > bindparam("after"))
    .order_by(LedgerEntry.seq)
    .limit(PAGE)
)


@dataclass(frozen=True)
class Verdict:
    """What verifying a chain found: how many sealed entries hold, and the first that does not, with why."""

    chain: str
    entries: int
    fault_at: int | None = None
    fault: str | None = None


class _Fault(Exception):
    """An entry that does not hold, in words."""


@dataclass
class _Walk:
    """What is remembered while walking a chain."""

    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    erased: dict[bytes, int] = field(default_factory=dict)
    named: set[bytes] = field(default_factory=set)

    def nameless(self) -> int | None:
        """The first erased entry that no erasure names."""
        return min((seq for digest, seq in self.erased.items() if digest not in self.named), default=None)


def verify(connection: Connection, chain: str, heads: Iterator[Head] | None = None) -> Verdict:
    """Walk a chain from its start and check every number, hash, index column, rising version and recorded erasure.

    `heads` are the heads that were anchored of it, oldest first: an entry that hashes to something else than was
    anchored, or is not there any more, is a fault, however well the rest fits together.
    """
    previous, walk, heads = GENESIS, _Walk(), heads or iter(())
    anchored, held, count = next(heads, None), 0, 0
    for row, zone in _sealed(connection, chain):
        count += 1
        try:
            _check(row, zone, chain, count, previous, walk)
            previous = row[1]
            if anchored and anchored.seq == count:
                if anchored.hash != previous:
                    raise _Fault(_rewritten(held, anchored))
                anchored, held = next(heads, None), count
        except _Fault as fault:
            return Verdict(chain, count - 1, count, str(fault))
    if anchored:
        return Verdict(chain, count, count + 1, _cut_off(count, [anchored, *heads][-1]))
    if (nameless := walk.nameless()) is not None:
        return Verdict(chain, nameless - 1, nameless, "erased, and no entry says by whom and why")
    return Verdict(chain, count)


def _cut_off(count: int, anchored: Head) -> str:
    gone = "this entry" if anchored.seq == count + 1 else f"all entries up to {anchored.seq}"
    return f"missing: {gone} had been sealed by {anchored.at:%Y-%m-%d %H:%M}, when the anchor was written"


def _rewritten(held: int, anchored: Head) -> str:
    since = f"after entry {held}" if held else "from the start"
    return f"not the entry that was anchored on {anchored.at:%Y-%m-%d %H:%M}: the chain was written anew {since}"


def _sealed(connection: Connection, chain: str) -> Iterator[tuple[Any, str]]:
    """The rows of a chain in order, and the zone of their times where the database does not write it."""
    # Long reads page in short snapshots.
    zone, after = "+00:00" if connection.dialect.name == "sqlite" else "", 0
    while True:
        # The driver's own tuples: they are read in half the time.
        with connection.execute(_page, {"chain": chain, "after": after}) as result:
            page = result.cursor.fetchall()
        for row in page:
            yield row, zone
        if len(page) < PAGE:
            return
        after = page[-1][0]


def _check(row: Any, zone: str, chain: str, expected: int, previous: bytes, walk: _Walk) -> None:
    seq, given, salt, payload, erased, kind, thing, version, action, actor, subject, at = row
    if seq != expected:
        raise _Fault(f"missing: the next one is {seq}")
    if given != link(previous, chain, expected, erased or told(salt, payload)):
        raise _Fault("the hash does not follow from the entry and the one before")
    if erased:
        if salt or payload or kind or thing or version or action or actor or subject or at:
            raise _Fault("erased, and still tells something")
        walk.erased[erased] = seq
        return
    try:
        fields = orjson.loads(payload)
        by, whose = fields["actor"], fields.get("subject")
        same = (
            fields["action"] == action
            and fields["thing"] == [kind, thing]
            and fields["version"] == version
            and (by.replace("-", "") if by else None) == actor
            and (whose.replace("-", "") if whose else None) == subject
            and datetime.fromisoformat(fields["occurred_at"]) == datetime.fromisoformat(at + zone)
        )
        if action == ERASE:
            walk.named.update(map(bytes.fromhex, fields["details"]["erased"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _Fault("what it tells cannot be read") from None
    if not same:
        raise _Fault("the columns beside the payload were changed")
    if version:
        if version <= walk.versions.get((kind, thing), 0):
            raise _Fault("versions of the thing do not rise")
        walk.versions[kind, thing] = version
