"""The change log: who reads on from their place misses nothing, however late it commits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, text

from backend.extensions import db
from backend.http.reading import connection, row, rows
from backend.ledger.chain import seal_chain
from backend.ledger.changes import changes
from backend.ledger.record import entry
from backend.ledger.tables import LedgerEntry
from backend.ledger.verifying import verify
from tests.ledger.writing import NOW, TOWN, write

pytestmark = pytest.mark.sql
Read = Callable[[int], list[tuple[int, str]]]
"""From a place on: the next entries' places and things."""


def sealed_after(place: int) -> list[tuple[int, str]]:
    return [(change.seq, change.thing_id) for change in changes(TOWN, place, 100)]


def numbered_after(place: int) -> list[tuple[int, str]]:
    """A log that trusts the number drawn at the insert."""
    found = select(LedgerEntry.id, LedgerEntry.thing_id).where(LedgerEntry.id > place).order_by(LedgerEntry.id)
    return [(one.id, one.thing_id) for one in rows(found.limit(100))]


def read_while_writing(
    app: Flask, writers: int, each: int, most_ms: int, read: Read
) -> tuple[set[str], list[set[str]]]:
    """What `writers` wrote, waiting up to so many ms between insert and commit, and what four readers saw of it."""
    done = threading.Event()

    def writing(writer: int) -> set[str]:
        dice = random.Random(writer)
        with app.app_context():
            for number in range(each):
                with db.engine.begin() as held:
                    held.execute(insert(LedgerEntry), entry(TOWN, None, "do", ("case", f"{writer}-{number}"), 1, NOW))
                    time.sleep(dice.uniform(0, most_ms) / 1000)  # what the promise is about: commits come late
        return {f"{writer}-{number}" for number in range(each)}

    def reading(_: int) -> set[str]:
        seen, place = list[tuple[int, str]](), 0
        with app.app_context():
            while True:
                last = done.is_set()
                page = read(place)
                seen += page
                place = page[-1][0] if page else place
                if last and not page:
                    return {thing for _, thing in seen}

    with ThreadPoolExecutor(writers + 4) as threads:
        readers = [threads.submit(reading, number) for number in range(4)]
        written = set[str]().union(*threads.map(writing, range(writers)))
        done.set()
        return written, [reader.result() for reader in readers]


def is_sqlite(app: Flask) -> bool:
    return str(app.extensions["reading"].dialect.name) == "sqlite"


@pytest.mark.parametrize(
    ("writers", "each", "most_ms"), [(4, 25, 20), pytest.param(16, 500, 50, marks=pytest.mark.prove)]
)
def test_no_reader_skips_a_late_commit(
    empty_app: Flask, writers: int, each: int, most_ms: int, record_property: Callable[[str, object], None]
) -> None:
    most_ms = 2 if is_sqlite(empty_app) else most_ms  # one writer at a time: the others wait for it
    written, seen = read_while_writing(empty_app, writers, each, most_ms, sealed_after)
    missed = [len(written - one) for one in seen]
    record_property("change log", f"{writers} writers, {len(written)} commits, 4 readers: {sum(missed)} missed")
    assert missed == [0] * 4
    with empty_app.app_context():
        stored = {one.thing_id for one in rows(select(LedgerEntry.thing_id))}
        verdict = verify(connection(), TOWN)
    assert written == stored and (verdict.entries, verdict.fault) == (writers * each, None)


def test_a_log_numbered_at_the_insert_would_skip_some(empty_app: Flask) -> None:
    if is_sqlite(empty_app):
        return  # one writer at a time: no commit can come late
    written, seen = read_while_writing(empty_app, 8, 25, 50, numbered_after)
    assert any(written - one for one in seen)


def test_a_reader_does_not_wait_for_a_sealer_that_takes_long(empty_app: Flask) -> None:
    with empty_app.app_context():
        write(3)
        seal_chain(TOWN)
        write(1, first=4)
        holding = db.engine.connect()
        holding.begin()
        if not is_sqlite(empty_app):
            holding.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"seal {TOWN}"})
        begun = time.monotonic()
        assert [change.seq for change in changes(TOWN, 0, 10)] == [1, 2, 3]
        assert 0.15 < time.monotonic() - begun < 2
        holding.rollback()
        holding.close()
        assert [change.seq for change in changes(TOWN, 3, 10)] == [4]


def test_a_reader_seals_one_batch_at_most(empty_app: Flask) -> None:
    with empty_app.app_context():
        with db.engine.begin() as held:
            held.execute(insert(LedgerEntry), [entry(TOWN, None, "do", ("case", str(n)), 1, NOW) for n in range(1001)])
        assert len(changes(TOWN, 0, 2000)) == 1000
        assert len(changes(TOWN, 1000, 2000)) == 1
        waiting = row(select(func.count()).where(LedgerEntry.seq.is_(None)))
        assert waiting is not None and waiting[0] == 0
