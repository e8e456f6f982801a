"""Attaching photos to a case, and discarding those that belong to none."""

from __future__ import annotations

import os
import uuid
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from backend.config import TOWN_ZONE
from backend.evidence import attaching
from backend.evidence.attaching import UnknownEvidence, attach, discard_orphans, discard_unattached
from backend.evidence.folder_store import photo_folder
from backend.evidence.originals import Original, seal_original
from backend.evidence.tables import Evidence
from backend.http.ids import new_id
from backend.http.reading import rows
from backend.http.work import unit_of_work
from tests.town import People, unknown_id

NOW = datetime(2026, 10, 1, 12, tzinfo=TOWN_ZONE)
ME, CASE = uuid.uuid4(), uuid.uuid4()
EVIDENCE = Evidence.__table__


def told(photo: uuid.UUID) -> dict[str, object]:
    """The columns that tell of a photo."""
    original = Original(key=bytes(32), content_type="image/jpeg", size=1, sha256=photo.bytes * 2)
    return {"media": "image/jpeg", "sealed": seal_original(photo, original)}


def photo(by: uuid.UUID = ME, case: uuid.UUID | None = None, version: int | None = None, hours: float = 0) -> uuid.UUID:
    """A row of a photo sent so many hours ago."""
    values = {"id": new_id(), "uploaded_by": by, "case_id": case, "event_version": version}
    values |= told(values["id"]) | {"created_at": NOW - timedelta(hours=hours)}
    with unit_of_work() as session:
        session.execute(insert(EVIDENCE), values)
    return values["id"]


def attached(*ids: uuid.UUID) -> list[tuple[uuid.UUID | None, int | None]]:
    statement = select(EVIDENCE.c.id, EVIDENCE.c.case_id, EVIDENCE.c.event_version)
    found = {one.id: (one.case_id, one.event_version) for one in rows(statement)}
    return [found[one] for one in ids]


@pytest.fixture
def context(app: Flask):
    with app.app_context():
        yield


@pytest.mark.usefixtures("context")
class TestAttaching:
    def test_own_photos_go_with_the_action(self) -> None:
        mine, other = photo(), photo()
        with unit_of_work() as session:
            attach(session, dict.fromkeys([mine, mine, other]), CASE, 3, ME)
        assert attached(mine, other) == [(CASE, 3)] * 2

    def test_a_photo_stays_with_the_action_it_was_first_attached_to(self) -> None:
        mine = photo(case=CASE, version=1)
        with unit_of_work() as session:
            attach(session, {mine: None}, CASE, 5, ME)
        assert attached(mine) == [(CASE, 1)]

    @pytest.mark.parametrize("whose", ["nobody's", "another's", "another case's"])
    def test_any_other_photo_is_refused_and_none_is_attached(self, whose: str) -> None:
        mine = photo()
        strange = {
            "nobody's": lambda: uuid.uuid4(),
            "another's": lambda: photo(by=uuid.uuid4()),
            "another case's": lambda: photo(case=uuid.uuid4(), version=1),
        }[whose]()
        with pytest.raises(UnknownEvidence) as refused, unit_of_work() as session:
            attach(session, {mine: None, strange: None}, CASE, 2, ME)
        assert "evidence" in (refused.value.errors or {})
        assert attached(mine) == [(None, None)]


def test_a_case_filed_with_a_strange_photo_is_refused_and_not_filed(people: People, send) -> None:
    before = people["dispatcher"].get("/cases").json["items"]
    for strange in (unknown_id(), send("grid_worker").json["id"]):
        body = {"category": "litter", "description": "村口垃圾", "evidence": [strange]}
        answer = people["resident"].post(
            "/cases", body | {"location": {"lon": 113.0055, "lat": 22.8667, "crs": "gcj02"}}
        )
        assert (answer.status_code, answer.json["code"]) == (422, "unknown_evidence")
    assert people["dispatcher"].get("/cases").json["items"] == before


@pytest.mark.usefixtures("context")
class TestDiscarding:
    def test_a_photo_without_a_case_goes_after_a_day(self) -> None:
        old, young, used = photo(hours=24.1), photo(hours=23.9), photo(case=CASE, version=1, hours=1000)
        discard_unattached(NOW)
        assert {one.id for one in rows(select(EVIDENCE.c.id))} == {young, used} != {old}

    def test_many_go_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        begun = []
        monkeypatch.setattr(attaching, "unit_of_work", lambda: begun.append(1) or unit_of_work())
        with unit_of_work() as session:
            session.execute(
                insert(EVIDENCE),
                [
                    {"id": one, "uploaded_by": ME, "created_at": NOW - timedelta(days=2)} | told(one)
                    for one in (new_id() for _ in range(450))
                ],
            )
        discard_unattached(NOW)
        assert not rows(select(EVIDENCE.c.id)) and len(begun) == 3


def age(app: Flask, name: str, days: float) -> None:
    """Make the files (and workrooms) of this name so many days older than NOW."""
    with app.app_context():
        for path in photo_folder().rglob(name):
            os.utime(path, times=((NOW - timedelta(days=days)).timestamp(),) * 2)


def test_the_files_of_a_discarded_photo_go_with_it(app: Flask, send, kept) -> None:
    old, young = send().json["id"], send().json["id"]
    with app.app_context():
        with unit_of_work() as session:
            session.execute(update(EVIDENCE).values(created_at=NOW))
            two_days_ago = NOW - timedelta(days=2)
            session.execute(update(EVIDENCE).where(EVIDENCE.c.id == uuid.UUID(old)).values(created_at=two_days_ago))
        discard_unattached(NOW)
    assert {name.split("/")[1] for name in kept()} == {young}


def test_files_that_no_row_tells_of_go_after_a_day(app: Flask, send, kept) -> None:
    orphan, fresh, told = (send().json["id"] for _ in range(3))
    with app.app_context(), unit_of_work() as session:
        session.execute(EVIDENCE.delete().where(EVIDENCE.c.id != uuid.UUID(told)))
    for name, days in ((orphan, 2), (fresh, 0.5), (told, 2)):
        age(app, name, days)
    with app.app_context():
        discard_orphans(NOW)
    assert {name.split("/")[1] for name in kept()} == {fresh, told}


def test_what_a_killed_server_was_working_on_goes_after_an_hour(app: Flask, kept) -> None:
    for name, days in (("killed", 0.1), ("working", 0.01)):
        with app.app_context():
            workroom = photo_folder() / "incoming" / name
            workroom.mkdir(parents=True)
            (workroom / "original").write_bytes(b"half a photo")
        age(app, name, days)
    with app.app_context():
        discard_unattached(NOW)
        assert [one.name for one in (photo_folder() / "incoming").iterdir()] == ["working"]
