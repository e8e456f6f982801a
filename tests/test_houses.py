"""A test gets an app as it was built, whatever the test before did to it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import insert, select

from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people.tables import Department
from tests.houses import Houses
from tests.town import TOWN


def seen(app: Flask) -> tuple[object, ...]:
    """What a test could have left behind, as far as it can be compared."""
    registry = app.extensions["registry"]
    shelves = [set(registry.facts), set(registry.layers), set(registry.answers)]
    before = {room: list(asked) for room, asked in app.before_request_funcs.items()}
    return dict(app.config), set(app.extensions), shelves, before, app.wsgi_app


def test_an_app_that_was_meddled_with_is_given_on_as_it_was_built(houses: Houses) -> None:
    with houses.town("empty") as app:
        before = seen(app)
        with app.app_context(), unit_of_work() as session:
            session.execute(insert(Department), {"code": "left", "town_code": TOWN, "name": "遗留"})
        app.config["TOWN_CONFIG"] = app.config["left"] = None
        app.extensions["registry"].facts.clear()
        del app.extensions["envelope"]
        app.before_request_funcs.setdefault(None, []).append(lambda: None)
        app.wsgi_app = seen  # type: ignore[method-assign]  # as one puts something before an app
        assert seen(app) != before
    with houses.town("empty") as again:
        assert again is app and seen(again) == before
        with again.app_context():
            assert again.extensions["envelope"] and rows(select(Department.code)) == []


def test_what_is_set_in_the_environment_makes_an_app_of_its_own(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    with houses.town("empty") as first, houses.town("empty") as second:
        assert first is not second
    monkeypatch.setenv("RETAIN_DAYS", "400")
    with houses.town("empty") as app:
        assert app is not second and app.config["TOWN_CONFIG"].RETAIN_DAYS == 400
    monkeypatch.delenv("RETAIN_DAYS")
    with houses.town("empty") as app:
        assert app.config["TOWN_CONFIG"].RETAIN_DAYS == 730
