"""A person reads their own notices, and says how they want to be told."""

import threading
from datetime import datetime, timedelta
from typing import Any

import time_machine
from flask import Flask
from sqlalchemy import select

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.inbox import KEPT, forget_notices
from backend.outbox.messages import post
from backend.outbox.sharing import share_out
from backend.outbox.tables import OutboxMessage
from tests.town import PASSWORD, People, Person


def soon() -> datetime:
    """Five minutes from now: later than every sign-in of the test, and before it runs out."""
    return datetime.now(TOWN_ZONE) + timedelta(minutes=5)


def tell(app: Flask, person: Person, number: int) -> None:
    who = person.get("/me").json["id"]
    with app.app_context():
        for _ in range(number):
            with unit_of_work() as session:
                post(session, "notice", f"account:{who}", "handed_over")
        while share_out(("sms",), datetime.now(TOWN_ZONE)):
            pass


def read(person: Person, path: str = "/me/notices") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(path).json["items"]
    return found


def patched(person: Person, body: Any, etag: str) -> Any:
    headers = {**person.headers, "If-Match": etag}
    return person.client.patch("/api/v1/me/notices/preferences", json=body, headers=headers)


def test_pages_give_every_notice_once_newest_first(app: Flask, people: People) -> None:
    handler = people["handler"]
    start = soon()
    with time_machine.travel(start) as clock:
        for number in range(7):
            clock.move_to(start + timedelta(minutes=number // 2))
            tell(app, handler, 1)
    seen, cursor = list[dict[str, Any]](), ""
    while True:
        page = handler.get(f"/me/notices?limit=2{cursor}").json
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len({one["id"] for one in seen}) == len(seen) == 7
    assert [one["at"] for one in seen] == sorted((one["at"] for one in seen), reverse=True)


def test_a_notice_is_read_in_the_readers_language(app: Flask, people: People) -> None:
    handler = people["handler"]
    tell(app, handler, 1)
    headers = {**handler.headers, "Accept-Language": "en"}
    english = handler.client.get("/api/v1/me/notices", headers=headers).json["items"]
    assert english[0]["text"] == "Work was handed over to you. Please sign in to see it."
    assert read(handler)[0]["text"] == "有工作移交给您，请登录查看。"


def test_one_notice_or_all_up_to_an_instant_are_marked_as_read(app: Flask, people: People) -> None:
    handler = people["handler"]
    start = soon()
    with time_machine.travel(start) as clock:
        tell(app, handler, 1)
        clock.move_to(start + timedelta(minutes=1))
        tell(app, handler, 2)
    first = read(handler)[-1]
    assert handler.post(f"/me/notices/{first['id']}/read", None).status_code == 204
    when = read(handler)[-1]["read_at"]
    assert when is not None and len(read(handler, "/me/notices?unread=true")) == 2
    assert handler.post(f"/me/notices/{first['id']}/read", None).status_code == 204
    assert read(handler)[-1]["read_at"] == when, "the first time counts"
    tell(app, handler, 1)
    until = sorted(one["at"] for one in read(handler))[-2]
    assert handler.post("/me/notices/read", {"until": until}).status_code == 204
    assert len(read(handler, "/me/notices?unread=true")) == 1


def test_nobody_marks_anothers_notice(app: Flask, people: People) -> None:
    tell(app, people["handler"], 1)
    (notice,) = read(people["handler"])
    random = people["resident"].post("/me/notices/01930000-0000-7000-8000-000000000001/read", None)
    other = people["resident"].post(f"/me/notices/{notice['id']}/read", None)
    assert (other.status_code, other.data) == (404, random.data)
    assert read(people["handler"])[0]["read_at"] is None


def test_channels_and_language_are_switched_under_a_version(people: People) -> None:
    handler = people["handler"]
    first = handler.get("/me/notices/preferences")
    every = {"inbox": True, "sms": True, "wechat": True, "email": True}
    assert first.json == {"channels": every, "language": "zh", "email": None, "version": 0}
    changed = patched(handler, {"channels": {"sms": False}, "language": "en"}, first.headers["ETag"])
    assert changed.status_code == 200 and changed.json["channels"] == every | {"sms": False}
    assert patched(handler, {"channels": {"sms": True}}, first.headers["ETag"]).status_code == 412
    again = patched(handler, {"channels": {"inbox": False}}, changed.headers["ETag"])
    assert again.json["channels"] == every | {"sms": False, "inbox": False} and again.json["language"] == "en"
    for body in ({"channels": {"pigeon": True}}, {"language": "fr"}, {"channels": {"sms": None}}, {"off": []}):
        assert patched(handler, body, again.headers["ETag"]).status_code == 422


def code_in_mail(app: Flask) -> str:
    with app.app_context():
        found = rows(select(OutboxMessage.body).where(OutboxMessage.channel == "email").order_by(OutboxMessage.id))
    return str(found[-1].body)[4:10]


def test_an_address_is_written_to_once_a_code_has_come_back_from_it(app: Flask, people: People) -> None:
    handler, email = people["handler"], "worker@example.org"
    asked = handler.post("/me/notices/email", {"email": email})
    assert asked.status_code == 202
    proof = {"code_id": asked.json["code_id"], "email": email, "code": code_in_mail(app)}
    wrong = proof | {"code": "000000" if proof["code"] != "000000" else "111111"}
    assert handler.post("/me/notices/email/proof", wrong).status_code == 401
    assert handler.post("/me/notices/email/proof", proof | {"email": "other@example.org"}).status_code == 401
    assert people["resident"].post("/me/notices/email/proof", proof).status_code == 401, "another's code"
    assert handler.get("/me/notices/preferences").json["email"] is None
    assert handler.post("/me/notices/email/proof", proof).status_code == 204
    assert handler.get("/me/notices/preferences").json["email"] == email
    assert handler.post("/me/notices/email/proof", proof).status_code == 401, "used"
    headers = handler.headers
    assert handler.client.delete("/api/v1/me/notices/email", headers=headers).status_code == 204
    assert handler.get("/me/notices/preferences").json["email"] is None


def test_what_is_no_address_is_refused(people: People) -> None:
    for email in ("", "x", "a@b", "a b@example.org", "a@example.org\nBcc: b@example.org", "某人@example.org"):
        answer = people["handler"].post("/me/notices/email", {"email": email})
        assert (answer.status_code, answer.json["code"]) == (422, "invalid"), email


def test_a_copy_of_my_data_has_my_notices_and_preferences_and_being_forgotten_takes_both(
    app: Flask, people: People
) -> None:
    resident = people["resident"]
    resident.file()
    with app.app_context():
        while share_out(("sms",), datetime.now(TOWN_ZONE)):
            pass
    asked = resident.post("/me/notices/email", {"email": "me@example.org"})
    proof = {"code_id": asked.json["code_id"], "email": "me@example.org", "code": code_in_mail(app)}
    assert resident.post("/me/notices/email/proof", proof).status_code == 204
    told = resident.get("/me/data").json
    assert told["notice_preferences"]["email"] == "me@example.org" and len(told["notices"]) == 1
    answer = resident.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=resident.headers)
    assert answer.status_code == 204
    from tests.test_forgetting import dump

    tables = dump(app)
    assert tables["notices"] == b"" and b"me@example.org" not in b"".join(tables.values())


def test_notices_go_after_half_a_year(app: Flask, people: People) -> None:
    start = soon()
    with time_machine.travel(start):
        tell(app, people["handler"], 1)
    for now, left in ((start + KEPT, 1), (start + KEPT + timedelta(seconds=5), 0)):
        with app.app_context(), unit_of_work() as session:
            forget_notices(session, now)
        assert len(read(people["handler"])) == left


def test_who_says_something_for_the_first_time_twice_at_once_gets_no_error(app: Flask, people: People) -> None:
    headers, ready, statuses = people["handler"].headers, threading.Barrier(4), list[int]()

    def drop() -> None:
        client = app.test_client()
        ready.wait(10)
        statuses.append(client.delete("/api/v1/me/notices/email", headers=headers).status_code)

    threads = [threading.Thread(target=drop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [204] * 4
    assert people["handler"].get("/me/notices/preferences").json["version"] == 4
