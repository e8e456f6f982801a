"""What is left in the outbox leaves with the change that caused it, and tells a lock screen nothing."""

import string
import uuid

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from backend.outbox.messages import post
from backend.outbox.sms_parts import parts_of
from backend.outbox.tables import OutboxMessage
from backend.outbox.texts import CHANNELS, templates

SIGN = "【九江网格】"
"""What the carrier puts before each SMS."""


def count() -> int:
    found = row(select(func.count()).select_from(OutboxMessage))
    assert found is not None
    return int(found[0])


def test_a_message_waits_once_its_cause_is_committed(empty_app: Flask) -> None:
    with empty_app.app_context():
        with unit_of_work() as session:
            message = post(session, "sms", "13800000001", "case_update")
        (waiting,) = rows(select(OutboxMessage.__table__))
        assert (waiting.id, waiting.channel, waiting.address) == (message, "sms", "13800000001")
        assert waiting.body == "您反映的事项有新进展，请登录查看。"
        assert (waiting.attempts, waiting.sent_at, waiting.not_before) == (0, None, waiting.created_at)


def change_and_fail() -> None:
    with unit_of_work() as session:
        post(session, "sms", "13800000001", "case_update")
        raise RuntimeError("changed my mind")


def test_a_change_that_is_rolled_back_takes_its_message_with_it(empty_app: Flask) -> None:
    with empty_app.app_context():
        with pytest.raises(RuntimeError, match="changed my mind"):
            change_and_fail()
        assert count() == 0


def test_a_message_comes_in_the_language_asked_for(empty_app: Flask) -> None:
    with empty_app.app_context():
        with unit_of_work() as session:
            post(session, "sms", "13800000001", "case_update", language="en")
        assert rows(select(OutboxMessage.body))[0].body == "Your matter has an update. Please sign in to read it."


def test_the_same_id_is_posted_once(empty_app: Flask) -> None:
    told = uuid.uuid5(uuid.NAMESPACE_URL, "case 7, step 3")
    with empty_app.app_context():
        with unit_of_work() as session:
            post(session, "sms", "13800000001", "case_update", id=told)
        with pytest.raises(IntegrityError), unit_of_work() as session:
            post(session, "sms", "13800000001", "case_update", id=told)
        assert count() == 1


def test_an_unknown_template_is_refused_before_anything_is_written(empty_app: Flask) -> None:
    with empty_app.app_context():
        with pytest.raises(KeyError), unit_of_work() as session:
            post(session, "sms", "13800000001", "no_such_text")
        assert count() == 0


@pytest.mark.parametrize("name", templates())
def test_every_text_exists_in_both_languages_with_the_same_placeholders(name: str) -> None:
    text = templates()[name]
    zh, en = ({part[1] for part in string.Formatter().parse(words)} for words in (text.zh, text.en))
    assert zh == en
    assert len(parts_of(SIGN + text.zh.replace("{code}", "123456"))) == 1
    assert set(text.channels) <= set(CHANNELS)


def test_the_news_of_a_case_names_no_matter_place_or_person() -> None:
    """It says that there is news, and nothing else."""
    update = templates()["case_update"]
    for text in (update.zh, update.en):
        assert [part[1] for part in string.Formatter().parse(text)] == [None]
