"""A list shows each case as it stands and as far as its reader sees it, although its JSON is written only once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from backend.cases import rendering
from backend.cases.case_row import ListedCase
from backend.cases.tables import Case
from backend.extensions import db
from backend.http.reading import connection, row
from backend.people.access import Caller, Grant
from tests.cases.test_protected import SAID, clear, protected
from tests.town import TOWN, VILLAGE, People, carry, report


def listed(people: People, who: str, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = people[who].get(f"/cases{query}").json["items"]
    return items


def test_a_list_shows_a_case_as_its_own_page_does_and_follows_each_action(people: People) -> None:
    case = people["resident"].file()["id"]
    officer, desk = people["village_officer"], people["dispatcher"]
    steps = ((desk, "accept", {}), (desk, "dispatch", {"department": VILLAGE}), (officer, "start", {}))
    for person, action, fields in steps:
        person.act(case, action, **fields)
        for who in ("resident", "dispatcher"):
            (shown,) = listed(people, who)
            page = people[who].get(f"/cases/{case}?crs=wgs84").json
            assert shown == {name: page[name] for name in shown} and len(shown) >= 20


def test_a_change_that_is_no_action_shows_too(app: Flask, people: People) -> None:
    people["resident"].file()
    assert listed(people, "dispatcher")[0]["description"] != "改过的文字"
    with app.app_context(), db.engine.begin() as opened:
        opened.execute(text("UPDATE cases SET description = '改过的文字'"))
    assert listed(people, "dispatcher")[0]["description"] == "改过的文字"


def test_each_reader_gets_what_that_reader_sees_whoever_asked_before(people: People) -> None:
    said = "门前积水，请致电13912345678"
    case = people["resident"].post("/cases", report(description=said)).json["id"]
    carry(people, case, upto="dispatch")
    for _ in range(2):
        for who, whole in (("dispatcher", True), ("committee", False), ("resident", True), ("inspector", False)):
            (shown,) = listed(people, who)
            assert (shown["description"] == said) is whole
            assert shown["location"]["approximate"] is not whole
            assert shown["reporter"]["me"] is (who == "resident")
            (shown,) = listed(people, who, "?crs=bd09")
            assert shown["location"]["crs"] == "bd09"


def test_what_a_protected_report_says_is_not_kept(app: Flask, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    clear(people)
    assert people["resident"].post("/cases", protected()).status_code == 201
    kept = list[rendering.Slot]()

    def keeping(*_key: object) -> rendering.Slot:
        kept.append(rendering.Slot())
        return kept[-1]

    monkeypatch.setitem(app.extensions, "rendered_cases", keeping)
    assert [one["description"] for one in listed(people, "dispatcher")] == [SAID]
    assert kept == []
    people["resident"].file()
    assert len(listed(people, "dispatcher")) == 2
    with app.app_context():
        assert len(kept) == (1 if connection().dialect.name == "postgresql" else 0)


def test_no_more_are_kept_than_a_worker_has_room_for(app: Flask) -> None:
    with app.app_context():
        slots: Any = rendering._slots()
        for _ in range(rendering.KEPT + 10):
            slots(uuid.uuid4())
        assert slots.cache_info().currsize == rendering.KEPT


def as_listed(case: str) -> ListedCase:
    """A case as the list of somebody who did not report it reads it."""
    columns = (Case.id, Case.occurred_at, Case.accepted_at, Case.reporting, Case.area_code, Case.holder, Case.assignee)
    found = row(select(*columns).where(Case.id == uuid.UUID(case)))
    assert found is not None
    return ListedCase(*found, mine=False, written=None)


def test_of_two_cases_that_are_else_alike_only_the_one_they_were_asked_about_is_shown(
    app: Flask, people: People
) -> None:
    case = people["resident"].file()
    with app.app_context():
        member = Caller(uuid.uuid4(), uuid.uuid4(), "", None, (Grant("party_member", TOWN),))
        not_asked = as_listed(case["id"])
        asked = not_asked._replace(assignee=member.account_id)
        assert [len(rendering.show_seen(member, pair, "wgs84")) for pair in ([asked, not_asked], [not_asked])] == [1, 0]


def test_a_case_that_went_while_the_list_was_made_is_left_out(app: Flask, people: People) -> None:
    case = people["resident"].file()
    with app.app_context():
        here = as_listed(case["id"])
        gone = here._replace(id=uuid.uuid4())
        desk = Caller(uuid.uuid4(), uuid.uuid4(), "", None, (Grant("dispatcher", TOWN),))
        assert len(rendering.show_seen(desk, [here, gone], "wgs84")) == 1
