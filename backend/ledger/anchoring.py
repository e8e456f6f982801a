"""Anchoring the chains each minute, and beginning the anchors anew when they are lost."""

from collections.abc import Mapping
from datetime import datetime

from flask import current_app
from sqlalchemy import bindparam, select

from backend.config import Config
from backend.http.reading import connection, row
from backend.http.work import unit_of_work
from backend.ledger import job_runs
from backend.ledger.anchors import AnchorFile, AnchorsLost
from backend.ledger.chain import chains, head
from backend.ledger.record import SYSTEM, record
from backend.ledger.tables import LedgerEntry

MARK = "anchors"
"""The job run that tells that anchors were begun: a file that is gone then is lost, and not made anew by itself."""

_hash_of = select(LedgerEntry.hash).where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq == bindparam("seq"))


class ChainLeavesAnchor(Exception):
    """The database has another entry, or none, where one was anchored. `flask ledger verify` tells which."""


def anchor_file() -> AnchorFile:
    """The anchors of this deployment."""
    config: Config = current_app.config["TOWN_CONFIG"]
    return AnchorFile(config.anchor_file, config.INSTANCE / "anchors.key")


def begun() -> bool:
    """Whether anchors were ever written for this database."""
    return job_runs.done_at(MARK) is not None


def anchor(now: datetime) -> None:
    """Append the heads of all chains to the anchors if they have moved; begin the file if there never was one.

    Raises ChainLeavesAnchor when the database no longer has what was anchored last, and AnchorsFault when the anchors
    are lost or changed: nothing is appended then.
    """
    file, heads = anchor_file(), _heads()
    if not file.exists():
        if begun():
            raise AnchorsLost(f"{file.path} is gone")
        if not heads:
            return
        file.begin(now)
    last = file.last()
    for chain, (seq, digest) in last.items():
        found = row(_hash_of, chain=chain, seq=seq)
        if found is None or found.hash != digest:
            raise ChainLeavesAnchor
    if heads != last:
        file.append(heads, now)
    with unit_of_work() as session:
        job_runs.mark_done(session, MARK, now)


def begin_anew(why: str, now: datetime) -> None:
    """Put the anchors there are aside and begin with the chains as they are; recorded in the ledger with the reason."""
    file = anchor_file()
    if file.path.exists():
        file.path.rename(file.path.with_name(f"{file.path.name}.until-{now:%Y%m%d-%H%M%S}"))
    with unit_of_work() as session:
        record(
            session,
            town=SYSTEM,
            actor=None,
            action="begin_anchors",
            thing=("ledger", "anchors"),
            version=0,
            occurred_at=now,
            details={"why": why},
        )
    file.begin(now)


def _heads() -> Mapping[str, tuple[int, bytes]]:
    found = {chain: head(connection(), chain) for chain in chains(connection())}
    return {chain: last for chain, last in found.items() if last}
