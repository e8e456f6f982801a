"""`flask outbox …`: what waits, what was given up, and what the texts take."""

import uuid

import click
import orjson
from flask.cli import AppGroup

from backend.http import clock
from backend.http.work import unit_of_work
from backend.outbox import sending
from backend.outbox.sms_parts import parts_of
from backend.outbox.texts import templates

outbox = AppGroup("outbox", help="Messages that leave the system.")
_MOST = 1000


@outbox.command("status")
def status() -> None:
    """For how long the oldest message has waited, and how many were given up, as JSON for a monitor."""
    told = {
        "oldest_unsent_seconds": round(sending.oldest_unsent_seconds(clock.now()), 1),
        "given_up": len(sending.given_up(_MOST)),
    }
    click.echo(orjson.dumps(told))


@outbox.command("dead")
def dead() -> None:
    """List the messages that were given up, newest first, without whom they were for."""
    for message in sending.given_up(_MOST):
        click.echo(orjson.dumps(dict(message._mapping)))


@outbox.command("retry")
@click.argument("messages", type=click.UUID, nargs=-1)
def retry(messages: tuple[uuid.UUID, ...]) -> None:
    """Send messages that were given up again: those named, or all."""
    with unit_of_work() as session:
        again = sending.send_again(session, messages, clock.now())
    click.echo(f"{again} 条消息将重新发送。 {again} messages will be sent again.")


@outbox.command("texts")
@click.option("--sign", default="九江网格", help="The signature that the carrier puts before each SMS.")
def texts(sign: str) -> None:
    """List every text with the number of SMS it takes: what a carrier's registration asks for."""
    for name, template in templates().items():
        for language, text in (("zh", template.zh), ("en", template.en)):
            click.echo(f"{name}.{language}\t{len(parts_of(f'【{sign}】{text}'))}\t{text}")
