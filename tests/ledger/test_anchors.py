"""Whoever can write the whole database still cannot change what was sealed without being found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update

from backend.extensions import db
from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from backend.ledger.anchoring import ChainLeavesAnchor, anchor, anchor_file
from backend.ledger.anchors import AnchorsChanged, AnchorsLost, WrongAnchorKey
from backend.ledger.chain import link, seal, told
from backend.ledger.job_runs import mark_done
from backend.ledger.record import SYSTEM, entry, record
from backend.ledger.tables import LedgerEntry
from tests.conftest import MakeApp
from tests.ledger.writing import NOW, TOWN, change, event, rewrite, seal_all, write

pytestmark = pytest.mark.sql


@pytest.fixture
def anchored(empty_app: Flask) -> Iterator[Flask]:
    """A chain of seven entries, anchored after the third and after the sixth."""
    with empty_app.app_context():
        for number, count in enumerate((3, 3, 1)):
            write(count, thing=str(number))
            seal_all()
            if number < 2:
                anchor(NOW + timedelta(minutes=number))
        yield empty_app


def verified(app: Flask) -> tuple[int, str]:
    outcome = app.test_cli_runner().invoke(args=["ledger", "verify"])
    return outcome.exit_code, outcome.output


def test_an_anchored_chain_is_verified(anchored: Flask) -> None:
    assert verified(anchored) == (0, f"{TOWN}: 7 entries verified\n")


def insert_forged(place: int = 4) -> None:
    """Put an entry at a place that fits the one before it, and move all others one place on."""
    change(update(LedgerEntry).where(LedgerEntry.seq >= place).values(seq=-LedgerEntry.seq))
    change(update(LedgerEntry).where(LedgerEntry.seq < 0).values(seq=1 - LedgerEntry.seq))
    before = row(select(LedgerEntry.hash).where(LedgerEntry.seq == place - 1))
    assert before is not None
    forged = entry(TOWN, None, "accept", ("case", "forged"), 1, NOW)
    digest = told(forged["salt"], forged["payload"])
    change(insert(LedgerEntry).values(**forged, seq=place, hash=link(before.hash, TOWN, place, digest)))


TAMPERINGS: dict[str, tuple[Callable[[], None], str]] = {
    "edit": (
        lambda: change(update(LedgerEntry).where(LedgerEntry.seq == 2).values(payload=b"{}")),
        "entry 2: the hash does not follow from the entry and the one before",
    ),
    "insert": (
        insert_forged,
        "entry 5: the hash does not follow from the entry and the one before",
    ),
    "cut the middle": (
        lambda: change(delete(LedgerEntry).where(LedgerEntry.seq == 4)),
        "entry 4: missing: the next one is 5",
    ),
    "cut the tail": (
        lambda: change(delete(LedgerEntry).where(LedgerEntry.seq > 4)),
        "entry 5: missing: all entries up to 6 had been sealed by 2026-11-25 12:01, when the anchor was written",
    ),
    "delete all": (
        lambda: change(delete(LedgerEntry)),
        "entry 1: missing: all entries up to 6 had been sealed by 2026-11-25 12:01, when the anchor was written",
    ),
    "write everything anew": (
        rewrite,
        "entry 3: not the entry that was anchored on 2026-11-25 12:00: the chain was written anew from the start",
    ),
    "write a shorter one anew": (
        lambda: rewrite(2),
        "entry 3: missing: all entries up to 6 had been sealed by 2026-11-25 12:01, when the anchor was written",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_every_tampering_is_found_and_named(anchored: Flask, name: str) -> None:
    tamper, words = TAMPERINGS[name]
    tamper()
    assert verified(anchored) == (1, f"{TOWN}: {words}\n")


def test_nothing_is_anchored_over_a_chain_that_was_written_anew(anchored: Flask) -> None:
    before = anchor_file().path.read_bytes()
    rewrite()
    with pytest.raises(ChainLeavesAnchor):
        anchor(NOW)
    assert anchor_file().path.read_bytes() == before


def test_what_has_not_moved_is_not_anchored_twice(anchored: Flask) -> None:
    anchor(NOW)
    before = anchor_file().path.read_bytes()
    anchor(NOW + timedelta(hours=1))
    assert anchor_file().path.read_bytes() == before


def test_every_chain_is_anchored(anchored: Flask) -> None:
    with unit_of_work() as session:
        record(session, **event("setting", 1) | {"town": SYSTEM})
    seal_all()
    anchor(NOW)
    change(delete(LedgerEntry).where(LedgerEntry.chain == SYSTEM))
    code, said = verified(anchored)
    assert code == 1 and "(no town): entry 1: missing: this entry had been sealed" in said


def test_a_lost_file_is_told_and_not_made_anew(anchored: Flask) -> None:
    path = anchor_file().path
    path.unlink()
    with pytest.raises(AnchorsLost):
        anchor(NOW)
    assert not path.exists()
    code, said = verified(anchored)
    assert code == 1 and f"anchors: {path} is gone" in said


def test_a_lost_key_is_told_and_not_made_anew(anchored: Flask) -> None:
    key = Path(anchored.config["TOWN_CONFIG"].INSTANCE) / "anchors.key"
    key.unlink()
    with pytest.raises(AnchorsLost):
        anchor(NOW)
    assert not key.exists()
    code, said = verified(anchored)
    assert code == 1 and f"the key of the anchors, {key}, is gone" in said


def test_another_key_is_told(anchored: Flask) -> None:
    key = Path(anchored.config["TOWN_CONFIG"].INSTANCE) / "anchors.key"
    key.write_text("of another town")
    with pytest.raises(WrongAnchorKey):
        anchor(NOW)
    code, said = verified(anchored)
    assert code == 1 and f"{key} is not the key that" in said


@pytest.mark.parametrize(
    "tamper",
    [
        lambda lines: [lines[0], lines[1].replace(b'[3,"', b'[2,"'), lines[2]],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[0], lines[2], lines[1]],
        lambda lines: [lines[0], lines[1], lines[1], lines[2]],
        lambda lines: [lines[0], lines[1], b"nonsense\n", lines[2]],
        lambda lines: [lines[0].replace(b"begun", b"begin"), *lines[1:]],
    ],
    ids=["change a line", "take one out", "swap two", "double one", "put one in", "change the first"],
)
def test_a_tampered_file_of_anchors_is_found(anchored: Flask, tamper: Callable[[list[bytes]], list[bytes]]) -> None:
    path = anchor_file().path
    path.write_bytes(b"".join(tamper(path.read_bytes().splitlines(keepends=True))))
    code, said = verified(anchored)
    assert code == 1 and "was changed, or a line before it taken out" in said


def test_a_last_line_that_is_nonsense_is_not_built_upon(anchored: Flask) -> None:
    with anchor_file().path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(AnchorsChanged):
        anchor(NOW)


def test_what_a_power_failure_left_of_a_line_is_cut_away(anchored: Flask) -> None:
    with anchor_file().path.open("ab") as file:
        file.write(b'{"at":"2026-11-')
    assert verified(anchored)[0] == 0
    anchor(NOW)
    assert verified(anchored)[0] == 0
    assert len(anchor_file().path.read_bytes().splitlines()) == 4


def test_the_last_of_many_anchors_is_found_from_the_end(anchored: Flask) -> None:
    for number in range(60):
        write(1, thing=f"more {number}")
        seal_all()
        anchor(NOW)
    assert verified(anchored)[0] == 0
    assert anchor_file().size() > 8192


def test_anchors_are_begun_anew_by_hand_and_on_record(anchored: Flask) -> None:
    change(delete(LedgerEntry).where(LedgerEntry.seq > 4))  # as after a restore of an older copy
    runner = anchored.test_cli_runner()
    assert runner.invoke(args=["ledger", "begin-anchors-anew"]).exit_code == 2
    assert runner.invoke(args=["ledger", "begin-anchors-anew", "--why", "restored"]).exit_code == 0
    assert verified(anchored) == (0, f"(no town): 1 entries verified\n{TOWN}: 4 entries verified\n")
    assert len(list(anchor_file().path.parent.glob("anchors.log.until-*"))) == 1


def test_a_town_without_anchors_yet_begins_them_by_itself(empty_app: Flask) -> None:
    with empty_app.app_context():
        anchor(NOW)  # nothing to anchor
        assert not anchor_file().exists()
        write(1)
        code, said = verified(empty_app)
        assert code == 0 and "anchors: none yet" in said
        anchor(NOW)
        assert verified(empty_app) == (0, f"{TOWN}: 1 entries verified\n")
        assert anchor_file().path.stat().st_mode & 0o077 == 0


def test_the_mark_of_begun_anchors_outlives_the_forgetting_of_old_notes(anchored: Flask) -> None:
    from backend.ledger import job_runs

    with unit_of_work() as session:
        mark_done(session, "anchors", NOW - timedelta(days=399))
    anchor(NOW)
    with unit_of_work() as session:
        job_runs.forget(session, NOW + timedelta(days=30))
    anchor_file().path.unlink()
    with pytest.raises(AnchorsLost):
        anchor(NOW)


@pytest.mark.parametrize(
    ("writers", "each"), [pytest.param(4, 20, id="80"), pytest.param(16, 1000, id="16000", marks=pytest.mark.prove)]
)
def test_a_chain_that_many_wrote_at_once_is_whole_and_every_tampering_with_it_is_found(
    make_app: MakeApp, writers: int, each: int, record_property: Callable[[str, object], None]
) -> None:
    app = make_app("empty")

    def writing(writer: int) -> None:
        with app.app_context():
            write(each, thing=str(writer))
            seal()

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(writing, range(writers)))
    with app.app_context():
        seal_all()
        anchor(NOW)
    assert verified(app) == (0, f"{TOWN}: {writers * each} entries verified\n")
    middle, table = writers * each // 2, LedgerEntry.__table__
    attacks = {
        "edit": table.update().where(table.c.seq == middle).values(payload=b"{}"),
        "delete the middle": table.delete().where(table.c.seq == middle),
        "delete the tail": table.delete().where(table.c.seq > writers * each - 3),
        "delete all": table.delete(),
    }
    with app.app_context():
        kept = [dict(one._mapping) for one in rows(select(table))]
        for name, attack in attacks.items():
            change(attack)
            assert verified(app)[0] == 1, name
            change(table.delete())
            with db.engine.begin() as connection:
                connection.execute(table.insert(), kept)
            assert verified(app)[0] == 0, name
        insert_forged(middle)
        assert verified(app)[0] == 1
        change(table.delete())
        with db.engine.begin() as connection:
            connection.execute(table.insert(), kept)
        rewrite()
        code, said = verified(app)
        assert code == 1 and "written anew from the start" in said
    found = [*attacks, "insert", "write everything anew"]
    record_property("ledger", f"{writers * each} entries by {writers} writers, one chain; found: {', '.join(found)}")
