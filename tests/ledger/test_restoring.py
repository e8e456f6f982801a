"""A restored backup verifies against the anchors of the day it was made, and an older or a changed one is found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text, update

from backend.extensions import db
from backend.ledger.anchoring import anchor
from backend.ledger.tables import LedgerEntry
from tests.conftest import running_app
from tests.ledger.test_anchors import verified
from tests.ledger.writing import NOW, TOWN, change, seal_all, write
from tests.postgres import wheel_programs

Restore = Callable[[], Flask]


def live(app: Flask, day: int) -> None:
    """Ten more entries, and an anchor."""
    with app.app_context():
        write(10, thing=f"day {day}")
        seal_all()
        anchor(NOW + timedelta(days=day))


@pytest.fixture
def back_up(empty_app: Flask, tmp_path: Path) -> Iterator[Callable[[], Restore]]:
    """Backs the town's database up as it is; what it gives restores that copy beside the present keys and anchors."""
    config = empty_app.config["TOWN_CONFIG"]
    url, numbers = make_url(config.database_url), iter(range(9))

    with ExitStack() as stack:

        def make() -> Restore:
            number = next(numbers)
            copy = tmp_path / f"backup {number}"
            if url.drivername.startswith("sqlite"):
                with empty_app.app_context(), db.engine.connect() as connection:
                    connection.connection.driver_connection.execute("VACUUM INTO ?", (str(copy),))  # type: ignore[union-attr]
            else:
                _run("pg_dump", "--format=custom", "--file", str(copy), _plain(config.database_url))

            def restore() -> Flask:
                instance = tmp_path / f"restored {number}"
                shutil.copytree(config.INSTANCE, instance, ignore=shutil.ignore_patterns("town.db*"))
                if url.drivername.startswith("sqlite"):
                    shutil.copy(copy, instance / "town.db")
                    address = f"sqlite:///{instance / 'town.db'}"
                else:
                    name = f"{url.database}_restored_{number}"
                    stack.callback(_administer, config.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')
                    _administer(config.database_url, f'CREATE DATABASE "{name}"')
                    address = url.set(database=name).render_as_string(hide_password=False)
                    _run("pg_restore", "--no-owner", "--dbname", _plain(address), str(copy))
                return stack.enter_context(running_app(address, instance))

            return restore

        yield make


def _plain(address: str) -> str:
    return make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *words: str) -> None:
    subprocess.run([wheel_programs() / program, *words], check=True, capture_output=True)


def _administer(address: str, statement: str) -> None:
    engine = create_engine(make_url(address), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_restored_backup_verifies_and_an_older_or_a_changed_one_is_found(
    empty_app: Flask, back_up: Callable[[], Restore]
) -> None:
    live(empty_app, 1)
    old = back_up()
    live(empty_app, 2)
    new = back_up()
    whole = (0, f"{TOWN}: 20 entries verified\n")
    restored = new()
    assert verified(restored) == verified(empty_app) == whole
    with restored.app_context():
        change(update(LedgerEntry).where(LedgerEntry.seq == 3).values(payload=b"{}"))
    assert verified(restored)[0] == 1
    older = old()
    code, said = verified(older)
    assert code == 1 and "entry 11: missing: all entries up to 20 had been sealed by 2026-11-27" in said
    begun = older.test_cli_runner().invoke(args=["ledger", "begin-anchors-anew", "--why", "restored an older copy"])
    assert begun.exit_code == 0 and verified(older)[0] == 0
