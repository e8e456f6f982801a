"""Who sees which photo of a case."""

from __future__ import annotations

import io

from tests.evidence import photos
from tests.town import People, carry


def send(people: People, role: str) -> str:
    form = {"file": (io.BytesIO(photos.jpeg()), "IMG_0001.jpg", "image/jpeg")}
    answer = people.client.post("/api/v1/evidence", data=form, headers=people[role].headers)
    return str(answer.json["id"])


def test_a_masked_reader_sees_the_photos_of_the_work_and_never_the_reporter_s(people: People) -> None:
    first, later = send(people, "resident"), send(people, "resident")
    case = people["resident"].file(evidence=[first])["id"]
    carry(people, case, "start")
    done = send(people, "village_officer")
    assert people["village_officer"].act(case, "hand_in", note="已清运", evidence=[done]).status_code == 200
    assert people["inspector"].act(case, "pass_check").status_code == 200
    assert people["dispatcher"].act(case, "close").status_code == 200
    assert people["resident"].act(case, "reopen", reason="未解决", evidence=[later]).status_code == 200
    for role, seen in (
        ("inspector", {done}),
        ("village_officer", {done}),
        ("dispatcher", {first, done, later}),
        ("resident", {first, done, later}),
    ):
        assert set(people[role].get(f"/cases/{case}").json["evidence"]) == seen, role
        for photo in (first, done, later):
            expected = 200 if photo in seen else 404
            assert people[role].get(f"/evidence/{photo}").status_code == expected, role
