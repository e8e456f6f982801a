"""The migrations go up and down on both kinds of database and end where the tables of the code are."""

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect

from backend.extensions import db
from tests.conftest import MakeApp

pytestmark = pytest.mark.sql


def tables(app: Flask) -> set[str]:
    with app.app_context(), db.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def test_down_to_nothing_and_up_again_gives_the_same_tables(make_app: MakeApp) -> None:
    app = make_app("empty")
    before = tables(app)
    with app.app_context():
        downgrade(revision="base")
    assert tables(app) == {"alembic_version"}
    with app.app_context():
        upgrade()
    assert tables(app) == before


def test_the_migrated_database_is_what_the_code_declares(make_app: MakeApp) -> None:
    with make_app("empty").app_context():
        check()  # ends the process with the differences in its log if there are any
