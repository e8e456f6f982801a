"""Tokens signed by our key that do not name a sign-in as ours do."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token, create_refresh_token


@pytest.mark.parametrize("sid", [5, None, ["a"], {"a": 1}, "no UUID"])
def test_a_token_whose_sign_in_is_no_uuid_is_refused(empty_app: Flask, sid: Any) -> None:
    client: FlaskClient = empty_app.test_client()
    with empty_app.app_context():
        token = create_access_token(str(uuid.uuid4()), additional_claims={"sid": sid})
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")


@pytest.mark.parametrize("sid", [5, None, ["a"], {"a": 1}, "no UUID"])
def test_a_refresh_token_whose_sign_in_is_no_uuid_is_refused(empty_app: Flask, sid: Any) -> None:
    with empty_app.app_context():
        token = create_refresh_token(str(uuid.uuid4()), additional_claims={"sid": sid})
    answer = empty_app.test_client().post("/api/v1/auth/refresh", json={"refresh_token": token})
    assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")
