"""Where a message goes now: an address becomes a person only when it is sent, and only if they want it."""

import uuid
from collections.abc import Collection, Iterable
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


_BEHIND = {REPORTER: "who_reported", SUPPORTER: "who_joined"}


def behind(addresses: Collection[str]) -> dict[str, Who]:
    """Who is behind each address now, except of `holder:` and `desk:`; where there is nobody, it is left out."""
    found: dict[str, Who] = {}
    hidden: dict[str, dict[uuid.UUID, str]] = {}
    for address in addresses:
        kind, _, thing = address.rpartition(":")
        if kind in _BEHIND:
            hidden.setdefault(kind, {})[uuid.UUID(thing)] = address
        else:
            found[address] = uuid.UUID(thing) if kind == ACCOUNT else address
    for kind, things in hidden.items():
        found |= {things[thing]: who for thing, who in ask(_BEHIND[kind], things.keys()).items()}
    return found


def reach(people: Collection[Who]) -> dict[Who, Reach]:
    """How to reach accounts, and the accounts of phones; where none is in use, it is left out."""
    found: dict[Who, Reach] = ask("reach", {who for who in people if not isinstance(who, Number)})
    return found


def resolved(channel: str, messages: Iterable[tuple[str, Template]]) -> list[str | None]:
    """Where each message goes now, by its address and text; None when nobody is to get it, and so nothing to send."""
    messages = list(messages)
    people = behind([address for address, _ in messages])
    ways = reach(people.values())
    return [
        _resolved(channel, people[address], ways.get(people[address]), text) if address in people else None
        for address, text in messages
    ]


def _resolved(channel: str, who: Who, person: Reach | None, template: Template) -> str | None:
    if isinstance(who, Number):
        return who.phone if channel == "sms" else None
    if isinstance(who, uuid.UUID):
        return person.by(channel, template) if person else None
    if person is None or channel == "email":
        return who
    # To the number that was named, whatever others the person has by now.
    return who if person.by(channel, template) is not None or template.security else None
