"""Evidence in a bucket, against a server that speaks S3."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from moto.server import ThreadedMotoServer

from backend import create_app
from backend.config import Config
from backend.evidence.attaching import discard_orphans, discard_unattached
from backend.evidence.bucket_store import BucketStore
from backend.evidence.photo_store import photo_store
from backend.evidence.store import KINDS, StorageUnavailable
from backend.http import clock
from tests.conftest import close_engines
from tests.evidence import photos, recordings
from tests.evidence.conftest import sender
from tests.town import People

PHOTO = uuid.uuid4()
BUCKET = "grid1258-evidence"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, app: Flask) -> Config:
    """The app's settings with an empty bucket of its own."""
    import requests

    name = f"{BUCKET}-{uuid.uuid4().hex[:8]}"
    assert requests.put(f"{server}/{name}", timeout=10).status_code == 200
    settings = {"EVIDENCE_BUCKET": name, "EVIDENCE_ENDPOINT": server, "EVIDENCE_KEY": "key"}
    return dataclasses.replace(app.config["TOWN_CONFIG"], **settings, EVIDENCE_SECRET="secret")


def file(folder: Path, content: bytes) -> Path:
    (folder / "file").write_bytes(content)
    return folder / "file"


def test_a_bucket_does_what_a_folder_does(bucket: Config, tmp_path: Path) -> None:
    store, content = BucketStore(bucket), os.urandom(100_000)
    assert list(store.put_before(clock.now() + timedelta(days=1))) == []
    for kind in KINDS:
        store.put(kind, PHOTO, file(tmp_path, content))
    assert store.size("original", PHOTO) == len(content)
    assert store.read("served", PHOTO, 70_000, 10) == content[70_000:70_010]
    assert store.read("served", PHOTO, 99_990, 1 << 20) == content[99_990:]
    assert list(store.put_before(clock.now() + timedelta(days=1))) == [PHOTO]
    assert list(store.put_before(clock.now() - timedelta(days=1))) == []
    store.delete(PHOTO, ("original",))
    for missing in (lambda: store.size("original", PHOTO), lambda: store.read("original", PHOTO, 0, 9)):
        with pytest.raises(FileNotFoundError):
            missing()
    assert store.size("thumbnail", PHOTO) == len(content)
    store.delete(PHOTO)
    store.delete(PHOTO)
    assert list(store.put_before(clock.now() + timedelta(days=1))) == []


def test_a_large_file_goes_in_parts(bucket: Config, tmp_path: Path) -> None:
    store, content = BucketStore(bucket), os.urandom(12_000_000)
    store.put("original", PHOTO, file(tmp_path, content))
    assert store.size("original", PHOTO) == len(content)
    assert store.read("original", PHOTO, 11_999_000, 1000) == content[-1000:]


def test_photos_and_films_are_sent_seen_and_discarded_as_in_a_folder(bucket: Config) -> None:
    app = create_app(bucket)
    people = People(app.test_client())
    send = sender(people)
    photo, film = send(file=photos.telling_jpeg()).json["id"], send(file=recordings.film(), name="a.mp4").json["id"]
    assert people["resident"].get(f"/evidence/{photo}").data.startswith(b"\xff\xd8\xff")
    part = people["resident"].get(f"/evidence/{film}", Range="bytes=4-7")
    assert (part.status_code, part.data) == (206, b"ftyp")
    with app.app_context():
        stored = [photo_store().read(kind, uuid.UUID(photo), 0, 10**9) for kind in KINDS]
        assert not [word for word in (*photos.SECRETS, b"JFIF") for content in stored if word in content]
        tomorrow = clock.now() + timedelta(days=2)
        discard_orphans(tomorrow)
        assert people["resident"].get(f"/evidence/{photo}").status_code == 200
        discard_unattached(tomorrow)
        assert list(photo_store().put_before(tomorrow)) == []
    assert not [path for path in bucket.INSTANCE.rglob("evidence/*/*") if path.is_file()]
    close_engines(app)


def test_a_service_that_does_not_answer_is_told_and_nothing_is_kept(bucket: Config) -> None:
    app = create_app(dataclasses.replace(bucket, EVIDENCE_BUCKET="there-is-none"))
    people = People(app.test_client())
    answer = sender(people)()
    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"] == "30"
    with app.app_context(), pytest.raises(StorageUnavailable):
        photo_store().put("served", PHOTO, Path(__file__))
    close_engines(app)
