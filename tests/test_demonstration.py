"""`demo load`: a whole town at the first start whatever becomes of it, and sign-ins as printed at every start."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask
from sqlalchemy import func, select

from backend import demonstration
from backend.cases.tables import Case
from backend.http.reading import rows
from tests.town import phone


def start(app: Flask, **settings: str) -> str:
    """Load the demo town as a start of the server does; answers what is printed."""
    app.config["TOWN_CONFIG"] = dataclasses.replace(app.config["TOWN_CONFIG"], **settings)
    done = app.test_cli_runner().invoke(args=["demo", "load"])
    if done.exception:
        raise done.exception
    return str(done.output)


def signs_in(app: Flask, password: str) -> bool:
    body = {"phone": phone("auditor"), "password": password}
    return app.test_client().post("/api/v1/auth/login", json=body).status_code == 200


def test_the_password_that_is_printed_signs_in_whether_it_was_made_kept_or_given_later(app: Flask) -> None:
    made = start(app).split("password: ")[1].split("）")[0]
    assert len(made) > 12 and signs_in(app, made)
    assert f"password: {made}）" in start(app)
    assert "password: chosen afterwards）" in start(app, DEMO_PASSWORD="chosen afterwards")
    assert (signs_in(app, "chosen afterwards"), signs_in(app, made)) == (True, False)
    assert "password: chosen afterwards）" in start(app, DEMO_PASSWORD="")
    kept = app.config["TOWN_CONFIG"].INSTANCE / "demo_password.key"
    assert kept.read_text() == "chosen afterwards" and kept.stat().st_mode & 0o777 == 0o600


def test_a_load_that_was_broken_off_is_begun_anew_and_a_whole_one_left_alone(
    empty_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demonstration, "CASES", 25)
    with monkeypatch.context() as broken:
        broken.setattr(demonstration, "_publish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            start(empty_app)
    assert "broken off" in start(empty_app)
    ranking = empty_app.test_client().get("/api/v1/rewards/runs/latest/ranking").json
    assert len(ranking["items"]) == 27 and ranking["run"]["status"] == "published"
    monkeypatch.setattr(demonstration, "_load", lambda *_: 1 / 0)
    assert "13800000010" in start(empty_app)
    with empty_app.app_context():
        assert rows(select(func.count()).select_from(Case))[0][0] == 25
