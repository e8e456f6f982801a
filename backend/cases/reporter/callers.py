"""For whom a report is written down: who calls, walks in or is visited, with their consent."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from backend.cases.reporter.reporters import Identity
from backend.http.fields import Strict, Text
from backend.http.ids import new_id
from backend.http.problems import Invalid, Problem
from backend.people.access import Caller
from backend.people.phones import Phone

CHANNELS: Mapping[str, str] = {"hotline": "热线", "walk_in": "来访", "visit": "走访"}
ASKED, VISITED = "asked at the desk", "asked in the grid"
"""The consent of who was asked for it while a report was written down, by whom."""


class CallerBody(Strict):
    """Somebody for whom the desk, or the worker of the grid, writes a report down.

    Name and phone only if they agreed that these are kept.
    """

    channel = fields.String(required=True, validate=validate.OneOf(tuple(CHANNELS)))
    name = Text(100)
    phone = Phone(metadata={"example": "13800000001"})
    consent = fields.Boolean(load_default=False, metadata={"description": "true: asked, and agreed to"})


class NotForOthers(Problem):
    """A report for somebody else by who may not write one down."""

    status, code = 403, "not_for_others"
    zh = "只有镇网格中心和网格员可以代群众登记；请去掉“caller”，以自己的名义上报。"
    en = "Only the town's desk and grid workers write down what others report; leave `caller` out."


def at_desk(caller: Caller) -> bool:
    """Whether somebody writes reports down at the town's desk, and not as the worker of a grid."""
    return any("t" in letters for _, letters in caller.allowed("file_for_caller"))


def written_down_for(caller: Caller, told: Mapping[str, Any], reporting: str) -> Identity:
    """Whoever called, as the reporter, with a name and a phone if they left any.

    Written down at the desk they are known by an id of their own. What a grid worker writes down is the worker's report
    as well, who hears of it and is kept secret alike. Raises NotForOthers, and Invalid for a name or phone without
    consent.
    """
    if not caller.may("file_for_caller"):
        raise NotForOthers
    name, phone = told.get("name"), told.get("phone")
    if (name or phone) and not told["consent"]:
        needed = ("记录姓名或电话须先征得本人同意。", "Ask for consent before a name or phone is kept.")
        raise Invalid({"caller": {"consent": [needed]}})
    desk = at_desk(caller)
    account = new_id() if desk else caller.account_id
    if reporting == "anonymous" or not (name or phone):
        return Identity(account, "anonymous", without_account=desk)
    return Identity(account, reporting, name, phone, without_account=desk, consent=ASKED if desk else VISITED)
