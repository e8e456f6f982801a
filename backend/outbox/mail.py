"""E-mail over SMTP (RFC 5321), in plain text.

The Message-ID is the message's own, so that a second copy can be told.
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urlsplit

from backend.http import clock
from backend.outbox.sending import Message, Sender, Undeliverable
from backend.outbox.texts import title

TIMEOUT_SECONDS = 8.0
PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


def mail_sender(server: str, user: str, password: str, sender: str) -> Sender:
    """A sender through `server` (smtps://host, smtp+starttls://host or smtp://host, each with :port where another is
    meant), as the address `sender`."""
    place = urlsplit(server)
    host, port = place.hostname or "", place.port or PORTS[place.scheme]

    def connect() -> smtplib.SMTP:
        if place.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        plain = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        if place.scheme == "smtp+starttls":
            plain.starttls(context=ssl.create_default_context())
        return plain

    def send(message: Message) -> None:
        with connect() as connection:
            if user:
                connection.login(user, password)
            try:
                connection.send_message(written(message, sender))
            except smtplib.SMTPRecipientsRefused as refused:
                if all(code >= 500 for code, _ in refused.recipients.values()):
                    raise Undeliverable from None
                raise

    return send


def written(message: Message, sender: str) -> EmailMessage:
    """The mail of a message."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, message.address, title(message.language)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody answers it by machine
    mail.set_content(message.body)
    return mail
