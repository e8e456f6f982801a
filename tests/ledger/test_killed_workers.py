"""A web worker dies after the commit and before the answer: whoever sends again gets the answer that was on its way."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from backend.cases.tables import Case, CaseEvent
from backend.http.reading import rows
from backend.ledger.tables import LedgerEntry
from tests.shipped import Answer, post, shipped
from tests.town import People, report

TOGETHER = 4
"""Requests under way at once: as many as one worker has threads, so that all are held wherever they are taken."""
GIVES_UP_WITHIN = 5.5
"""Seconds; granian ends when a worker dies so soon after it was started in another's place."""


@dataclass(frozen=True, eq=False)
class Sending:
    """A request that is sent until it is answered, with one key: the first time to be held back."""

    what: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    makes: int
    """The version of the case that it makes."""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    def send(self, port: int) -> tuple[Answer, bool]:
        """The answer, and whether it took another sending."""
        headers = {**self.headers, "Idempotency-Key": self.key}
        answer = post(port, self.path, self.body, {**headers, "X-Hold": "1"})
        if answer is not None:
            return answer, False
        until = time.monotonic() + 60
        while answer is None:
            assert time.monotonic() < until, "no worker comes back"
            time.sleep(0.02)  # both may be starting
            answer = post(port, self.path, self.body, headers)
        return answer, True


@dataclass(frozen=True)
class Held:
    """An answer that waits in a worker for leave to go."""

    line: socket.socket
    pid: int
    key: str
    answer: Answer

    def case(self) -> str:
        """The id of the case that was answered."""
        return str(json.loads(self.answer[1])["id"])

    def let_go(self, killed: int | None) -> None:
        """Let the answer go, if its worker lives."""
        with self.line:
            if self.pid != killed:
                self.line.sendall(b"1")


def filing(people: People) -> Sending:
    # Without an id of its own, so that nothing but the key keeps it from being filed twice.
    return Sending("filing", "/cases", json.dumps(report()).encode(), people["resident"].headers, 1)


def accepting(people: People, case: str) -> Sending:
    body, headers = json.dumps({"action": "accept"}).encode(), people["dispatcher"].headers | {"If-Match": '"1"'}
    return Sending("accepting", f"/cases/{case}/actions", body, headers, 2)


def next_held(listening: socket.socket) -> Held:
    line, _ = listening.accept()
    line.settimeout(60)
    with line.makefile("rb") as told:
        one = json.loads(told.readline())
    return Held(line, one["pid"], one["key"], (one["status"], one["body"].encode(), one["etag"]))


def started(pid: int) -> float:
    """When a process began, in seconds since the machine did."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(told[19]) / os.sysconf("SC_CLK_TCK")


class Killing:
    """Kills one of the workers that hold answers; never the one that has just taken a killed one's place."""

    def __init__(self) -> None:
        self.kills, self.last = 0, float("inf")

    def kill(self, held: Collection[Held]) -> int | None:
        """Kill one of the workers if one may be killed; its process id."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        holding = Counter(one.pid for one in held)
        may = [pid for pid in holding if started(pid) < self.last or now - started(pid) > GIVES_UP_WITHIN]
        if not may:
            return None
        victim = max(may, key=lambda pid: holding[pid])
        os.kill(victim, signal.SIGKILL)
        self.kills, self.last = self.kills + 1, now
        return victim


def versions(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {str(one.id): one.version for one in rows(select(Case.id, Case.version))}


@pytest.mark.parametrize("kills", [1, pytest.param(200, marks=pytest.mark.prove)])
def test_what_was_committed_when_its_worker_died_is_answered_to_whoever_sends_again(
    app: Flask, people: People, kills: int, record_property: Callable[[str, object], None]
) -> None:
    killing, cut = Killing(), Counter[str]()
    filed = [people["resident"].file()["id"] for _ in range(TOGETHER // 2)]
    cases = {*filed}
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listening.settimeout(60)
        holding = {"HOLD": str(listening.getsockname()[1])}
        port = stack.enter_context(shipped(app, kills > 1, "tests.ledger.holding:app", **holding))
        threads = stack.enter_context(ThreadPoolExecutor(TOGETHER))
        while killing.kills < kills or min(cut["filing"], cut["accepting"]) < kills:
            sendings = [sending for case in filed for sending in (filing(people), accepting(people, case))]
            answers = {sending: threads.submit(sending.send, port) for sending in sendings}
            held = {one.key: one for one in (next_held(listening) for _ in sendings)}
            known = versions(app)
            assert [known[held[sending.key].case()] for sending in sendings] == [sending.makes for sending in sendings]
            killed = killing.kill(held.values())
            for one in held.values():
                one.let_go(killed)
            for sending, answer in answers.items():
                dead = held[sending.key].pid == killed
                assert answer.result() == (held[sending.key].answer, dead), sending
                cut[sending.what] += dead
            filed = [held[sending.key].case() for sending in sendings if sending.what == "filing"]
            cases.update(filed)
    assert versions(app) == dict.fromkeys(cases, 2) | dict.fromkeys(filed, 1)
    expected = [(case, version) for case, last in versions(app).items() for version in range(1, last + 1)]
    with app.app_context():
        events = rows(select(CaseEvent.case_id, CaseEvent.version))
        entries = rows(select(LedgerEntry.thing_id, LedgerEntry.thing_version).where(LedgerEntry.thing_kind == "case"))
    assert sorted((str(one.case_id), one.version) for one in events) == sorted(expected)
    assert sorted(map(tuple, entries)) == sorted(expected)
    under_way = f"{cut['filing']} filings and {cut['accepting']} actions under way"
    told = f"{killing.kills} between commit and answer with {under_way}, {len(cases)} cases, 0 doubles, 0 losses"
    record_property("killed web workers", told)
