"""Who calls or walks in: what the desk writes down of them, with their consent."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from backend.cases.reporters import Identity
from backend.http.fields import Strict, Text
from backend.http.ids import new_id
from backend.http.problems import Invalid, Problem
from backend.people.access import Caller
from backend.people.phones import Phone

CHANNELS: Mapping[str, str] = {"hotline": "热线", "walk_in": "来访"}
ASKED = "asked at the desk"
"""The consent of who was asked for it while a report was written down."""


class CallerBody(Strict):
    """Somebody for whom the desk writes a report down. Name and phone only if they agreed that these are kept."""

    channel = fields.String(required=True, validate=validate.OneOf(tuple(CHANNELS)))
    name = Text(100)
    phone = Phone(metadata={"example": "13800000001"})
    consent = fields.Boolean(load_default=False, metadata={"description": "true: asked, and agreed to"})


class NotForOthers(Problem):
    """A report for somebody else by who may not write one down."""

    status, code = 403, "not_for_others"
    zh = "只有镇网格中心可以代来电、来访群众登记；请去掉“caller”，以自己的名义上报。"
    en = "Only the town's desk writes down reports of callers and walk-ins; leave `caller` out and report it as yours."


def written_down_for(caller: Caller, told: Mapping[str, Any], reporting: str) -> Identity:
    """Whoever called, as the reporter: known by an id of their own, with a name and a phone if they left any.

    Raises NotForOthers, and Invalid for a name or phone without consent.
    """
    if not caller.may("file_for_caller"):
        raise NotForOthers
    name, phone = told.get("name"), told.get("phone")
    if (name or phone) and not told["consent"]:
        needed = ("记录姓名或电话须先征得本人同意。", "Ask for consent before a name or phone is kept.")
        raise Invalid({"caller": {"consent": [needed]}})
    if reporting == "anonymous" or not (name or phone):
        return Identity(new_id(), "anonymous", without_account=True)
    return Identity(new_id(), reporting, name, phone, without_account=True, consent=ASKED)
