"""Cases like the one about to be filed are offered with a reason, and nothing that the filer may not know of."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from backend.cases.links import similar
from backend.cases.links.similar import box_around, metres_between
from backend.cases.links.supporting import tell_supporters
from backend.cases.tables import Case
from backend.config import TOWN_ZONE
from backend.extensions import db
from backend.http import clock
from backend.http.reading import connection, rows
from backend.http.work import unit_of_work
from backend.outbox.sending import Message, send_due
from backend.outbox.sharing import share_out
from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from backend.people.tables import Throttle
from backend.territory.coordinates import to_wgs84
from backend.territory.location import locate
from tests.cases.test_list_plans import plan_and_work
from tests.cases.test_protected import clear
from tests.town import HOME, PASSWORD, TOWN, VILLAGE, People, Person, carry, report

NEAR = HOME | {"lat": HOME["lat"] + 0.00036}
"""Some 40 metres north of HOME."""
FAR = HOME | {"lat": HOME["lat"] + 0.0018}
"""Some 200 metres north."""


def ask(people: People, role: str, **about: Any) -> list[dict[str, Any]]:
    answer = people[role].post("/cases/similar", {"location": HOME, "category": "litter"} | about)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def publish(app: Flask, case: str) -> None:
    """Have a case's delay be over."""
    with app.app_context(), unit_of_work() as session:
        past = clock.now() - timedelta(hours=1)
        session.execute(update(Case).where(Case.id == uuid.UUID(case)).values(public_at=past))


def published(app: Flask, people: People, **changes: Any) -> str:
    """A case of the resident's that everybody sees."""
    case = str(people["resident"].file(**changes)["id"])
    carry(people, case, "accept")
    publish(app, case)
    return case


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((113.0, 22.0), (113.0, 22.0), 0),
        ((113.0, 22.0), (113.0, 22.001), 111.2),  # a thousandth of a degree north
        ((113.0, 22.0), (113.001, 22.0), 103.1),  # and east, times the cosine of 22 degrees
        ((0.0, 0.0), (180.0, 0.0), 20_015_115),  # half the circumference
    ],
)
def test_distances_are_those_on_a_sphere(one: Any, other: Any, metres: float) -> None:
    assert metres_between(*one, *other) == pytest.approx(metres, rel=0.001)


@given(st.floats(73, 135), st.floats(18, 53), st.floats(1, 1000), st.floats(0, 6.283))
def test_a_box_holds_every_point_so_near(lon: float, lat: float, metres: float, turn: float) -> None:
    from math import cos, radians, sin

    dlat = metres * 0.999 / 111_195 * cos(turn)
    dlon = metres * 0.999 / 111_195 * sin(turn) / cos(radians(lat))
    west, south, east, north = box_around(lon, lat, metres)
    assert west <= lon + dlon <= east and south <= lat + dlat <= north


def test_the_desk_is_offered_what_lies_near_with_the_reason(people: People) -> None:
    with time_machine.travel(datetime(2026, 11, 26, 23, 30, tzinfo=TOWN_ZONE)):
        case = People(people.client)["resident"].file(location=NEAR, description="村口垃圾堆放多日")["id"]
        People(people.client)["resident"].file(location=FAR)
    with time_machine.travel(datetime(2026, 11, 27, 0, 30, tzinfo=TOWN_ZONE)):
        people = People(people.client)
        [found] = ask(people, "dispatcher", description="村口有垃圾堆放，气味大")
        assert (found["case_id"], found["metres"], found["days"]) == (case, 40, 1)
        assert found["reason"] == "约 40 米，昨天，同一类别，文字相近"
        assert found["offer"] is None  # the desk joins in nothing
        english = people["dispatcher"].client.post(
            "/api/v1/cases/similar",
            json={"location": HOME, "category": "litter"},
            headers=people["dispatcher"].headers | {"Accept-Language": "en"},
        )
        assert english.json["items"][0]["reason"] == "about 40 m, yesterday, same category"


def test_of_another_category_only_what_has_words_in_common_is_offered(people: People) -> None:
    people["resident"].file(description="幸福路口路灯不亮", category="street_light")
    assert ask(people, "dispatcher", description="井盖松动") == []
    [found] = ask(people, "dispatcher", description="幸福路口的路灯又不亮了")
    assert not found["same_category"] and found["similar_words"]
    [alone] = ask(people, "dispatcher", category="street_light")
    assert alone["same_category"] and not alone["similar_words"]


def test_what_has_ended_or_lies_long_ago_is_not_offered(people: People) -> None:
    with time_machine.travel(datetime.now(TOWN_ZONE) - timedelta(days=31)):
        People(people.client)["resident"].file()
    ended = people["resident"].file()["id"]
    assert people["resident"].act(ended, "withdraw").status_code == 200
    assert ask(people, "dispatcher") == []


def test_how_near_is_near_is_the_town_s_to_say(people: People) -> None:
    people["resident"].file(location=FAR)
    assert ask(people, "dispatcher") == []
    admin = people["admin"]
    for value, status in (("0", 422), ("many", 422), ("250", 200)):
        etag = admin.get("/settings/similar_metres").headers["ETag"]
        changed = admin.client.patch(
            "/api/v1/settings/similar_metres", json={"value": value}, headers=admin.headers | {"If-Match": etag}
        )
        assert changed.status_code == status, changed.json
    assert len(ask(people, "dispatcher")) == 1


def test_a_resident_is_offered_their_own_and_what_is_published_and_nothing_else(app: Flask, people: People) -> None:
    case = str(people["resident"].file(location=NEAR, description="王家门口垃圾，电话13812345678")["id"])
    assert ask(people, "party_member") == []
    carry(people, case, "accept")
    assert ask(people, "party_member") == []  # its delay is not over
    publish(app, case)
    [found] = ask(people, "party_member")
    assert (found["case_id"], found["metres"], found["reason"]) == (None, None, "同一网格，今天，同一类别")
    assert found["offer"] and not found["mine"] and case not in str(found) and "王家" not in str(found)
    [own] = ask(people, "resident")
    assert own["mine"] and own["offer"] is None and own["case_id"] == case and own["metres"] == 40


def test_without_an_account_one_is_offered_what_is_published_and_nothing_to_join_in_with(
    app: Flask, people: People
) -> None:
    def asked(**headers: str) -> Any:
        return people.client.post(
            "/api/v1/cases/similar", json={"location": HOME, "category": "litter"}, headers=headers
        )

    case = str(people["resident"].file(location=NEAR, description="王家门口垃圾")["id"])
    carry(people, case, "accept")
    assert asked().json["items"] == []
    publish(app, case)
    [found] = asked().json["items"]
    [resident_s] = ask(people, "party_member")
    assert found == resident_s | {"offer": None} and case not in str(found)
    with app.app_context():
        assert [one.tries for one in rows(select(Throttle.tries).where(Throttle.bucket == "filing"))] == [2]
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    assert [one["status"] for one in asked().json["items"]] == ["accepted"]  # when somebody acts does not show here
    assert people["committee"].post("/cases/similar", {"location": HOME}).status_code == 404
    assert asked(Authorization="Bearer x").status_code == 401


def test_neither_text_nor_exact_place_of_a_published_case_can_be_probed(app: Flask, people: People) -> None:
    published(app, people, location=NEAR, description="王家门口垃圾")
    asked = [
        ask(people, "party_member", location=place, description=words)
        for place in (HOME, NEAR)
        for words in ("王家门口垃圾", "毫不相干的话")
    ]
    told = [[{name: value for name, value in one.items() if name != "offer"} for one in found] for found in asked]
    assert told[0] and told.count(told[0]) == len(told)
    assert ask(people, "party_member", category="street_light", description="王家门口垃圾") == []


def test_a_masked_reader_is_offered_by_grid_and_redacted_text_only(people: People) -> None:
    case = people["resident"].file(location=NEAR, description="电话13812345678", category="street_light")["id"]
    carry(people, case, "accept")
    assert ask(people, "village_officer", description="电话13812345678") == []
    assert len(ask(people, "dispatcher", description="电话13812345678")) == 1
    [found] = ask(people, "village_officer", category="street_light")
    assert (found["metres"], found["case_id"]) == (None, case)


def test_a_protected_report_is_offered_to_nobody(app: Flask, people: People) -> None:
    clear(people)
    answer = people["resident"].post("/cases", report(reporting="protected", location=NEAR))
    assert answer.status_code == 201, answer.json
    for role in ("resident", "party_member", "grid_worker", "village_officer", "dispatcher", "inspector"):
        assert ask(people, role, description=report()["description"]) == [], role


def join(person: Person, offer: str) -> Any:
    return person.post("/cases/support", {"offer": offer})


def neighbour(app: Flask, people: People, number: int) -> Person:
    """One more resident."""
    phone = f"139770000{number:02d}"
    with app.app_context(), unit_of_work() as session:
        newcomer = NewAccount(f"+86{phone}", f"街坊{number}", "resident", TOWN)
        create_account(session, newcomer, hash_password(PASSWORD), clock.now())
    return Person(people.client, phone)


def offered(person: Person) -> dict[str, Any]:
    [found] = person.post("/cases/similar", {"location": HOME, "category": "litter"}).json["items"]
    return dict(found)


def test_joining_in_counts_once_a_person(app: Flask, people: People) -> None:
    case, member = published(app, people), people["party_member"]
    first = join(member, offered(member)["offer"])
    assert first.status_code == 200, first.json
    again = join(member, offered(member)["offer"])
    assert again.json == first.json
    assert people["dispatcher"].get(f"/cases/{case}/supporters").json == {"supporters": 1}
    assert people["resident"].get(f"/cases/{case}/supporters").json == {"supporters": 1}
    assert member.get("/cases/supported").json["items"] == [first.json]
    assert member.get(f"/cases/{case}").status_code == 404  # who joins in sees no more than before
    assert people["resident"].get("/cases/supported").json["items"] == []


def test_few_supporters_are_not_counted_to_who_does_not_see_the_case_whole(app: Flask, people: People) -> None:
    case = published(app, people)
    for number in range(5):
        told = people["village_officer"].get(f"/cases/{case}/supporters").json
        assert told == {"supporters": None}, number
        assert offered(people["party_member"])["supporters"] is None
        person = neighbour(app, people, number)
        assert join(person, offered(person)["offer"]).status_code == 200
    assert people["village_officer"].get(f"/cases/{case}/supporters").json == {"supporters": 5}
    assert offered(people["party_member"])["supporters"] == 5


def test_an_offer_holds_for_whom_it_was_made_for_a_day_and_while_the_case_is_to_be_seen(
    app: Flask, people: People
) -> None:
    case, member, worker = published(app, people), people["party_member"], people["grid_worker"]
    offer = offered(member)["offer"]
    refusals = [join(worker, offer), join(member, offer[:-4] + "AAAA"), join(member, "路灯"), join(member, "A")]
    with time_machine.travel(datetime.now(TOWN_ZONE) + timedelta(hours=25), tick=True):
        refusals.append(join(Person(people.client, "13800000002"), offer))
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Case).where(Case.id == uuid.UUID(case)).values(public_at=None))
    refusals.append(join(member, offer))
    assert {answer.status_code for answer in refusals} == {422}
    assert len({answer.data for answer in refusals}) == 1 and refusals[0].json["code"] == "bad_offer"


def test_nobody_joins_in_their_own_report(app: Flask, people: People) -> None:
    from backend.cases.links.supporting import offer
    from backend.people.access import Caller

    case, resident = published(app, people), people["resident"]
    account = uuid.UUID(resident.get("/me").json["id"])
    with app.app_context():
        own = offer(Caller(account, uuid.uuid4(), "", None, ()), uuid.UUID(case), clock.now())
    answer = join(resident, own)
    assert (answer.status_code, answer.json["code"]) == (409, "own_case")


def test_a_supporter_is_told_of_each_step_once_until_the_end_and_nobody_learns_who(app: Flask, people: People) -> None:
    case, member = published(app, people), people["party_member"]
    assert join(member, offered(member)["offer"]).status_code == 200
    sent: list[Message] = []

    def told() -> list[str]:
        with app.app_context():
            tell_supporters(clock.now())
            tell_supporters(clock.now())
            while share_out(("sms",), clock.now()) + send_due(sent.append, clock.now()):
                pass
        new = [message.body for message in sent if message.address == "+8613800000002"]
        sent.clear()
        return new

    assert told() == []
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    assert len(told()) == 1
    assert people["dispatcher"].act(case, "note", note="催一下").status_code == 200
    assert told() == []
    for who, action, fields in (
        ("village_officer", "start", {}),
        ("village_officer", "hand_in", {"note": "已清"}),
        ("inspector", "pass_check", {}),
        ("dispatcher", "close", {}),
    ):
        assert people[who].act(case, action, **fields).status_code == 200
    assert len(told()) == 1
    assert people["dispatcher"].act(case, "reopen", reason="又堆了").status_code == 200
    assert told() == []
    for role in ("dispatcher", "village_officer", "inspector", "resident"):
        answers = people[role].get(f"/cases/{case}").text + people[role].get(f"/cases/{case}/timeline").text
        assert "support" not in answers and "13800000002" not in answers


def test_who_is_forgotten_is_no_longer_told_and_still_counted(app: Flask, people: People) -> None:
    case, member = published(app, people), neighbour(app, people, 1)
    assert join(member, offered(member)["offer"]).status_code == 200
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    with app.app_context():
        tell_supporters(clock.now())
    told = member.get("/me/data").json["supported"]
    assert len(told) == 1 and len(told[0]["messages"]) == 1
    gone = people.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=member.headers)
    assert gone.status_code == 204
    with app.app_context(), db.engine.connect() as opened:
        assert opened.execute(text("SELECT count(*) FROM supporter_identities")).scalar_one() == 0
    assert people["dispatcher"].get(f"/cases/{case}/supporters").json == {"supporters": 1}
    sent: list[Message] = []
    with app.app_context():
        while share_out(("sms",), clock.now()) + send_due(sent.append, clock.now()):
            pass
    assert "+8613977000001" not in {message.address for message in sent}


@pytest.mark.sql
def test_what_lies_near_is_found_by_ranges_of_cells(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.people.access import Caller, Grant
    from tests.cases.test_list_plans import START, add_cases

    asked: list[tuple[Any, dict[str, Any]]] = []

    def catch(statement: Any, **values: Any) -> list[Any]:
        asked.append((statement, values))
        return []

    desk = Caller(uuid.uuid4(), uuid.uuid4(), "", "", (Grant("dispatcher", TOWN),))
    with app.app_context():
        add_cases(0, 4_000)
        with unit_of_work() as session:
            spread = "UPDATE cases SET cell = CAST(number AS bigint) * 1000000000, lon = 113, lat = 22"
            session.execute(text(spread))
            session.execute(text("ANALYZE"))
        monkeypatch.setattr(similar, "rows", catch)
        filing = similar.Filing(locate(**HOME), *to_wgs84(**HOME), "litter")
        similar.similar_cases(desk, filing, START + timedelta(days=5))
        if connection().dialect.name == "postgresql":
            connection().exec_driver_sql("SET enable_seqscan = off")  # a few rows are read whole by any planner
        plans = [plan_and_work(*each)[0] for each in asked]
    for plan, index in zip(plans, ("ix_cases_area", "ix_cases_cell"), strict=True):
        assert index in plan, plan
        assert "SCAN cases" not in plan and "Seq Scan" not in plan
