"""Joining, codes, what only the signed-in person changes of their account, and their sign-ins."""

import uuid
from typing import Any

from flask import Response

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import listing
from backend.http.permission import permission
from backend.http.reading import answer, public_answer
from backend.http.work import unit_of_work
from backend.people import consent, devices, joining, wechat
from backend.people.caller import current_caller
from backend.people.codes import LASTS, Proof, send_code
from backend.people.joining_schemas import (
    ChangePasswordBody,
    CodeSentSchema,
    CodeSignInBody,
    CodeWantedBody,
    ConsentBody,
    ConsentSchema,
    NewPasswordBody,
    ProofBody,
    RefreshBody,
    RegisterBody,
    SignInBody,
    SignInsSchema,
    TokensSchema,
    WechatBody,
)
from backend.people.sign_in import Device, Tokens, refresh, sign_in

room = Room("joining", "Joining, signing in, and sign-ins")
Body = dict[str, Any]


@room.post("/auth/login")
@room.arguments(SignInBody)
@room.response(200, TokensSchema)
@permission("public")
def login(body: Body) -> Response:
    """Sign in by phone and password."""
    return _answer(sign_in(body["phone"], body["password"], _device(body), clock.now()))


@room.post("/auth/refresh")
@room.arguments(RefreshBody)
@room.response(200, TokensSchema)
@permission("public")
def refresh_tokens(body: Body) -> Response:
    """The next pair of tokens; a refresh token is used once."""
    return _answer(refresh(body["refresh_token"], body.get("device_id"), clock.now()))


@room.post("/auth/logout")
@room.response(204)
@permission("signed_in")
def logout() -> Response:
    """End this sign-in: its tokens die at once."""
    caller = current_caller()
    devices.sign_out(caller.account_id, caller.sign_in_id, clock.now())
    return Response(status=204)


@room.post("/auth/codes")
@room.arguments(CodeWantedBody)
@room.response(202, CodeSentSchema)
@permission("public")
def codes(body: Body) -> Response:
    """Have a code sent to a phone, for one purpose; answered alike for known and unknown numbers."""
    code = send_code(body["phone"], body["purpose"], clock.now())
    return answer({"code_id": code, "seconds": int(LASTS.total_seconds())}, 202)


@room.post("/auth/register")
@room.arguments(RegisterBody)
@room.response(201, TokensSchema)
@room.alt_response(200, schema=TokensSchema, description="The number had an account already, which is signed in to")
@permission("public")
def register(body: Body) -> Response:
    """Join as a resident by a code for `register`, agreeing to the present text on personal data."""
    consent.check_present(body["consent"])
    person = joining.Newcomer(body["name"], body.get("password"), _openid(body))
    tokens, made = joining.register(person, _proof(body), _device(body), clock.now())
    return _answer(tokens, 201 if made else 200)


@room.post("/auth/code-login")
@room.arguments(CodeSignInBody)
@room.response(200, TokensSchema)
@permission("public")
def code_login(body: Body) -> Response:
    """Sign in by a code for `sign_in`."""
    openid = _openid(body)
    return _answer(joining.sign_in_by_code(_proof(body), body.get("password"), openid, _device(body), clock.now()))


@room.post("/auth/password")
@room.arguments(NewPasswordBody)
@room.response(200, TokensSchema)
@permission("public")
def new_password(body: Body) -> Response:
    """Set a password in place of a forgotten one, by a code for `password`; all other sign-ins end."""
    return _answer(joining.new_password(_proof(body), body["password"], _device(body), clock.now()))


@room.post("/auth/wechat")
@room.arguments(WechatBody)
@room.response(200, TokensSchema)
@permission("public")
def wechat_login(body: Body) -> Response:
    """Sign in as the WeChat user of a mini-program, once linked to an account by a code to its phone."""
    return _answer(wechat.sign_in_by_wechat(body["wechat_code"], _device(body), clock.now()))


@room.get("/consent")
@room.response(200, ConsentSchema)
@room.cached
@permission("public")
def consent_text() -> Response:
    """The text on personal data that is to be agreed to now."""
    return public_answer(consent.present(), 300)


@room.post("/me/consent")
@room.arguments(ConsentBody)
@room.response(204)
@permission("signed_in")
def agree(body: Body) -> Response:
    """Agree to the present text on personal data."""
    consent.check_present(body["version"])
    with unit_of_work() as session:
        consent.give(session, current_caller().account_id, clock.now())
    return Response(status=204)


@room.delete("/me/consent")
@room.response(204)
@permission("signed_in")
def disagree() -> Response:
    """Take one's consent back, from now on."""
    with unit_of_work() as session:
        consent.withdraw(session, current_caller().account_id, clock.now())
    return Response(status=204)


@room.post("/me/phone")
@room.arguments(ProofBody)
@room.response(204)
@permission("signed_in")
def phone(body: Body) -> Response:
    """Have another number, or prove the present one anew, by a code for `phone`; the old number is told."""
    joining.change_phone(current_caller().account_id, _proof(body), clock.now())
    return Response(status=204)


@room.post("/me/password")
@room.arguments(ChangePasswordBody)
@room.response(204)
@permission("signed_in")
def password(body: Body) -> Response:
    """Have another password; the other sign-ins end."""
    caller = current_caller()
    current: str | None = body.get("current")
    joining.change_password(caller.account_id, caller.sign_in_id, current, body["password"], clock.now())
    return Response(status=204)


@room.get("/me/sign-ins")
@room.response(200, SignInsSchema)
@permission("signed_in")
def sign_ins() -> Response:
    """The devices I am signed in on, and sign-ins that ended of late."""
    caller = current_caller()
    return answer(listing(devices.sign_ins(caller.account_id, caller.sign_in_id, clock.now())))


@room.delete("/me/sign-ins")
@room.response(204)
@permission("signed_in")
def sign_out_others() -> Response:
    """End all my sign-ins but this one."""
    caller = current_caller()
    devices.sign_out_others(caller.account_id, caller.sign_in_id, clock.now())
    return Response(status=204)


@room.delete("/me/sign-ins/<uuid:sign_in_id>")
@room.response(204)
@permission("signed_in")
def sign_out_one(sign_in_id: uuid.UUID) -> Response:
    """End one of my sign-ins: its tokens die at once."""
    devices.sign_out(current_caller().account_id, sign_in_id, clock.now())
    return Response(status=204)


def _answer(tokens: Tokens, status: int = 200) -> Response:
    return answer({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}, status)


def _device(body: Body) -> Device:
    return Device(body.get("device_id"), body.get("device_name"))


def _proof(body: Body) -> Proof:
    return Proof(body["code_id"], body["phone"], body["code"])


def _openid(body: Body) -> str | None:
    return wechat.openid_of(body["wechat_code"]) if "wechat_code" in body else None
