"""The migrations go up and down on both kinds of database and end where the tables of the code are."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
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
    app = make_app("empty")
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        hidden = set(inspect(connection).get_table_names()) - set(db.metadata.tables)
        found = compare_metadata(context, db.metadata)
    assert [change for change in found if getattr(change[1], "name", None) not in hidden] == []
