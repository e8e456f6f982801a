"""Sending photos over HTTP."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend.evidence.folder_store import photo_folder
from tests.evidence import photos
from tests.town import People

Send = Callable[..., TestResponse]


def sender(people: People) -> Send:
    """Send a file as the person of a role: `send("resident", file=…, Idempotency_Key=…)`."""

    def post(
        role: str = "resident", file: bytes | None = None, name: str = "IMG_0001.jpg", **headers: str
    ) -> TestResponse:
        form = {"file": (io.BytesIO(photos.jpeg() if file is None else file), name, "image/jpeg")}
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return people.client.post("/api/v1/evidence", data=form, headers=people[role].headers | named)

    return post


@pytest.fixture
def send(people: People) -> Send:
    return sender(people)


@pytest.fixture
def kept(app: Flask) -> Callable[[], set[str]]:
    """The files in the store, as kind/id."""

    def files() -> set[str]:
        with app.app_context():
            root: Path = photo_folder()
        return {f"{path.relative_to(root).parts[0]}/{path.name}" for path in root.rglob("*") if path.is_file()}

    return files
