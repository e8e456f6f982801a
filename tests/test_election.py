"""One process leads, whichever database there is, and another can follow at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from backend.config import Config
from backend.election import AdvisoryLock, FileLock, Lock, lock_for
from backend.http.work import unit_of_work


def candidate(app: Flask) -> Lock:
    config: Config = app.config["TOWN_CONFIG"]
    return lock_for(config.database_url, config.INSTANCE)


def take_away(app: Flask) -> None:
    """What befalls the leader: its lock file is deleted, or its database session is ended."""
    config: Config = app.config["TOWN_CONFIG"]
    if config.database_url.startswith("sqlite"):
        (config.INSTANCE / "scheduler.lock").unlink()
        return
    with app.app_context(), unit_of_work() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )


@pytest.mark.sql
def test_one_candidate_gets_the_lock_and_the_next_when_it_is_given_back(empty_app: Flask) -> None:
    first, second = candidate(empty_app), candidate(empty_app)
    assert first.acquire() and first.held()
    assert not second.acquire() and not second.held()
    first.release()
    assert not first.held()
    assert second.acquire() and second.held()
    second.release()


@pytest.mark.sql
def test_a_leader_notices_that_its_lock_is_gone(empty_app: Flask) -> None:
    first, second = candidate(empty_app), candidate(empty_app)
    assert first.acquire()
    take_away(empty_app)
    assert not first.held()
    assert second.acquire()
    first.release()
    assert second.held()
    second.release()


def test_a_killed_leader_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "scheduler.lock"
    program = "import sys; from pathlib import Path; from backend.election import FileLock\n"
    program += "lock = FileLock(Path(sys.argv[1])); print(lock.acquire(), flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program, path], stdin=pipe, stdout=pipe) as leader:
        assert leader.stdout is not None and leader.stdout.readline() == b"True\n"
        assert not FileLock(path).acquire()
        leader.kill()
    heir = FileLock(path)
    assert heir.acquire()
    heir.release()


def test_a_database_that_does_not_answer_elects_nobody() -> None:
    lock = AdvisoryLock("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert not lock.acquire() and not lock.held()


def test_the_lock_file_is_for_the_server_user_only(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "scheduler.lock")
    assert lock.acquire()
    assert (tmp_path / "scheduler.lock").stat().st_mode & 0o777 == 0o600
    lock.release()
