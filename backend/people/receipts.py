"""Receipts: sixteen digits with which somebody who stays anonymous asks after their report.

A receipt is derived from the Idempotency-Key of the filing under a key of the server, so that a resend gets the same
one, and kept only as a tag: neither the database nor a backup tells one.
"""

import hmac
import uuid
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend.http.reading import row
from backend.http.tags import keyed_hash, tag
from backend.http.work import add
from backend.people.receipt_tables import Receipt

DIGITS = 16
_kept = select(Receipt.tag, Receipt.thing_id).where(Receipt.tag == bindparam("tag"))


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
    compared in constant time all the same.
    """
    digits = receipt.replace(" ", "").replace("-", "")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    asked = _tag(digits)
    found = row(_kept, tag=asked)
    if found is None or not hmac.compare_digest(found.tag.bytes, asked.bytes):
        return None
    thing: uuid.UUID = found.thing_id
    return thing


def _tag(receipt: str) -> uuid.UUID:
    return tag("receipt kept", receipt.encode())
