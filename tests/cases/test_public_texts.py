"""What the public reads of a case: worded by one, looked at by another, withdrawn by either."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from backend.cases.public import publication
from backend.cases.public.public_text_tables import PublicText
from backend.cases.reporter.redaction import MARK
from backend.cases.tables import Case
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from tests.evidence import photos
from tests.town import TOWN, VILLAGE, People, carry

NOON = datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)
WORDS = "村口垃圾已列入清运，预计本周完成。"


@pytest.fixture
def frozen() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as travelled:
        yield travelled


@pytest.fixture
def case(frozen: Any, people: People) -> str:
    """A case that the public sees, in hand, with a photo of the work; four days old."""
    filed = people["resident"].file(evidence=[photo(people, "resident")])
    carry(people, filed["id"], "start")
    work = photo(people, "village_officer")
    assert people["village_officer"].act(filed["id"], "hand_in", note="已清", evidence=[work]).status_code == 200
    frozen.shift(timedelta(days=4))
    people.clear()
    return str(filed["id"])


def photo(people: People, who: str) -> str:
    form = {"file": (io.BytesIO(photos.jpeg()), "a.jpg")}
    return str(people.client.post("/api/v1/evidence", data=form, headers=people[who].headers).json["id"])


def public(people: People) -> list[Any]:
    items: list[Any] = people.client.get("/api/v1/public/cases").json["items"]
    return items


def worded(people: People, case: str, text: str = WORDS, **more: Any) -> None:
    answer = people["dispatcher"].act(case, "draft_public_text", public_text=text, **more)
    assert answer.status_code == 200, answer.json


def done(people: People, who: str, case: str, action: str, **fields: Any) -> Any:
    answer = people[who].act(case, action, **fields)
    assert answer.status_code == 200, answer.json
    return answer.json


def later(frozen: Any, people: People) -> None:
    """Two days on, when what was done today shows."""
    frozen.shift(timedelta(days=2))
    people.clear()


def test_until_somebody_else_has_looked_the_public_reads_no_word(people: People, frozen: Any, case: str) -> None:
    (before,) = public(people)
    assert before["text"] is None
    worded(people, case)
    assert public(people) == [before]
    refused = people["dispatcher"].act(case, "release_public_text")
    assert (refused.status_code, refused.json["code"]) == (403, "action_not_permitted")
    assert "另一位" in refused.json["detail"]
    assert "release_public_text" not in people["dispatcher"].get(f"/cases/{case}").json["allowed_actions"]
    assert people["village_officer"].act(case, "release_public_text").status_code == 403
    done(people, "inspector", case, "release_public_text")
    assert public(people) == [before]  # nor at once when they have: it would show when they did
    later(frozen, people)
    assert public(people) == [before | {"text": WORDS}]


def test_what_is_released_is_the_text_that_was_looked_at(people: People, frozen: Any, case: str) -> None:
    worded(people, case)
    seen = people["inspector"].get(f"/cases/{case}").headers["ETag"]
    worded(people, case, "又改了一稿")
    body = {"action": "release_public_text"}
    assert people["inspector"].post(f"/cases/{case}/actions", body, If_Match=seen).status_code == 412
    assert public(people)[0]["text"] is None
    done(people, "inspector", case, "release_public_text")
    later(frozen, people)
    worded(people, case, "第三稿")
    assert public(people)[0]["text"] == "又改了一稿"  # until the third is released
    done(people, "inspector", case, "drop_public_text", reason="写得太细")
    assert public(people)[0]["text"] == "又改了一稿"
    told = people["inspector"].get(f"/cases/{case}/public-texts").json["items"]
    assert [(one["text"], one["state"]) for one in told] == [
        ("第三稿", "dropped"),
        ("又改了一稿", "released"),
        (WORDS, "replaced"),
    ]


def test_numbers_and_names_are_taken_out_before_anybody_looks(people: People, case: str) -> None:
    worded(people, case, "由李主任（13812345678）负责，粤E12345已移走")
    (text,) = people["inspector"].get("/public-texts").json["items"]
    assert text["text"] == f"由{MARK}主任（{MARK}）负责，{MARK}已移走"


def test_the_queue_holds_what_waits_oldest_first_for_those_who_may_look(people: People, frozen: Any, case: str) -> None:
    other = people["resident"].file()["id"]
    carry(people, other, "accept")
    worded(people, case)
    frozen.shift(timedelta(minutes=1))
    worded(people, other, "第二件")
    for who, mine in (("dispatcher", True), ("inspector", False)):
        first = people[who].get("/public-texts?limit=1").json
        second = people[who].get(f"/public-texts?limit=1&cursor={first['next_cursor']}").json
        assert [first["items"][0]["case_id"], second["items"][0]["case_id"]] == [case, other], who
        assert first["items"][0]["mine"] is mine and second["next_cursor"] is None
    for who in ("resident", "grid_worker", "village_officer", "handler", "committee", "admin", "auditor"):
        assert people[who].get("/public-texts").status_code == 404, who
    done(people, "inspector", case, "release_public_text")
    done(people, "resident", other, "withdraw")
    assert people["inspector"].get("/public-texts").json["items"] == []


def test_who_reported_it_reads_of_the_release_and_not_of_drafts(people: People, case: str) -> None:
    worded(people, case)
    done(people, "inspector", case, "drop_public_text", reason="内部意见")
    worded(people, case)
    done(people, "inspector", case, "release_public_text")
    told = [one["action"] for one in people["resident"].get(f"/cases/{case}/timeline").json["items"]]
    assert told[-1] == "release_public_text"
    assert not {"draft_public_text", "drop_public_text"} & set(told)


def test_one_person_takes_a_case_off_the_public_face_at_once_and_two_put_it_back_later(
    people: People, frozen: Any, case: str
) -> None:
    worded(people, case)
    done(people, "inspector", case, "release_public_text")
    (shown,) = public(people)
    done(people, "inspector", case, "unpublish", reason="有人被认出")
    assert public(people) == []
    gone = people.client.get(f"/api/v1/public/cases/{shown['id']}")
    nothing = people.client.get(f"/api/v1/public/cases/{uuid.uuid4()}")
    assert (gone.status_code, gone.data) == (nothing.status_code, nothing.data) and gone.status_code == 404
    assert people["dispatcher"].act(case, "unpublish", reason="再撤").status_code == 409
    done(people, "dispatcher", case, "correct_category", category="clutter", reason="不是垃圾")
    frozen.shift(timedelta(days=4))
    people.clear()
    assert public(people) == []
    worded(people, case, "改写后的文字")
    done(people, "inspector", case, "release_public_text")
    assert public(people) == []
    frozen.shift(timedelta(days=4))
    (again,) = public(people)
    assert (again["id"], again["text"]) == (shown["id"], "改写后的文字")


def test_only_photos_of_the_work_are_shown_and_only_released_ones(people: People, frozen: Any, case: str) -> None:
    theirs, work = (one["id"] for one in people["dispatcher"].get(f"/cases/{case}/evidence").json["items"])
    refused = people["dispatcher"].act(case, "draft_public_text", public_text=WORDS, public_photos=[theirs])
    assert refused.status_code == 422 and "public_photos" in refused.json["errors"]
    worded(people, case, public_photos=[work])
    (shown,) = public(people)
    whole = f"/api/v1/public/cases/{shown['id']}"
    assert people.client.get(whole).json["photos"] == []
    assert people.client.get(f"{whole}/photos/1").status_code == 404
    done(people, "inspector", case, "release_public_text")
    later(frozen, people)
    (where,) = people.client.get(whole).json["photos"]
    seen = people.client.get(where)
    assert (seen.status_code, seen.content_type) == (200, "image/jpeg")
    assert seen.data == people["inspector"].get(f"/evidence/{work}").data
    assert not any(id in f"{where}{seen.headers}" for id in (work, case))
    assert people.client.get(where, headers={"If-None-Match": seen.headers["ETag"]}).status_code == 304
    assert [people.client.get(f"{whole}/photos/{number}").status_code for number in (0, 2)] == [404, 404]
    done(people, "dispatcher", case, "unpublish", reason="照片里有车牌")
    assert people.client.get(where).status_code == 404


def test_its_public_history_has_stages_by_day_and_nobody_and_grows_at_midnight(
    people: People, frozen: Any, case: str
) -> None:
    done(people, "inspector", case, "rework", reason="李主任说没清净")
    done(people, "village_officer", case, "hand_in", note="再清")
    (before,) = public(people)
    frozen.shift(timedelta(days=1))
    people.clear()
    done(people, "inspector", case, "pass_check")
    done(people, "dispatcher", case, "close")
    done(people, "resident", case, "reopen", reason="又堆了")
    whole = f"/api/v1/public/cases/{before['id']}"

    def shown() -> tuple[Any, Any]:
        (listed,), told = public(people), people.client.get(whole).json
        assert not any(word in str(told) for word in (case, "李主任", "又堆了", "village_officer", "12:00"))
        assert told.items() >= listed.items() and listed.items() >= {"day": "2026-11-25"}.items()
        return listed["status"], [(one["stage"], one["day"]) for one in told["timeline"]]

    first = [("accepted", "2026-11-25"), ("in_hand", "2026-11-25")]
    for moment in (NOON + timedelta(days=5), datetime(2026, 12, 1, 23, 59, 59, tzinfo=TOWN_ZONE)):
        frozen.move_to(moment)
        assert public(people) == [before] and shown() == ("handled", first)
    frozen.move_to(datetime(2026, 12, 2, tzinfo=TOWN_ZONE))
    assert shown() == ("reopened", [*first, ("closed", "2026-11-30"), ("reopened", "2026-11-30")])


@pytest.mark.parametrize("step", ["start", "ask_suspension"])
def test_a_step_without_a_time_of_its_own_shows_no_sooner(people: People, frozen: Any, step: str) -> None:
    case = str(people["resident"].file()["id"])
    carry(people, case, "dispatch" if step == "start" else "start")
    frozen.shift(timedelta(days=4))
    people.clear()
    (before,) = public(people)
    until = (NOON + timedelta(days=30)).isoformat()
    done(people, "village_officer", case, step, **({} if step == "start" else {"reason": "待雨停", "until": until}))
    if step == "ask_suspension":
        done(people, "dispatcher", case, "suspend")
    assert public(people) == [before]
    later(frozen, people)
    assert [one["status"] for one in public(people)] == ["handling" if step == "start" else "suspended"]


def test_a_case_that_was_accepted_yesterday_is_public_as_accepted_whatever_came_after(
    people: People, frozen: Any
) -> None:
    case = str(people["resident"].file()["id"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "_DELAY_HOURS", (24, 24))
        carry(people, case, "start")
    frozen.shift(timedelta(hours=24, seconds=1))
    (shown,) = public(people)
    told = people.client.get(f"/api/v1/public/cases/{shown['id']}").json
    assert (shown["status"], [one["stage"] for one in told["timeline"]]) == ("accepted", ["accepted"])


def test_what_is_not_an_ordinary_report_never_shows_whatever_else_its_row_says(
    app: Flask, people: People, case: str
) -> None:
    worded(people, case)
    done(people, "inspector", case, "release_public_text")
    worded(people, case, "第二稿")
    (shown,) = public(people)
    for reporting in ("protected", "part", "task"):
        with app.app_context(), unit_of_work() as session:
            session.execute(update(Case).where(Case.id == uuid.UUID(case)).values(reporting=reporting))
        assert public(people) == [], reporting
        assert people.client.get(f"/api/v1/public/cases/{shown['id']}").status_code == 404, reporting
        assert "<entry>" not in people.client.get(f"/api/v1/public/areas/{TOWN}/feed.atom").text, reporting
        assert people["inspector"].get("/public-texts").json["items"] == [], reporting


def test_forgetting_the_reporter_takes_their_name_out_of_public_texts_too(
    app: Flask, people: People, case: str
) -> None:
    name = people["resident"].get("/me").json["name"]
    worded(people, case, f"感谢{name}的反映")
    done(people, "inspector", case, "release_public_text")
    assert (
        people.client.delete(
            "/api/v1/me", json={"password": "a password of the tests"}, headers=people["resident"].headers
        ).status_code
        == 204
    )
    with app.app_context():
        (kept,) = rows(select(PublicText.text))
    assert kept.text == f"感谢{MARK}的反映"
    assert name not in str(public(people))


def test_a_case_that_is_not_for_the_public_gets_no_public_text(people: People, frozen: Any) -> None:
    private = people["resident"].file(category="neighbours")["id"]
    reported = people["resident"].file()["id"]
    carry(people, private, "accept")
    for case in (private, reported):
        answer = people["dispatcher"].act(case, "draft_public_text", public_text=WORDS)
        assert (answer.status_code, answer.json["code"]) == (409, "not_in_state"), case
    assert VILLAGE in str(people["dispatcher"].get(f"/cases/{private}").json["area_code"])
