"""A receipt is the same for a resend, unlike any other, and nowhere kept as it is."""

from __future__ import annotations

import uuid

from flask import Flask
from sqlalchemy import text

from backend.http.reading import rows
from backend.people.receipts import receipt_for, thing_of
from tests.town import People, report


def test_the_same_key_gets_the_same_receipt_and_another_key_or_sender_another(app: Flask) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    with app.app_context():
        receipt = receipt_for(one, "key")
        assert receipt == receipt_for(one, "key") and len(receipt) == 16 and receipt.isdecimal()
        assert len({receipt, receipt_for(one, "key 2"), receipt_for(other, "key")}) == 3
        drawn = {receipt_for(one, str(number)) for number in range(2_000)}
        assert len(drawn) == 2_000 and any(one.startswith("0") for one in drawn)


def test_the_same_key_has_another_receipt_on_another_server(app: Flask) -> None:
    one = uuid.uuid4()
    with app.app_context():
        before = receipt_for(one, "key")
        app.extensions["tag_key"] = b"another"
        assert receipt_for(one, "key") != before


def test_who_files_anonymously_gets_a_receipt_and_a_resend_gets_it_again(app: Flask, people: People) -> None:
    sent = report(reporting="anonymous")
    first, again = (people["resident"].post("/cases", sent, **{"Idempotency-Key": "k-1"}) for _ in range(2))
    assert first.status_code == again.status_code == 201
    receipt = first.json["receipt"]
    assert again.json["receipt"] == receipt
    with app.app_context():
        assert thing_of(receipt) == uuid.UUID(first.json["id"])
        assert thing_of(f"{receipt[:4]} {receipt[4:8]}-{receipt[8:]}") == uuid.UUID(first.json["id"])
        kept = rows(text("SELECT tag FROM receipts"))
        assert len(kept) == 1 and receipt not in str(kept[0].tag)
    assert "receipt" not in people["resident"].get(f"/cases/{first.json['id']}").json
    assert "receipt" not in people["resident"].post("/cases", report()).json


def test_what_is_no_receipt_belongs_to_nothing(app: Flask, people: People) -> None:
    people["resident"].post("/cases", report(reporting="anonymous"))
    with app.app_context():
        for written in ("", "0" * 16, "1" * 15, "1" * 17, "x" * 16, "１" * 16, "0" * 10_000):
            assert thing_of(written) is None, written
