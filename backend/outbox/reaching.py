"""Where a message goes now: an address becomes a person only when it is sent, and only if they want it."""

import uuid
from dataclasses import dataclass

from backend.http.registry import ask
from backend.outbox.messages import ACCOUNT, REPORTER, SUPPORTER
from backend.outbox.texts import Language, Template


@dataclass(frozen=True)
class Number:
    """A phone that somebody left who has no account: whoever has one by this number is not meant."""

    phone: str


Who = uuid.UUID | str | Number
"""An account, the phone of somebody whether they have one or not, or of somebody who has none."""


@dataclass(frozen=True)
class Reach:
    """The ways to a person who has an account, and those that they have switched off."""

    account: uuid.UUID
    phone: str | None
    openid: str | None
    email: str | None
    language: Language
    off: frozenset[str]

    def by(self, channel: str, template: Template) -> str | None:
        """Where a text reaches the person on a channel; None where it cannot, or is not wanted there."""
        wanted = template.security or (channel not in self.off and channel in template.channels)
        return {"sms": self.phone, "wechat": self.openid, "email": self.email}[channel] if wanted else None


def reach(who: Who) -> Reach | None:
    """How to reach an account, or the account of a phone; None where there is none in use."""
    found: Reach | None = None if isinstance(who, Number) else ask("reach", who)
    return found


def resolved(channel: str, address: str, template: Template) -> str | None:
    """Where a message goes now; None when there is nobody to get it, and so nothing to send."""
    kind, _, thing = address.rpartition(":")
    if kind in (REPORTER, SUPPORTER):
        who: Who | None = ask(f"account_of_{kind}", thing)
    else:
        who = uuid.UUID(thing) if kind == ACCOUNT else address
    if isinstance(who, Number):
        return who.phone if channel == "sms" else None
    person = reach(who) if who is not None else None
    if isinstance(who, uuid.UUID) or who is None:
        return person.by(channel, template) if person else None
    if person is None or channel == "email":
        return who
    # To the number that was named, whatever others the person has by now.
    return who if person.by(channel, template) is not None or template.security else None
