"""A town's own words: the same placeholders, as silent as those that ship, and never in place of what was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import time_machine
from flask import Flask
from sqlalchemy import select

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.messages import post
from backend.outbox.own_texts import check_text
from backend.outbox.sharing import share_out
from backend.outbox.tables import OutboxMessage
from backend.outbox.texts import templates
from tests.town import TOWN, People

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=TOWN_ZONE)
PATH = "/notice-texts/case_update/zh"


def told(app: Flask, template: str) -> list[str]:
    """The words of all messages of a template that were shared out, oldest first."""
    with app.app_context():
        while share_out(("sms",), datetime.now(TOWN_ZONE)):
            pass
        wanted = select(OutboxMessage.body).where(OutboxMessage.template == template, OutboxMessage.channel == "sms")
        return [found.body for found in rows(wanted.order_by(OutboxMessage.created_at))]


def set_text(people: People, path: str, text: str | None, version: int) -> Any:
    return people["admin"].patch(path, {"text": text}, If_Match=f'"{version}"')


def test_what_is_shared_out_has_the_words_of_the_moment_and_an_inbox_keeps_what_it_told(
    app: Flask, people: People
) -> None:
    shipped = templates()["case_update"].zh
    with time_machine.travel(NOW, tick=False) as clock:
        resident = people["resident"]
        case = resident.file()["id"]
        clock.shift(60)
        people["dispatcher"].act(case, "accept")
        assert told(app, "case_update") == [shipped]
        clock.shift(60)
        own = set_text(people, PATH, "您好，有新消息，请登录小程序。", 0)
        assert (own.status_code, own.json["sms_parts"], own.json["version"]) == (200, 1, 1), own.json
        people["dispatcher"].act(case, "dispatch", department="sanitation")
        assert told(app, "case_update") == [shipped, "您好，有新消息，请登录小程序。"]
        clock.shift(60)
        assert set_text(people, PATH, None, 1).json["text"] == shipped
        people["handler"].act(case, "start")
        assert told(app, "case_update") == [shipped, "您好，有新消息，请登录小程序。", shipped]
        texts = [one["text"] for one in resident.get("/me/notices").json["items"]]
        assert texts == [shipped, "您好，有新消息，请登录小程序。", shipped, templates()["case_reported"].zh]
        english = resident.get("/me/notices", **{"Accept-Language": "en"}).json["items"]
        assert english[1]["text"] == templates()["case_update"].en
    history = people["auditor"].get(f"{PATH}/history").json["items"]
    assert [one["value"] for one in history] == [None, {"text": "您好，有新消息，请登录小程序。"}]


def test_a_code_comes_in_the_towns_words_with_the_code_in_it(app: Flask, people: People) -> None:
    path = "/notice-texts/code_file/zh"
    assert set_text(people, path, "您的验证码是 {code}，五分钟内有效。", 0).status_code == 200
    with app.app_context(), unit_of_work() as session:
        post(session, "sms", "+8613900000001", "code_file", code="482913")
    assert told(app, "code_file") == ["您的验证码是 482913，五分钟内有效。"]


def test_words_that_tell_more_than_that_there_is_news_or_are_filled_otherwise_are_refused(people: People) -> None:
    for text in (
        "您反映的路灯有新进展。",
        "您的公共设施事项有新进展。",
        "敦根社区有新消息。",
        "镇环卫所请您登录查看。",
        "您的事项已结案。",
        "您的举报有新消息。",
        "您有 {code} 条消息。",
        "您有新消息{。",
        "您有新消息\n请登录。",
        "有" * 201,
        "",
    ):
        refused = set_text(people, PATH, text, 0)
        assert (refused.status_code, [*refused.json["errors"]]) == (422, ["text"]), text
    assert set_text(people, "/notice-texts/code_file/zh", "您有新消息。", 0).status_code == 422
    assert set_text(people, "/notice-texts/case_update/en", "Your street lights have an update.", 0).status_code == 422
    assert set_text(people, "/notice-texts/title/zh", "新消息", 0).status_code == 404
    assert set_text(people, PATH, "有" * 64, 0).json["sms_parts"] == 1
    assert set_text(people, PATH, "有" * 65, 1).json["sms_parts"] == 2
    assert set_text(people, PATH, "有新消息。", 1).status_code == 412


def test_every_text_that_ships_would_be_taken_as_a_towns_own(app: Flask) -> None:
    with app.app_context():
        for name, text in templates().items():
            check_text(TOWN, name, "zh", text.zh)
            check_text(TOWN, name, "en", text.en)
