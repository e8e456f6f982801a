"""Senders die and nothing is lost: what happens in the database happens once, what goes out goes out at least once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from backend.config import TOWN_ZONE, Config
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox import sending
from backend.outbox.messages import post
from backend.outbox.sending import CLAIM, Message, oldest_unsent_seconds, send_due
from backend.outbox.sharing import share_out
from backend.outbox.tables import Notice, OutboxMessage
from backend.people.tables import Account
from tests.outbox.gateway_server import Answer, Asked, serving

WORKERS = 3
AT_MOST_SECONDS = 300
"""For what is left when nobody is killed any more: on a busy machine workers die before they have begun."""


class Fleet:
    """Worker processes, killed and replaced."""

    def __init__(self, app: Flask, gateway: str, dice: random.Random) -> None:
        config: Config = app.config["TOWN_CONFIG"]
        settings = {"INSTANCE": str(config.INSTANCE), "DATABASE_URL": config.database_url}
        self.command = [sys.executable, "-m", "tests.outbox.sending_worker", gateway]
        self.env, self.dice, self.killed = os.environ | settings, dice, 0
        self.workers = [self._start() for _ in range(WORKERS)]

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(self.command, env=self.env, stdout=subprocess.PIPE, text=True)

    def kill_one(self) -> None:
        place = self.dice.randrange(WORKERS)
        self.workers[place].send_signal(signal.SIGKILL)
        self.workers[place].communicate()
        self.workers[place], self.killed = self._start(), self.killed + 1

    def stop(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.communicate()


@pytest.mark.parametrize(
    ("messages", "seconds", "every"),
    [(100, 4.0, 2.0), pytest.param(2000, 180.0, 2.0, marks=pytest.mark.prove)],
)
def test_workers_that_are_killed_lose_nothing_and_do_nothing_twice(
    app: Flask, messages: int, seconds: float, every: float
) -> None:
    got, lock, dice = Counter[str](), threading.Lock(), random.Random(7)

    def take(asked: Asked) -> Answer:
        # A gateway is slow now and then, so that workers die with messages in hand.
        time.sleep(dice.choice((0.0, 0.0, 0.02, 0.2)))
        with lock:
            got[asked.path.strip("/")] += 1
        return 200, {}, b""

    with app.app_context():
        who = rows(select(Account.id).where(Account.phone == "+8613800000005"))[0].id
        for _ in range(messages // 50):
            with unit_of_work() as session:
                for _ in range(50):
                    post(session, "notice", f"account:{who}", "handed_over")
    with ExitStack() as stack:
        gateway = stack.enter_context(serving(take))
        fleet = Fleet(app, gateway.address, dice)
        stack.callback(fleet.stop)
        began = time.monotonic()
        for kill in range(1, int(seconds // every) + 1):
            # By the clock, and not so long after the one before: starting another takes time.
            time.sleep(max(0.0, began + kill * every - time.monotonic()))
            fleet.kill_one()
        _until_sent(app, began + seconds + AT_MOST_SECONDS)
    with app.app_context():
        sent = rows(select(OutboxMessage.id, OutboxMessage.sent_at).where(OutboxMessage.channel == "sms"))
        assert len(sent) == len({one.id for one in sent}) == messages, "each notice became one message"
        assert rows(select(func.count()).select_from(Notice))[0][0] == messages, "and one row of the inbox"
    assert all(one.sent_at for one in sent)
    assert {uuid.UUID(id) for id in got} == {one.id for one in sent}, "each arrived, under the id it has here"
    assert fleet.killed == seconds // every


def _until_sent(app: Flask, until: float) -> None:
    with app.app_context():
        while oldest_unsent_seconds(datetime.now(TOWN_ZONE)) > 0:
            assert time.monotonic() < until, "messages wait for too long"
            time.sleep(0.2)


@pytest.mark.parametrize("notices", [60, pytest.param(2000, marks=pytest.mark.prove)])
def test_whatever_a_dead_worker_left_behind_is_found_within_two_looks(app: Flask, notices: int) -> None:
    """Gaps of every kind: posted only; shared out only; claimed and not sent; sent and not noted."""
    taken, now = list[Message](), datetime.now(TOWN_ZONE).replace(microsecond=0)
    with app.app_context(), time_machine.travel(now, tick=False) as clock:
        who = rows(select(Account.id).where(Account.phone == "+8613800000005"))[0].id
        for half in range(2):
            with unit_of_work() as session:
                for _ in range(notices // 2):
                    post(session, "notice", f"account:{who}", "handed_over")
            while half == 0 and share_out(("sms",), now):
                pass
        shared = [one.id for one in rows(select(OutboxMessage.id).where(OutboxMessage.channel == "sms"))]
        with unit_of_work() as session:
            claimed = update(OutboxMessage).where(OutboxMessage.id.in_(shared[::2]))
            session.execute(claimed.values(claimed_until=now + CLAIM, attempts=1))
        later = now + CLAIM
        clock.move_to(later)
        assert oldest_unsent_seconds(later) == CLAIM.total_seconds()
        for look in (later, later + timedelta(seconds=2)):
            while share_out(("sms",), look):
                pass
            while send_due(taken.append, look):
                pass
        assert oldest_unsent_seconds(later + timedelta(seconds=2)) == 0
    assert len({message.id for message in taken}) == len(taken) == notices
    assert notices > sending.BATCH
