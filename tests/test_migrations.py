"""The migrations go up and down on both kinds of database and end where the tables of the code are."""

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect, select

from backend.cases.search import matching
from backend.cases.tables import Case
from backend.extensions import db
from tests.conftest import MakeApp
from tests.town import People, report

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


def test_texts_kept_before_the_search_by_pairs_are_found_after_it(make_app: MakeApp) -> None:
    app = make_app("town")
    assert People(app.test_client())["resident"].post("/cases", report(description="路灯不亮")).status_code == 201
    with app.app_context():
        downgrade(revision="0001")
        upgrade()
        for words in ("路", "亮", "路灯"):
            with db.session() as session:
                assert len(session.execute(select(Case.id).where(matching(words))).all()) == 1, words
