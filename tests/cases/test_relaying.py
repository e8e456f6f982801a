"""Questions and answers go through the case, and neither side learns who the other is."""

from __future__ import annotations

import uuid

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from backend.http.reading import rows
from tests.cases.by_receipt import filed, named
from tests.people.test_clearing import account
from tests.town import VILLAGE, People, carry


def test_a_question_and_its_answer_pass_without_contact_or_name(
    app: Flask, client: FlaskClient, people: People
) -> None:
    case, holder = filed(client, reporter=named(client, name="岑大文"))
    carry(people, case, "start")
    officer = people["village_officer"].get("/me").json["name"]
    asked = people["village_officer"].act(case, "ask", note=f"岑大文您好，我是{officer}，哪一栋？请回13800000004")
    assert asked.status_code == 200
    assert holder.act("reply", note=f"3栋，我叫岑大文，电话13912345678，谢谢{officer}").status_code == 200
    for told in (
        holder.get("/timeline"),
        *(people[who].get(f"/cases/{case}/timeline") for who in ("village_officer", "dispatcher", "inspector")),
    ):
        words = told.data.decode()
        assert "哪一栋？" in words and "3栋" in words
        for private in ("岑大文", officer, "13800000004", "13912345678"):
            assert private not in words, private
    events = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"][-2:]
    assert [(event["action"], event["actor"]["role"]) for event in events] == [
        ("ask", "village_officer"),
        ("reply", "reporter"),
    ]
    with app.app_context():
        kept = str([tuple(one) for one in rows(text("SELECT note FROM case_events"))])
        assert "13912345678" not in kept and "岑大文" not in kept
        told = {(one.address, one.template) for one in rows(text("SELECT address, template FROM outbox_messages"))}
    assert (f"account:{account(people['village_officer'])}", "case_answered") in told
    assert (f"reporter:{case}", "case_update") in told


def test_in_the_app_the_reporter_answers_as_by_receipt(people: People) -> None:
    case = people["resident"].file()["id"]
    assert people["dispatcher"].act(case, "ask", note="是每天都有吗？").status_code == 200
    assert people["resident"].get(f"/cases/{case}/timeline").json["items"][-1]["note"] == "是每天都有吗？"
    assert people["resident"].act(case, "reply", note="每天都有").status_code == 200
    assert people["dispatcher"].get(f"/cases/{case}/timeline").json["items"][-1]["note"] == "每天都有"


def test_only_who_works_on_a_case_asks_and_only_its_reporter_answers(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "dispatch", holder="sanitation")
    may = {
        who: {"ask", "reply"} & set((people[who].get(f"/cases/{case}").json or {}).get("allowed_actions", ()))
        for who in ("resident", "party_member", "grid_worker", "village_officer", "handler", "dispatcher", "inspector")
    }
    assert may == {
        "resident": {"reply"},
        "party_member": set(),
        "grid_worker": {"ask"},
        "village_officer": set(),
        "handler": {"ask"},
        "dispatcher": {"ask"},
        "inspector": {"ask"},
    }
    assert people["committee"].act(case, "ask", note="？").status_code == 403


def test_who_reported_a_case_does_not_ask_themselves(people: People) -> None:
    case = people["grid_worker"].file()["id"]
    carry(people, case, "dispatch", holder=VILLAGE)
    assert "ask" not in people["grid_worker"].get(f"/cases/{case}").json["allowed_actions"]
    assert people["grid_worker"].act(case, "ask", note="？").status_code == 403


def test_a_question_on_a_case_that_nobody_here_reported_is_kept_all_the_same(app: Flask, people: People) -> None:
    from sqlalchemy import delete

    from backend.cases.tables import ReporterIdentity
    from backend.http.work import unit_of_work

    case = people["resident"].file()["id"]
    with app.app_context(), unit_of_work() as session:
        session.execute(delete(ReporterIdentity).where(ReporterIdentity.case_id == uuid.UUID(case)))
    assert people["dispatcher"].act(case, "ask", note="哪一栋？").status_code == 200
