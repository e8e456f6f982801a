"""A case from its filing to its rating, over HTTP."""

from __future__ import annotations

import threading
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.cases.workflow import ACTIONS, STATUSES, STEP
from tests.cases.test_by_name import found
from tests.outbox.telling import phones_told
from tests.town import VILLAGE, People, Person, carry, clear, report, sign_in


def timeline(person: Person, case: str) -> list[str]:
    return [event["action"] for event in person.get(f"/cases/{case}/timeline").json["items"]]


def test_a_case_is_carried_from_report_to_rating(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "close")
    assert people["resident"].act(case, "rate", score=5).status_code == 200
    seen = people["resident"].get(f"/cases/{case}").json
    assert (seen["status"], seen["rating"], seen["version"]) == ("closed", 5, 8)
    assert timeline(people["resident"], case) == (
        ["report", "accept", "dispatch", "start", "hand_in", "pass_check", "close", "rate"]
    )


def test_a_filed_case_has_a_number_a_place_and_deadlines_but_no_counter(people: People) -> None:
    one, other = people["resident"].file(), people["resident"].file()
    assert one["area_code"].startswith(VILLAGE) and len(one["area_code"]) == 15
    assert one["due_at"] < one["case_due_at"] and one["due_at"].endswith("+08:00")
    assert abs(int(one["number"][9:]) - int(other["number"][9:])) != 1


def test_the_original_coordinates_come_back_as_they_were_given(people: People) -> None:
    case = people["resident"].file()["id"]
    seen = people["resident"].get(f"/cases/{case}?crs=gcj02").json["location"]
    assert (seen["lon"], seen["lat"]) == (113.0055, 22.8667)
    wgs84 = people["resident"].get(f"/cases/{case}").json["location"]
    assert (wgs84["lon"], wgs84["lat"]) == pytest.approx((113.00024, 22.86942), abs=2e-4)


def test_a_grid_worker_handles_for_the_village_and_may_not_check_their_own_work(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "dispatch")
    worker = people["grid_worker"]
    assert worker.act(case, "start").status_code == 200
    assert worker.act(case, "hand_in", note="已清理").status_code == 200
    assert "pass_check" not in worker.get(f"/cases/{case}").json["allowed_actions"]
    answer = worker.act(case, "pass_check")
    assert (answer.status_code, answer.json["code"]) == (403, "action_not_permitted")


def test_a_reopened_case_runs_again_and_each_closing_has_its_own_rating(people: People) -> None:
    resident = people["resident"]
    case = resident.file()["id"]
    carry(people, case, "close")
    assert resident.act(case, "rate", score=2).status_code == 200
    assert resident.act(case, "rate", score=5).status_code == 409
    reopened = resident.act(case, "reopen", reason="未解决").json
    assert reopened["status"] == "reopened" and reopened["due_at"] and reopened["case_due_at"]
    assert [item["status"] for item in resident.get("/cases").json["items"]] == ["reopened"]
    for person, action, fields in (
        ("dispatcher", "dispatch", {"department": VILLAGE}),
        ("village_officer", "start", {}),
        ("village_officer", "hand_in", {"note": "再次清运"}),
        ("inspector", "pass_check", {}),
        ("dispatcher", "close", {}),
    ):
        assert people[person].act(case, action, **fields).status_code == 200
    assert resident.act(case, "rate", score=5).json["rating"] == 5
    events = resident.get(f"/cases/{case}/timeline").json["items"]
    assert [event["score"] for event in events if event["action"] == "rate"] == [2, 5]
    reopening = next(event for event in events if event["action"] == "reopen")
    assert (reopening["actor"]["role"], reopening["from_status"], reopening["to_status"]) == (
        "reporter",
        "closed",
        "reopened",
    )


def test_side_lines_lead_where_the_table_says(people: People) -> None:
    declined, withdrawn, returned = (people["resident"].file()["id"] for _ in range(3))
    assert people["dispatcher"].act(declined, "decline", reason="不属本镇").json["status"] == "declined"
    assert people["resident"].act(withdrawn, "withdraw").json["status"] == "withdrawn"
    carry(people, returned, "start")
    assert people["village_officer"].act(returned, "send_back", reason="属环卫所").status_code == 200
    assert people["dispatcher"].get(f"/cases/{returned}").json["status"] == "accepted"


def test_what_is_declined_is_nowhere_said_to_be_solved_or_closed(app: Flask, people: People) -> None:
    case = people["resident"].file()["id"]
    assert people["dispatcher"].act(case, "decline", reason="不属本镇").json["status"] == "declined"
    assert phones_told(app, "case_update") == ["+8613800000001"]
    told = [people["resident"].get(path) for path in (f"/cases/{case}", f"/cases/{case}/timeline", "/me/notices")]
    english = people["resident"].get("/me/notices", **{"Accept-Language": "en"})
    assert len(english.json["items"]) == 2
    for answer in (*told, english):
        text = answer.text.replace('"solved":null', "")  # nobody was asked
        assert not [word for word in ("解决", "结案", "办结", "resolved", "solved", "done") if word in text], text
    assert people["dispatcher"].get("/cases?status=closed").json["items"] == []
    assert "rate" not in people["resident"].get(f"/cases/{case}").json["allowed_actions"]


@pytest.mark.parametrize("upto", ["dispatch", "start"])
def test_a_case_that_somebody_holds_can_be_dispatched_anew_with_a_new_handling_step(
    app: Flask, people: People, upto: str
) -> None:
    from sqlalchemy import select

    from backend.cases.tables import CaseEvent
    from backend.http.reading import rows

    case = people["resident"].file()["id"]
    carry(people, case, upto)
    before = people["dispatcher"].get(f"/cases/{case}").json
    after = people["dispatcher"].act(case, "dispatch", department="sanitation", note="属环卫所").json
    assert (after["status"], after["holder"]) == ("dispatched", "sanitation")
    with app.app_context():
        ended = rows(
            select(CaseEvent.holder, CaseEvent.step, CaseEvent.step_due_at).where(
                CaseEvent.case_id == uuid.UUID(case), CaseEvent.version == after["version"]
            )
        )
    assert [(row.holder, row.step, row.step_due_at.isoformat()) for row in ended] == [
        (VILLAGE, "handle", before["due_at"])
    ]
    assert people["handler"].act(case, "start").status_code == 200


def test_rework_goes_back_to_the_holder_with_a_new_deadline(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "hand_in")
    answer = people["inspector"].act(case, "rework", reason="仍有垃圾")
    assert (answer.json["status"], answer.json["holder"]) == ("handling", VILLAGE)
    assert answer.json["due_at"] is not None


def test_an_action_out_of_turn_says_what_is_possible(people: People) -> None:
    case = people["resident"].file()["id"]
    answer = people["dispatcher"].act(case, "close")
    assert (answer.status_code, answer.json["code"]) == (409, "not_in_state")
    assert "立案" in answer.json["detail"]
    told = [answer.json[name] for name in ("case_status", "case_status_name", "action", "action_name")]
    assert told == ["reported", "已上报", "close", "结案"] and "state" not in answer.json
    assert "accept" in answer.json["possible"].split(", ") and "立案" in answer.json["possible_names"].split("、")
    refused = people["dispatcher"].act(case, "rate", score=5).json
    assert (refused["code"], refused["action"], refused["action_name"]) == ("action_not_permitted", "rate", "评价")


def test_an_action_out_of_turn_names_only_what_the_caller_may_do(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "dispatch")
    etag = people["resident"].get(f"/cases/{case}").headers["ETag"]
    for language, own, others in (("zh-CN", "撤回", "开始处置"), ("en", "withdraw", "send_back")):
        headers = {"If_Match": etag, "Accept_Language": language}
        answer = people["resident"].post(f"/cases/{case}/actions", {"action": "rate", "score": 5}, **headers)
        assert answer.json["code"] == "not_in_state"
        assert own in answer.json["detail"] and others not in answer.json["detail"]


def test_a_version_is_named_as_well_by_a_weak_tag(people: People) -> None:
    case = people["resident"].file()["id"]
    answer = people["dispatcher"].post(f"/cases/{case}/actions", {"action": "accept"}, If_Match='W/"1"')
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


def test_a_refusal_says_whether_the_role_or_the_own_work_forbids_it(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "dispatch")
    for action, fields in (("start", {}), ("hand_in", {"note": "已清理"})):
        assert people["grid_worker"].act(case, action, **fields).status_code == 200
    own, role = (people[who].act(case, "pass_check").json for who in ("grid_worker", "resident"))
    assert own["code"] == role["code"] == "action_not_permitted"
    assert "处置过" in own["detail"] and "身份" in role["detail"]


@pytest.mark.parametrize("role", ["resident", "party_member", "grid_worker"])
def test_whoever_reports_is_the_reporter_in_the_history(people: People, role: str) -> None:
    case = people[role].file()["id"]
    assert people["dispatcher"].get(f"/cases/{case}/timeline").json["items"][0]["actor"]["role"] == "reporter"


def test_a_stale_version_is_refused_and_names_the_newer_one(people: People) -> None:
    case = people["resident"].file()["id"]
    etag = people["dispatcher"].get(f"/cases/{case}").headers["ETag"]
    assert people["dispatcher"].act(case, "accept").status_code == 200
    answer = people["dispatcher"].post(f"/cases/{case}/actions", {"action": "decline", "reason": "x"}, If_Match=etag)
    assert (answer.status_code, answer.json["code"], answer.headers["ETag"]) == (412, "stale_version", '"2"')
    without = people["dispatcher"].post(f"/cases/{case}/actions", {"action": "decline", "reason": "x"})
    assert (without.status_code, without.json["code"]) == (428, "version_required")


def test_a_resend_is_one_case_and_gets_the_first_answer(people: People) -> None:
    body, key = report(id=str(uuid.uuid4()), description="幸福路12号路灯不亮"), str(uuid.uuid4())
    first, second = (people["resident"].post("/cases", body, Idempotency_Key=key) for _ in range(2))
    assert (second.status_code, second.data, second.headers["ETag"]) == (201, first.data, first.headers["ETag"])
    other = people["resident"].post("/cases", body | {"description": "井盖丢失"}, Idempotency_Key=key)
    assert (other.status_code, other.json["code"]) == (422, "key_reused")
    items = people["resident"].get("/cases").json["items"]
    assert [item["description"] for item in items] == ["幸福路12号路灯不亮"]


@pytest.mark.parametrize("with_id", [True, False])
def test_eight_resends_at_once_make_one_case(app: Flask, people: People, with_id: bool) -> None:
    body, key = report(id=str(uuid.uuid4()) if with_id else None), str(uuid.uuid4())
    headers = people["resident"].headers | {"Idempotency-Key": key}
    start, answers = threading.Barrier(8), []

    def send() -> None:
        sender = app.test_client()
        start.wait()
        answers.append(sender.post("/api/v1/cases", json=body, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(people["resident"].get("/cases").json["items"]) == 1


def test_the_same_id_without_a_key_is_a_conflict(people: People) -> None:
    body = report(id=str(uuid.uuid4()))
    assert people["resident"].post("/cases", body).status_code == 201
    answer = people["resident"].post("/cases", body)
    assert (answer.status_code, answer.json["code"], answer.json["id"]) == (409, "conflict", body["id"])
    assert body["id"] in answer.json["detail"]
    assert "已经提交过" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/cases", "/cases/on-the-spot"])
def test_an_id_that_is_not_free_does_not_tell_others_what_holds_it(people: People, path: str) -> None:
    clear(people)
    body, told = report(description="another text") if path == "/cases" else found(people["grid_worker"]), []
    for held in ({"reporting": "protected"}, {"reporting": "anonymous"}, {"caller": {"channel": "hotline"}}):
        who = people["dispatcher" if "caller" in held else "resident"]
        case = who.file(id=str(uuid.uuid4()), **held)["id"]
        others = people["grid_worker"].post(path, body | {"id": case})
        assert (others.status_code, others.json["code"]) == (409, "conflict")
        told.append(others.text.replace(case, "…"))
    assert len(set(told)) == 1 and "提交过" not in told[0] and "查看" not in told[0]


def test_a_protected_report_is_refused_with_the_outside_channel_while_nobody_is_cleared(people: People) -> None:
    answer = people["resident"].post("/cases", report(reporting="protected"))
    assert (answer.status_code, answer.json["code"]) == (422, "no_cleared_dispatcher")
    assert "12388" in answer.json["detail"]
    assert people["resident"].get("/cases").json["items"] == []


def test_the_desk_files_for_a_caller_who_only_knows_the_village(people: People) -> None:
    body = report(location=None, area_code=VILLAGE, address="祠堂旁")
    filed = people["dispatcher"].post("/cases", body)
    assert (filed.status_code, filed.json["area_code"]) == (201, VILLAGE)
    assert filed.json["location"]["approximate"] is True
    refused = people["resident"].post("/cases", body)
    assert (refused.status_code, refused.json["code"]) == (422, "place_needed")
    blank = people["dispatcher"].post("/cases", body | {"address": "  "})
    assert (blank.status_code, blank.json["code"]) == (422, "place_needed")
    elsewhere = people["dispatcher"].post("/cases", report(area_code="440605121024"))
    assert (elsewhere.status_code, elsewhere.json["code"]) == (422, "places_differ")


def test_a_category_that_needs_a_photo_says_so(people: People) -> None:
    answer = people["resident"].post("/cases", report(category="unlawful_building"))
    assert (answer.status_code, answer.json["code"]) == (422, "photo_needed")


def test_a_grid_worker_files_in_their_own_grid_only(people: People) -> None:
    assert people["grid_worker"].post("/cases", report()).status_code == 201
    far = report(location={"lon": 112.9555, "lat": 22.8758, "crs": "wgs84"})
    answer = people["grid_worker"].post("/cases", far)
    assert (answer.status_code, answer.json["code"]) == (403, "outside_your_area")
    assert answer.json["area"] not in answer.json["detail"] and "网格" in answer.json["detail"].split("（")[1]


def test_dispatching_to_what_is_no_department_is_refused(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "accept")
    answer = people["dispatcher"].act(case, "dispatch", department="nobody")
    assert (answer.status_code, answer.json["code"]) == (422, "unknown_department")


def test_every_status_of_the_workflow_is_named_and_reachable() -> None:
    reachable = {"reported", "apart"} | {action.to for action in ACTIONS.values() if action.to}
    assert reachable == set(STATUSES)
    assert {status for action in ACTIONS.values() for status in action.from_} <= set(STATUSES)
    assert set(STEP) <= set(STATUSES)


def test_the_reporter_is_told_of_each_change_once_and_of_nothing_else(app: Flask, people: People) -> None:
    from sqlalchemy import select

    from backend.http.reading import rows
    from backend.outbox.tables import OutboxMessage

    case = people["resident"].file()["id"]
    carry(people, case, "dispatch")
    with app.app_context():
        found = rows(select(OutboxMessage.address, OutboxMessage.template, OutboxMessage.body))
    assert [message.template for message in found] == ["case_reported", "case_update", "case_update"]
    assert {message.address for message in found} == {f"reporter:{case}"}
    assert not any(word in message.body for message in found for word in ("垃圾", "敦根", "立案"))


def test_signing_in_works_after_a_wrong_password(client: FlaskClient) -> None:
    wrong = client.post("/api/v1/auth/login", json={"phone": "13800000001", "password": "wrong"})
    assert (wrong.status_code, wrong.json["code"]) == (401, "wrong_credentials")
    sign_in(client, "resident")


def test_giving_a_case_to_another_holder_takes_a_reason_and_another_holder(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "start")
    without = people["dispatcher"].act(case, "dispatch", department="sanitation")
    same = people["dispatcher"].act(case, "dispatch", department=VILLAGE, note="再办")
    assert without.json["errors"]["note"] and same.json["errors"]["department"]


def test_a_holder_proposes_who_should_have_the_case_and_the_desk_decides(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "start")
    officer, desk = people["village_officer"], people["dispatcher"]
    for fields in ({"department": VILLAGE}, {"department": "nobody"}):
        assert officer.act(case, "ask_transfer", reason="属环卫所", **fields).status_code == 422
    asked = officer.act(case, "ask_transfer", reason="属环卫所", department="sanitation").json
    assert (asked["asked"], asked["holder"], asked["due_at"] is not None) == ("transfer", VILLAGE, True)
    assert officer.get(f"/cases/{case}/timeline").json["items"][-1]["department"] == "sanitation"
    assert not {"extend", "suspend"} & set(desk.get(f"/cases/{case}").json["allowed_actions"])
    refused = desk.act(case, "refuse", reason="仍由本村办理").json
    assert (refused["asked"], refused["due_at"]) == (None, asked["due_at"])
    officer.act(case, "ask_transfer", reason="确属环卫所", department="sanitation")
    given = desk.act(case, "dispatch", department="sanitation", note="同意").json
    assert (given["asked"], given["holder"], given["status"]) == (None, "sanitation", "dispatched")
