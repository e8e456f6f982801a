"""Sending a photo."""

from __future__ import annotations

import hashlib
import io
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from backend.evidence.folder_store import photo_folder
from backend.evidence.originals import original_of
from backend.evidence.tables import Evidence
from backend.http.envelope import CannotOpen
from backend.http.reading import row
from tests.evidence import photos
from tests.town import People

EVIDENCE = Evidence.__table__


def rows_kept(app: Flask) -> int:
    with app.app_context():
        found = row(select(func.count().label("n")).select_from(EVIDENCE))
        assert found is not None
        return int(found.n)


def test_a_photo_is_answered_with_its_id_and_what_its_sender_may_know(send) -> None:
    answer = send(file=photos.telling_jpeg(orientation=6))
    assert answer.status_code == 201
    told = answer.json
    assert uuid.UUID(told.pop("id")) and told.pop("created_at")
    assert told == {
        "content_type": "image/jpeg",
        "width": 20,
        "height": 40,
        "seconds": None,
        "taken_at": "2026-03-05T23:30:00+08:00",
    }


def test_what_the_original_told_is_kept_sealed(app: Flask, send) -> None:
    file = photos.saved(photos.picture(), "HEIF", exif=photos.exif(offset="+09:00").tobytes())
    photo = uuid.UUID(send(file=file, name="DSC 刘德华 440605199001011234.jpg").json["id"])
    with app.app_context():
        found = row(select(EVIDENCE).where(EVIDENCE.c.id == photo))
        assert found is not None
        told = original_of(photo, found.sealed)
        with pytest.raises(CannotOpen):
            original_of(uuid.uuid4(), found.sealed)
    assert (told.content_type, told.width, told.height, told.size) == ("image/heic", 40, 20, len(file))
    assert (told.lon, told.lat) == (pytest.approx(113.0055), pytest.approx(22.87))
    assert told.taken_at is not None and told.taken_at.isoformat() == "2026-03-05T22:30:00+08:00"
    assert told.sha256 == hashlib.sha256(file).digest()
    assert (found.case_id, found.event_version, found.slot, found.media) == (None, None, None, "image/jpeg")


def test_no_file_name_of_a_phone_is_kept_and_only_the_server_reads_the_files(app: Flask, send, kept) -> None:
    photo = send(name="../../刘德华.jpg").json["id"]
    assert kept() == {f"original/{photo}", f"served/{photo}", f"thumbnail/{photo}"}
    with app.app_context():
        root = photo_folder()
    for path in (root, *root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        pytest.param(b"", 422, "empty_file", id="nothing"),
        pytest.param(photos.NOT_A_PHOTO["a page named jpg"], 422, "not_a_photo", id="a page"),
        pytest.param(photos.half(photos.jpeg(photos.rough(200, 200))), 422, "unreadable_photo", id="half a photo"),
        pytest.param(photos.png(50_000, 10), 422, "too_many_pixels", id="50,000 pixels wide"),
        pytest.param(photos.empty_png(10_000, 10_000), 422, "too_many_pixels", id="100 megapixels"),
        pytest.param(photos.jpeg() + bytes(20_000_000), 413, "file_too_large", id="above 20 MB"),
        pytest.param(photos.jpeg() + bytes(21_000_000), 413, "file_too_large", id="far above 20 MB"),
    ],
)
def test_what_is_refused_is_explained_and_leaves_nothing(app: Flask, send, kept, file, status, code) -> None:
    for language, word in (("zh-CN", "请"), ("en", "send")):
        answer = send(file=file, Accept_Language=language)
        assert (answer.status_code, answer.json["code"]) == (status, code)
        assert answer.content_type == "application/problem+json"
        assert word in answer.json["detail"]
        assert ("20 MB" in answer.json["detail"]) == (status == 413)
    assert kept() == set() and rows_kept(app) == 0


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({}, "file"),
        ({"file": "text, not a file"}, "file"),
        ({"photo": (io.BytesIO(photos.jpeg()), "a.jpg")}, "file"),
        ({"file": (io.BytesIO(photos.jpeg()), "a.jpg"), "case_id": "1"}, "case_id"),
        ({"file": [(io.BytesIO(photos.jpeg()), "a.jpg"), (io.BytesIO(photos.jpeg()), "b.jpg")]}, "file"),
    ],
)
def test_a_form_that_is_not_one_photo_is_refused_and_says_by_which_part(
    app: Flask, people: People, form, named
) -> None:
    answer = people.client.post(
        "/api/v1/evidence", data=form, headers=people["resident"].headers, content_type="multipart/form-data"
    )
    assert answer.status_code == 422 and named in answer.json["errors"]
    assert rows_kept(app) == 0


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data", 422),
        ("multipart/form-data; boundary=x", 422),
        ("application/json", 415),
        ("image/jpeg", 415),
        ("", 415),
    ],
)
def test_a_body_that_is_no_form_is_refused(people: People, content_type: str, status: int) -> None:
    headers = people["resident"].headers | {"Content-Type": content_type}
    answer = people.client.post("/api/v1/evidence", data=b"\0--x\r\nnothing of the kind", headers=headers)
    assert answer.status_code == status and answer.content_type == "application/problem+json"


def test_a_photo_sent_again_under_its_key_is_kept_once(app: Flask, send, kept) -> None:
    key = str(uuid.uuid4())
    first, again = (send(Idempotency_Key=key, file=photos.telling_jpeg()) for _ in range(2))
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert rows_kept(app) == 1 and len(kept()) == 3


def test_a_key_used_for_another_photo_is_refused(app: Flask, send, kept) -> None:
    key = str(uuid.uuid4())
    assert send(Idempotency_Key=key).status_code == 201
    answer = send(Idempotency_Key=key, file=photos.telling_png())
    assert (answer.status_code, answer.json["code"]) == (422, "key_reused")
    assert rows_kept(app) == 1 and len(kept()) == 3


def test_a_key_is_its_senders_own(app: Flask, send) -> None:
    key = str(uuid.uuid4())
    assert send("resident", Idempotency_Key=key).json["id"] != send("grid_worker", Idempotency_Key=key).json["id"]
    assert rows_kept(app) == 2


def test_two_photos_without_a_key_are_two(app: Flask, send, kept) -> None:
    assert send().json["id"] != send().json["id"]
    assert rows_kept(app) == 2 and len(kept()) == 6


def test_a_photo_sent_several_times_at_once_under_its_key_is_kept_once(app: Flask, people: People, kept) -> None:
    headers = people["resident"].headers | {"Idempotency-Key": str(uuid.uuid4())}

    def post(_: int) -> TestResponse:
        form = {"file": (io.BytesIO(photos.jpeg()), "a.jpg")}
        return app.test_client().post("/api/v1/evidence", data=form, headers=headers)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(post, range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert rows_kept(app) == 1 and len(kept()) == 3


def test_a_photo_whose_row_cannot_be_kept_leaves_no_file(app: Flask, send, kept, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backend.evidence.receiving.insert", fail)
    answer = send()
    assert (answer.status_code, answer.json["code"]) == (507, "storage_full")
    assert kept() == set() and rows_kept(app) == 0


@pytest.mark.parametrize("role", ["committee", "admin", "auditor"])
def test_who_files_and_handles_nothing_sends_no_photos(send, role: str) -> None:
    assert send(role).status_code == 404


def test_nobody_sends_a_photo_without_signing_in(app: Flask, client) -> None:
    answer = client.post("/api/v1/evidence", data={"file": (io.BytesIO(photos.jpeg()), "a.jpg")})
    assert answer.status_code == 401 and rows_kept(app) == 0
