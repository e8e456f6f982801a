"""What is personal in a case goes when its time after the end is over, wherever it was; what is counted stays."""

from __future__ import annotations

import io
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import LargeBinary, String, insert, select, text, update

from backend import create_app
from backend.cases import retention
from backend.cases.facts import FACTS
from backend.cases.links.following import keep_in_step
from backend.cases.retention import BITE, forget_ended
from backend.cases.retention_tables import CaseEnd
from backend.cases.search import search
from backend.cases.tables import Case, CaseEvent
from backend.config import Config
from backend.evidence.photo_store import photo_store
from backend.extensions import Base, JsonColumn, db
from backend.http import clock
from backend.http.reading import connection, rows
from backend.http.work import unit_of_work
from backend.ledger.chain import chains, seal
from backend.ledger.record import record
from backend.ledger.verifying import verify
from backend.outbox.folder import folder_sender
from backend.outbox.sending import send_due
from backend.outbox.sharing import share_out
from backend.scheduler import forget
from tests.cases.by_receipt import filed, named
from tests.cases.test_link_plans import plan
from tests.cases.test_protected import clear
from tests.conftest import close_engines
from tests.evidence import photos, recordings
from tests.evidence.test_bucket_store import bucket, server  # noqa: F401  # fixtures
from tests.test_forgetting import dump, files
from tests.town import TOWN, People, Person, report

pytestmark = pytest.mark.sql

TOKEN = "桕椽靛鼍"
"""Four characters that nothing else has, so that neither they nor a pair of them is found by chance."""
PLACE = {"lon": 113.005527, "lat": 22.866713, "crs": "wgs84"}
CAMERA = (b"ACME", b"secret-42", b"SN-0815")
TELLING = (TOKEN.encode(), json.dumps(TOKEN)[1:-1].encode(), b"113.005527", b"22.866713", *CAMERA)
PAIRS = [f"x{ord(character):x}".encode() for character in TOKEN[1:]]
"""How the index of the search writes the second of two characters; of the first it may leave out a part."""


def said(what: str) -> str:
    return f"{what}{TOKEN}"


def look_for(app: Flask) -> dict[str, list[bytes]]:
    """Where a token stands: in tables and files, other than the people's own accounts."""
    places = dump(app) | files(app)
    hits = {place: [word for word in TELLING if word in content] for place, content in places.items()}
    return {place: words for place, words in hits.items() if words}


def found_pairs(app: Flask) -> list[bytes]:
    """The pairs of the token's characters that are in a file, as SQLite's index of the search."""
    content = b"".join(files(app).values())
    return [pair for pair in PAIRS if pair in content]


def acted(person: Person, case: str, action: str, **fields: Any) -> None:
    """Do an action under a key, so that its answer is kept."""
    etag = person.get(f"/cases/{case}").headers["ETag"]
    body = {"action": action, **fields}
    answer = person.post(f"/cases/{case}/actions", body, If_Match=etag, Idempotency_Key=str(uuid.uuid4()))
    assert answer.status_code == 200, (action, answer.json)


def sent(people: People, role: str, file: bytes, name: str = f"{TOKEN}.jpg") -> str:
    form = {"file": (io.BytesIO(file), name)}
    answer = people.client.post("/api/v1/evidence", data=form, headers=people[role].headers)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


@dataclass
class Story:
    """A case with all that can be said of one; others that ended in other ways; parts; one that was reopened; one that
    ends a day later than all these."""

    app: Flask
    people: People
    over: list[str]
    reopened: str
    later: str


def close(people: People, case: str, how: Callable[[str], str] = str) -> None:
    """Carry an accepted case to its closing, with words in every step."""
    desk, handler, inspector = people["dispatcher"], people["handler"], people["inspector"]
    acted(desk, case, "dispatch", department="sanitation", note=how("派"))
    acted(handler, case, "start", note=how("到场"))
    acted(handler, case, "hand_in", note=how("办毕"))
    acted(inspector, case, "pass_check", note=how("核"))
    acted(desk, case, "close", note=how("结"))


def tell_all(people: People) -> str:
    """A case in which everybody says all they can, closed and rated."""
    desk, resident = people["dispatcher"], people["resident"]
    film, photo = sent(people, "resident", recordings.film(), "a.mp4"), sent(people, "resident", photos.telling_jpeg())
    body = report(description=said("门前积水，陈某说"), address=said("幸福路"), location=PLACE, evidence=[photo, film])
    answer = resident.post("/cases", body, Idempotency_Key=str(uuid.uuid4()))
    assert answer.status_code == 201, answer.json
    case = str(answer.json["id"])
    acted(resident, case, "urge", note=said("快"))
    assert desk.post(f"/evidence/{photo}/original", {"reason": said("核对")}).status_code == 200
    assert desk.post(f"/cases/{case}/identity-requests", {"reason": said("回访")}).status_code == 201
    acted(desk, case, "accept", note=said("已联系"))
    found = people["grid_worker"].post(
        "/cases/similar", {"location": PLACE, "category": "litter", "description": said("门前积水，陈某说")}
    )
    joined = people["grid_worker"].post("/cases/support", {"offer": found.json["items"][0]["offer"]})
    assert joined.status_code in (200, 201), joined.json
    later = (clock.now() + timedelta(days=3)).isoformat()
    acted(people["committee"], case, "supervise", leader=TOKEN, until=later, note=said("督"))
    acted(desk, case, "correct_place", reason=said("门牌"), location=PLACE | {"lat": 22.866714}, address=said("八号"))
    acted(desk, case, "ask", note=said("哪一户"))
    acted(resident, case, "reply", note=said("左边"), evidence=[sent(people, "resident", photos.telling_jpeg())])
    acted(desk, case, "note", note=said("内部"), internal=True)
    for look in ("release_public_text", "drop_public_text"):
        acted(desk, case, "draft_public_text", public_text=said("门前"))
        acted(people["inspector"], case, look, **({"reason": said("太细")} if look.startswith("drop") else {}))
    acted(desk, case, "tag", tags=["8.1"])
    close(people, case, said)
    acted(resident, case, "rate", score=2, note=said("一般"), reasons=["slow"])
    return case


@pytest.fixture
def story(app: Flask, people: People) -> Story:
    return tell(app, people)


def tell(app: Flask, people: People) -> Story:
    clear(people)
    desk, resident = people["dispatcher"], people["resident"]
    told = tell_all(people)
    declined = resident.file(description=said("噪声"), reporting="anonymous")["id"]
    acted(desk, declined, "decline", reason=said("不属"))
    hidden = resident.file(description=said("收钱"), address=TOKEN, reporting="protected")["id"]
    acted(resident, hidden, "withdraw")
    by_receipt, _ = filed(people.client, description=said("井盖"), reporter=named(people.client))
    merged = resident.file(description=said("井盖又"))["id"]
    for case in (by_receipt, merged):
        acted(desk, case, "accept")
    acted(desk, merged, "merge", into=by_receipt, reason=said("同一件"))
    whole = resident.file(description=said("两项"))["id"]
    acted(desk, whole, "accept")
    acted(
        desk,
        whole,
        "split",
        parts=[
            {"description": said(part), "category": "litter", "department": "sanitation"} for part in ("甲项", "乙项")
        ],
    )
    with app.app_context():
        parts = [str(part) for part in retention.parts_of(uuid.UUID(whole))]
    for case in (by_receipt, *parts):
        close_held(people, case) if case in parts else close(people, case)
    with app.app_context():
        keep_in_step(clock.now())
    for case in (whole,):
        acted(people["inspector"], case, "pass_check")
        acted(desk, case, "close")
    reopened, later = (resident.file(description=f"路面{word}破损")["id"] for word in ("甲", "乙"))
    for case in (reopened, later):
        acted(desk, case, "accept")
        close(people, case)
    acted(resident, reopened, "reopen", reason="又坏了")
    with app.app_context(), unit_of_work() as session:
        a_day_later = update(CaseEnd).where(CaseEnd.case_id == uuid.UUID(later))
        session.execute(a_day_later.values(ended_at=clock.now() + timedelta(days=1)))
    with app.app_context():
        while share_out(("sms",), clock.now()):
            pass
        while send_due(folder_sender(app.config["TOWN_CONFIG"].outbox_folder), clock.now()):
            pass
        while seal():
            pass
    return Story(app, people, [told, declined, hidden, by_receipt, merged, whole, *parts], reopened, later)


def close_held(people: People, case: str) -> None:
    acted(people["handler"], case, "start")
    acted(people["handler"], case, "hand_in", note=said("办毕"))
    acted(people["inspector"], case, "pass_check")
    acted(people["dispatcher"], case, "close")


def run(story: Story, at: datetime) -> int:
    """The night's jobs at an instant; all sign-ins end by then."""
    with story.app.app_context():
        forget(at)
        done = forget_ended(at)
    story.people.clear()
    return done


def when_over() -> datetime:
    return clock.now() + timedelta(days=730, minutes=1)


def figures(story: Story) -> Any:
    """What the town counts by: cases, steps, ratings, supporters, and what the score is made of."""
    steps = "SELECT action, from_status, to_status, actor_role, holder, step, step_due_at, occurred_at FROM case_events"
    asked = (
        "SELECT number, status, category, area_code, coarse_lon, holder, rating, closed_at, accepted_at FROM cases",
        f"{steps} WHERE action <> 'expire'",
        "SELECT score, rated_at FROM low_ratings",
        "SELECT case_id, count(*) FROM case_supporters GROUP BY case_id",
        "SELECT kind, head_id, case_id FROM case_links",
    )
    month = {"period_start": clock.now() - timedelta(days=99), "period_end": clock.now() + timedelta(days=99)}
    binds = month | {"town_start": "0", "town_end": "z"}
    with story.app.app_context(), db.engine.connect() as opened:
        counted = [sorted(map(repr, map(tuple, opened.execute(text(one))))) for one in asked]
        facts = [sorted(map(repr, map(tuple, rows(fact.select, **binds)))) for fact in FACTS if fact.room == "cases"]
        assert any(facts)
        return counted, facts


def test_before_its_time_is_over_nothing_goes_and_afterwards_nothing_is_left(story: Story) -> None:
    app, people = story.app, story.people
    places = set(look_for(app))
    assert {"cases", "case_events", "case_texts", "ledger_entries", "identity_requests"} <= places
    assert any("evidence" in path for path in files(app))
    before = figures(story)
    assert run(story, clock.now() + timedelta(days=729)) == 0
    assert {"cases", "case_events", "case_texts", "ledger_entries", "identity_requests"} <= set(look_for(app))

    assert run(story, when_over()) == len(story.over)
    assert look_for(app) == {}
    assert [path for path in files(app) if "evidence" in path] == []
    assert figures(story) == before
    with app.app_context():
        left = {table: len(rows(text(f"SELECT 1 FROM {table}"))) for table in GONE}
        assert left == GONE
        while seal():
            pass
        verdicts = [verify(connection(), chain) for chain in chains(connection())]
        assert [verdict.fault for verdict in verdicts] == [None] * len(verdicts)
    desk = people["dispatcher"]
    for case in (story.reopened, story.later):
        assert "路面" in desk.get(f"/cases/{case}").json["description"]
    for case in story.over:
        assert people["resident"].get(f"/cases/{case}").status_code == 404, "nobody's any more"
    read = desk.get(f"/cases/{story.over[0]}").json
    assert (read["description"], read["rating"], read["status"], read["evidence"]) == ("", 2, "closed", [])
    history = desk.get(f"/cases/{story.over[0]}/timeline").json["items"]
    assert [event["action"] for event in history][-2:] == ["rate", "expire"]
    assert {event["note"] for event in history} == {None}
    assert [event["score"] for event in history if event["action"] == "rate"] == [2]
    assert desk.get(f"/cases?text={TOKEN}").json["items"] == []
    assert len(desk.get("/cases").json["items"]) == len(story.over) + 2


GONE = {
    "reporter_identities": 2,
    "supporter_identities": 0,
    "receipts": 0,
    "evidence": 0,
    "evidence_prints": 0,
    "kept_answers": 0,
    "notices": 0,
    "outbox_messages": 0,
    "case_texts": 2,
    "case_ends": 1,
}
"""Rows that are left: those of the case that ended later, and of the one reopened, whose earlier end is dropped."""


def test_what_was_broken_off_is_gone_on_with_and_done_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    drop, calls = search.drop, list[uuid.UUID]()

    def break_off(session: Any, case_id: uuid.UUID) -> None:
        calls.append(case_id)
        if len(calls) == 3:
            raise RuntimeError
        drop(session, case_id)

    monkeypatch.setattr(search, "drop", break_off)
    with pytest.raises(RuntimeError):
        run(story, when_over())
    assert "cases" in look_for(story.app)
    assert run(story, when_over()) == len(story.over) - 2
    assert look_for(story.app) == {}
    before = dump(story.app)
    assert run(story, when_over()) == 0
    assert {name for name in before if dump(story.app)[name] != before[name]} == set()


def ended(people: People, described: str) -> str:
    case = str(people["resident"].file(description=described)["id"])
    acted(people["dispatcher"], case, "decline", reason=said("不属"))
    return case


def described(people: People, case: str) -> str:
    return str(people["dispatcher"].get(f"/cases/{case}").json["description"])


def test_a_case_that_was_reopened_waits_anew_and_what_is_said_later_goes_in_its_turn(
    app: Flask, people: People
) -> None:
    case = people["resident"].file(description=said("路灯"))["id"]
    acted(people["dispatcher"], case, "accept")
    close(people, case)
    with time_machine.travel(clock.now() + timedelta(days=20)):
        now = People(people.client)
        acted(now["resident"], case, "reopen", reason="又坏了")
        acted(now["dispatcher"], case, "dispatch", department="sanitation")
        acted(now["handler"], case, "start")
    with time_machine.travel(clock.now() + timedelta(days=40)):
        now = People(people.client)
        acted(now["handler"], case, "hand_in", note="好")
        acted(now["inspector"], case, "pass_check")
        acted(now["dispatcher"], case, "close")
    with app.app_context():
        assert forget_ended(when_over() + timedelta(days=39)) == 0
        assert TOKEN in described(people, case)
        assert forget_ended(when_over() + timedelta(days=40)) == 1
    assert described(people, case) == ""
    acted(people["dispatcher"], case, "note", note=said("来人查询"))
    with app.app_context():
        forget(when_over())
        assert forget_ended(when_over()) == 1
    assert look_for(app) == {}


def test_a_closing_that_can_still_be_answered_is_left_alone(app: Flask, people: People) -> None:
    case = people["resident"].file(description=said("路灯"))["id"]
    acted(people["dispatcher"], case, "accept")
    set_to(people, "reopen_within_days", "900")
    close(people, case)
    with app.app_context():
        assert forget_ended(when_over()) == 0
        assert forget_ended(clock.now() + timedelta(days=901)) == 1


def set_to(people: People, name: str, value: str) -> int:
    etag = people["admin"].get(f"/settings/{name}").headers["ETag"]
    headers = people["admin"].headers | {"If-Match": etag}
    return people.client.patch(f"/api/v1/settings/{name}", json={"value": value}, headers=headers).status_code


def test_the_town_sets_for_how_long_but_half_a_year_at_least(app: Flask, people: People) -> None:
    case = ended(people, said("噪声"))
    assert [set_to(people, "retain_days", value) for value in ("0", "182", "36501", "x")] == [422] * 4
    assert set_to(people, "retain_days", "183") == 200
    assert found_pairs(app) == (PAIRS if any(path.endswith(".db") for path in files(app)) else [])
    with app.app_context():
        assert forget_ended(clock.now() + timedelta(days=182, hours=23)) == 0
        assert forget_ended(clock.now() + timedelta(days=183, minutes=1)) == 1
    assert described(people, case) == "" and found_pairs(app) == []


def test_a_long_history_goes_in_bites(app: Flask, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ended(people, said("噪声"))
    with app.app_context(), unit_of_work() as session:
        (first,) = rows(select(*CaseEvent.__table__.c).where(CaseEvent.version == 1))
        said_more = [{**first._mapping, "version": 10 + one, "note": said("又")} for one in range(2 * BITE)]
        session.execute(insert(CaseEvent), said_more)
        for one in said_more:
            thing, details = ("case", case), {"note": one["note"]}
            record(
                session,
                town=TOWN,
                actor=None,
                action="note",
                thing=thing,
                version=one["version"],
                occurred_at=clock.now(),
                details=details,
            )
    bites, write = list[int](), unit_of_work

    @contextmanager
    def counted() -> Iterator[Any]:
        with write() as session:
            before = len(rows(text("SELECT 1 FROM case_events WHERE note IS NULL")))
            erased = len(rows(text("SELECT 1 FROM ledger_entries WHERE digest IS NOT NULL")))
            yield session
        bites.append(len(rows(text("SELECT 1 FROM case_events WHERE note IS NULL"))) - before)
        bites.append(len(rows(text("SELECT 1 FROM ledger_entries WHERE digest IS NOT NULL"))) - erased)

    monkeypatch.setattr(retention, "unit_of_work", counted)
    with app.app_context():
        forget(when_over())
        assert forget_ended(when_over()) == 1
    assert max(bites) == BITE and sum(bites) >= 4 * BITE
    assert look_for(app) == {}


def test_files_in_a_bucket_go_too(bucket: Config) -> None:  # noqa: F811  # a fixture
    app = create_app(bucket)
    people = People(app.test_client())
    case = people["resident"].file(evidence=[sent(people, "resident", photos.telling_jpeg())])["id"]
    acted(people["resident"], case, "withdraw")
    with app.app_context():
        assert len(list(photo_store().put_before(when_over()))) == 1
        assert forget_ended(when_over()) == 1
        assert list(photo_store().put_before(when_over())) == []
    close_engines(app)


def test_only_what_is_due_is_looked_at(app: Flask) -> None:
    with app.app_context():
        values = dict(zip(("at", "case", "version"), retention._BEGINNING, strict=True))
        found = plan(retention._due.params(town=TOWN, before=clock.now(), **values))
        one = plan(retention._case.params(case=uuid.uuid4()))
        entries = plan(retention._entries.params(things=[str(uuid.uuid4())]))
    assert "ix_case_ends_due" in found and "TEMP B-TREE" not in found and "Sort" not in found, found
    assert "ix_ledger_entries_thing" in entries, entries
    for told in (found, one, entries):
        assert "SCAN" not in told and "Seq Scan" not in told, told


SPOKEN_FOR = {
    "cases.number": "no person's",
    "cases.holder": "a code, or the id of an account",
    "cases.description": "emptied",
    "cases.redacted": "emptied",
    "cases.address": "emptied",
    "cases.leader": "emptied",
    "cases.source": "the name of a system",
    "cases.category": "a code",
    "cases.sealed": "emptied",
    "overdue_steps.holder": "a code, or the id of an account",
    "case_events.note": "emptied",
    "case_events.details": "emptied but for what retention names",
    "case_events.holder": "a code, or the id of an account",
    "reporter_identities.sealed": "deleted",
    "identity_requests.reason": "emptied",
    "identity_requests.held_because": "emptied",
    "case_texts.folded": "deleted",
    "case_texts.folded_redacted": "deleted",
    "case_calls.department": "a code",
    "evidence.sealed": "deleted",
    "evidence.media": "deleted",
    "supporter_identities.sealed": "deleted",
    "sealed_notes.sealed": "deleted",
    "public_texts.text": "deleted",
    "public_texts.photos": "deleted",
}


def test_all_that_tables_can_say_of_a_case_is_spoken_for() -> None:
    """Whoever adds a table about cases says here what becomes of its words; deleting them belongs into retention.py."""
    about = {"cases", "evidence"}
    while more := {
        table.name
        for table in Base.metadata.sorted_tables
        if table.name not in about
        and ({key.column.table.name for key in table.foreign_keys} & about or "case_id" in table.c)
    }:
        about |= more
    tells = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        if table.name in about
        for column in table.c
        if isinstance(column.type, LargeBinary | type(JsonColumn))
        or (isinstance(column.type, String) and (column.type.length is None or column.type.length > 15))
    }
    codes = {one for one in tells if one.rpartition(".")[2] in {"status", "action", "actor_role", "step", "course"}}
    assert tells - codes - {one for one in tells if "_status" in one} == set(SPOKEN_FOR)


@pytest.mark.prove
def test_who_files_meanwhile_waits_less_than_a_quarter_of_a_second(app: Flask, people: People) -> None:
    cases = [people["resident"].file(description=said(f"路灯{number}"))["id"] for number in range(400)]
    with app.app_context(), unit_of_work() as session:
        over = {"town_code": TOWN, "version": 1, "ended_at": clock.now()}
        session.execute(insert(CaseEnd), [over | {"case_id": uuid.UUID(case)} for case in cases])
        session.execute(update(Case).values(status="declined"))
        session.execute(update(CaseEvent).values(to_status="declined"))
    done = list[int]()

    def job() -> None:
        with app.app_context():
            done.append(forget_ended(when_over()))

    working, waited = threading.Thread(target=job), list[float]()
    working.start()
    while working.is_alive():
        began = time.perf_counter()
        people["resident"].file()
        waited.append(time.perf_counter() - began)
    working.join()
    assert done == [len(cases)] and len(waited) > 100
    assert max(waited) < 0.25, sorted(waited)[-5:]
