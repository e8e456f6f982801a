"""`/readyz` names the part that does not work, and `/healthz` asks nobody."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import create_engine, text

from backend.config import TOWN_ZONE
from backend.http.health import _heads
from backend.http.work import unit_of_work
from backend.ledger.job_runs import HEARTBEAT, mark_done

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=TOWN_ZONE)


@pytest.fixture
def ready_app(empty_app: Flask) -> Flask:
    """A migrated app whose scheduler gave a sign of life at noon."""
    with empty_app.app_context(), unit_of_work() as session:
        mark_done(session, HEARTBEAT, NOON)
    return empty_app


def lose_database(app: Flask) -> None:
    app.extensions["reading"] = create_engine("sqlite:////nowhere/at/all.db")


@time_machine.travel(NOON, tick=False)
def test_a_working_product_is_ready(ready_app: Flask) -> None:
    answer = ready_app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"database": "ok", "migrations": "ok", "scheduler": "ok"}


@pytest.mark.parametrize(("seconds", "status"), [(29, 200), (30, 503), (3600, 503)])
def test_a_scheduler_silent_for_thirty_seconds_is_named(ready_app: Flask, seconds: int, status: int) -> None:
    with time_machine.travel(NOON + timedelta(seconds=seconds), tick=False):
        answer = ready_app.test_client().get("/readyz", headers={"Accept-Language": "en"})
    assert answer.status_code == status
    if status == 503:
        assert answer.content_type == "application/problem+json"
        assert answer.json is not None
        assert (answer.json["code"], answer.json["scheduler"], answer.json["database"]) == ("not_ready", "failed", "ok")
        assert answer.json["detail"] == "Not ready: scheduler."


def test_a_scheduler_that_never_ran_is_named(empty_app: Flask) -> None:
    answer = empty_app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and answer.json["failed"] == "scheduler"


@pytest.mark.parametrize("statement", ["UPDATE alembic_version SET version_num = 'old'", "DROP TABLE alembic_version"])
@time_machine.travel(NOON, tick=False)
def test_tables_of_another_release_are_named(ready_app: Flask, statement: str) -> None:
    with ready_app.app_context(), unit_of_work() as session:
        session.execute(text(statement))
    answer = ready_app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and answer.json["failed"] == "migrations"


@time_machine.travel(NOON, tick=False)
def test_without_a_database_the_server_lives_but_is_not_ready(ready_app: Flask) -> None:
    lose_database(ready_app)
    client = ready_app.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and answer.json["failed"] == "database, migrations, scheduler"
    assert "nowhere" not in answer.text
    assert client.get("/healthz").json == {"status": "ok"}


def test_the_migrations_read_by_hand_end_where_alembic_says_they_end(empty_app: Flask) -> None:
    folder = Path(empty_app.root_path).parent / "migrations"
    assert _heads(folder) == set(ScriptDirectory(str(folder)).get_heads())


def test_a_web_worker_carries_no_migrations(tmp_path: Path) -> None:
    program = "import sys; from backend import create_app; create_app(commands=False); print('alembic' in sys.modules)"
    settings = os.environ | {"INSTANCE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=settings, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
