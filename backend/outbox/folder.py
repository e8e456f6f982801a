"""The development sender: each message becomes a file that a developer, or a test, can read."""

import os
from pathlib import Path

import orjson
from flask import current_app
from sqlalchemy.orm import Session

from backend.config import Config
from backend.outbox.messages import forget_address
from backend.outbox.sending import Message, Sender


def folder_sender(folder: Path) -> Sender:
    """A sender that writes into `folder`, made when it does not exist, for the eyes of the server's user only.

    The file is named by the message's id, so that sending again changes nothing, and appears only when it is whole.
    """

    def write(message: Message) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {"id": message.id, "channel": message.channel, "address": message.address, "body": message.body}
        path = folder / f"{message.id}.json"
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.unlink(missing_ok=True)
        with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        partial.replace(path)

    return write


def forget_messages(session: Session, address: str) -> None:
    """Delete the messages to an address, and their files where they were written."""
    config: Config = current_app.config["TOWN_CONFIG"]
    for message in forget_address(session, address):
        (config.outbox_folder / f"{message}.json").unlink(missing_ok=True)
