"""The OpenAPI description says who may call what, and how to begin."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

METHODS = ("get", "post", "put", "patch", "delete")


def test_every_operation_that_is_not_public_asks_for_a_token_and_no_other_does(
    empty_app: Flask, empty_client: FlaskClient
) -> None:
    paths = empty_client.get("/api/v1/openapi.json").json["paths"]
    seen = set()
    for path, operations in paths.items():
        address = path.replace("{", "").replace("}", "")
        for rule in empty_app.url_map.iter_rules():
            written = re.sub(r"<(?:\w+:)?(\w+)>", r"\1", rule.rule)
            for method in METHODS:
                if written == address and method in operations and method.upper() in (rule.methods or ()):
                    needed = empty_app.view_functions[rule.endpoint].permission != "public"
                    expected = [{"token": []}] if needed else None
                    assert operations[method].get("security") == expected, (method, path)
                    seen.add((method, path))
    assert seen == {(m, p) for p, operations in paths.items() for m in METHODS if m in operations}


def test_the_description_tells_in_both_languages_how_to_begin(empty_client: FlaskClient) -> None:
    told = empty_client.get("/api/v1/openapi.json").json["info"]["description"]
    for word in ("登录", "Sign in", "/api/v1/auth/login", "Idempotency-Key", "If-Match", "gcj02"):
        assert word in told, word
