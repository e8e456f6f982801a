"""Sending a film or sound, and playing it."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from backend.evidence.originals import original_of
from backend.evidence.routes import SEATS, _seats
from backend.evidence.tables import Evidence
from backend.http.reading import rows
from tests.evidence import photos, recordings
from tests.town import People


def test_a_film_is_answered_with_what_its_sender_may_know_and_played_in_parts(people: People, send) -> None:
    told = send(file=recordings.film(), name="VID_0001.mp4").json
    film = told.pop("id")
    assert told.pop("created_at") and told.pop("seconds") == pytest.approx(1, abs=0.3)
    assert told == {"content_type": "video/mp4", "width": 64, "height": 48, "taken_at": "2026-03-05T23:30:00+08:00"}
    whole = people["resident"].get(f"/evidence/{film}")
    assert (whole.status_code, whole.content_type) == (200, "video/mp4")
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.content_length == len(whole.data)
    for wanted, part in (
        ("bytes=0-9", whole.data[:10]),
        ("bytes=100-", whole.data[100:]),
        ("bytes=-7", whole.data[-7:]),
    ):
        answer = people["resident"].get(f"/evidence/{film}", Range=wanted)
        assert (answer.status_code, answer.data) == (206, part)
        assert answer.headers["Content-Range"].endswith(f"/{len(whole.data)}")
    beyond = people["resident"].get(f"/evidence/{film}", Range=f"bytes={len(whole.data)}-")
    assert (beyond.status_code, beyond.json["code"]) == (416, "no_such_part")
    assert people["resident"].get(f"/evidence/{film}/thumbnail").content_type == "image/jpeg"


def test_a_voice_note_is_played_and_has_no_thumbnail(app: Flask, people: People, send) -> None:
    told = send(file=recordings.sound(codec="libmp3lame", container="mp3"), name="voice.mp3").json
    assert (told["content_type"], told["width"], told["height"]) == ("audio/mpeg", None, None)
    assert people["resident"].get(f"/evidence/{told['id']}").content_type == "audio/mpeg"
    assert people["resident"].get(f"/evidence/{told['id']}/thumbnail").status_code == 404
    with app.app_context():
        (kept,) = rows(Evidence.__table__.select())
        assert original_of(kept.id, kept.sealed).look is None and kept.media == "audio/mpeg"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        pytest.param(photos.half(recordings.film()), "unreadable_recording", id="half a film"),
        pytest.param(recordings.stretched(), "recording_too_long", id="days"),
        pytest.param(recordings.film(codec="mpeg4"), "recording_not_taken", id="MPEG-4 part 2"),
    ],
)
def test_what_is_refused_is_explained_and_leaves_nothing(app: Flask, send, kept, file: bytes, code: str) -> None:
    for language, word in (("zh-CN", "请"), ("en", "send")):
        answer = send(file=file, Accept_Language=language)
        assert (answer.status_code, answer.json["code"]) == (422, code)
        assert word in answer.json["detail"] and "{" not in answer.json["detail"]
    assert kept() == set()
    with app.app_context():
        assert rows(Evidence.__table__.select()) == []


def test_a_film_may_be_larger_than_a_photo_up_to_its_own_limit(send, kept) -> None:
    padding = recordings.box(b"free", bytes(30_000_000))
    assert send(file=recordings.film() + padding).status_code == 201
    assert len(kept()) == 3
    answer = send(file=recordings.film() + recordings.box(b"free", bytes(100_000_000)))
    assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")
    assert answer.json["photo"] == 20 and answer.json["recording"] == 100
    assert len(kept()) == 3


def test_only_the_route_for_evidence_takes_so_much(people: People) -> None:
    for role, path, size in (
        ("admin", "/areas/import?crs=wgs84&source=t", 30_000_000),
        ("resident", "/cases", 2_000_000),
    ):
        headers = people[role].headers | {"Content-Type": "application/json"}
        assert people.client.post(f"/api/v1{path}", data=bytes(size), headers=headers).status_code == 413


def test_slow_senders_of_large_films_leave_the_worker_room_for_others(send, kept) -> None:
    large = recordings.film() + recordings.box(b"free", bytes(21_000_000))
    for _ in range(SEATS):
        assert _seats.acquire(blocking=False)
    try:
        answer = send(file=large)
        assert (answer.status_code, answer.json["code"]) == (429, "too_many_photos_at_once")
        assert answer.headers["Retry-After"] == "30" and kept() == set()
        assert send().status_code == send(file=recordings.sound()).status_code == 201
    finally:
        _seats.release(SEATS)
    for _ in range(SEATS + 1):
        assert send(file=large).status_code == 201


def test_a_film_sent_again_under_its_key_is_kept_once(send, kept) -> None:
    key, file = str(uuid.uuid4()), recordings.film()
    first, again = (send(file=file, Idempotency_Key=key) for _ in range(2))
    assert (again.status_code, again.get_data()) == (201, first.get_data()) and len(kept()) == 3
