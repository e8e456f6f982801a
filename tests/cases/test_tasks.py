"""The task that comes of a protected report: two people's words, and nothing of it or of the report anywhere before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.reading import rows
from tests.cases.test_protected import ADDRESS, SAID, protected, where
from tests.cases.test_secrecy import second_dispatcher
from tests.town import TOWN, VILLAGE, People, Person, clear, report, unknown_id

WORDS = "请说明祠堂修缮工程的收支，并提交原始凭证"
OTHERS = ("party_member", "grid_worker", "village_officer", "handler", "committee", "admin", "auditor")
"""Who is not to know of the report."""


def until(days: float = 20) -> str:
    return (clock.now() + timedelta(days=days)).isoformat()


def words(**changes: Any) -> dict[str, Any]:
    return {"department": VILLAGE, "until": until(), "note": WORDS} | changes


@pytest.fixture
def case(people: People) -> str:
    """A protected report about the village that the desk has accepted; the desk and the inspector are cleared."""
    clear(people, "dispatcher")
    clear(people, "inspector")
    filed = people["resident"].post("/cases", protected())
    assert people["dispatcher"].act(filed.json["id"], "accept", note="承办收讫").status_code == 200
    return str(filed.json["id"])


def drafted(people: People, case: str, **changes: Any) -> None:
    answer = people["dispatcher"].act(case, "draft_task", **words(**changes))
    assert answer.status_code == 200, answer.json
    assert answer.json["status"] == "drafted" and "release_task" not in answer.json["allowed_actions"]


def released(people: People, case: str, **changes: Any) -> str:
    """The id of the task that was given out."""
    drafted(people, case, **changes)
    answer = people["inspector"].act(case, "release_task")
    assert answer.status_code == 200, answer.json
    return str(answer.json["task"]["id"])


def done(people: People, task: str) -> None:
    """The village handles the task, and it is checked."""
    for person, action, fields in (
        ("village_officer", "start", {}),
        ("village_officer", "hand_in", {"note": "已公示"}),
        ("inspector", "pass_check", {}),
    ):
        assert people[person].act(task, action, **fields).status_code == 200


def seen(person: Person) -> list[bytes]:
    """All that somebody can ask for in which a task or a report could show."""
    paths = ("/cases", "/cases?text=祠堂", f"/cases?area={VILLAGE}", "/cases?status=dispatched", "/me/accesses")
    return [person.get(path).data for path in paths]


def test_the_whole_way_from_the_report_to_what_its_reporter_sees(people: People, case: str) -> None:
    task = released(people, case)
    officer, reporter = people["village_officer"], people["resident"]
    given_out = officer.get(f"/cases/{task}").json
    assert given_out["description"] == WORDS and given_out["holder"] == VILLAGE
    assert given_out["reporter"] == {"pseudonym": "镇网格中心", "me": False} and given_out["reporting"] == "task"
    assert reporter.get(f"/cases/{case}").json["task"]["status"] == "dispatched"
    assert officer.act(task, "start").status_code == 200
    assert officer.act(task, "hand_in", note="收支表已公示").status_code == 200
    assert reporter.get(f"/cases/{case}").json["task"]["status"] == "handled"
    refused = people["dispatcher"].act(case, "conclude", note="已核实")
    assert (refused.status_code, refused.json["code"]) == (409, "task_not_checked")
    assert "conclude" not in people["dispatcher"].get(f"/cases/{case}").json["allowed_actions"]
    assert people["inspector"].act(task, "pass_check").status_code == 200
    assert people["dispatcher"].act(case, "conclude", note="账目已公示并退回款项").status_code == 200
    told = reporter.get(f"/cases/{case}").json
    assert (told["status"], told["task"]["status"]) == ("closed", "checked")
    history = reporter.get(f"/cases/{case}/timeline").json["items"]
    assert [event["action"] for event in history] == ["report", "accept", "release_task", "conclude"]
    assert history[-1]["note"] == "账目已公示并退回款项" and WORDS not in str(history)
    assert told["task"]["id"] is None and told["task"]["holder"] is None
    assert reporter.act(case, "rate", score=5).status_code == 200


def test_until_its_release_nobody_else_can_tell_that_there_is_anything(people: People) -> None:
    clear(people, "dispatcher")
    clear(people, "inspector")
    before = {role: seen(people[role]) for role in OTHERS}
    filed = people["resident"].post("/cases", protected()).json["id"]
    assert people["dispatcher"].act(filed, "accept").status_code == 200
    drafted(people, filed)
    assert people["inspector"].act(filed, "reword_task", **words(department="sanitation")).status_code == 200
    assert {role: seen(people[role]) for role in OTHERS} == before
    for role in OTHERS:
        for path in ("", "/timeline", "/identity"):
            there, nowhere = (people[role].get(f"/cases/{which}{path}") for which in (filed, unknown_id()))
            assert there.data == nowhere.data and there.status_code == 404, (role, path)


def test_neither_the_report_nor_the_unreleased_task_stands_anywhere_unsealed(
    app: Flask, people: People, case: str
) -> None:
    drafted(people, case)
    people["dispatcher"].act(case, "note", note="内部：待纪检会商", internal=True)
    with app.app_context():
        assert where(WORDS[:6], "纪检", "收讫", SAID[:6], ADDRESS) == set()
        assert rows(text("SELECT action, details FROM case_events WHERE details <> '{}'")) == []
    task = people["inspector"].act(case, "release_task").json["task"]["id"]
    with app.app_context():
        assert where(task) <= {"cases", "case_events", "case_texts", "ledger_entries"}
        assert where(SAID[:6], ADDRESS) == set()
        # What links the two is sealed: no row about the report names the task.
        told = str(rows(text("SELECT details FROM case_events WHERE action = 'release_task'")))
        assert task not in told and task.replace("-", "") not in told


def test_whoever_worded_a_task_does_not_release_it(people: People, case: str) -> None:
    drafted(people, case)
    refused = people["dispatcher"].act(case, "release_task")
    assert (refused.status_code, refused.json["code"]) == (409, "second_person_needed")
    assert refused.json["action"] == "release_task" and refused.json["action_name"] in refused.json["detail"]
    reworded = people["inspector"].act(case, "reword_task", **words(note="请公开祠堂工程收支"))
    assert reworded.status_code == 200 and "release_task" not in reworded.json["allowed_actions"]
    assert people["inspector"].act(case, "release_task").json["code"] == "second_person_needed"
    task = people["dispatcher"].act(case, "release_task").json["task"]["id"]
    assert people["village_officer"].get(f"/cases/{task}").json["description"] == "请公开祠堂工程收支"
    told = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    by = [(event["action"], event["actor"]["role"]) for event in told[-3:]]
    assert by == [("draft_task", "dispatcher"), ("reword_task", "inspector"), ("release_task", "dispatcher")]


def test_what_is_told_to_be_possible_is_what_the_case_allows(people: People, case: str) -> None:
    drafted(people, case)
    refused = people["dispatcher"].act(case, "accept")
    assert refused.json["code"] == "not_in_state", refused.json
    allowed = people["dispatcher"].get(f"/cases/{case}").json["allowed_actions"]
    assert refused.json["possible"].split(", ") == allowed and "release_task" not in allowed


def test_a_draft_that_was_reworded_meanwhile_is_not_released(people: People, case: str) -> None:
    drafted(people, case)
    looked_at = people["inspector"].get(f"/cases/{case}").headers["ETag"]
    assert people["dispatcher"].act(case, "reword_task", **words(note="换了说法")).status_code == 200
    body = {"action": "release_task"}
    assert people["inspector"].post(f"/cases/{case}/actions", body, If_Match=looked_at).status_code == 412


def test_a_task_dropped_goes_back_to_the_desk(people: People, case: str) -> None:
    drafted(people, case)
    assert people["inspector"].act(case, "drop_task", reason="仍看得出是谁").json["status"] == "accepted"
    assert people["inspector"].act(case, "release_task").status_code == 409
    assert people["resident"].get(f"/cases/{case}").json["task"] is None
    released(people, case)


@pytest.mark.parametrize(
    ("note", "code"),
    [
        (f"有人反映：{SAID}，请说明", "task_quotes_report"),
        ("有人反映：村主任陈某，挪用 集体资金；账本在祠堂", "task_quotes_report"),
        ("请联系13812345678核实", "task_names_people"),
        ("请核查粤E12345的用途", "task_names_people"),
        ("请李主任说明", "task_names_people"),
        ("请核实举报人：王五所说", "task_names_people"),
    ],
)
def test_a_task_neither_quotes_the_report_nor_names_people(people: People, case: str, note: str, code: str) -> None:
    answer = people["dispatcher"].act(case, "draft_task", **words(note=note))
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert people["dispatcher"].get(f"/cases/{case}").json["status"] == "accepted"


def test_a_task_that_names_the_reporter_is_not_given_out_and_officers_by_office_are(people: People, case: str) -> None:
    name = str(people["resident"].get("/me").json["name"]).split()[-1]
    drafted(people, case, note=f"请向{name}说明")  # no refusal by which whoever tries names could tell
    refused = people["inspector"].act(case, "release_task")
    assert (refused.status_code, refused.json["code"]) == (422, "task_names_people")
    assert people["inspector"].act(case, "reword_task", **words(note="请村主任、书记和网格员说明")).status_code == 200
    assert people["dispatcher"].act(case, "release_task").status_code == 200


def test_a_refusal_shows_what_is_the_report_s_and_the_second_look_what_is_left_of_it(people: People) -> None:
    clear(people, "dispatcher")
    clear(people, "inspector")
    body = protected() | {"description": "敦根社区村主任把祠堂修缮的三万二千元给了连襟，大家都敢怒不敢言"}
    case = str(people["resident"].post("/cases", body).json["id"])
    assert people["dispatcher"].act(case, "accept").status_code == 200
    assert people["dispatcher"].act(case, "ask", note="何时？").status_code == 200
    assert people["resident"].act(case, "reply", note="中秋夜里搬走的是那口旧铜钟").status_code == 200
    note = "请敦根社区说明祠堂修缮的32,000元，及搬走的是那口旧铜钟一事"
    refused = people["dispatcher"].act(case, "draft_task", **words(note=note))
    assert (refused.status_code, refused.json["code"]) == (422, "task_quotes_report")
    assert "“32,000元”、“搬走的是那口旧铜钟”" in refused.json["detail"]
    drafted(people, case, note="请敦根社区说明祠堂修缮的开支，旧铜钟是否给了连襟")
    shown = people["inspector"].get(f"/cases/{case}").json["draft"]
    assert "".join(part["text"] for part in shown) == "请敦根社区说明祠堂修缮的开支，旧铜钟是否给了连襟"
    assert [part["text"] for part in shown if part["hit"]] == ["祠堂修缮的", "旧铜钟", "给了连襟"]
    assert people["resident"].get(f"/cases/{case}").json["draft"] is None
    assert people["inspector"].act(case, "release_task").json["draft"] is None


MEANT = "会计深夜把三箱现金搬上面包车"
QUOTED = f"请说明{MEANT}一事"


def refused(people: People, case: str, note: str) -> bool:
    answer = people["dispatcher"].act(case, "draft_task", **words(note=note))
    return bool(answer.status_code == 422 and answer.json["code"] == "task_quotes_report")


@pytest.mark.parametrize("action", ["note", "reply", "reopen", "rate", "raise_secrecy"])
def test_whatever_its_reporter_wrote_is_the_report_s_whichever_action_carried_it(people: People, action: str) -> None:
    clear(people, "dispatcher")
    clear(people, "inspector")
    body = report() if action == "raise_secrecy" else protected()
    case, reporter = str(people["resident"].post("/cases", body).json["id"]), people["resident"]
    if action == "raise_secrecy":
        assert reporter.act(case, "raise_secrecy", reason=MEANT).status_code == 200
    assert people["dispatcher"].act(case, "accept").status_code == 200
    if action in ("reopen", "rate"):
        assert people["inspector"].act(case, "conclude", note="已核实").status_code == 200
    fields = {"reopen": {"reason": MEANT}, "rate": {"score": 1, "solved": False, "note": MEANT}}
    if action != "raise_secrecy":
        assert reporter.act(case, action, **fields.get(action, {"note": MEANT})).status_code == 200
    assert refused(people, case, QUOTED)


def test_what_its_reporter_writes_while_a_task_waits_is_kept_out_of_it_at_the_release(
    people: People, case: str
) -> None:
    drafted(people, case, note=QUOTED)
    assert people["resident"].act(case, "reply", note=MEANT).status_code == 200
    answer = people["inspector"].act(case, "release_task")
    assert (answer.status_code, answer.json["code"]) == (422, "task_quotes_report") and MEANT in answer.json["detail"]
    assert people["inspector"].get(f"/cases/{case}").json["status"] == "drafted"
    assert people["inspector"].act(case, "reword_task", **words()).status_code == 200
    assert people["dispatcher"].act(case, "release_task").status_code == 200


def test_what_the_desk_noted_is_no_word_of_the_report(people: People, case: str) -> None:
    assert people["dispatcher"].act(case, "note", note=MEANT, internal=True).status_code == 200
    drafted(people, case, note=QUOTED)


def test_the_report_s_address_is_no_word_for_a_task(people: People, case: str) -> None:
    for note in ("请到甲秀巷77号核查", "请到七十七号核查"):
        assert refused(people, case, note), note
    drafted(people, case, note="请到甲秀巷7号核查10月77日的账")


def test_nobody_who_reads_the_report_says_its_words_on_a_task(people: People, case: str) -> None:
    task = released(people, case)
    desk = people["dispatcher"]
    for action, fields in (
        ("note", {"note": SAID, "internal": True}),
        ("dispatch", {"note": SAID, "department": "sanitation"}),
    ):
        answer = desk.act(task, action, **fields)
        assert (answer.status_code, answer.json["code"]) == (422, "task_quotes_report"), answer.json
    given = desk.post("/tasks", {"category": "litter", "words": SAID, "department": VILLAGE, "until": until()})
    assert (given.status_code, given.json["code"]) == (422, "task_quotes_report"), given.json
    assert desk.act(task, "note", note="请抓紧").status_code == 200
    # Who reads no report has none to quote, and learns from no refusal that there is one.
    assert people["village_officer"].act(task, "note", note=SAID).status_code == 200


def test_a_task_for_a_department_lies_in_no_village(people: People, case: str) -> None:
    task = released(people, case, department="sanitation")
    assert people["handler"].get(f"/cases/{task}").json["area_code"] == TOWN
    for role in ("village_officer", "grid_worker", "party_member", "resident"):
        assert people[role].get(f"/cases/{task}").status_code == 404, role
    assert people["handler"].act(task, "start").status_code == 200


def test_the_villages_grid_worker_does_not_check_what_the_village_did(people: People, case: str) -> None:
    task = released(people, case)
    people["village_officer"].act(task, "start")
    people["village_officer"].act(task, "hand_in", note="已公示")
    assert people["grid_worker"].act(task, "pass_check").status_code == 404
    assert people["inspector"].act(task, "rework", reason="凭证不全").status_code == 200


def test_a_task_does_not_show_whether_a_report_lies_behind_it(people: People, case: str) -> None:
    body = {"category": "litter", "words": WORDS, "department": VILLAGE, "until": until()}
    plain = people["dispatcher"].post("/tasks", body)
    assert plain.status_code == 201, plain.json
    officer, both = people["village_officer"], (plain.json["id"], released(people, case, until=body["until"]))
    own = {"id", "number", "occurred_at", "accepted_at"}
    shown = [officer.get(f"/cases/{task}").json for task in both]
    assert {name for name in shown[0] if shown[0][name] != shown[1][name]} <= own and shown[0].keys() == shown[1].keys()
    told = [officer.get(f"/cases/{task}/timeline").json["items"] for task in both]
    assert [event | {"occurred_at": None} for event in told[0]] == [event | {"occurred_at": None} for event in told[1]]
    for role in ("dispatcher", "committee"):
        shown = [people[role].get(f"/cases/{task}").json for task in both]
        assert {name for name in shown[0] if shown[0][name] != shown[1][name]} <= own, role


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"department": "nobody"}, "unknown_department"),
        ({"until": "2020-01-01T00:00:00+08:00"}, "invalid"),
        ({"words": "请联系13812345678"}, "task_names_people"),
        ({"category": "nothing"}, "unknown_category"),
    ],
)
def test_a_task_that_cannot_be_given_out_is_refused(people: People, change: dict[str, str], code: str) -> None:
    body = {"category": "litter", "words": WORDS, "department": VILLAGE, "until": until()}
    answer = people["dispatcher"].post("/tasks", body | change)
    assert (answer.status_code, answer.json["code"]) == (422, code), answer.json
    assert people["dispatcher"].get("/cases").json["items"] == []


def test_a_task_sent_twice_is_given_out_once(people: People) -> None:
    body = {"category": "litter", "words": WORDS, "department": VILLAGE, "until": until()}
    answers = [people["dispatcher"].post("/tasks", body, Idempotency_Key="task-1") for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert len(people["dispatcher"].get("/cases").json["items"]) == 1


def scored(people: People) -> tuple[str, bytes, bytes]:
    """The run of this month's facts (the same one while the facts are the same), its ranking, and the public face."""
    run = people["committee"].post("/rewards/runs", {"period": f"{clock.now():%Y-%m}"}).json["id"]
    ranking = people["committee"].get(f"/rewards/runs/{run}/ranking").data
    return run, ranking, people.client.get("/api/v1/public/cases").data


def test_neither_report_nor_task_feeds_a_figure(people: People) -> None:
    """Neither a task that the village hands in and has to redo, nor one that it never hands in."""
    with time_machine.travel(datetime(2026, 11, 10, 10, tzinfo=TOWN_ZONE), tick=False):
        clear(people, "dispatcher")
        clear(people, "inspector")
        before = scored(people)
        reports = [str(people["resident"].post("/cases", protected()).json["id"]) for _ in range(2)]
        for report in reports:
            assert people["dispatcher"].act(report, "accept").status_code == 200
        redone, _never_done = (released(people, report, until=until(1)) for report in reports)
        assert people["village_officer"].act(redone, "start").status_code == 200
        assert people["village_officer"].act(redone, "hand_in", note="已公示").status_code == 200
        assert people["inspector"].act(redone, "rework", reason="不全").status_code == 200
    people.clear()
    with time_machine.travel(datetime(2026, 11, 16, 10, tzinfo=TOWN_ZONE), tick=False):
        assert scored(people)[1:] == before[1:]


def test_a_task_is_not_given_to_a_department_that_was_closed_meanwhile(people: People, case: str) -> None:
    people["admin"].post("/departments", {"code": "short_lived", "name": "临时办"})
    drafted(people, case, department="short_lived")
    etag = people["admin"].get("/departments/short_lived").headers["ETag"]
    assert people["admin"].post("/departments/short_lived/close", {}, If_Match=etag).status_code == 200
    assert people["inspector"].act(case, "release_task").json["code"] == "unknown_department"
    assert people["inspector"].get(f"/cases/{case}").json["status"] == "drafted"


def test_the_cleared_and_the_reporter_ask_and_answer_without_a_name_kept_anywhere(
    app: Flask, people: People, case: str
) -> None:
    assert people["village_officer"].act(case, "ask", note="是谁？").status_code == 404
    assert people["dispatcher"].act(case, "ask", note="账本在哪里？请打13800000006").status_code == 200
    name = people["resident"].get("/me").json["name"]
    assert people["resident"].act(case, "reply", note=f"在祠堂东厢，{name}，13800000001").status_code == 200
    for who in ("resident", "dispatcher"):
        told = people[who].get(f"/cases/{case}/timeline").json["items"][-2:]
        assert told[0]["note"] == "账本在哪里？请打〔略〕"
        assert told[1]["note"].startswith("在祠堂东厢，〔略〕") and told[1]["note"].endswith("，〔略〕")
        assert not any(part in told[1]["note"] for part in name.split())
    with app.app_context():
        assert where("东厢", "账本在哪里") == set()
        told = {(one.address, one.template) for one in rows(text("SELECT address, template FROM outbox_messages"))}
    asker = people["dispatcher"].get("/me").json["id"]
    assert (f"account:{asker}", "case_answered") in told


def test_what_comes_next_stands_in_the_work_lists_of_the_cleared_only(people: People, case: str) -> None:
    def waits(who: str) -> list[str]:
        items = people[who].get("/cases/to-do").json["items"]
        return [one["waits_for"] for one in items if one["case"]["id"] == case]

    assert (waits("dispatcher"), waits("inspector")) == (["draft_task"], [])
    drafted(people, case)
    assert (waits("dispatcher"), waits("inspector")) == ([], ["release_task"])  # who worded it does not release it
    assert people["inspector"].act(case, "release_task").status_code == 200
    assert (waits("dispatcher"), waits("inspector")) == (["conclude"], [])  # nor does who released it conclude
    for who in ("resident", *OTHERS[:-2]):
        assert waits(who) == [], who


def test_nobody_concludes_a_report_alone(people: People, case: str) -> None:
    refused = people["dispatcher"].act(case, "conclude", note="已核实")
    assert (refused.status_code, refused.json["code"]) == (409, "second_person_needed")
    assert refused.json["needed"] == "dispatcher or inspector" and "督查员" in refused.json["detail"]
    shown = people["dispatcher"].get(f"/cases/{case}").json
    assert shown["status"] == "accepted" and "conclude" not in shown["allowed_actions"]
    assert "conclude" in people["inspector"].get(f"/cases/{case}").json["allowed_actions"]
    assert people["inspector"].act(case, "conclude", note="已转有关部门").json["status"] == "closed"


def test_who_released_the_task_does_not_conclude_its_report(people: People, case: str) -> None:
    drafted(people, case)
    assert people["inspector"].act(case, "reword_task", **words(note="请公开祠堂工程收支")).status_code == 200
    task = people["dispatcher"].act(case, "release_task").json["task"]["id"]
    done(people, task)
    assert people["dispatcher"].act(case, "conclude", note="已公示").json["code"] == "second_person_needed"
    assert people["inspector"].act(case, "conclude", note="已公示").json["status"] == "closed"


def test_a_report_with_several_tasks_is_concluded_when_all_of_them_are_checked(people: People, case: str) -> None:
    desk, first = people["dispatcher"], released(people, case)
    done(people, released(people, case))
    assert desk.act(case, "conclude", note="已公示").json["code"] == "task_not_checked"
    assert "conclude" not in desk.get(f"/cases/{case}").json["allowed_actions"]
    done(people, first)
    assert "conclude" in desk.get(f"/cases/{case}").json["allowed_actions"]
    assert desk.act(case, "conclude", note="已公示").json["status"] == "closed"


@pytest.mark.parametrize("fields", [{"action": "reopen", "reason": "未退款"}, {"action": "rate", "score": 1}])
def test_a_report_that_was_reopened_is_concluded_anew_by_two(people: People, case: str, fields: dict[str, Any]) -> None:
    desk, inspector = people["dispatcher"], people["inspector"]
    done(people, released(people, case))
    assert desk.act(case, "conclude", note="已公示").json["status"] == "closed"
    again = dict(fields)
    assert people["resident"].act(case, again.pop("action"), **again).json["status"] == "reopened"
    for who in (desk, inspector):  # what was drafted and released before is over
        assert who.act(case, "conclude", note="已公示").json["code"] == "second_person_needed"
        assert "conclude" not in who.get(f"/cases/{case}").json["allowed_actions"]
    drafted(people, case)
    assert inspector.act(case, "drop_task", reason="无须再查").status_code == 200
    assert desk.act(case, "conclude", note="已退款").json["code"] == "second_person_needed"
    assert inspector.act(case, "conclude", note="已退款").json["status"] == "closed"


def test_declining_a_report_takes_two(people: People) -> None:
    clear(people, "dispatcher")
    clear(people, "inspector")
    case = str(people["resident"].post("/cases", protected()).json["id"])
    desk, inspector = people["dispatcher"], people["inspector"]

    def waits(who: Person) -> list[str]:
        return [one["waits_for"] for one in who.get("/cases/to-do").json["items"]]

    for who in (desk, inspector):  # nobody has asked for it yet
        assert who.act(case, "decline", reason="不属本镇").json["code"] == "second_person_needed"
    assert (waits(desk), waits(inspector)) == (["accept"], [])
    assert desk.act(case, "ask_decline", reason="属邻镇管辖").status_code == 200
    assert (waits(desk), waits(inspector)) == (["accept"], ["decline"])
    refused = desk.act(case, "decline", reason="属邻镇管辖")
    assert (refused.status_code, refused.json["code"]) == (409, "second_person_needed")
    assert people["resident"].get(f"/cases/{case}/timeline").json["items"][1:] == []  # not decided
    assert inspector.act(case, "decline", reason="请向邻镇反映").json["status"] == "declined"
    told = people["resident"].get(f"/cases/{case}/timeline").json["items"][-1]
    assert (told["action"], told["note"], waits(inspector)) == ("decline", "请向邻镇反映", [])


def test_where_one_person_alone_is_cleared_a_report_does_not_end(app: Flask, people: People) -> None:
    clear(people, "dispatcher")
    case, desk = str(people["resident"].post("/cases", protected()).json["id"]), people["dispatcher"]
    assert desk.act(case, "ask_decline", reason="不实").status_code == 200
    alone = [desk.act(case, "decline", reason="不实")]
    assert desk.act(case, "accept").status_code == 200
    alone.append(desk.act(case, "conclude", note="不实"))
    assert {(answer.status_code, answer.json["code"]) for answer in alone} == {(409, "nobody_is_second")}
    assert "授权" in alone[1].json["detail"] and desk.get(f"/cases/{case}").json["status"] == "accepted"
    clear(people, "inspector")
    assert people["inspector"].act(case, "conclude", note="已核实").status_code == 200


def test_what_was_asked_before_a_case_was_raised_anew_is_over(app: Flask, people: People) -> None:
    clear(people, "dispatcher")
    clear(people, "inspector")
    case = str(people["resident"].post("/cases", protected()).json["id"])
    assert people["dispatcher"].act(case, "ask_decline", reason="属邻镇管辖").status_code == 200
    other = second_dispatcher(app, people)
    assert people["dispatcher"].act(case, "ask_lowering", reason="误选").status_code == 200
    assert other.act(case, "lower_secrecy").status_code == 200
    assert people["resident"].act(case, "raise_secrecy").status_code == 200
    assert people["inspector"].act(case, "decline", reason="不属本镇").json["code"] == "second_person_needed"
    assert people["inspector"].get("/cases/to-do").json["items"] == []


def test_a_low_rating_of_a_protected_report_opens_it_again_and_tells_no_inspector(people: People, case: str) -> None:
    assert people["inspector"].act(case, "conclude", note="已转有关部门").status_code == 200
    assert people["resident"].act(case, "rate", score=1, reasons=["not_done"]).json["status"] == "reopened"
    told = people["resident"].get(f"/cases/{case}/timeline").json["items"][-1]
    assert (told["score"], told["reasons"], told["goes_to"]) == (1, ["not_done"], "reopen")
    assert people["inspector"].get("/low-ratings").json["items"] == []
