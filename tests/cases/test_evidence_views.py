"""What speaks against a photo of a case, and who is told."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from backend.cases.evidence_views import age_of, distance_of
from backend.evidence.comparing import forget_prints_of_case
from backend.evidence.originals import Original
from backend.http.work import unit_of_work
from backend.territory.coordinates import to_wgs84
from tests.cases.test_protected import clear, protected
from tests.evidence import photos, recordings
from tests.town import ELSEWHERE, HOME, People, carry

LON, LAT = to_wgs84(HOME["lon"], HOME["lat"], "gcj02")
METRE = 1 / 111_195
"""Degrees of latitude."""


def at(lon: float, lat: float) -> dict[int, Any]:
    """EXIF's GPS for a place."""
    return {1: "N", 2: (lat, 0.0, 0.0), 3: "E", 4: (lon, 0.0, 0.0)}


def taken(hours: float = 0, metres: float = 0, seed: int = 1, **more: Any) -> bytes:
    """A photo taken so many hours ago, so many metres north of HOME."""
    when = datetime.now(UTC) - timedelta(hours=hours)
    told = photos.exif(taken=f"{when:%Y:%m:%d %H:%M:%S}", offset="+00:00", gps=at(LON, LAT + metres * METRE) | more)
    return photos.jpeg(photos.scene(seed, (320, 240)), exif=told)


def send(people: People, role: str, file: bytes) -> str:
    answer = people.client.post(
        "/api/v1/evidence", data={"file": (io.BytesIO(file), "IMG_0001.jpg")}, headers=people[role].headers
    )
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def listed(people: People, role: str, case: str) -> list[dict[str, Any]]:
    answer = people[role].get(f"/cases/{case}/evidence")
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def test_place_and_photo_are_measured_in_one_datum(people: People) -> None:
    near, far = send(people, "resident", taken()), send(people, "resident", taken(metres=300, seed=2))
    case = people["resident"].file(location=HOME, evidence=[near, far])["id"]
    found = {one["id"]: one for one in listed(people, "dispatcher", case)}
    # GCJ-02 taken for WGS84 would be 550 m off.
    assert found[near]["distance_metres"] == 0 and found[near]["warnings"] == []
    assert found[far]["distance_metres"] == 300 and found[far]["warnings"] == ["far_from_place"]


def test_a_camera_that_names_gcj02_is_believed(people: People) -> None:
    gps = at(HOME["lon"], HOME["lat"]) | {18: "GCJ-02"}
    photo = send(people, "resident", photos.jpeg(exif=photos.exif(gps=gps)))
    case = people["resident"].file(location=HOME, evidence=[photo])["id"]
    assert listed(people, "dispatcher", case)[0]["distance_metres"] == 0


def test_the_place_of_a_corrected_case_or_of_none_is_reckoned_with() -> None:
    told = Original(key=b"", content_type="image/jpeg", size=1, lon=113.0, lat=22.8)
    assert distance_of(told, 113.0, 22.8) == 0
    assert distance_of(told, 113.0, 22.8 + 1234 * METRE) == 1230
    assert distance_of(told, None, None) is None
    assert distance_of(Original(key=b"", content_type="image/jpeg", size=1), 113.0, 22.8) is None


def test_age_is_told_in_whole_hours() -> None:
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    for hours, age in ((0, 0), (0.9, 0), (25.2, 25), (-0.5, -1)):
        told = Original(key=b"", content_type="image/jpeg", size=1, taken_at=now - timedelta(hours=hours))
        assert age_of(told, now) == age
    assert age_of(Original(key=b"", content_type="image/jpeg", size=1), now) is None


def test_an_old_photo_is_marked_by_the_town_s_setting(people: People) -> None:
    photo = send(people, "resident", taken(hours=30.2))
    case = people["resident"].file(evidence=[photo])["id"]
    (found,) = listed(people, "resident", case)
    assert (found["age_hours"], found["warnings"]) == (30, ["taken_long_before"])
    etag = people["admin"].get("/settings/photo_old_hours").headers["ETag"]
    answer = people["admin"].client.patch(
        "/api/v1/settings/photo_old_hours", json={"value": "48"}, headers=people["admin"].headers | {"If-Match": etag}
    )
    assert answer.status_code == 200, answer.json
    assert listed(people, "resident", case)[0]["warnings"] == []


def test_a_photo_from_the_future_is_marked_but_for_a_clock_a_little_ahead(people: People) -> None:
    photos = [send(people, "resident", taken(hours=hours)) for hours in (-0.5, -30.2)]
    case = people["resident"].file(evidence=photos)["id"]
    told = {found["id"]: found["warnings"] for found in listed(people, "resident", case)}
    assert [told[photo] for photo in photos] == [[], ["taken_later"]]


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "many", "", "9999999"])
def test_a_threshold_that_is_no_number_is_refused(people: People, value: str) -> None:
    etag = people["admin"].get("/settings/photo_far_metres").headers["ETag"]
    headers = people["admin"].headers | {"If-Match": etag}
    answer = people.client.patch("/api/v1/settings/photo_far_metres", json={"value": value}, headers=headers)
    assert answer.status_code == 422


def test_who_sees_the_place_coarsely_is_told_no_distance_and_nobody_a_position(people: People) -> None:
    theirs = send(people, "resident", taken(metres=500, hours=99))
    case = people["resident"].file(evidence=[theirs])["id"]
    carry(people, case, "start")
    work = send(people, "village_officer", taken(metres=700, hours=99, seed=2))
    assert people["village_officer"].act(case, "hand_in", note="已清运", evidence=[work]).status_code == 200
    told = {"resident": {500, 700}, "dispatcher": {500, 700}, "village_officer": {500, 700}}
    told |= {"inspector": {None}, "committee": {None}}
    for role, distances in told.items():
        answer = people[role].get(f"/cases/{case}/evidence")
        assert {one["distance_metres"] for one in answer.json["items"]} == distances, role
        assert {one["age_hours"] is None for one in answer.json["items"]} == {None in distances}, role
        assert not [word for word in (b"22.8", b"113.0", b'"lon"', b'"lat"') if word in answer.data], role
    assert [one["id"] for one in listed(people, "inspector", case)] == [work]


def test_the_same_photo_is_marked_for_the_desk_and_inspectors_in_cases_they_see(people: People) -> None:
    file = taken(seed=3)
    reduced = photos.jpeg(photos.scene(3, (320, 240)).resize((160, 120), Image.Resampling.LANCZOS))
    first = people["resident"].file(evidence=[send(people, "resident", file)])
    again = people["party_member"].file(location=ELSEWHERE, evidence=[send(people, "party_member", file)])
    carry(people, first["id"], "start")
    work = send(people, "village_officer", reduced)
    assert people["village_officer"].act(first["id"], "hand_in", note="已清运", evidence=[work]).status_code == 200
    report, done = listed(people, "dispatcher", first["id"])
    assert {(one["id"], one["case_id"], one["exact"]) for one in report["same_as"]} == {
        (again["evidence"][0], again["id"], True),
        (work, first["id"], False),
    }
    assert "used_before" in report["warnings"] and "used_before" in done["warnings"]
    # The other case is not accepted, so that the inspector does not know of it.
    (seen,) = listed(people, "inspector", first["id"])
    assert [one["case_id"] for one in seen["same_as"]] == [first["id"]]
    for role in ("resident", "village_officer", "committee"):
        for one in listed(people, role, first["id"]):
            assert one["same_as"] is None and "used_before" not in one["warnings"], role


def test_what_belongs_to_a_protected_report_is_compared_with_nothing(app: Flask, people: People) -> None:
    clear(people)
    file = taken(seed=4)
    open_ = people["resident"].file(evidence=[send(people, "resident", file)])["id"]
    hidden = people["party_member"].post("/cases", protected(evidence=[send(people, "party_member", file)])).json["id"]
    assert listed(people, "dispatcher", open_)[0]["same_as"] == []
    assert listed(people, "dispatcher", hidden)[0]["same_as"] is None
    # Nor does a case that becomes protected later.
    other = people["resident"].file(evidence=[send(people, "resident", file)])["id"]
    assert len(listed(people, "dispatcher", open_)[0]["same_as"]) == 1
    with app.app_context(), unit_of_work() as session:
        forget_prints_of_case(session, uuid.UUID(other))
    assert listed(people, "dispatcher", open_)[0]["same_as"] == []


def test_a_voice_is_for_those_who_read_the_reporter_s_words_as_written(people: People) -> None:
    voice, photo = send(people, "resident", recordings.sound()), send(people, "resident", taken())
    case = people["resident"].file(evidence=[voice, photo])["id"]
    carry(people, case, "start")
    film = send(people, "village_officer", recordings.film())
    assert people["village_officer"].act(case, "hand_in", note="已清运", evidence=[film]).status_code == 200
    everything = {voice, photo, film}
    for role, seen in (
        ("resident", everything),
        ("dispatcher", everything),
        ("grid_worker", everything),
        ("village_officer", {photo, film}),
        ("inspector", {film}),
    ):
        assert set(people[role].get(f"/cases/{case}").json["evidence"]) == seen, role
        assert {one["id"] for one in listed(people, role, case)} == seen, role
        for one in everything:
            assert people[role].get(f"/evidence/{one}").status_code == (200 if one in seen else 404), role
