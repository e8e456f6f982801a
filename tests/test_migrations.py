"""The migrations go up and down on both kinds of database and end where the tables of the code are."""

import io
from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import insert, inspect, select, text, update

from backend.cases.public.public_text_tables import PublicFigures
from backend.cases.search.search import matching
from backend.cases.tables import Case, CaseEvent
from backend.extensions import db
from backend.http.reading import rows
from backend.http.work import unit_of_work
from tests.conftest import MakeApp
from tests.evidence import photos
from tests.town import TOWN, People, carry, report

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


def test_photos_kept_before_they_were_sealed_are_seen_after_it_and_back(make_app: MakeApp) -> None:
    app = make_app("town")
    people = People(app.test_client())
    form = {"file": (io.BytesIO(photos.telling_jpeg()), "a.jpg")}
    photo = people.client.post("/api/v1/evidence", data=form, headers=people["resident"].headers).json["id"]
    seen = people["resident"].get(f"/evidence/{photo}").data
    original = app.config["TOWN_CONFIG"].INSTANCE / "evidence" / "original" / photo[-2:] / photo
    with app.app_context():
        downgrade(revision="0010")
        assert original.read_bytes() == photos.telling_jpeg()
        kept = db.session.execute(text("SELECT content_type, width, height, lon, lat FROM evidence")).one()
        assert tuple(kept) == ("image/jpeg", 40, 20, pytest.approx(113.0055), pytest.approx(22.87))
        db.session.rollback()
        upgrade()
    assert b"ACME" not in original.read_bytes()
    assert people["resident"].get(f"/evidence/{photo}").data == seen
    assert people["resident"].post(f"/evidence/{photo}/original", {}).data == photos.telling_jpeg()
    (told,) = people["resident"].get("/me/data").json["photos"]
    assert told["lon"] == pytest.approx(113.0055) and told["taken_at"] == "2026-03-05T23:30:00+08:00"


def test_what_a_town_had_set_and_declared_stands_after_it_became_rules_and_back(make_app: MakeApp) -> None:
    app = make_app("town")
    admin = People(app.test_client())["admin"]
    day, path = {"day": "2026-11-27", "workday": False, "reason": "台风"}, "/api/v1/settings/working_hours"
    assert admin.post("/calendar/days", day).status_code == 200
    for version, value in enumerate(("10:00-12:00", None)):
        headers = admin.headers | {"If-Match": f'"{version}"'}
        assert admin.client.patch(path, json={"value": value}, headers=headers).status_code == 200
    before = [admin.get(where).json for where in ("/calendar/days", "/settings", "/settings/working_hours/history")]
    with app.app_context():
        downgrade(revision="0019")
        kept = db.session.execute(text("SELECT workday, reason, version FROM calendar_overrides")).one()
        assert (bool(kept[0]), *kept[1:]) == (False, "台风", 1)
        db.session.rollback()
        upgrade()
    after = [admin.get(where).json for where in ("/calendar/days", "/settings", "/settings/working_hours/history")]
    assert after == before


@pytest.mark.prove
def test_public_figures_by_element_from_before_published_cases_were_found_by_one_are_hidden(make_app: MakeApp) -> None:
    told = {"total": 9, "villages": {}, "kinds": {}, "elements": {"8.1": 9, "8.2": None}}
    made = {"town_code": TOWN, "month": "2026-06", "figures": told, "made_at": datetime(2026, 7, 8, tzinfo=UTC)}
    with make_app("empty").app_context():
        downgrade(revision="0030")
        with unit_of_work() as session:
            session.execute(insert(PublicFigures), made)
        upgrade()
        assert [row.figures for row in rows(select(PublicFigures.figures))] == [
            told | {"elements": {"8.1": None, "8.2": None}}
        ]


@pytest.mark.prove
def test_a_clock_that_a_correction_began_anew_is_told_by_its_event_once_deadlines_are_counted(
    make_app: MakeApp,
) -> None:
    app = make_app("town")
    with time_machine.travel("2026-11-02T09:00+08:00", tick=False) as frozen:
        people = People(app.test_client())
        case = people["resident"].file(category="river")["id"]
        carry(people, case, "start")
        frozen.move_to("2026-11-06T09:00+08:00")  # litter's two workdays are over by now
        people.clear()
        assert people["dispatcher"].act(case, "correct_category", category="litter", reason="选错").status_code == 200
    told = select(CaseEvent.details).where(CaseEvent.action == "correct_category")
    with app.app_context():
        downgrade(revision="0026")
        moved = db.session.execute(text("SELECT step_moved, case_moved FROM cases")).one()
        assert (bool(moved[0]), bool(moved[1])) == (True, True)  # kept as they are, where it is not known better
        before = db.session.execute(told).scalar_one()
        without = {name: value for name, value in before.items() if name != "counted_anew"}
        db.session.execute(update(CaseEvent).where(CaseEvent.action == "correct_category").values(details=without))
        db.session.execute(text("UPDATE cases SET case_moved = NULL"))
        db.session.commit()
        upgrade()
        assert db.session.execute(told).scalar_one() == before == without | {"counted_anew": ["step"]}
