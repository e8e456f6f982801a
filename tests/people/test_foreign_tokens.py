"""Tokens that are not ours: forged, of another town, or signed by our key without naming a sign-in as ours do."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token, create_refresh_token

from tests.town import TOWN, Person

Claims = Mapping[str, Any]


def asked(client: FlaskClient, token: str) -> tuple[int, str]:
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json.get("code", "")


def refreshed(client: FlaskClient, token: str) -> tuple[int, str]:
    answer = client.post("/api/v1/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json.get("code", "")


@pytest.mark.parametrize("sid", [5, None, ["a"], {"a": 1}, "no UUID"])
def test_a_token_whose_sign_in_is_no_uuid_is_refused(empty_app: Flask, sid: Any) -> None:
    with empty_app.app_context():
        token = create_access_token(str(uuid.uuid4()), additional_claims={"sid": sid})
    assert asked(empty_app.test_client(), token) == (401, "token_invalid")


@pytest.mark.parametrize("sid", [5, None, ["a"], {"a": 1}, "no UUID"])
def test_a_refresh_token_whose_sign_in_is_no_uuid_is_refused(empty_app: Flask, sid: Any) -> None:
    with empty_app.app_context():
        token = create_refresh_token(str(uuid.uuid4()), additional_claims={"sid": sid})
    assert refreshed(empty_app.test_client(), token) == (401, "token_invalid")


def unsigned(claims: Claims, _key: str) -> str:
    def part(told: Claims) -> str:
        return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


def changed(**more: Any) -> Callable[[Claims, str], str]:
    def forge(claims: Claims, key: str) -> str:
        kept = {name: value for name, value in {**claims, **more}.items() if value is not None}
        return jwt.encode(kept, key, algorithm="HS256")

    return forge


def with_header(**header: Any) -> Callable[[Claims, str], str]:
    return lambda claims, _key: jwt.encode(dict(claims), "x" * 32, algorithm="HS256", headers=header)


def cut(claims: Claims, key: str) -> str:
    return jwt.encode(dict(claims), key, algorithm="HS256").rpartition(".")[0] + "."


def rewritten(claims: Claims, key: str) -> str:
    """Another account in the middle, the signature as it was."""
    head, _, signature = jwt.encode(dict(claims), key, algorithm="HS256").split(".")
    body = base64.urlsafe_b64encode(json.dumps({**claims, "sub": str(uuid.uuid4())}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


FORGED: dict[str, Callable[[Claims, str], str]] = {
    "no algorithm": unsigned,
    "another key": lambda claims, _key: jwt.encode(dict(claims), "x" * 32, algorithm="HS256"),
    "another algorithm": lambda claims, key: jwt.encode(dict(claims), key, algorithm="HS384"),
    "a key of its own": with_header(jwk={"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 32).decode()}),
    "a key named by path": with_header(kid="../../dev/null"),
    "no signature": cut,
    "another content": rewritten,
    "another issuer": changed(iss="440605122"),
    "no issuer": changed(iss=None),
    "no sign-in": changed(sid=None),
    "another kind": changed(type="id"),
    "not valid yet": changed(nbf=int((datetime.now(UTC) + timedelta(days=1)).timestamp())),
    "no end": changed(exp=None),
    "no holder": changed(sub=None),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("forgery", FORGED)
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_forged_token_opens_nothing(app: Flask, client: FlaskClient, forgery: str, kind: str) -> None:
    token = Person(client, "13800000001").tokens[kind]
    key: str = app.config["JWT_SECRET_KEY"]
    claims = jwt.decode(token, key, algorithms=["HS256"], issuer=TOWN)
    forged = FORGED[forgery](claims, key)
    use = asked if kind == "access_token" else refreshed
    assert use(client, forged) == (401, "token_invalid")
    assert use(client, token)[0] == 200


@pytest.mark.parametrize("token", ["", "a.b.c", "..", "é", "Bearer", "a" * 4_000])
def test_what_is_no_token_opens_nothing(client: FlaskClient, token: str) -> None:
    assert asked(client, token)[0] == 401


def test_a_token_tells_no_role_and_no_number(app: Flask, client: FlaskClient) -> None:
    """So that none can be out of date in it: roles and numbers are read at each request."""
    for token in Person(client, "13800000006").tokens.values():
        claims = jwt.decode(token, options={"verify_signature": False})
        assert set(claims) == {"sub", "sid", "jti", "iat", "nbf", "exp", "iss", "type", "fresh"}
