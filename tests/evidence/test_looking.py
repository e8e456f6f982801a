"""Who sees a photo, and what comes with it."""

from __future__ import annotations

import io
import uuid

import pytest
from flask import Flask
from PIL import Image

from backend.evidence.photo_store import photo_store
from tests.evidence import photos
from tests.town import ROLES, People, carry, unknown_id


def test_the_sender_sees_the_copy_and_the_thumbnail(people: People, send) -> None:
    photo = send(file=photos.jpeg(photos.picture(800, 400), exif=photos.exif(orientation=3))).json["id"]
    for path, size in ((f"/evidence/{photo}", (800, 400)), (f"/evidence/{photo}/thumbnail", (400, 200))):
        answer = people["resident"].get(path)
        assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(answer.get_data())).size == size
        assert not [secret for secret in photos.SECRETS if secret in answer.get_data()]


def test_a_photo_is_for_the_browser_of_whoever_may_see_it_and_nobody_elses_cache(people: People, send) -> None:
    answer = people["resident"].get(f"/evidence/{send().json['id']}")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_photo_the_browser_has_is_not_sent_again(people: People, send) -> None:
    path = f"/evidence/{send().json['id']}"
    etag = people["resident"].get(path).headers["ETag"]
    again = people["resident"].get(path, **{"If-None-Match": etag})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert people["resident"].get(f"{path}/thumbnail", **{"If-None-Match": etag}).status_code == 200
    assert people["inspector"].get(path, **{"If-None-Match": etag}).status_code == 404


def test_a_photo_that_belongs_to_no_case_is_its_senders_alone(people: People, send) -> None:
    photo = send().json["id"]
    for role in ROLES[1:]:
        for path in (f"/evidence/{photo}", f"/evidence/{photo}/thumbnail"):
            answer, unknown = people[role].get(path), people[role].get(path.replace(photo, unknown_id()))
            assert answer.status_code == 404 and answer.get_data() == unknown.get_data(), role


def test_nobody_sees_a_photo_without_signing_in(client, send) -> None:
    assert client.get(f"/api/v1/evidence/{send().json['id']}").status_code == 401


def test_an_id_that_is_none_is_not_found(people: People) -> None:
    assert people["resident"].get("/evidence/../../etc/passwd").status_code == 404
    assert people["resident"].get("/evidence/1").status_code == 404


def test_a_photo_of_a_case_is_seen_as_the_room_of_cases_answers(app: Flask, people: People, send) -> None:
    photo = send().json["id"]
    case = people["resident"].file(evidence=[photo])["id"]
    asked = []

    def answer(caller, case_id, version, media) -> bool:
        asked.append((str(case_id), version, media))
        return any(grant.role == "inspector" for grant in caller.grants)

    app.extensions["registry"].answers["who_sees_evidence"] = answer
    assert people["inspector"].get(f"/evidence/{photo}").status_code == 200
    assert people["committee"].get(f"/evidence/{photo}").status_code == 404
    # Not even the row of the photo tells who took it: its reporter is asked for like all others.
    assert people["resident"].get(f"/evidence/{photo}").status_code == 404
    assert asked == [(case, 1, "image/jpeg")] * 3


def test_the_village_sees_what_was_attached_while_handling_and_the_reporter_too(people: People, send) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "start")
    photo = send("village_officer").json["id"]
    assert people["village_officer"].act(case, "hand_in", note="已清运", evidence=[photo]).status_code == 200
    for role in ("resident", "village_officer", "dispatcher"):
        assert people[role].get(f"/evidence/{photo}/thumbnail").status_code == 200, role


@pytest.mark.parametrize("role", ["village_officer", "handler", "inspector", "committee"])
def test_the_photo_of_a_report_not_yet_accepted_is_not_there_for(people: People, send, role: str) -> None:
    photo = send().json["id"]
    people["resident"].file(evidence=[photo])
    assert people[role].get(f"/evidence/{photo}").status_code == 404
    assert people["dispatcher"].get(f"/evidence/{photo}").status_code == 200


def test_a_photo_whose_file_is_gone_is_not_found(app: Flask, people: People, send, kept) -> None:
    photo = send().json["id"]
    with app.app_context():
        photo_store().delete(uuid.UUID(photo))
    assert kept() == set()
    assert people["resident"].get(f"/evidence/{photo}").status_code == 404
