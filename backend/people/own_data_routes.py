"""A copy of my data, and being forgotten."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Strict, Text
from backend.http.permission import permission
from backend.http.problems import Invalid
from backend.http.reading import answer
from backend.people.caller import current_caller
from backend.people.codes import Proof
from backend.people.joining_schemas import SIX_DIGITS
from backend.people.own_data import data_of, forget_me
from backend.people.passwords import LONGEST_PASSWORD
from backend.people.phones import Phone

room = Room("own_data", "A copy of my data, and being forgotten")
_ONE_OF = ("请填写密码，或填写验证码（code_id、phone、code）。", "Give the password, or a code (code_id, phone, code).")


def _list(description: str) -> Any:
    return fields.List(fields.Dict(), required=True, metadata={"description": description})


class MyDataSchema(Schema):
    """All that is kept of a person."""

    made_at = fields.AwareDateTime(required=True)
    account = fields.Dict(required=True, metadata={"description": "id, name, phone, WeChat openid, since when"})
    roles = _list("role, area, department, from, to")
    absences = _list("leave: from, to, why")
    office_contact = fields.String(
        required=True, allow_none=True, metadata={"description": "what everybody reads to reach my office"}
    )
    proposals = _list("what villages proposed me for on the roster, and what the admin said")
    clearings = _list("my roles that were cleared for protected reports, signed and revoked when")
    conflicts = _list("villages in which I am not impartial: why, from, to")
    duty_shifts = _list("when I am or was on duty, for what, and the note with it")
    sign_ins = _list("device, since, last used, ended and why")
    consents = _list("version of the text, given, taken back")
    messages = _list("messages to my phone, account and e-mail address of the last 30 days")
    notices = _list("my inbox of the last half year")
    notice_preferences = fields.Dict(required=True, metadata={"description": "channels, language, e-mail address"})
    accesses = _list("who looked at my data, when, why")
    reports = _list("my reports as I see them, each with its timeline")
    supported = _list("reports of others that I joined in, each with its messages")
    saved_filters = _list("filters that I keep for the list of cases")
    service_points = _list("service points that I am in charge of")
    photos = _list("photos I sent and what their originals told; `at` is where to fetch each")
    event_sign_ups = _list("events that I signed up for, came to, and the minutes credited for them")
    bookings = _list("rooms that I have, had or wait for: room, from, to, what for, status")


class ForgetMeBody(Strict):
    """Who is really asking: the password, or a code sent to the account's phone for `forget`."""

    password = Text(LONGEST_PASSWORD)
    code_id = fields.UUID()
    phone = Phone()
    code = fields.String(validate=SIX_DIGITS, metadata={"pattern": "^[0-9]{6}$"})


@room.get("/me/data")
@room.response(200, MyDataSchema)
@permission("signed_in")
def copy() -> Response:
    """A copy of all that is kept of me."""
    name = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return answer(data_of(current_caller(), clock.now()), headers=name)


@room.delete("/me")
@room.arguments(ForgetMeBody)
@room.response(204)
@permission("signed_in")
def forget(body: dict[str, Any]) -> Response:
    """Have my account forgotten, for good: reports stay without me, all my sign-ins end, the number is free again."""
    given = {name for name in ("code_id", "phone", "code") if name in body}
    if ("password" in body) == bool(given) or len(given) not in (0, 3):
        raise Invalid({"password": [_ONE_OF]})
    proof = Proof(body["code_id"], body["phone"], body["code"]) if given else None
    forget_me(current_caller().account_id, body.get("password"), proof, clock.now())
    return Response(status=204)
