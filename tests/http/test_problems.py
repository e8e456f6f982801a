"""Errors as people meet them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from backend.http.permission import permission
from backend.http.problems import Invalid, Problem
from tests.town import TOWN, People


class TooLoud(Problem):
    status, code = 409, "too_loud"
    zh, en = "声音太大：{decibels} 分贝。", "Too loud: {decibels} decibels."


@pytest.fixture
def client_with_faults(app: Flask) -> FlaskClient:
    def fail(error: Exception) -> None:
        raise error

    faults = {
        "loud": TooLoud(decibels=90),
        "fields": Invalid(errors={"place": [("请填写。", "Fill it in.")]}),
        "bug": ValueError("电话 13800001111"),
        "locked": OperationalError("", {}, Exception("database is locked")),
    }
    for name, error in faults.items():
        app.add_url_rule(f"/{name}", name, permission("public")(lambda error=error: fail(error)))
    return app.test_client()


def test_a_named_error_has_its_code_a_message_in_the_caller_s_language_and_its_parameters(
    client_with_faults: FlaskClient,
) -> None:
    answer = client_with_faults.get("/loud")
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert (answer.json["code"], answer.json["detail"], answer.json["decibels"]) == (
        "too_loud",
        "声音太大：90 分贝。",
        90,
    )
    english = client_with_faults.get("/loud", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert english.json["detail"] == "Too loud: 90 decibels."


def test_field_errors_are_told_in_the_caller_s_language(client_with_faults: FlaskClient) -> None:
    assert client_with_faults.get("/fields").json["errors"] == {"place": ["请填写。"]}
    english = client_with_faults.get("/fields", headers={"Accept-Language": "en"})
    assert english.json["errors"] == {"place": ["Fill it in."]}


def test_a_day_that_is_none_is_told_as_a_day_is_written(people: People) -> None:
    body = {"phone": "13900000001", "name": "甲", "role": "resident", "area_code": TOWN, "valid_from": "明天"}
    refused = people["admin"].post("/accounts", body)
    assert refused.status_code == 422
    assert refused.json["errors"] == {"valid_from": ["日期格式不正确，应写作如 2026-10-01。"]}


def test_a_bug_tells_nothing_of_what_it_held_neither_to_the_caller_nor_to_the_log(
    client_with_faults: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client_with_faults.get("/bug")
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    told = capsys.readouterr()
    assert "13800001111" not in answer.text + told.out + told.err
    assert "ValueError" in told.out


def test_a_database_that_is_held_up_asks_for_patience(client_with_faults: FlaskClient) -> None:
    answer = client_with_faults.get("/locked")
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (409, "busy", "1")
