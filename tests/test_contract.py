"""The API does what its own description says, whatever it is sent, and the description leaves no route out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from tests.contract.filled_town import FilledTown
from tests.contract.trying import Caller, plain, try_operation

PAGES = {"/", "/page/*", "/docs", "/docs/start.js", "/docs/*", "/api/v1/openapi.json"}
"""Routes that are no operations: the page, and the description itself."""


def operations(client: FlaskClient) -> dict[tuple[str, str], dict[str, Any]]:
    """The described operations by path and method."""
    paths = client.get("/api/v1/openapi.json").json["paths"]
    methods = {"get", "post", "put", "patch", "delete"}
    return {
        (plain(path), method.upper()): operation
        for path, item in paths.items()
        for method, operation in item.items()
        if method in methods
    }


def test_every_route_is_described_or_a_page(shared_app: Flask, shared_client: FlaskClient) -> None:
    routes = {
        (plain(rule.rule), method)
        for rule in shared_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = set(operations(shared_client))
    assert {path for path, _ in routes - described} == PAGES
    assert described <= routes


def test_every_operation_names_the_problem_as_its_other_answer(shared_client: FlaskClient) -> None:
    document = shared_client.get("/api/v1/openapi.json").json
    for key, operation in operations(shared_client).items():
        other = operation["responses"]["default"]
        name = other["$ref"].rsplit("/", 1)[1]
        content = document["components"]["responses"][name]["content"]
        assert list(content) == ["application/problem+json"], key
        assert operation["summary"], key


def test_an_operation_says_that_it_needs_a_token_exactly_if_it_does(
    shared_app: Flask, shared_client: FlaskClient
) -> None:
    described = operations(shared_client)
    for rule in shared_app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = described.get((plain(rule.rule), method))
            if operation is not None:
                needed = shared_app.view_functions[rule.endpoint].permission != "public"
                assert ("security" in operation) is needed, rule.rule


def test_an_answer_that_can_be_not_modified_is_described_so(shared_client: FlaskClient) -> None:
    cached = {path for (path, _), operation in operations(shared_client).items() if "304" in operation["responses"]}
    for path, at in {
        "/api/v1/categories": "/api/v1/categories",
        "/api/v1/public/cases": "/api/v1/public/cases",
        "/api/v1/areas.geojson": "/api/v1/areas.geojson",
        "/api/v1/areas/*/outline": "/api/v1/areas/440605121/outline",
        "/api/v1/partymap/points.geojson": "/api/v1/partymap/points.geojson",
    }.items():
        first = shared_client.get(at)
        again = shared_client.get(at, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"") and path in cached, path


def try_all(app: Flask, calls: int, tell: Callable[[str, object], None]) -> None:
    """Try all operations, about equally often, and tell the share of good answers of each."""
    caller = Caller(FilledTown(app))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    described = [result.ok() for result in schema.get_all_operations()]
    each = calls // (len(described) - 4) + 1  # three operations take nothing to vary, and one is slow
    tried = [try_operation(caller, operation, each) for operation in described]
    # Some operations are rarely asked for something that is there; with so few calls that is chance.
    unlucky = [operation for operation, one in zip(described, tried, strict=True) if one.good() == 0]
    tried += [try_operation(caller, operation, 4 * each) for operation in unlucky]
    for one in tried:
        tell("contract", str(one))
    total = sum(one.total() for one in tried)
    tell("contract", f"{sum(one.good() for one in tried) / total:6.1%} 2xx of {total} calls of {len(tried)} operations")
    faults = [fault for one in tried for fault in one.faults]
    assert not faults, "\n\n".join(faults[:20])
    assert {one.label for one in tried} == {one.label for one in tried if one.good()}
    assert total >= calls * 0.95


def test_every_operation_answers_as_described_whatever_it_is_sent(
    app: Flask, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    # What is drawn is the same on both; how a database answers shows in the first few calls of an operation.
    try_all(app, 2_000 if pytestconfig.getoption("--database") == "postgresql" else 500, record_property)


@pytest.mark.prove
def test_every_operation_answers_as_described_twenty_thousand_times(
    app: Flask, record_property: Callable[[str, object], None]
) -> None:
    try_all(app, 20_000, record_property)
