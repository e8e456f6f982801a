"""The ledger: nothing is lost, reordered or changed without being found."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, text, update

from backend.http.reading import connection, rows
from backend.http.work import unit_of_work
from backend.ledger.chain import chains, link, seal, told, unsealed
from backend.ledger.record import SYSTEM, record
from backend.ledger.tables import LedgerEntry
from backend.ledger.verifying import verify
from tests.ledger.writing import NOW, TOWN, change, event, write

pytestmark = pytest.mark.sql


def test_entries_are_numbered_and_chained_from_the_first(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(5)
        assert unsealed(connection()) == 5
        assert seal() == 5 and seal() == 0
        found = rows(
            select(LedgerEntry.seq, LedgerEntry.hash, LedgerEntry.salt, LedgerEntry.payload).order_by(LedgerEntry.seq)
        )
        assert [row.seq for row in found] == [1, 2, 3, 4, 5]
        assert found[0].hash == link(b"\0" * 32, TOWN, 1, told(found[0].salt, found[0].payload))
        assert verify(connection(), TOWN).entries == 5
        assert chains(connection()) == [TOWN]


def test_all_chains_that_wait_are_sealed(empty_app: Flask) -> None:
    with empty_app.app_context():
        for town in (SYSTEM, "110101001", TOWN):
            with unit_of_work() as session:
                record(session, **event("a thing", 1) | {"town": town})
        assert seal() == 3
        assert chains(connection()) == [SYSTEM, "110101001", TOWN] and unsealed(connection()) == 0


@pytest.mark.parametrize(
    "tamper",
    [
        lambda: update(LedgerEntry).where(LedgerEntry.seq == 2).values(payload=b'{"actor":null}'),
        lambda: update(LedgerEntry).where(LedgerEntry.seq == 2).values(action="close"),
        lambda: update(LedgerEntry).where(LedgerEntry.seq == 2).values(actor_id=uuid.UUID(int=8)),
        lambda: update(LedgerEntry).where(LedgerEntry.seq == 2).values(thing_id="another"),
        lambda: update(LedgerEntry).where(LedgerEntry.seq == 2).values(occurred_at=NOW + timedelta(seconds=1)),
        lambda: update(LedgerEntry).where(LedgerEntry.seq == 2).values(salt=b"x" * 16),
        lambda: delete(LedgerEntry).where(LedgerEntry.seq == 3),
        lambda: delete(LedgerEntry).where(LedgerEntry.seq == 1),
    ],
    ids=["payload", "action", "actor", "thing", "time", "salt", "cut the middle", "cut the start"],
)
def test_a_changed_or_missing_entry_is_found(empty_app: Flask, tamper: Callable[[], object]) -> None:
    with empty_app.app_context():
        write(5)
        seal()
        change(tamper())
        assert verify(connection(), TOWN).fault is not None


def test_versions_that_do_not_rise_are_found(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(2)
        write(1, first=2)
        seal()
        assert "rise" in (verify(connection(), TOWN).fault or "")


def test_the_verify_command_fails_at_a_fault_and_passes_without(empty_app: Flask) -> None:
    runner = empty_app.test_cli_runner()
    with empty_app.app_context():
        write(3)
    assert "3 entries verified" in runner.invoke(args=["ledger", "verify"]).output
    with empty_app.app_context():
        change(update(LedgerEntry).where(LedgerEntry.seq == 2).values(payload=b"{}"))
    assert runner.invoke(args=["ledger", "verify"]).exit_code == 1


def test_a_late_commit_is_sealed_after_what_was_sealed_before_it(empty_app: Flask) -> None:
    if empty_app.extensions["reading"].dialect.name == "sqlite":
        return  # one writer at a time: no commit can come late
    with empty_app.app_context():
        from backend.extensions import db
        from backend.ledger.record import entry

        late = db.engine.connect()
        late.begin()
        late.execute(LedgerEntry.__table__.insert(), entry(TOWN, None, "accept", ("case", "late"), 1, NOW))
        write(2)
        assert seal() == 2
        late.commit()
        late.close()
        assert seal() == 1
        assert verify(connection(), TOWN).entries == 3


def test_writers_and_sealers_at_once_leave_one_whole_chain(empty_app: Flask) -> None:
    writers, each = 4, 25
    start = threading.Barrier(writers + 2)
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        with empty_app.app_context():
            start.wait()
            try:
                work()
            except BaseException as error:
                errors.append(error)

    def sealing() -> None:
        for _ in range(20):
            seal()

    jobs = [lambda n=n: write(each, thing=str(n)) for n in range(writers)] + [sealing] * 2
    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with empty_app.app_context():
        while seal():
            pass
        verdict = verify(connection(), TOWN)
    assert errors == []
    assert (verdict.entries, verdict.fault) == (writers * each, None)


def test_sealing_finds_unsealed_entries_by_their_index(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(1)
        if connection().dialect.name == "postgresql":
            connection().execute(text("SET enable_seqscan = off"))
            explain = "EXPLAIN "
        else:
            explain = "EXPLAIN QUERY PLAN "
        statement = f"SELECT id FROM ledger_entries WHERE chain = '{TOWN}' AND seq IS NULL ORDER BY id LIMIT 1000"
        plan = " ".join(str(row) for row in connection().execute(text(explain + statement)))
        connection().close()
    # SQLite takes the index of numbers, in which the unnumbered lie together.
    assert "ix_ledger_entries_unsealed" in plan or "(chain=? AND seq=?)" in plan
