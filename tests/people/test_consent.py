"""Consent is on record with its version, can be taken back, and is asked for anew when the text changes."""

from __future__ import annotations

import hashlib

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.http.reading import AnyRow, rows
from backend.people import consent
from backend.people.tables import Consent
from tests.people.joiners import Member, register
from tests.town import Person


def kept(app: Flask) -> list[AnyRow]:
    with app.app_context():
        return list(rows(select(Consent.__table__).order_by(Consent.given_at)))


def test_the_present_text_is_there_for_everybody_in_both_languages(client: FlaskClient) -> None:
    text = client.get("/api/v1/consent")
    assert text.status_code == 200 and set(text.json) == {"version", "zh", "en"}
    assert all(len(text.json[language]) > 100 for language in ("zh", "en"))


def test_versions_are_told_apart_by_their_names() -> None:
    names = [text["version"] for text in consent.versions()]
    assert len(set(names)) == len(names) and all(len(name) <= 20 for name in names)


def test_registering_puts_down_which_words_were_agreed_to_and_when(app: Flask, client: FlaskClient) -> None:
    mine = Member(client, register(client))
    (row,) = kept(app)
    text = consent.present()
    assert (str(row.account_id), row.version, row.withdrawn_at) == (mine.me["id"], text["version"], None)
    assert row.text_hash == hashlib.sha256(f"{text['zh']}\n{text['en']}".encode()).digest()
    assert mine.me["consent"] == {"version": text["version"], "needed": False}


def test_consent_taken_back_stays_on_record_and_can_be_given_again(app: Flask, client: FlaskClient) -> None:
    mine = Member(client, register(client))
    assert mine.call("DELETE", "/me/consent").status_code == 204
    assert mine.me["consent"]["needed"] and kept(app)[0].withdrawn_at is not None
    for _ in range(2):  # once is enough
        assert mine.call("POST", "/me/consent", {"version": consent.present()["version"]}).status_code == 204
    assert [row.withdrawn_at is None for row in kept(app)] == [False, True]
    assert not mine.me["consent"]["needed"]


def test_a_new_version_is_asked_about_again(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Member(client, register(client))
    texts = [*consent.versions(), {"version": "2027-01", "zh": "新的告知", "en": "the new text"}]
    monkeypatch.setattr(consent, "versions", lambda: texts)
    assert mine.me["consent"] == {"version": "2027-01", "needed": True}
    old = mine.call("POST", "/me/consent", {"version": "2026-11"})
    assert (old.status_code, old.json["code"]) == (409, "consent_needed")
    assert mine.call("POST", "/me/consent", {"version": "2027-01"}).status_code == 204
    assert [row.version for row in kept(app)] == ["2026-11", "2027-01"]


def test_whose_account_the_town_made_is_asked_at_their_first_sign_in(client: FlaskClient) -> None:
    assert Person(client, "13800000001").get("/me").json["consent"]["needed"]
