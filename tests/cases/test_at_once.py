"""Lost replies, two officers at once, a sender that stood still: nothing is done twice, and nothing is lost."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from backend.http import clock
from backend.http.reading import rows
from backend.outbox.sending import Message, send_due
from backend.outbox.sharing import share_out
from tests.shipped import Answer, post, shipped
from tests.town import VILLAGE, People, carry, report

ROUNDS, RACERS = 20, 8


def test_of_a_report_sent_eight_times_its_reporter_hears_once(app: Flask, people: People) -> None:
    key, start, answers = "7b0e6c1e-5f0a-4c5e-9d55-2f1d7e1a0001", threading.Barrier(8), list[Any]()
    headers = people["resident"].headers | {"Idempotency-Key": key}

    def send() -> None:
        sender = app.test_client()
        start.wait()
        answers.append(sender.post("/api/v1/cases", json=report(description="幸福路12号路灯不亮"), headers=headers))

    threads = [threading.Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json["number"] for answer in answers if answer.status_code == 201}) == 1
    with app.app_context():
        told = rows(text("SELECT template FROM outbox_messages"))
        assert [one.template for one in told] == ["case_reported"]
        assert len(rows(text("SELECT 1 FROM cases"))) == 1


def test_of_two_dispatches_at_once_one_wins_and_the_history_holds_only_that(app: Flask, people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "accept")
    headers = people["dispatcher"].headers | {"If-Match": people["dispatcher"].get(f"/cases/{case}").headers["ETag"]}
    start, answers = threading.Barrier(2), dict[str, Any]()

    def dispatch(department: str) -> None:
        racer, body = app.test_client(), {"action": "dispatch", "department": department}
        start.wait()
        answers[department] = racer.post(f"/api/v1/cases/{case}/actions", json=body, headers=headers)

    threads = [threading.Thread(target=dispatch, args=(department,)) for department in ("sanitation", VILLAGE)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    won = [department for department, answer in answers.items() if answer.status_code == 200]
    lost = [answer for answer in answers.values() if answer.status_code != 200]
    assert len(won) == 1 and lost[0].status_code in (409, 412)
    if lost[0].status_code == 412:
        assert lost[0].json["version"] == 3
    told = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    assert [event["department"] for event in told if event["action"] == "dispatch"] == won


STEPS = (
    ("dispatcher", {"action": "accept"}),
    ("dispatcher", {"action": "dispatch", "department": VILLAGE}),
    ("village_officer", {"action": "start"}),
    ("village_officer", {"action": "hand_in", "note": "已清运"}),
)


@pytest.mark.parametrize("cases", [2, pytest.param(200, marks=pytest.mark.prove)])
def test_of_eight_at_once_on_each_step_one_wins_and_no_version_and_no_event_is_lost(
    app: Flask, people: People, cases: int, record_property: Callable[[str, object], None]
) -> None:
    """The many go to the web workers of the shipped server, so that they meet at the database only."""
    statuses, wrong = Counter[int](), list[object]()
    ids = [people["resident"].file()["id"] for _ in range(cases)]
    with ExitStack() as stack:
        port = stack.enter_context(shipped(app, True)) if cases > 2 else None
        threads = stack.enter_context(ThreadPoolExecutor(RACERS))
        for case in ids:
            for version, (who, body) in enumerate(STEPS, 1):
                racer = Racer(app, port, f"/cases/{case}/actions", json.dumps(body).encode(), people[who].headers)
                got = list(threads.map(racer.race, [version] * RACERS))
                statuses.update(answer[0] for answer in got)
                won = [answer for answer in got if answer[0] == 200]
                if len(won) != 1 or won[0][2] != f'"{version + 1}"' or not all(map(_tells(version + 1), got)):
                    wrong.append((case, version, got))
    assert wrong == []
    assert set(statuses) <= {200, 409, 412} and statuses[200] == cases * len(STEPS)
    for case in ids:
        told = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
        assert [event["action"] for event in told] == ["report", *(body["action"] for _, body in STEPS)]
        assert [event["version"] for event in told] == list(range(1, len(STEPS) + 2))
    record_property("races", f"{cases} cases, {len(STEPS)} steps, {RACERS} at once: {dict(statuses)}")


class Racer:
    """Sends an action on a version of a case when all others are ready to."""

    def __init__(self, app: Flask, port: int | None, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.app, self.port, self.path, self.body, self.headers = app, port, path, body, headers
        self.start = threading.Barrier(RACERS)

    def race(self, version: int) -> Answer:
        """What is answered."""
        headers = {**self.headers, "If-Match": f'"{version}"'}
        self.start.wait()
        if self.port is not None:
            answer = post(self.port, self.path, self.body, headers)
            assert answer is not None
            return answer
        client, path = self.app.test_client(), f"/api/v1{self.path}"
        got = client.post(path, data=self.body, headers=headers, content_type="application/json")
        return got.status_code, got.data, got.headers.get("ETag")


def _tells(version: int) -> Callable[[Answer], bool]:
    return lambda answer: answer[0] != 412 or json.loads(answer[1])["version"] == version


def test_a_step_and_a_note_at_the_same_instant_are_both_kept_in_the_end(app: Flask, people: People) -> None:
    cases = [people["resident"].file()["id"] for _ in range(ROUNDS)]
    paths = {case: f"/cases/{case}" for case in cases}

    def insist(case: str, body: dict[str, Any], start: threading.Barrier) -> None:
        client, headers = app.test_client(), people["dispatcher"].headers
        etag = client.get(f"/api/v1{paths[case]}", headers=headers).headers["ETag"]
        start.wait()
        while True:
            answer = client.post(f"/api/v1{paths[case]}/actions", json=body, headers=headers | {"If-Match": etag})
            if answer.status_code == 200:
                return
            assert answer.status_code in (409, 412), answer.json
            etag = client.get(f"/api/v1{paths[case]}", headers=headers).headers["ETag"]

    for case in cases:
        start = threading.Barrier(2)
        bodies = ({"action": "accept"}, {"action": "note", "note": f"备注 {case}"})
        threads = [threading.Thread(target=insist, args=(case, body, start)) for body in bodies]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    for case in cases:
        told = people["dispatcher"].get(f"{paths[case]}/timeline").json["items"]
        assert sorted(event["action"] for event in told) == ["accept", "note", "report"]
        assert [event["version"] for event in told] == [1, 2, 3]
        assert people["dispatcher"].get(paths[case]).json["status"] == "accepted"


def test_what_moved_on_while_nothing_was_sent_reaches_the_department_once_and_each_message_goes_out_once(
    app: Flask, people: People
) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "start", holder="sanitation")
    held = people["handler"].get("/cases").json["items"]
    assert [(one["id"], one["status"]) for one in held] == [(case, "handling")]
    told = people["handler"].get(f"/cases/{case}/timeline").json["items"]
    assert [event["department"] for event in told if event["action"] == "dispatch"] == ["sanitation"]
    sent = list[uuid.UUID]()

    def sender(message: Message) -> None:
        sent.append(message.id)

    with app.app_context():
        while share_out(("inbox", "sms"), clock.now()):
            pass
        while send_due(sender, clock.now()):
            pass
        posted = rows(text("SELECT id FROM outbox_messages WHERE channel = 'sms'"))
        waiting = rows(text("SELECT id FROM outbox_messages WHERE sent_at IS NULL"))
    assert len(sent) == len(set(sent)) == len(posted) > 0 and waiting == []
