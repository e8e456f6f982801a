"""The API does what its own description says: Schemathesis tries every operation as somebody who may use it."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.http import clock
from backend.people.access import PUBLIC, ROLES, SIGNED_IN, TABLE
from backend.scheduler import beat
from tests.evidence.photos import jpeg, picture
from tests.town import PASSWORD, VILLAGE, People, carry, report

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


class Tried:
    """A town with something of everything, and who may use which operation."""

    def __init__(self, app: Flask) -> None:
        self.app, self.people = app, People(app.test_client())
        self.cases = [self.people["resident"].file()["id"] for _ in range(30)]
        for case, step in zip(self.cases, ("accept", "dispatch", "start", "hand_in", "close"), strict=False):
            carry(self.people, case, step)
        form = {"file": (io.BytesIO(jpeg(picture(400, 300))), "a.jpg")}
        headers = self.people["resident"].headers
        self.photo = app.test_client().post("/api/v1/evidence", data=form, headers=headers).json["id"]
        self.run = self.people["committee"].post("/rewards/runs", {"period": "2026-01"}).json["id"]
        self.point = app.test_client().get("/api/v1/partymap/points?limit=1").json["items"][0]["id"]
        rules = {
            (rule.rule, method): rule.endpoint for rule in app.url_map.iter_rules() for method in rule.methods or ()
        }
        self.permission = {
            (_plain(path), method): getattr(app.view_functions[endpoint], "permission", PUBLIC)
            for (path, method), endpoint in rules.items()
        }

    def role(self, path: str, method: str) -> str:
        """Somebody whom the access table lets in."""
        name = self.permission[_plain(path), method]
        if name in (PUBLIC, SIGNED_IN):
            return "committee"  # who sees drafts of the ranking, too
        # The point tried lies in any village, so it is the town's to keep.
        return "dispatcher" if name == "keep_service_points" else next(role for role in ROLES if role in TABLE[name])


def _plain(path: str) -> str:
    """A path without the names of its parts: `/cases/<uuid:id>` and `/cases/{id}` are the same."""
    return "/".join("*" if part[:1] in ("<", "{") else part for part in path.split("/"))


def body_of(path: str, number: int, tried: Tried) -> Any:
    """A body known to be right for an operation, or None where a generated one is as good."""
    place = {"lon": 113.0002, "lat": 22.8694, "crs": "wgs84"}
    outline = {"type": "Polygon", "coordinates": [[[113, 22.8], [113.01, 22.8], [113.01, 22.81], [113, 22.8]]]}
    known = {
        "/api/v1/auth/login": {"phone": "13800000002", "password": PASSWORD},
        "/api/v1/auth/refresh": {"refresh_token": tried.people["party_member"].tokens["refresh_token"]},
        "/api/v1/cases": report(),
        "/api/v1/cases/{case_id}/actions": {"action": "withdraw"},
        "/api/v1/partymap/points": {
            "name": "敦根党群服务点",
            "kind": "point",
            "location": place,
            "opening_hours": {"weekly": {"mon": [["09:00", "17:00"]]}},
        },
        "/api/v1/partymap/points/{point_id}": {},
        "/api/v1/rewards/runs": {"period": "2026-02"},
        "/api/v1/areas/import": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"code": "440605129", "name": "试镇", "kind": "town"},
                    "geometry": outline,
                }
            ],
        },
    }
    return known.get(path) if number % 3 == 0 else None


def try_operation(tried: Tried, operation: Any, examples: int) -> Counter[int]:
    """Call an operation so many times, a third of them as it is meant, and hold each answer against the description."""
    path, method = operation.path, operation.method.upper()
    role = tried.role(path, method)
    found: Counter[int] = Counter()
    parts = {"case_id": tried.cases, "point_id": [tried.point], "photo": [tried.photo], "run_id": [tried.run]}

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        number = sum(found.values())
        headers = {} if path == "/api/v1/auth/logout" and number else dict(tried.people[role].headers)
        if number % 3 == 0:
            case.query = {name: value for name, value in KNOWN_QUERY.items() if (path, name) in USED} or case.query
        if number % 3 != 1 and case.path_parameters:
            known = {"code": [VILLAGE]} | parts
            for name in case.path_parameters:
                case.path_parameters[name] = known[name][number % len(known[name])]
        body = body_of(path, number, tried) if method in ("POST", "PATCH") else None
        if body is not None:
            case.body, case.media_type, case.query = body, "application/json", {}
        if path == "/api/v1/evidence" and number % 3 == 0:
            case.body, case.media_type = {"file": jpeg(picture(40, 30))}, "multipart/form-data"
        if path.endswith(("/actions", "{point_id}")):
            headers["If-Match"] = "*"
        answer = case.call(headers=headers)
        found[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    call()
    return found


KNOWN_QUERY = {"lon": 113.0002, "lat": 22.8694, "crs": "wgs84"}
USED = {(path, name) for path in ("/api/v1/locate", "/api/v1/partymap/points/nearest") for name in KNOWN_QUERY}


def try_all(app: Flask, calls: int) -> None:
    inner = app.wsgi_app

    def from_this_machine(environ: dict[str, Any], start: Any) -> Any:
        return inner(environ | {"REMOTE_ADDR": "127.0.0.1"}, start)

    app.wsgi_app = from_this_machine  # type: ignore[method-assign]  # WSGI's way
    tried = Tried(app)
    with app.app_context():
        beat(clock.now())  # as the scheduler does, or the town would not be ready
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [result.ok() for result in schema.get_all_operations()]
    statuses: dict[str, Counter[int]] = defaultdict(Counter)
    for operation in sorted(operations, key=lambda one: one.path == "/api/v1/auth/logout"):
        name = f"{operation.method.upper()} {operation.path}"
        statuses[name] = try_operation(tried, operation, calls // len(operations) + 1)
    for name, found in statuses.items():
        right = sum(count for status, count in found.items() if 200 <= status < 300)
        print(f"{name}: {right} of {sum(found.values())} right answers, {dict(found)}")
    assert [name for name, found in statuses.items() if not any(200 <= status < 300 for status in found)] == []
    assert sum(sum(found.values()) for found in statuses.values()) >= calls * 0.9


def test_every_operation_answers_as_described_whatever_it_is_sent(app: Flask) -> None:
    try_all(app, 2_000)


@pytest.mark.prove
def test_every_operation_answers_as_described_in_twenty_thousand_calls(app: Flask) -> None:
    try_all(app, 20_000)


def test_every_route_is_described_and_names_a_problem_as_its_other_answer(shared_app: Flask) -> None:
    document = shared_app.test_client().get("/api/v1/openapi.json").json
    described = {(_plain(path), method.upper()) for path, item in document["paths"].items() for method in item}
    routes = {
        (_plain(rule.rule), method)
        for rule in shared_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1") and not rule.endpoint.startswith("api-docs")
    }
    assert routes - described == set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "responses" in operation:
                assert "default" in operation["responses"], (method, path)
