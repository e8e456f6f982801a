"""On PostgreSQL a role of its own can be the only one that reads who reported."""

from __future__ import annotations

import dataclasses
import uuid

import pytest
from flask import Flask
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from backend import create_app
from backend.cases.reporter.reporters import identity_of
from backend.config import Config, WrongSetting
from backend.extensions import db
from backend.http import clock
from backend.http.envelope import envelope
from backend.http.key_proofs import keep_proofs
from backend.http.key_rotation import rotate
from backend.http.reading import rows
from backend.scheduler import JOBS
from tests.conftest import close_engines
from tests.test_doctor import told
from tests.town import People, carry

DOCUMENTED = """
REVOKE ALL ON reporter_identities, supporter_identities FROM {web};
GRANT INSERT, DELETE, SELECT (case_id) ON reporter_identities TO {web};
GRANT INSERT, DELETE, SELECT (supporter_id) ON supporter_identities TO {web};
GRANT SELECT, UPDATE ON reporter_identities, supporter_identities TO {identity};
"""


@pytest.mark.sql
def test_only_the_role_for_it_reads_who_reported(app: Flask) -> None:
    config: Config = app.config["TOWN_CONFIG"]
    if not config.database_url.startswith("postgresql"):
        return  # SQLite has no roles
    number = uuid.uuid4().hex[:8]
    web, identity = f"web_{number}", f"identity_{number}"
    with app.app_context(), db.engine.begin() as connection:
        for role in (web, identity):
            connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {web}"))
        connection.execute(text(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {web}"))
        connection.execute(text(DOCUMENTED.format(web=web, identity=identity)))
    addresses = [
        make_url(config.database_url).set(username=role).render_as_string(hide_password=False)
        for role in (web, identity)
    ]
    apart = create_app(dataclasses.replace(config, DATABASE_URL=addresses[0], IDENTITY_DATABASE_URL=addresses[1]))
    assert "identity_role" not in told(apart)[1]
    by_owner = create_app(dataclasses.replace(config, IDENTITY_DATABASE_URL=addresses[1]))
    assert "identity_role" in told(by_owner)[1], "who owns the tables reads them all the same"
    by_owner.extensions["identity_reading"].dispose()
    close_engines(by_owner)
    people = People(apart.test_client())
    case = people["resident"].file()["id"]
    carry(people, case, "accept")  # which tells the reporter
    assert people["resident"].get(f"/cases/{case}/identity").json["phone"] == "+8613800000001"
    with apart.app_context():
        with pytest.raises(ProgrammingError, match="permission denied"):
            rows(text("SELECT sealed FROM reporter_identities"))
        keep_proofs()
        assert len(rotate(envelope(), lambda _: None, pause=lambda _: None)) == 1
        assert identity_of(uuid.UUID(case)) is not None
        for job in JOBS:
            job.work(clock.now())  # all that the scheduler does by itself takes no more rights
    apart.extensions["identity_reading"].dispose()
    close_engines(apart)
    with app.app_context(), db.engine.begin() as connection:
        for role in (web, identity):
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


@pytest.mark.sql
def test_nothing_starts_while_the_second_role_would_not_do(app: Flask) -> None:
    config: Config = app.config["TOWN_CONFIG"]
    here = make_url(config.database_url)
    refused = {"the PostgreSQL that": here}
    if here.drivername.startswith("postgresql"):
        closed = f"closed_{uuid.uuid4().hex[:8]}"
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text(f"CREATE ROLE {closed} LOGIN"))
        refused = {
            "a role that the database lets in": here.set(username="nobody_of_this_name"),
            "the same database": here.set(database="postgres"),
            "GRANT SELECT, UPDATE ON reporter_identities, supporter_identities": here.set(username=closed),
        }
    for wanted, url in refused.items():
        told = url.render_as_string(hide_password=False)
        with pytest.raises(WrongSetting, match=f"IDENTITY_DATABASE_URL=.*{wanted}"):
            create_app(dataclasses.replace(config, IDENTITY_DATABASE_URL=told))
    if here.drivername.startswith("postgresql"):
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text(f"DROP ROLE {closed}"))


def test_the_page_says_what_the_role_is_granted() -> None:
    from pathlib import Path

    page = (Path(__file__).parent.parent.parent / "docs" / "identity.md").read_text()
    for line in DOCUMENTED.format(web="town", identity="town_identity").strip().splitlines():
        assert line in page
