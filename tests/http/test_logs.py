"""A line of the log for each request, and what it does not say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask, request_finished, request_started
from structlog.testing import capture_logs
from structlog.typing import EventDict

from backend.http.logs import log_requests
from backend.http.secrets import secret_of_day
from tests.town import People, report

FIELDS = {"event", "log_level", "route", "method", "status", "ms", "actor"}


@pytest.fixture
def logged(app: Flask, tmp_path: Path) -> Iterator[Flask]:
    log_requests(app, lambda day: secret_of_day(tmp_path, "log", day))
    yield app
    for signal in (request_started, request_finished):
        for receiver in list(signal.receivers_for(app)):
            signal.disconnect(receiver, app)


def lines(captured: list[EventDict]) -> list[EventDict]:
    return [line for line in captured if line["event"] == "request"]


def test_a_request_is_one_line_with_route_method_status_duration_and_actor(logged: Flask, people: People) -> None:
    resident = people["resident"]
    with capture_logs() as captured:
        case = resident.post("/cases", report()).json["id"]
        assert resident.get(f"/cases/{case}?crs=gcj02").status_code == 200
        assert resident.client.get("/healthz").status_code == 200
    told = lines(captured)
    assert [(line["route"], line["method"], line["status"]) for line in told] == [
        ("cases.file", "POST", 201),
        ("cases.detail", "GET", 200),
        ("health.healthz", "GET", 200),
    ]
    assert all(set(line) == FIELDS and line["ms"] > 0 for line in told)
    assert told[0]["actor"] == told[1]["actor"] and told[2]["actor"] is None
    assert case not in str(told)


def test_refusals_are_lines_too_and_an_address_that_is_no_route_is_not_written(logged: Flask, people: People) -> None:
    client = people.client
    with capture_logs() as captured:
        client.get("/api/v1/cases")
        client.get("/13812345678/王小明?phone=13812345678")
        client.open("/api/v1/cases", method="13812345678")
    told = lines(captured)
    assert [(line["route"], line["method"], line["status"]) for line in told] == [
        ("cases.list_", "GET", 401),
        (None, "GET", 404),
        (None, "other", 405),
    ]
    assert "1381234" not in str(told) and "王" not in str(told)


def test_a_caller_is_another_the_next_day(logged: Flask, people: People, tmp_path: Path) -> None:
    def actor() -> str:
        with capture_logs() as captured:
            assert people["resident"].get("/me").status_code in (200, 401)
        (line,) = lines(captured)
        return str(line["actor"])

    with time_machine.travel("2026-11-25T09:00:00+08:00") as clock:
        people.clear()
        people["resident"]
        first, again = actor(), actor()
        clock.shift(timedelta(days=1))
        people.clear()
        people["resident"]
        later = actor()
    assert first == again != later
    assert [path.name for path in tmp_path.glob("log_*.key")] == ["log_20261126.key"], "the salt of a past day is kept"


def test_the_salt_of_a_day_is_the_same_for_all_workers(tmp_path: Path) -> None:
    day = date(2026, 11, 25)
    first = secret_of_day(tmp_path, "log", day)
    secret_of_day.cache_clear()
    assert secret_of_day(tmp_path, "log", day) == first != secret_of_day(tmp_path, "log", day + timedelta(days=1))


def test_two_people_are_two_actors(logged: Flask, people: People) -> None:
    with capture_logs() as captured:
        for role in ("resident", "dispatcher"):
            people[role].get("/cases")
    assert len({line["actor"] for line in lines(captured) if line["actor"]}) == 2
