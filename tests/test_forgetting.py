"""Who asks to be forgotten is nowhere afterwards: no table, no file, no search; figures and chain stand."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text, update

from backend.evidence.originals import original_of
from backend.evidence.tables import Evidence
from backend.extensions import db
from backend.http import clock
from backend.http.reading import connection, rows
from backend.http.work import unit_of_work
from backend.ledger.chain import chains, seal
from backend.ledger.verifying import verify
from backend.outbox.folder import folder_sender
from backend.outbox.sending import Message, send_due
from backend.outbox.sharing import share_out
from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from backend.people.tables import Account
from tests.cases.test_protected import clear
from tests.evidence import photos
from tests.gatherings import Gatherings
from tests.town import PASSWORD, TOWN, VILLAGE, People, Person, carry, proof, report

pytestmark = pytest.mark.sql

NAME, PHONE, NUMBER = "王金丝雀", "13987654321", "440681199001011234"
ALL = f"我是{NAME}，电话 {PHONE}，证号{NUMBER}"
CAMERA = (b"ACME", b"secret-42", b"SN-0815")
TELLING = (NAME.encode(), json.dumps(NAME)[1:-1].encode(), PHONE.encode(), NUMBER.encode(), *CAMERA)


@dataclass
class Story:
    """A resident who reported, was heard, rated, was told by SMS, and whom the desk noted by name."""

    app: Flask
    people: People
    person: Person
    cases: list[str]
    photo: str
    spare: str
    gatherings: Gatherings
    booking: str = ""

    def photo_of(self, person: Person) -> str:
        form = {"file": (io.BytesIO(photos.telling_jpeg()), "a.jpg")}
        return str(self.people.client.post("/api/v1/evidence", data=form, headers=person.headers).json["id"])


def keyed(person: Person, case: str, action: str, **fields: Any) -> None:
    """Do an action under a key, so that its answer is kept."""
    etag = person.get(f"/cases/{case}").headers["ETag"]
    body = {"action": action, **fields}
    answer = person.post(f"/cases/{case}/actions", body, If_Match=etag, Idempotency_Key=str(uuid.uuid4()))
    assert answer.status_code == 200, answer.json


@pytest.fixture
def story(app: Flask, people: People) -> Story:
    with app.app_context(), unit_of_work() as session:
        newcomer = NewAccount(f"+86{PHONE}", NAME, "resident", TOWN)
        create_account(session, newcomer, hash_password(PASSWORD), clock.now())
    told = Story(app, people, Person(people.client, PHONE), [], "", "", Gatherings(people))
    told.photo, told.spare = told.photo_of(told.person), told.photo_of(told.person)
    for evidence in ([told.photo], [], []):
        body = report(description=f"{ALL}：门前积水", address=ALL, evidence=evidence)
        answer = told.person.post("/cases", body, Idempotency_Key=str(uuid.uuid4()))
        assert answer.status_code == 201, answer.json
        told.cases.append(answer.json["id"])
    done, open_, withdrawn = told.cases
    keyed(people["dispatcher"], done, "accept", note=f"已电话联系{NAME} {PHONE}")
    for step in ("dispatch", "start", "hand_in", "pass_check", "close"):
        carry_one(people, done, step)
    keyed(told.person, done, "rate", score=4, note=f"谢谢，{NAME}")
    carry(people, open_, "dispatch")
    keyed(told.person, withdrawn, "withdraw", reason=f"已解决 {ALL}")
    with app.app_context():
        while share_out(("sms",), clock.now()):
            pass
        while send_due(folder_sender(app.config["TOWN_CONFIG"].outbox_folder), clock.now()):
            pass
        keyed(people["village_officer"], open_, "start", note=f"已到{NAME}家")  # leaves a message that waits
    told.booking = told.gatherings.booked_by(told.person, purpose=f"{ALL}：家庭聚会")
    return told


def carry_one(people: People, case: str, step: str) -> None:
    """The next step of the main line."""
    who, fields = {
        "dispatch": ("dispatcher", {"department": "sanitation"}),
        "start": ("handler", {}),
        "hand_in": ("handler", {"note": "已疏通"}),
        "pass_check": ("inspector", {}),
        "close": ("dispatcher", {}),
    }[step]
    assert people[who].act(case, step, **fields).status_code == 200


def dump(app: Flask) -> dict[str, bytes]:
    """Every row of every table, as bytes, by table."""
    with app.app_context(), db.engine.connect() as opened:
        # The one without rows of its own to read is an index, whose tables are read like the others.
        names = [name for name in inspect(opened).get_table_names() if name != "case_tokens"]
        return {name: b"\n".join(_cells(opened.execute(text(f'SELECT * FROM "{name}"')))) for name in names}


def _cells(found: Any) -> Iterator[bytes]:
    for row in found:
        for value in row:
            yield (
                bytes(value)
                if isinstance(value, bytes | memoryview)
                else json.dumps(value, ensure_ascii=False, default=str).encode()
            )


def files(app: Flask) -> dict[str, bytes]:
    """Every file the product keeps, with its name; SQLite's own after what was written has reached it."""
    config = app.config["TOWN_CONFIG"]
    if config.database_url.startswith("sqlite"):
        with app.app_context(), db.engine.connect() as opened:
            opened.connection.dbapi_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    folders = {config.INSTANCE, config.outbox_folder}
    return {str(path): path.read_bytes() for folder in folders for path in Path(folder).rglob("*") if path.is_file()}


def found_in(places: dict[str, bytes]) -> dict[str, list[bytes]]:
    """Where something tells of the person, and what."""
    hits = {place: [word for word in TELLING if word in content] for place, content in places.items()}
    return {place: words for place, words in hits.items() if words}


def figures(story: Story) -> Any:
    """What the town counts by: states, holders, steps and their times, ratings."""
    with story.app.app_context(), db.engine.connect() as opened:
        cases = "SELECT number, status, version, category, area_code, holder, rating, closed_at, due_at FROM cases"
        steps = "SELECT version, action, actor_role, holder, step, step_due_at, occurred_at FROM case_events"
        asked = [f"{cases} ORDER BY number", f"{steps} ORDER BY case_id, version"]
        return [[tuple(row) for row in opened.execute(text(one))] for one in asked]


def forget(story: Story, **body: Any) -> int:
    sent = body or {"password": PASSWORD}
    return story.people.client.delete("/api/v1/me", json=sent, headers=story.person.headers).status_code


def test_before_being_forgotten_the_person_is_found_in_many_places(story: Story) -> None:
    places = set(found_in(dump(story.app)))
    assert {"accounts", "cases", "case_events", "case_texts", "ledger_entries"} <= places
    assert any("outbox" in path for path in found_in(files(story.app)))
    assert any("original" in path and story.photo in path for path in files(story.app))


@pytest.mark.counted
def test_afterwards_the_person_is_in_no_table_and_no_file(
    story: Story, record_property: Callable[[str, object], None]
) -> None:
    before = len(found_in(dump(story.app))) + len(found_in(files(story.app)))
    assert forget(story) == 204
    tables, kept = found_in(dump(story.app)), found_in(files(story.app))
    record_property("forgotten", f"known in {before} tables and files, afterwards in {len(tables) + len(kept)}")
    assert tables == {} and kept == {}


def test_afterwards_nobody_finds_the_person_by_searching_or_reading(story: Story) -> None:
    desk = story.people["dispatcher"]
    assert len(desk.get(f"/cases?text={NAME}").json["items"]) == 3
    assert forget(story) == 204
    for word in (NAME, PHONE, NUMBER):
        assert desk.get(f"/cases?text={word}").json["items"] == []
    assert len(desk.get("/cases?text=门前积水").json["items"]) == 3
    for role in ("dispatcher", "village_officer", "handler", "inspector", "committee"):
        for case in story.cases:
            told = (
                story.people[role].get(f"/cases/{case}").data + story.people[role].get(f"/cases/{case}/timeline").data
            )
            assert [word for word in TELLING if word in told] == []


def test_figures_and_the_chain_of_the_ledger_stand(story: Story) -> None:
    before = figures(story)
    with story.app.app_context():
        while seal():
            pass
    assert forget(story) == 204
    assert figures(story) == before
    with story.app.app_context():
        while seal():
            pass
        verdicts = [verify(connection(), chain) for chain in chains(connection())]
    assert [verdict.fault for verdict in verdicts] == [None] * len(verdicts) and len(verdicts) >= 2


def test_the_photos_of_cases_stay_without_what_the_camera_told_and_others_go(story: Story) -> None:
    desk = story.people["dispatcher"]
    assert forget(story) == 204
    assert desk.get(f"/evidence/{story.photo}").status_code == 200
    with story.app.app_context():
        (kept,) = rows(select(Evidence.id, Evidence.sealed))
        told = original_of(kept.id, kept.sealed)
        assert rows(text("SELECT evidence_id FROM evidence_prints")) == []
    assert (told.lon, told.lat, told.taken_at, told.sha256, told.look) == (None,) * 5
    assert not [path for path in files(story.app) if "original" in path]
    assert not [path for path in files(story.app) if story.spare in path]


def test_the_town_goes_on_with_the_open_case_and_writes_to_nobody(story: Story) -> None:
    assert forget(story) == 204
    officer = story.people["village_officer"]
    assert officer.act(story.cases[1], "hand_in", note="已疏通").status_code == 200
    sent = list[Message]()
    with story.app.app_context():
        while share_out(("sms",), clock.now()):
            pass
        while send_due(sent.append, clock.now()):
            pass
    assert [message.address for message in sent if message.address.endswith(PHONE)] == []
    assert not {message.template for message in sent} & {"case_update", "case_reported"}


def test_the_room_and_the_seat_that_the_person_had_go_to_who_waits_for_them(story: Story) -> None:
    waits, event = story.people["party_member"], story.gatherings.announced(places=1)
    story.gatherings.publish(event)
    for who in (story.person, waits):
        assert who.post(f"/partymap/events/{event}/sign-up", None).status_code == 200
    in_line = story.gatherings.waits_for(waits, story.booking)
    told = story.person.get("/me/data").json
    assert [(one["room"], one["status"], NAME in one["purpose"]) for one in told["bookings"]] == [
        ("议事厅", "booked", True)
    ]
    assert [(one["title"], one["status"]) for one in told["event_sign_ups"]] == [("村庄清洁日", "signed_up")]
    assert forget(story) == 204
    assert waits.get(f"/partymap/bookings/{in_line}").json["status"] == "booked"
    assert [one["status"] for one in waits.get("/partymap/sign-ups").json["items"]] == ["signed_up"]
    gone = story.people["dispatcher"].get(f"/partymap/bookings/{story.booking}").json
    assert (gone["status"], gone["purpose"], gone["holder"]) == ("cancelled", "", None)
    with story.app.app_context():
        assert len(rows(text("SELECT 1 FROM event_sign_ups WHERE account_id IS NULL AND status = 'cancelled'"))) == 1


def test_the_old_tokens_and_the_old_password_are_dead_and_the_number_is_free(story: Story) -> None:
    refresh = story.person.tokens["refresh_token"]
    assert forget(story) == 204
    client = story.people.client
    assert story.person.get("/me").status_code == 401
    assert client.post("/api/v1/auth/refresh", json={"refresh_token": refresh}).status_code == 401
    assert client.post("/api/v1/auth/login", json={"phone": PHONE, "password": PASSWORD}).status_code == 401
    with story.app.app_context(), unit_of_work() as session:
        again = NewAccount(f"+86{PHONE}", NAME, "resident", TOWN)
        create_account(session, again, hash_password(PASSWORD), clock.now())
    newcomer = Person(client, PHONE)
    assert newcomer.get("/cases").json["items"] == []
    assert newcomer.get(f"/cases/{story.cases[0]}").status_code == 404


def test_forgetting_needs_the_password_or_a_code_to_the_own_phone(story: Story) -> None:
    assert forget(story, password="not the password") == 403
    assert forget(story, **proof(story.app, "13911112222", "forget")) == 401
    assert forget(story, **proof(story.app, PHONE, "sign_in")) == 401
    for body in ({"password": PASSWORD, "phone": PHONE}, {"code": "123456"}, {"phone": PHONE}):
        assert forget(story, **body) == 422
    assert story.people.client.delete("/api/v1/me", json={}, headers=story.person.headers).status_code == 422
    assert story.person.get("/me").status_code == 200
    assert forget(story, **proof(story.app, PHONE, "forget")) == 204
    assert found_in(dump(story.app)) == {}


def test_who_holds_an_office_hands_it_over_first(people: People) -> None:
    for role in ("grid_worker", "village_officer", "handler", "dispatcher", "admin"):
        answer = people.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=people[role].headers)
        assert (answer.status_code, answer.json["code"]) == (409, "holds_office"), role
        assert people[role].get("/me").status_code == 200


@pytest.mark.parametrize("number", [None, "+8613987650000"])
def test_a_proposal_loses_the_person_whose_number_is_another_by_now(
    app: Flask, people: People, number: str | None
) -> None:
    grid = people["grid_worker"].get("/me").json["roles"][0]["area_code"]
    body = {"phone": PHONE, "name": NAME, "role": "grid_worker", "area_code": grid}
    made = people["village_officer"].post("/roster/proposals", body)
    path = f"/roster/proposals/{made.json['id']}/decision"
    assert people["admin"].post(path, {"confirm": True}, If_Match=made.headers["ETag"]).status_code == 200
    with app.app_context(), unit_of_work() as session:
        changed = update(Account).where(Account.phone == f"+86{PHONE}").values(password_hash=hash_password(PASSWORD))
        session.execute(changed)
    person = Person(people.client, PHONE)
    who = person.get("/me").json["id"]
    etag = people["admin"].get(f"/accounts/{who}").headers["ETag"]
    assert people["admin"].post(f"/accounts/{who}/leave", {}, If_Match=etag).status_code == 200
    person = Person(people.client, PHONE)
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Account).where(Account.phone == f"+86{PHONE}").values(phone=number))
    answer = people.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=person.headers)
    assert answer.status_code == 204
    kept = people["village_officer"].get("/roster/proposals").json["items"]
    assert [(one["name"], one["phone"]) for one in kept] == [("", "")]


def test_when_forgetting_fails_half_way_nothing_of_it_is_kept(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.people import own_data

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(own_data, "record", fail)
    before = dump(story.app)
    assert forget(story) == 500
    after = dump(story.app)
    assert {name for name in before if before[name] != after[name]} <= {"throttles"}
    assert story.person.get("/me").status_code == 200


def test_a_copy_of_my_data_has_all_that_is_kept_of_me(story: Story) -> None:
    answer = story.person.get("/me/data")
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    told = answer.json
    assert told["account"]["name"] == NAME and told["account"]["phone"] == f"+86{PHONE}"
    assert [role["role"] for role in told["roles"]] == ["resident"]
    assert len(told["sign_ins"]) == 1
    assert {one["id"] for one in told["reports"]} == set(story.cases)
    done = next(one for one in told["reports"] if one["id"] == story.cases[0])
    assert ALL in done["description"] and done["evidence"] == [story.photo]
    assert [event["action"] for event in done["timeline"]][-1] == "rate"
    assert len(done["messages"]) >= 3 and all(message["sent_at"] for message in done["messages"])
    assert done["timeline"][-1]["actor"] == {"role": "reporter", "me": True}
    assert {photo["id"] for photo in told["photos"]} == {story.photo, story.spare}
    assert all(photo["lon"] == pytest.approx(113.0055, abs=0.001) for photo in told["photos"])


def test_a_copy_has_the_leave_somebody_took_and_the_wechat_user_they_are(app: Flask, people: People) -> None:
    worker, leave = people["grid_worker"], {"begins_at": "2099-01-01T08:00:00+08:00"}
    assert worker.post("/me/absences", leave).status_code == 201
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Account).where(Account.phone == "+8613800000003").values(wechat_openid="o-worker"))
    told = worker.get("/me/data").json
    assert [(one["begins_at"], one["reason"]) for one in told["absences"]] == [(leave["begins_at"], "leave")]
    assert told["account"]["wechat_openid"] == "o-worker"


def test_a_copy_has_what_others_laid_down_about_somebody(people: People) -> None:
    clear(people)
    desk, grid = people["dispatcher"], people["grid_worker"].get("/me").json["roles"][0]["area_code"]
    entry = {"account_id": desk.get("/me").json["id"], "area_code": VILLAGE, "reason": "兄长是村干部"}
    assert people["admin"].post("/conflicts", entry).status_code == 201
    body = {"phone": "13800000006", "name": "朱敏", "role": "grid_worker", "area_code": grid}
    assert people["village_officer"].post("/roster/proposals", body).status_code == 201
    told = desk.get("/me/data").json
    assert [(one["area_code"], one["reason"], one["ended_at"]) for one in told["conflicts"]] == [
        (VILLAGE, entry["reason"], None)
    ]
    assert [(one["role"], one["revoked_at"]) for one in told["clearings"]] == [("dispatcher", None)]
    assert all(told["clearings"][0][name] for name in ("admin_at", "committee_at"))
    assert [(one["role"], one["area_code"], one["status"]) for one in told["proposals"]] == [
        ("grid_worker", grid, "open")
    ]
    others = people["inspector"].get("/me/data").json
    assert [others[name] for name in ("conflicts", "clearings", "proposals")] == [[], [], []]


def test_a_copy_gives_nobody_a_code_or_a_device_to_prove_themselves_by(story: Story) -> None:
    client, body = story.people.client, {"phone": PHONE, "purpose": "forget"}
    assert client.post("/api/v1/auth/codes", json=body).status_code == 202
    told = story.person.get("/me/data").json
    assert told["messages"][-1]["sent_at"] is None and told["messages"][-1]["body"] == "", "the code waits to be sent"
    assert [name for one in told["sign_ins"] for name in one if name == "device_id"] == []


def test_a_copy_holds_nothing_of_anybody_else(story: Story) -> None:
    assert story.people["party_member"].get("/me/data").json["reports"] == []
    told = story.people["party_member"].get("/me/data").data
    assert [word for word in TELLING if word in told] == []
    everybody = [row for row in ("朱敏", "吴建业", "冯国栋") if row.encode() in story.person.get("/me/data").data]
    assert everybody == []


def test_a_protected_report_and_the_reasons_for_asking_who_made_it_lose_the_person_too(story: Story) -> None:
    clear(story.people)
    desk = story.people["dispatcher"]
    hidden = story.person.post("/cases", report(description=f"{ALL}：有人收钱", reporting="protected")).json["id"]
    asked = desk.post(f"/cases/{story.cases[1]}/identity-requests", {"reason": f"请向{NAME}核实"})
    assert asked.status_code == 201, asked.json
    assert NAME in desk.get(f"/cases/{hidden}").text
    assert "identity_requests" in found_in(dump(story.app))
    assert forget(story) == 204
    told = desk.get(f"/cases/{hidden}")
    assert told.status_code == 200 and "有人收钱" in told.text
    assert [word for word in TELLING if word in told.data] == []
    assert found_in(dump(story.app)) == {}
