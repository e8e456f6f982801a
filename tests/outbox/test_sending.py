"""Nothing is lost, nothing is sent while a lock is held, and a second sender takes nothing twice."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Row, select, text

from backend.config import TOWN_ZONE
from backend.extensions import db
from backend.http.reading import connection, rows
from backend.http.work import unit_of_work
from backend.outbox import sending
from backend.outbox.messages import forget_address, messages_to, post
from backend.outbox.sending import (
    BATCH,
    CLAIM,
    DEAD_AFTER,
    KEPT,
    LONGEST_PAUSE,
    Message,
    Undeliverable,
    _due,
    forget_sent,
    given_up,
    oldest_unsent_seconds,
    pause,
    send_again,
    send_due,
)
from backend.outbox.tables import OutboxMessage
from backend.territory.quiet_hours import quiet_of

START = datetime(2026, 11, 27, 9, 0, tzinfo=TOWN_ZONE)


class GatewayDown(Exception):
    pass


class Killed(BaseException):
    """Stands for a kill -9: no handler of ours sees it through."""


class Gateway:
    """Takes messages, or fails as told."""

    def __init__(self, fails: Callable[[Message], BaseException | None] = lambda _message: None) -> None:
        self.fails, self.taken = fails, list[Message]()

    def __call__(self, message: Message) -> None:
        error = self.fails(message)
        if error is not None:
            raise error
        self.taken.append(message)


def post_many(number: int) -> None:
    with unit_of_work() as session:
        for place in range(number):
            post(session, "sms", f"1380000{place:04d}", "case_update")


def kept() -> list[Row[Any]]:
    return list(rows(select(OutboxMessage.__table__).order_by(OutboxMessage.id)))


def test_a_due_message_is_sent_once(empty_app: Flask) -> None:
    gateway = Gateway()
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(1)
        assert send_due(gateway, START) == 1
        assert send_due(gateway, START) == 0
        (message,) = kept()
    assert [(taken.id, taken.address) for taken in gateway.taken] == [(message.id, "13800000000")]
    assert (message.sent_at, message.attempts, message.claimed_until) == (START, 1, None)


def test_more_than_a_batch_goes_out_batch_by_batch(empty_app: Flask) -> None:
    gateway = Gateway()
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(BATCH + 3)
        assert [send_due(gateway, START) for _ in range(3)] == [BATCH, 3, 0]
    assert len({message.id for message in gateway.taken}) == BATCH + 3


def test_no_lock_is_held_while_a_message_is_sent(empty_app: Flask) -> None:
    def others_write(_message: Message) -> None:
        with db.engine.connect() as second, second.begin():
            if second.dialect.name == "postgresql":
                second.execute(text("SET LOCAL lock_timeout = 100"))
            second.execute(text("UPDATE outbox_messages SET last_error = 'seen by another'"))

    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(2)
        assert send_due(others_write, START) == 2
        assert all(message.sent_at for message in kept())


def test_a_message_that_failed_comes_again_under_its_id_after_a_pause(empty_app: Flask) -> None:
    first, second = Gateway(lambda _message: GatewayDown("13800000000 is busy")), Gateway()
    with empty_app.app_context(), time_machine.travel(START, tick=False) as clock:
        post_many(1)
        assert send_due(first, START) == 1
        (waiting,) = kept()
        assert (waiting.sent_at, waiting.last_error) == (None, "GatewayDown")
        early, due = START + timedelta(seconds=9), START + timedelta(seconds=10)
        clock.move_to(early)
        assert send_due(second, early) == 0
        clock.move_to(due)
        assert send_due(second, due) == 1
        (sent,) = kept()
    assert (sent.sent_at, sent.attempts, sent.last_error) == (due, 2, None)
    assert [message.id for message in second.taken] == [waiting.id]


def test_one_bad_address_does_not_hold_up_the_others(empty_app: Flask) -> None:
    gateway = Gateway(lambda message: GatewayDown() if message.address.endswith("0001") else None)
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(3)
        assert send_due(gateway, START) == 3
        assert sum(message.sent_at is not None for message in kept()) == 2
    assert sorted(message.address[-1] for message in gateway.taken) == ["0", "2"]


def test_a_message_that_fails_for_half_a_day_is_given_up_listed_and_sent_again_when_told_so(empty_app: Flask) -> None:
    gateway, mended = Gateway(lambda _message: GatewayDown()), Gateway()
    with empty_app.app_context(), time_machine.travel(START, tick=False) as clock:
        post_many(2)
        attempts, now = 0, START
        while taken := send_due(gateway, now):
            attempts, now = attempts + taken, max(message.not_before for message in kept())
            clock.move_to(now)
        assert attempts == 2 * DEAD_AFTER
        assert timedelta(hours=11) < now - START < timedelta(hours=13)
        dead = given_up(10)
        assert [(message.last_error, message.attempts) for message in dead] == [("GatewayDown", DEAD_AFTER)] * 2
        assert "address" not in dead[0]._fields and oldest_unsent_seconds(now) == 0
        with unit_of_work() as session:
            assert send_again(session, [dead[0].id], now) == 1
        assert oldest_unsent_seconds(now) == (now - START).total_seconds()
        assert send_due(mended, now) == 1
        assert len(given_up(10)) == 1


def test_a_number_that_is_none_is_given_up_at_once(empty_app: Flask) -> None:
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(1)
        send_due(Gateway(lambda _message: Undeliverable()), START)
        (message,) = kept()
    assert (message.dead_at, message.last_error, message.attempts) == (START, "Undeliverable", 1)


def test_in_quiet_hours_only_what_may_wake_people_goes_out_and_the_rest_in_the_morning(empty_app: Flask) -> None:
    gateway, night, morning = Gateway(), START.replace(hour=23), START.replace(day=28, hour=7)
    quiet = quiet_of("22:00-07:00")
    with empty_app.app_context(), time_machine.travel(night, tick=False) as clock:
        post_many(1)
        with unit_of_work() as session:
            post(session, "sms", "13800009999", "code_sign_in", not_after=night + timedelta(minutes=5), code="123456")
        assert send_due(gateway, night, quiet=quiet) == 2
        assert [message.address for message in gateway.taken] == ["13800009999"]
        (waiting,) = [message for message in kept() if message.sent_at is None]
        assert (waiting.not_before, waiting.attempts, waiting.last_error) == (morning, 0, None)
        assert oldest_unsent_seconds(night + timedelta(hours=6)) == 0, "it is not late"
        clock.move_to(morning)
        assert send_due(gateway, morning, quiet=quiet) == 1
    assert [message.address for message in gateway.taken] == ["13800009999", "13800000000"]


def test_a_codes_words_and_what_fills_them_are_gone_once_it_is_sent(empty_app: Flask) -> None:
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        with unit_of_work() as session:
            post(session, "sms", "13800009999", "code_sign_in", not_after=START + timedelta(minutes=5), code="123456")
        send_due(Gateway(), START)
        (message,) = kept()
    assert (message.body, message.params) == ("", None)


def test_to_whom_a_message_went_is_known_afterwards_to_who_has_the_number_only(empty_app: Flask) -> None:
    number = "+8613800009999"
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        with unit_of_work() as session:
            post(session, "sms", number, "phone_changed")
            post(session, "email", "somebody@example.org", "case_update")
        for channel in ("sms", "email"):
            assert send_due(Gateway(), START, channel) == 1
        assert all(message.address.startswith("sent:") for message in kept())
        assert [message["sent_at"] for message in messages_to(number)] == [START]
        assert messages_to("+8613800009998") == []
        with unit_of_work() as session:
            assert len(forget_address(session, number)) == 1
        assert messages_to(number) == [] and len(kept()) == 1


def test_each_channel_goes_by_itself(empty_app: Flask) -> None:
    gateway = Gateway()
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(1)
        with unit_of_work() as session:
            post(session, "email", "somebody@example.org", "case_update")
        assert send_due(gateway, START, "email") == 1
    assert [message.address for message in gateway.taken] == ["somebody@example.org"]


def test_the_gauge_tells_how_long_the_oldest_has_waited(empty_app: Flask) -> None:
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        assert oldest_unsent_seconds(START) == 0
        post_many(2)
        assert oldest_unsent_seconds(START + timedelta(minutes=3)) == 180
        send_due(Gateway(), START)
        assert oldest_unsent_seconds(START + timedelta(minutes=3)) == 0


def test_pauses_double_from_ten_seconds_up_to_an_hour() -> None:
    assert [pause(attempts).total_seconds() for attempts in (1, 2, 3, 4)] == [10, 20, 40, 80]
    assert pause(20) == pause(10**6) == LONGEST_PAUSE == timedelta(hours=1)


def test_what_a_killed_sender_had_in_hand_is_sent_by_the_next_when_its_claim_has_run_out(empty_app: Flask) -> None:
    delivered = list[Message]()

    def deliver_and_die(message: Message) -> None:
        delivered.append(message)
        raise Killed

    gateway = Gateway()
    with empty_app.app_context(), time_machine.travel(START, tick=False) as clock:
        post_many(3)
        with pytest.raises(Killed):
            send_due(deliver_and_die, START)
        assert send_due(gateway, START) == 0
        later = START + CLAIM
        clock.move_to(later)
        assert send_due(gateway, later) == 3
        assert all(message.sent_at == later for message in kept())
    assert {message.id for message in delivered} < {message.id for message in gateway.taken}


def test_a_sender_that_ends_halfway_notes_what_it_has_delivered(empty_app: Flask) -> None:
    gateway = Gateway(lambda message: Killed() if len(gateway.taken) == 2 else None)
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(3)
        with pytest.raises(Killed):
            send_due(gateway, START)
        assert sum(message.sent_at is not None for message in kept()) == 2


def test_a_slow_sender_notes_every_second_what_it_has_sent(empty_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(sending, "SETTLE_SECONDS", -1.0)
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(3)
        send_due(lambda _message: seen.append(sum(message.sent_at is not None for message in kept())), START)
    assert seen == [0, 1, 2]


def test_a_sender_slower_than_its_claim_does_not_undo_what_the_next_one_wrote(empty_app: Flask) -> None:
    gateway = Gateway()
    with empty_app.app_context(), time_machine.travel(START, tick=False) as clock:
        post_many(1)

        def slow(_message: Message) -> None:
            clock.move_to(START + CLAIM)
            assert send_due(gateway, START + CLAIM) == 1
            raise GatewayDown

        send_due(slow, START)
        (message,) = kept()
        assert (message.sent_at, message.last_error, message.attempts) == (START + CLAIM, None, 2)


def test_a_sender_slower_than_its_claim_does_not_take_the_message_from_the_next(empty_app: Flask) -> None:
    def die(_message: Message) -> None:
        raise Killed

    with empty_app.app_context(), time_machine.travel(START, tick=False) as clock:
        post_many(1)

        def slow(_message: Message) -> None:
            clock.move_to(START + CLAIM)
            with pytest.raises(Killed):
                send_due(die, START + CLAIM)
            raise GatewayDown

        send_due(slow, START)
        (message,) = kept()
        assert (message.claimed_until, message.attempts) == (START + 2 * CLAIM, 2)


def test_senders_at_once_share_the_messages_out(empty_app: Flask) -> None:
    gateways = [Gateway() for _ in range(4)]
    ready = threading.Barrier(len(gateways))

    def work(gateway: Gateway) -> None:
        with empty_app.app_context():
            ready.wait(10)
            while send_due(gateway, START):
                pass

    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(6 * BATCH)
        threads = [threading.Thread(target=work, args=(gateway,)) for gateway in gateways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert all(message.sent_at and message.attempts == 1 for message in kept())
    taken = [message.id for gateway in gateways for message in gateway.taken]
    assert len(taken) == len(set(taken)) == 6 * BATCH


def test_what_was_sent_a_month_ago_is_forgotten_and_what_waits_is_not(empty_app: Flask) -> None:
    gateway = Gateway(lambda message: GatewayDown() if message.address.endswith("0001") else None)
    with empty_app.app_context(), time_machine.travel(START, tick=False):
        post_many(2)
        send_due(gateway, START)
        for now, left in ((START + KEPT, 2), (START + KEPT + timedelta(seconds=1), 1)):
            with unit_of_work() as session:
                forget_sent(session, now)
            assert len(kept()) == left
        assert kept()[0].sent_at is None


@pytest.mark.sql
def test_looking_for_due_messages_uses_the_index_of_the_unsent(empty_app: Flask) -> None:
    with empty_app.app_context():
        reading = connection()
        query = _due.params(now=START, channel="sms").compile(reading, compile_kwargs={"literal_binds": True})
        if reading.dialect.name == "postgresql":
            reading.execute(text("SET enable_seqscan = off"))
            plan = "\n".join(reading.scalars(text(f"EXPLAIN {query}")))
        else:
            plan = "\n".join(step.detail for step in reading.execute(text(f"EXPLAIN QUERY PLAN {query}")))
    assert "ix_outbox_messages_unsent" in plan
    assert "Sort" not in plan and "TEMP B-TREE" not in plan
