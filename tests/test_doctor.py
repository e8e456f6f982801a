"""`flask doctor` tells what a town still needs, and what to do about each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import delete, insert, update

from backend import doctor
from backend.config import Config
from backend.http import clock
from backend.http.ids import new_id
from backend.http.work import unit_of_work
from backend.ledger.job_runs import HEARTBEAT, mark_done
from backend.people.tables import RoleAssignment
from backend.people.trust_tables import Clearing
from tests.access import trusted
from tests.town import TOWN, VILLAGE


def told(app: Flask, *words: str) -> tuple[int, set[str], str]:
    app.config["TOWN_CONFIG"].INSTANCE.chmod(0o700)  # as the server makes it
    done = app.test_cli_runner().invoke(args=["doctor", *words])
    return done.exit_code, set(re.findall(r"^\[(\w+)\]", done.output, re.MULTILINE)), done.output


def test_a_new_town_is_told_all_it_needs(empty_app: Flask) -> None:
    code, names, text = told(empty_app)
    assert code == 1
    assert names == {"admin", "cleared_dispatcher", "boundaries", "scheduler"}
    assert "create-admin" in text and "python -m backend.scheduler" in text


def test_a_database_of_another_release_is_told_first_and_alone(empty_app: Flask) -> None:
    with empty_app.app_context():
        downgrade(revision="0002")
    assert told(empty_app)[:2] == (1, {"migrations"})


def put_right(app: Flask, cleared: int = 2) -> None:
    """All that the checks ask for."""
    worker, now = trusted.somebody(app), clock.now()
    signed = {"version": 2, "admin_id": new_id(), "admin_at": now, "committee_id": new_id(), "committee_at": now}
    for _ in range(cleared):
        trusted.keep(app, Clearing, assignment_id=trusted.dispatcher(app, TOWN)[1], **signed)
    with app.app_context(), unit_of_work() as session:
        mark_done(session, HEARTBEAT, now)
        day = clock.now().date()
        for village in {code[:12] for code in doctor.grids_of(TOWN)}:
            row = {"id": new_id(), "account_id": worker, "role": "grid_worker", "area_code": village}
            session.execute(insert(RoleAssignment), row | {"department": None, "valid_from": day})


def test_it_is_quiet_and_ends_well_when_nothing_is_amiss(app: Flask) -> None:
    put_right(app)
    assert told(app) == (0, set(), "一切就绪。 All is well.\n")


def test_one_cleared_person_alone_is_too_few(app: Flask) -> None:
    put_right(app, cleared=1)
    assert told(app)[:2] == (1, {"second_cleared"})


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_speaks_either_language(empty_app: Flask, lang: str) -> None:
    text = told(empty_app, "--lang", lang)[2]
    assert ("没有管理员" in text, "has no admin" in text) == (lang == "zh", lang == "en")


def test_grids_without_a_worker_are_counted_and_some_are_named(app: Flask) -> None:
    put_right(app)
    with app.app_context(), unit_of_work() as session:
        session.execute(delete(RoleAssignment).where(RoleAssignment.area_code == VILLAGE))
    code, names, text = told(app)
    assert code == 1 and "grids_without_worker" in names and VILLAGE in text


def test_an_admin_whose_role_has_ended_is_none(app: Flask) -> None:
    put_right(app)
    with app.app_context(), unit_of_work() as session:
        session.execute(update(RoleAssignment).where(RoleAssignment.role == "admin").values(ended_at=clock.now()))
    assert "admin" in told(app)[1]


def test_keys_that_others_can_read_and_short_ones_are_told(app: Flask) -> None:
    put_right(app)
    config: Config = app.config["TOWN_CONFIG"]
    (config.INSTANCE / "jwt.key").chmod(0o644)
    app.config["JWT_SECRET_KEY"] = "short"
    code, names, text = told(app)
    assert code == 1 and {"key_file", "secrets"} <= names and str(config.INSTANCE / "jwt.key") in text


def test_demo_accounts_on_an_open_host_are_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    put_right(app)
    config: Config = app.config["TOWN_CONFIG"]
    app.config["TOWN_CONFIG"] = Config(INSTANCE=Path(config.INSTANCE), DATABASE_URL=config.DATABASE_URL, HOST="0.0.0.0")
    assert "demonstration" in told(app)[1]
