"""Checking all chains against their anchors; each night by itself, with what was found put down in the ledger."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
import structlog
from sqlalchemy import bindparam, select

from backend.http.reading import connection, row
from backend.http.work import unit_of_work
from backend.ledger import chain
from backend.ledger.anchoring import anchor_file, begun
from backend.ledger.anchors import AnchorsFault, AnchorsLost
from backend.ledger.record import SYSTEM, record
from backend.ledger.tables import LedgerEntry
from backend.ledger.verifying import Verdict, verify

CHECKED = ("ledger", "checked")
_newest = (
    select(LedgerEntry.occurred_at, LedgerEntry.payload)
    .where(LedgerEntry.chain == SYSTEM, LedgerEntry.thing_id == bindparam("thing"))
    .order_by(LedgerEntry.id.desc())
    .limit(1)
)
log = structlog.get_logger()


class Checked(NamedTuple):
    """What a check found: when, and the faults in words; none where every chain holds."""

    at: datetime
    faults: Sequence[str]


def verdicts() -> Iterator[Verdict]:
    """Seal what waits and verify every chain from its start and against its anchors. Raises AnchorsFault."""
    while chain.seal():
        pass
    names, file = set(chain.chains(connection())), anchor_file()
    if not file.exists():
        for name in sorted(names):
            yield verify(connection(), name)
        if begun():
            raise AnchorsLost(f"{file.path} is gone, and what it anchored cannot be checked")
        return
    upto = file.size()
    for name in sorted(names | file.chains(upto)):
        yield verify(connection(), name, file.heads(name, upto))


def in_words(verdict: Verdict) -> str:
    """A verdict as it is told."""
    title = verdict.chain or "(no town)"
    if verdict.fault:
        return f"{title}: entry {verdict.fault_at}: {verdict.fault}"
    return f"{title}: {verdict.entries} entries verified"


def check_ledger(now: datetime) -> None:
    """Verify all chains, and put down what was found; a fault is logged as well."""
    faults = []
    try:
        faults += [in_words(verdict) for verdict in verdicts() if verdict.fault]
    except AnchorsFault as fault:
        faults.append(f"anchors: {type(fault).__name__}")
    with unit_of_work() as session:
        told = {"faults": faults}
        record(
            session, town=SYSTEM, actor=None, action="check", thing=CHECKED, version=0, occurred_at=now, details=told
        )
    if faults:
        log.error("ledger_faulty", faults=len(faults))


def last_check() -> Checked | None:
    """What the newest check found; None where none was made yet."""
    found = row(_newest, thing=CHECKED[1])
    return None if found is None else Checked(found.occurred_at, orjson.loads(found.payload)["details"]["faults"])
