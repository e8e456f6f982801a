"""Mails go through a mail server over SMTP, and say no more than that there is news."""

import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from smtplib import SMTPAuthenticationError
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from backend.outbox.mail import mail_sender
from backend.outbox.sending import Message, Undeliverable

# Authenticated without TLS only here, on this machine.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
ID = uuid.UUID("01930000-0000-7000-8000-000000000001")
MESSAGE = Message(ID, "email", "somebody@example.org", "您反映的事项有新进展，请登录查看。", "case_update", "zh")


@dataclass
class Post:
    """What a mail server got, and what it says to a recipient."""

    port: int
    says: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.says.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.says

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.recipients += envelope.rcpt_tos
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 taken"


def known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    fits = isinstance(data, LoginPassword) and (data.login, data.password) == (b"town", b"secret")
    return AuthResult(success=fits, handled=fits)


@pytest.fixture
def post() -> Iterator[Post]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    handler = Post(port=port)
    server = Controller(
        handler, "127.0.0.1", port=port, authenticator=known, auth_required=True, auth_require_tls=False
    )
    server.start()
    yield handler
    server.stop()


def send(post: Post, password: str = "secret") -> None:
    mail_sender(f"smtp://127.0.0.1:{post.port}", "town", password, "九江网格 <notices@town.example>")(MESSAGE)


def test_a_mail_arrives_with_the_words_and_the_messages_id(post: Post) -> None:
    send(post)
    (mail,) = post.mails
    assert post.recipients == ["somebody@example.org"]
    assert (mail["Subject"], mail["Message-ID"]) == ("您有一条新通知", f"<{ID}@town.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().strip() == "您反映的事项有新进展，请登录查看。"


def test_a_recipient_that_is_none_is_given_up_and_a_full_one_is_tried_again(post: Post) -> None:
    post.says = "550 no such user"
    with pytest.raises(Undeliverable):
        send(post)
    post.says = "452 mailbox full"
    with pytest.raises(Exception) as raised:  # noqa: PT011
        send(post)
    assert not isinstance(raised.value, Undeliverable)


def test_a_wrong_password_counts_as_not_sent(post: Post) -> None:
    with pytest.raises(SMTPAuthenticationError):
        send(post, "wrong")
    assert post.mails == []
