"""What is erased on record leaves nothing behind and the chain whole; what is erased otherwise is found."""

from __future__ import annotations

import uuid

import orjson
import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from backend.http.reading import connection, row, rows
from backend.http.work import unit_of_work
from backend.ledger.chain import told
from backend.ledger.erasing import ERASE, erase
from backend.ledger.record import SYSTEM, record
from backend.ledger.tables import LedgerEntry
from backend.ledger.verifying import verify
from tests.ledger.writing import NOW, TOWN, change, event, seal_all, write

pytestmark = pytest.mark.sql
BY = uuid.UUID(int=9)


def erase_thing(thing: str) -> int:
    with unit_of_work() as session:
        return erase(session, LedgerEntry.thing_id == thing, by=BY, why="asked for by the person", now=NOW)


def test_an_erasure_on_record_leaves_the_chain_whole(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(2, thing="a")
        write(3, thing="b")
        seal_all()
        assert erase_thing("b") == 3
        seal_all()
        verdict = verify(connection(), TOWN)
        assert (verdict.entries, verdict.fault) == (6, None)


def test_nothing_of_an_erased_entry_stays(empty_app: Flask) -> None:
    with empty_app.app_context():
        with unit_of_work() as session:
            record(session, **event("a", 1) | {"subject": uuid.UUID(int=5)})
        seal_all()
        erase_thing("a")
        left = row(select(LedgerEntry).where(LedgerEntry.seq == 1))
        assert left is not None
        kept = {name: value for name, value in left._mapping.items() if value not in (None, b"", "", 0)}
        assert set(kept) == {"id", "chain", "seq", "hash", "digest"}


def test_an_erasure_says_which_entries_by_whom_and_why(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(2, thing="a")
        digests = [told(*one).hex() for one in rows(select(LedgerEntry.salt, LedgerEntry.payload).order_by("id"))]
        erase_thing("a")
        said = row(select(LedgerEntry).where(LedgerEntry.action == ERASE))
        assert said is not None and said.actor_id == BY
        details = orjson.loads(said.payload)["details"]
        assert details == {"why": "asked for by the person", "erased": digests}


def test_each_chain_tells_of_its_own_erasures(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(1, thing="a")
        with unit_of_work() as session:
            record(session, **event("a", 1) | {"town": SYSTEM})
        assert erase_thing("a") == 2
        seal_all()
        assert [verify(connection(), chain).fault for chain in (TOWN, SYSTEM)] == [None, None]
        assert [verify(connection(), chain).entries for chain in (TOWN, SYSTEM)] == [2, 2]


def test_what_is_not_sealed_yet_can_be_erased(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(2, thing="a")
        erase_thing("a")
        seal_all()
        assert verify(connection(), TOWN).entries == 3


def test_erasing_again_finds_nothing_and_records_nothing(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(1, thing="a")
        assert [erase_thing("a"), erase_thing("a")] == [1, 0]
        seal_all()
        assert verify(connection(), TOWN).entries == 2


def test_records_of_erasures_are_not_erased(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(1, thing="a")
        erase_thing("a")
        assert erase_thing(TOWN) == 0


def emptied() -> dict[str, object]:
    found = row(select(LedgerEntry.salt, LedgerEntry.payload).where(LedgerEntry.seq == 1))
    assert found is not None
    nothing = {"salt": b"", "payload": b"", "actor_id": None, "action": "", "thing_kind": "", "thing_id": ""}
    return {"digest": told(*found), "thing_version": 0, "occurred_at": None, **nothing}


def test_an_erasure_that_no_entry_names_is_found(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(2)
        seal_all()
        change(update(LedgerEntry).where(LedgerEntry.seq == 1).values(**emptied()))
        verdict = verify(connection(), TOWN)
        assert (verdict.fault_at, verdict.fault) == (1, "erased, and no entry says by whom and why")


def test_an_erasure_whose_record_was_taken_away_is_found(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(1, thing="a")
        seal_all()
        erase_thing("a")
        seal_all()
        change(delete(LedgerEntry).where(LedgerEntry.action == ERASE))
        assert verify(connection(), TOWN).fault == "erased, and no entry says by whom and why"


def test_an_entry_erased_by_half_is_found(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(1, thing="a")
        seal_all()
        erase_thing("a")
        seal_all()
        change(update(LedgerEntry).where(LedgerEntry.seq == 1).values(thing_id="a"))
        assert verify(connection(), TOWN).fault == "erased, and still tells something"


def test_more_than_a_thousand_are_erased_and_named(empty_app: Flask) -> None:
    with empty_app.app_context():
        with unit_of_work() as session:
            for version in range(1, 1203):
                record(session, **event("a", version))
        assert erase_thing("a") == 1202
        seal_all()
        verdict = verify(connection(), TOWN)
        assert (verdict.entries, verdict.fault) == (1204, None)
