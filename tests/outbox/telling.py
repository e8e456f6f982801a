"""Sharing out and sending all that waits, for tests of whom something is told."""

from __future__ import annotations

from flask import Flask

from backend.http import clock
from backend.outbox.sending import Message, send_due
from backend.outbox.sharing import share_out


def phones_told(app: Flask, template: str) -> list[str]:
    """The phones that get a text now, sorted; all other messages that wait are sent, too."""
    sent = list[Message]()
    with app.app_context():
        while share_out(("sms",), clock.now()):
            pass
        while send_due(sent.append, clock.now()):
            pass
    return sorted(message.address for message in sent if message.template == template)
