"""A notice reaches whom it is for by the ways they want, once, and its rows tell nobody who reported."""

import json
import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select, update

from backend.config import TOWN_ZONE
from backend.extensions import db
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox import sharing
from backend.outbox.messages import post
from backend.outbox.sending import BATCH, Message, send_due
from backend.outbox.sharing import share_out
from backend.outbox.tables import Notice, OutboxMessage
from backend.people.notice_tables import NoticePreference
from backend.people.tables import Account
from tests.cases.test_by_name import photo
from tests.cases.test_colours import DUE, MONDAY, held_case, run
from tests.cases.test_protected import clear
from tests.town import VILLAGE, People, Person, report

START = datetime(2026, 11, 27, 9, 0, tzinfo=TOWN_ZONE)
ALL = ("sms", "wechat", "email")


def share(now: datetime | None = None) -> None:
    while share_out(ALL, now or datetime.now(TOWN_ZONE)):
        pass


def waiting(*channels: str) -> list[tuple[str, str, str]]:
    found = rows(select(OutboxMessage.__table__).where(OutboxMessage.sent_at.is_(None)).order_by(OutboxMessage.id))
    return sorted((one.channel, one.address, one.template) for one in found if one.channel in (channels or ALL))


def sent(channel: str = "sms") -> list[tuple[str, str]]:
    taken = list[Message]()
    while send_due(taken.append, datetime.now(TOWN_ZONE), channel):
        pass
    return sorted((one.address, one.template) for one in taken)


def notices(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get("/me/notices").json["items"]
    return found


def account(person: Person) -> uuid.UUID:
    return uuid.UUID(person.get("/me").json["id"])


def prefer(app: Flask, person: Person, **values: Any) -> None:
    who = account(person)
    with app.app_context(), unit_of_work() as session:
        session.execute(
            insert(NoticePreference), {"account_id": who, "language": "zh", "off": "", "version": 1} | values
        )


def test_a_reporter_is_told_in_the_inbox_and_by_sms_and_the_rows_name_the_case_only(app: Flask, people: People) -> None:
    resident = people["resident"]
    case = resident.file()["id"]
    with app.app_context():
        share()
        assert waiting() == [("sms", f"reporter:{case}", "case_reported")]
        (kept,) = rows(select(Notice.__table__))
        assert str(account(resident)) not in repr(kept) and case not in repr(kept)
        ids = {one.id for one in rows(select(OutboxMessage.id).where(OutboxMessage.channel == "notice"))}
        guesses = {
            uuid.uuid5(notice, f"{channel} case_reported {who}")
            for notice in ids
            for channel in ("sms", "inbox")
            for who in (account(resident), f"account:{account(resident)}", "+8613800000001")
        }
        made = rows(select(OutboxMessage.id)) + rows(select(Notice.id))
        assert not guesses & {one.id for one in made}, "nor does an id tell whoever tries out accounts"
        assert sent() == [("+8613800000001", "case_reported")]
    (notice,) = notices(resident)
    assert (notice["case_id"], notice["read_at"]) == (case, None)
    assert notice["text"] == "您的上报已收到，请打开小程序查看。"
    assert notices(people["dispatcher"]) == []


def test_what_a_worker_reported_stands_under_another_tag_than_what_they_get_as_a_worker(
    app: Flask, people: People
) -> None:
    worker = people["grid_worker"]
    worker.file()
    with app.app_context():
        with unit_of_work() as session:
            post(session, "notice", f"account:{account(worker)}", "handed_over")
        share()
        assert len({one.tag for one in rows(select(Notice.tag))}) == 2
    assert len(notices(worker)) == 2


def test_who_is_given_a_case_is_told_of_it_and_so_is_the_reporter(app: Flask, people: People) -> None:
    case = people["resident"].file()["id"]
    people["dispatcher"].act(case, "accept")
    with app.app_context():
        share(), sent()
    people["dispatcher"].act(case, "dispatch", department="sanitation")
    handler = people["handler"]
    with app.app_context():
        share()
        assert waiting("sms") == sorted(
            [("sms", f"reporter:{case}", "case_update"), ("sms", f"account:{account(handler)}", "case_at_hand")]
        )
        assert sent() == [("+8613800000001", "case_update"), ("+8613800000005", "case_at_hand")]
    assert [one["case_id"] for one in notices(handler)] == [case]


def test_whoever_is_reporter_and_holder_of_one_case_is_told_as_both(app: Flask, people: People) -> None:
    officer = people["village_officer"]
    case = officer.file()["id"]
    people["dispatcher"].act(case, "accept")
    people["dispatcher"].act(case, "dispatch", department=VILLAGE)
    with app.app_context():
        share()
        told = [(channel, template) for channel, _, template in waiting() if template != "case_reported"]
    assert told == [("sms", "case_at_hand"), ("sms", "case_update"), ("sms", "case_update")]


def test_who_holds_what_they_reported_is_told_as_its_reporter_and_no_row_says_that_they_hold_it(
    app: Flask, people: People
) -> None:
    worker = people["grid_worker"]
    before, after = (photo(worker) for _ in range(2))
    case = worker.file(evidence=[before])["id"]
    assert worker.act(case, "resolve", note="已清运", evidence=[after]).status_code == 200
    with app.app_context():
        share(), sent()
        with unit_of_work() as session:
            post(session, "notice", f"holder:{case}", "case_pressing")
        share()
        assert waiting() == [("sms", f"reporter:{case}", "case_pressing")]
        assert sent() == [("+8613800000003", "case_pressing")]


def test_the_desk_is_told_of_what_comes_back_to_it(app: Flask, people: People) -> None:
    case = people["resident"].file()["id"]
    people["dispatcher"].act(case, "accept")
    people["dispatcher"].act(case, "dispatch", department="sanitation")
    people["handler"].act(case, "send_back", reason="不属本部门")
    with app.app_context():
        share()
        assert [one for one in waiting() if one[2] == "case_at_desk"] == [], "it waits in the inbox and wakes no phone"
    assert [one["text"] for one in notices(people["dispatcher"])] == ["有事项等待您处理，请登录查看。"]


def test_what_a_leader_supervises_is_told_to_who_holds_it_and_to_the_desk_above_them(
    app: Flask, people: People
) -> None:
    case = people["resident"].file()["id"]
    people["dispatcher"].act(case, "accept")
    people["dispatcher"].act(case, "dispatch", department="sanitation")
    with app.app_context():
        share()
    until = (datetime.now(TOWN_ZONE) + timedelta(days=3)).isoformat()
    assert people["committee"].act(case, "supervise", leader="李委员", until=until).status_code == 200
    with app.app_context():
        share()
    assert notices(people["handler"])[0]["text"] == "您有工作事项被催办，请尽快登录查看。"
    assert [one["case_id"] for one in notices(people["dispatcher"])] == [case]


def test_a_dispatcher_who_is_not_impartial_there_is_not_told(app: Flask, people: People) -> None:
    case = people["resident"].file()["id"]
    entry = {"account_id": str(account(people["dispatcher"])), "area_code": VILLAGE, "reason": "兼任村委委员"}
    assert people["admin"].post("/conflicts", entry).status_code == 201
    with app.app_context():
        with unit_of_work() as session:
            post(session, "notice", f"desk:{case}", "case_at_desk")
        share()
    assert notices(people["dispatcher"]) == []


def test_whoever_withdraws_a_case_that_somebody_holds_has_them_told(app: Flask, people: People) -> None:
    for holder in (False, True):
        case = people["resident"].file()["id"]
        if holder:
            people["dispatcher"].act(case, "accept")
            people["dispatcher"].act(case, "dispatch", department="sanitation")
            with app.app_context():
                share()
        before = len(notices(people["handler"]))
        assert people["resident"].act(case, "withdraw").status_code == 200
        with app.app_context():
            share()
        assert len(notices(people["handler"])) - before == holder


def test_of_a_protected_report_nobody_is_told_but_who_made_it(app: Flask, people: People) -> None:
    clear(people)
    case = people["resident"].file(reporting="protected", description="有人收钱")["id"]
    with app.app_context():
        with unit_of_work() as session:
            for kind in ("holder", "desk"):
                post(session, "notice", f"{kind}:{case}", "case_pressing")
        share()
        assert {one[1] for one in waiting()} == {f"reporter:{case}"}
        assert len(rows(select(Notice.id))) == 1


def test_a_channel_that_is_switched_off_gets_nothing(app: Flask, people: People) -> None:
    handler = people["handler"]
    prefer(app, handler, off="inbox,sms,wechat,email")
    with app.app_context():
        with unit_of_work() as session:
            post(session, "notice", f"account:{account(handler)}", "case_at_hand")
            post(session, "sms", "+8613800000005", "case_pressing")
        share()
        assert sent() == [] and waiting() == []
    assert notices(handler) == []


def test_of_a_step_that_turns_red_nobody_hears_who_switched_all_off(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        prefer(app, people["committee"], off="inbox,sms,wechat,email")
        held_case(people)
    red = DUE + timedelta(minutes=1)
    assert run(app, red) == 1
    with app.app_context(), time_machine.travel(red, tick=False):
        share()
        told = [address for address, template in sent() if template == "work_overdue"]
        assert told == ["+8613800000004", "+8613800000006", "+8613800000011"], "holder, desk, the other member"
        assert notices(People(people.client)["committee"]) == []


def test_who_switches_off_between_sharing_and_sending_gets_nothing_more(app: Flask, people: People) -> None:
    with app.app_context():
        with unit_of_work() as session:
            post(session, "notice", f"account:{account(people['handler'])}", "case_at_hand")
        share()
        assert len(waiting("sms")) == 1
    prefer(app, people["handler"], off="sms")
    with app.app_context():
        assert sent() == []


def test_codes_and_warnings_cannot_be_switched_off(app: Flask, people: People) -> None:
    handler = people["handler"]
    prefer(app, handler, off="inbox,sms,wechat,email")
    with app.app_context():
        with unit_of_work() as session:
            post(session, "sms", "+8613800000005", "code_sign_in", code="123456")
            post(session, "notice", f"account:{account(handler)}", "password_changed")
        share()
        assert sent() == [("+8613800000005", "code_sign_in"), ("+8613800000005", "password_changed")]
    assert len(notices(handler)) == 1


def test_each_channel_that_somebody_has_gets_the_notice_in_their_language(app: Flask, people: People) -> None:
    handler = people["handler"]
    prefer(app, handler, email="worker@example.org", language="en")
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Account).where(Account.id == account(handler)).values(wechat_openid="o6_worker"))
    with app.app_context():
        with unit_of_work() as session:
            post(session, "notice", f"account:{account(handler)}", "handed_over")
        share()
        bodies = {one.body for one in rows(select(OutboxMessage.body).where(OutboxMessage.sent_at.is_(None)))}
        assert bodies == {"Work was handed over to you. Please sign in to see it."}
        assert [sent(channel)[0][0] for channel in ALL] == ["+8613800000005", "o6_worker", "worker@example.org"]


def test_without_a_gateway_for_it_a_channel_gets_nothing(app: Flask, people: People) -> None:
    with app.app_context():
        with unit_of_work() as session:
            post(session, "notice", f"account:{account(people['handler'])}", "handed_over")
        assert share_out(("email",), datetime.now(TOWN_ZONE)) == 1
        assert waiting() == []


def test_a_notice_is_shared_out_once_though_several_do_it_at_once(app: Flask, people: People) -> None:
    who = account(people["handler"])
    with app.app_context(), unit_of_work() as session:
        for _ in range(2 * BATCH):
            post(session, "sms", "+8613800000005", "case_update")
        session.execute(update(OutboxMessage).values(channel="notice", address=f"account:{who}"))
    with app.app_context(), unit_of_work() as session:
        session.execute(update(OutboxMessage).values(channel="notice", address=f"account:{who}"))
    ready = threading.Barrier(4)

    def work() -> None:
        with app.app_context():
            ready.wait(10)
            share()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with app.app_context():
        assert len(waiting("sms")) == len(rows(select(Notice.id))) == 2 * BATCH


def test_what_dies_between_writing_and_noting_leaves_nothing_half_done(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with app.app_context():
        with unit_of_work() as session:
            post(session, "notice", f"account:{account(people['handler'])}", "handed_over")
        with monkeypatch.context() as patch:
            patch.setattr(sharing.clock, "now", die)
            with pytest.raises(Killed):
                share_out(ALL, datetime.now(TOWN_ZONE))
        db.session.remove()
        assert waiting() == [] and rows(select(Notice.id)) == []
        share()
        assert len(waiting("sms")) == len(rows(select(Notice.id))) == 1


def test_a_notice_that_cannot_be_shared_out_waits_and_holds_up_no_other(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = account(people["handler"])
    case = people["resident"].file()["id"]
    with app.app_context(), time_machine.travel(datetime.now(TOWN_ZONE), tick=False) as clock:
        now = datetime.now(TOWN_ZONE)
        with unit_of_work() as session:
            post(session, "notice", f"desk:{case}", "handed_over")
            post(session, "notice", f"account:{who}", "handed_over")
        with monkeypatch.context() as patch:
            answers = app.extensions["registry"].answers
            patch.setitem(answers, "people_of_case", lambda *_: 1 / 0)
            share()
        assert sorted(one[2] for one in waiting("sms")) == ["case_reported", "handed_over"]
        clock.move_to(now + timedelta(seconds=11))
        share()
        assert sorted(one[2] for one in waiting("sms")) == ["case_reported", "handed_over", "handed_over"]


def test_the_kept_columns_of_a_notice_say_nothing_private(app: Flask, people: People) -> None:
    words = "门前积水，我是王金丝雀"
    case = people["resident"].post("/cases", report(description=words)).json["id"]
    people["dispatcher"].act(case, "accept", note=f"已电话联系：{words}")
    with app.app_context():
        share()
        for table in (OutboxMessage, Notice):
            assert words not in json.dumps([tuple(map(str, one)) for one in rows(select(table.__table__))])
