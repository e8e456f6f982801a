"""Over a line that cuts answers off: whatever is sent how often, it has one effect and one answer."""

from __future__ import annotations

import http.client
import json
import logging
import random
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.serving import make_server

from backend.cases.tables import Case
from backend.http.reading import row
from tests.ledger.cutting_proxy import cutting_proxy
from tests.town import People, report

pytestmark = pytest.mark.sql
Answer = tuple[int, bytes, str | None]
"""Status, body and ETag."""


@contextmanager
def served(app: Flask) -> Iterator[int]:
    """The app behind a server with a thread for each request; gives its port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    running.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        running.join()
        server.server_close()


def send(port: int, headers: Mapping[str, str], body: bytes) -> tuple[Answer, str | None] | None:
    """What is answered, with Retry-After; None when the line was cut before the whole answer was there."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request("POST", "/api/v1/cases", body, dict(headers))
        answer = line.getresponse()
        told = answer.read()
        if len(told) != int(answer.headers["Content-Length"] or -1):  # Python takes cut headers for whole ones
            return None
        return (answer.status, told, answer.headers["ETag"]), answer.headers["Retry-After"]
    except (http.client.HTTPException, OSError):
        return None
    finally:
        line.close()


def said(number: int) -> bytes:
    return json.dumps(report(description=f"第 {number} 盏路灯不亮")).encode()


def keyed(people: People, number: int) -> dict[str, str]:
    key = str(uuid.UUID(int=number + (1 << 100)))
    return people["resident"].headers | {"Idempotency-Key": key, "Content-Type": "application/json"}


def cases(app: Flask) -> int:
    with app.app_context():
        found = row(select(func.count()).select_from(Case))
        assert found is not None
        return int(found[0])


@pytest.mark.parametrize(
    "operations", [pytest.param(120, id="120"), pytest.param(10_000, id="10000", marks=pytest.mark.prove)]
)
def test_what_is_sent_one_to_five_times_over_a_bad_line_is_stored_once_and_answered_alike(
    app: Flask, people: People, operations: int
) -> None:
    dice = random.Random(operations)
    sendings = [number for number in range(operations) for _ in range(dice.randint(1, 5))]
    dice.shuffle(sendings)
    headers = [keyed(people, number) for number in range(operations)]
    answers: dict[int, set[Answer]] = defaultdict(set)
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()

    def one(number: int) -> None:
        got = send(port, headers[number], said(number))
        with lock:
            if got is None:
                outcomes["cut"] += 1
            elif got[0][0] == 409 and got[1]:
                outcomes["running"] += 1
            else:
                outcomes["answered"] += 1
                answers[number].add(got[0])

    with served(app) as direct:
        with cutting_proxy(direct, 0.2, dice) as port, ThreadPoolExecutor(8) as threads:
            list(threads.map(one, sendings))
        assert outcomes["answered"] > outcomes["cut"] > 0.1 * len(sendings)
        assert cases(app) == operations
        port = direct
        for number in range(operations):
            one(number)
    assert cases(app) == operations
    assert {len(answers[number]) for number in range(operations)} == {1}
    assert {status for told in answers.values() for status, _, _ in told} == {201}
    assert len({json.loads(body)["id"] for told in answers.values() for _, body, _ in told}) == operations


@pytest.mark.parametrize(
    "operations", [pytest.param(30, id="30"), pytest.param(1_000, id="1000", marks=pytest.mark.prove)]
)
def test_the_same_key_with_another_body_is_refused_without_effect(app: Flask, people: People, operations: int) -> None:
    statuses: Counter[tuple[int, str]] = Counter()
    for number in range(operations):
        headers = keyed(people, number)
        first = people.client.post("/api/v1/cases", data=said(number), headers=headers)
        other = people.client.post("/api/v1/cases", data=said(number + 1_000_000), headers=headers)
        statuses[other.status_code, other.json["code"]] += 1
        assert first.status_code == 201
    assert statuses == {(422, "key_reused"): operations}
    assert cases(app) == operations


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.prove)])
def test_fifty_at_once_on_one_fresh_key_have_one_effect(app: Flask, people: People, rounds: int) -> None:
    with served(app) as port, ThreadPoolExecutor(50) as threads:
        for number in range(rounds):
            headers, start = keyed(people, number), threading.Barrier(50)
            got = list(threads.map(_at_once(port, headers, said(number), start), range(50)))
            done = {answer for answer, retry in got if answer[0] != 409}
            assert len(done) == 1 and {answer[0] for answer in done} == {201}
            assert all(retry for answer, retry in got if answer[0] == 409)
            assert cases(app) == number + 1


def _at_once(
    port: int, headers: Mapping[str, str], body: bytes, start: threading.Barrier
) -> Callable[[int], tuple[Answer, str | None]]:
    def one(_: int) -> tuple[Answer, str | None]:
        start.wait()
        got = send(port, headers, body)
        assert got is not None
        return got

    return one
