"""Reading an original: its sender, and who may with a reason, on record."""

from __future__ import annotations

import pytest

from tests.cases.test_evidence_views import send, taken
from tests.cases.test_protected import clear, protected
from tests.evidence import photos
from tests.town import VILLAGE, People, carry, unknown_id

WHY = {"reason": "核对拍摄地点"}


@pytest.fixture
def photo(people: People) -> str:
    return send(people, "resident", photos.telling_jpeg())


def test_its_sender_gets_it_as_it_was_sent(people: People, photo: str) -> None:
    for attached in (False, True):
        if attached:
            people["resident"].file(evidence=[photo])  # from now on under a pseudonym
        answer = people["resident"].post(f"/evidence/{photo}/original", {})
        assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
        assert answer.data == photos.telling_jpeg()
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert people["resident"].get("/me/accesses").json["items"] == []


@pytest.mark.parametrize("role", ["dispatcher", "inspector"])
def test_the_desk_and_inspectors_say_why_and_the_sender_reads_of_it(people: People, photo: str, role: str) -> None:
    case = people["resident"].file(evidence=[photo], reporting="anonymous")["id"]
    carry(people, case, "accept")
    refused = people[role].post(f"/evidence/{photo}/original", {})
    assert refused.status_code == 422 and "reason" in refused.json["errors"]
    assert people["resident"].get("/me/accesses").json["items"] == []
    answer = people[role].post(f"/evidence/{photo}/original", WHY)
    assert answer.status_code == 200 and b"secret-42" in answer.data
    (look,) = people["resident"].get("/me/accesses").json["items"]
    assert (look["action"], look["reason"]) == ("read_original", WHY["reason"])


def test_what_a_worker_sent_is_told_to_the_worker(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "start")
    work = send(people, "village_officer", taken())
    assert people["village_officer"].act(case, "hand_in", note="已清运", evidence=[work]).status_code == 200
    assert people["inspector"].post(f"/evidence/{work}/original", WHY).status_code == 200
    assert len(people["village_officer"].get("/me/accesses").json["items"]) == 1
    assert people["resident"].get("/me/accesses").json["items"] == []


def test_to_all_others_it_is_not_there(people: People, photo: str) -> None:
    case = people["resident"].file(evidence=[photo])["id"]
    carry(people, case, "start")
    for role in ("party_member", "grid_worker", "village_officer", "handler", "committee", "admin", "auditor"):
        there, not_there = (people[role].post(f"/evidence/{one}/original", WHY) for one in (photo, unknown_id()))
        assert (there.status_code, there.data) == (404, not_there.data), role
    unattached = send(people, "resident", taken())
    assert people["dispatcher"].post(f"/evidence/{unattached}/original", WHY).status_code == 404
    assert people["inspector"].get("/me/accesses").json["items"] == []


def test_who_yields_in_the_village_does_not_read_it(people: People, photo: str) -> None:
    people["resident"].file(evidence=[photo])
    assert people["dispatcher"].post(f"/evidence/{photo}/original", WHY).status_code == 200
    entry = {"account_id": people["dispatcher"].get("/me").json["id"], "area_code": VILLAGE, "reason": "兼任村委委员"}
    assert people["admin"].post("/conflicts", entry).status_code == 201
    assert people["dispatcher"].post(f"/evidence/{photo}/original", WHY).status_code == 404


def test_of_a_protected_report_it_is_for_the_cleared(people: People, photo: str) -> None:
    clear(people)
    case = people["resident"].post("/cases", protected(evidence=[photo])).json["id"]
    assert people["inspector"].post(f"/evidence/{photo}/original", WHY).status_code == 404
    assert people["dispatcher"].post(f"/evidence/{photo}/original", WHY).data == photos.telling_jpeg()
    assert people["dispatcher"].get(f"/cases/{case}").status_code == 200


def test_once_its_sender_is_forgotten_there_is_none(people: People, photo: str) -> None:
    people["resident"].file(evidence=[photo])
    body = {"password": "a password of the tests"}
    assert people.client.delete("/api/v1/me", json=body, headers=people["resident"].headers).status_code == 204
    assert people["dispatcher"].get(f"/evidence/{photo}").status_code == 200
    assert people["dispatcher"].post(f"/evidence/{photo}/original", WHY).status_code == 404
