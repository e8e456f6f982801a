"""Receipts: sixteen digits with which somebody without an account, or who stays anonymous, asks after their report.

A receipt is derived from the Idempotency-Key of the filing under a key of the server, so that a resend gets the same
one, and kept only as a tag: neither the database nor a backup tells one.
"""

import hmac
import re
import uuid
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from backend.http.problems import Problem
from backend.http.reading import row
from backend.http.tags import keyed_hash, tag
from backend.http.work import add
from backend.people.receipt_tables import Receipt

DIGITS = 16
RECEIPT = {
    "name": "Receipt",
    "in": "header",
    "required": True,
    "description": "the sixteen digits told when it was filed; blanks and dashes between them do not count",
    "schema": {"type": "string", "maxLength": 40},
}
"""The header that names a report by its receipt, never an address: addresses are written into logs."""

_RANDOM_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_kept = select(Receipt.tag, Receipt.thing_id).where(Receipt.tag == bindparam("tag"))


class RandomKeyNeeded(Problem):
    """A key without an account that is no random UUID: whoever guesses it would be taken for who sent it."""

    status, code = 422, "random_key_needed"
    zh = "未登录提交须带随机生成的 UUID（第 4 版）作为提交编号（Idempotency-Key 或 Filing-Key）。"
    en = "Without an account, send a random UUID (version 4) as the key (Idempotency-Key, or Filing-Key for photos)."


def sender_of(key: str | None) -> uuid.UUID:
    """Who sends something without an account under a key: the same for the same key, and nobody's account.

    Raises RandomKeyNeeded.
    """
    if key is None or not _RANDOM_UUID.fullmatch(key):
        raise RandomKeyNeeded
    return tag("sender without an account", key.encode())


def receipt_for(sender: uuid.UUID, key: str) -> str:
    """The receipt of what somebody sent under an Idempotency-Key: always the same sixteen digits."""
    drawn = int.from_bytes(keyed_hash("receipt", sender.bytes + key.encode())[:16])
    return f"{drawn % 10**DIGITS:0{DIGITS}}"


def give_receipt(session: Session, sender: uuid.UUID, key: str, thing: uuid.UUID, now: datetime) -> str:
    """Keep that a receipt belongs to a thing, and answer it; the caller of this commits."""
    receipt = receipt_for(sender, key)
    add(session, Receipt, {"tag": _tag(receipt), "thing_id": thing, "given_at": now})
    return receipt


def thing_of(receipt: str) -> uuid.UUID | None:
    """What a receipt belongs to, or None. Blanks and dashes between the digits do not count.

    The index is asked for a keyed hash, so that how long it takes tells nothing of any receipt; what it finds is
    compared in constant time all the same. What is no receipt at all is looked for like one.
    """
    digits = receipt.replace(" ", "").replace("-", "")
    shaped = len(digits) == DIGITS and digits.isascii() and digits.isdecimal()
    asked = _tag(digits if shaped else "no receipt")
    found = row(_kept, tag=asked)
    if found is None or not hmac.compare_digest(found.tag.bytes, asked.bytes):
        return None
    thing: uuid.UUID = found.thing_id
    return thing


def forget_receipts(session: Session, thing: uuid.UUID) -> None:
    """Take the receipts of a thing back: they belong to nothing from then on."""
    session.execute(delete(Receipt).where(Receipt.thing_id == thing))


def _tag(receipt: str) -> uuid.UUID:
    return tag("receipt kept", receipt.encode())
