"""Secrecy raised by one and lowered by two; and reports that accuse the village, which the desk looks at first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from backend.cases.links.following import keep_in_step
from backend.cases.protection.accusing import accuses
from backend.cases.retention import forget_ended
from backend.http import clock
from backend.http.reading import connection, rows
from backend.ledger.chain import seal_chain
from backend.ledger.verifying import verify
from backend.people.access import TABLE
from tests.access import trusted
from tests.cases.by_receipt import filed
from tests.cases.test_protected import ADDRESS, SAID, where
from tests.evidence import photos
from tests.evidence.conftest import Send, sender
from tests.town import HOME, TOWN, VILLAGE, People, Person, carry, clear, report, unknown_id

OTHERS = ("party_member", "grid_worker", "village_officer", "handler", "inspector", "committee", "admin", "auditor")
SPOKEN = "承办人说与账本无关"


@pytest.fixture
def case(people: People) -> str:
    """A report by name that the village holds and has written on."""
    clear(people)
    body = report(description=SAID, address=ADDRESS)
    case = str(people["resident"].post("/cases", body).json["id"])
    carry(people, case, "start")
    assert people["village_officer"].act(case, "note", note=SPOKEN).status_code == 200
    return case


@pytest.fixture
def send(people: People) -> Send:
    return sender(people)


def raised(people: People, case: str, by: str = "dispatcher") -> dict[str, object]:
    answer = people[by].act(case, "raise_secrecy", reason="涉及村干部")
    assert answer.status_code == 200, answer.json
    told: dict[str, object] = answer.json
    return told


def nowhere(people: People, case: str) -> None:
    """Nobody but its reporter and the cleared can tell that there is such a case."""
    for role in OTHERS:
        for path in ("", "/timeline"):
            there, nothing = (people[role].get(f"/cases/{which}{path}") for which in (case, unknown_id()))
            assert (there.status_code, there.data) == (404, nothing.data), (role, path)
        for query in ("", "?text=账本", f"?area={VILLAGE}", "?bbox=112.9,22.8,113.1,22.95"):
            assert people[role].get(f"/cases{query}").json.get("items", []) == [], (role, query)


def test_raised_it_is_gone_for_all_but_its_reporter_and_the_cleared(people: People, case: str) -> None:
    assert people["village_officer"].get("/cases").json["items"] != []
    raised(people, case)
    nowhere(people, case)
    for role in ("resident", "dispatcher"):
        told = people[role].get(f"/cases/{case}?crs=gcj02").json
        assert (told["description"], told["address"], told["status"]) == (SAID, ADDRESS, "reported")
        assert told["location"]["lon"] == HOME["lon"] and told["holder"] is None
        assert SPOKEN in people[role].get(f"/cases/{case}/timeline").text
    assert "accept" in people["dispatcher"].get(f"/cases/{case}").json["allowed_actions"]


@pytest.mark.parametrize(("ending", "by"), [("withdraw", "resident"), ("decline", "dispatcher")])
def test_what_was_withdrawn_or_declined_is_raised_where_it_stands_and_goes_in_its_time(
    app: Flask, people: People, ending: str, by: str
) -> None:
    clear(people)
    case = str(people["resident"].file(description=SAID, address=ADDRESS)["id"])
    if ending == "withdraw":
        carry(people, case, "start")
    ended = people[by].act(case, ending, reason=SPOKEN).json["status"]
    assert people["dispatcher"].get("/cases?text=账本").json["items"] != []
    told = raised(people, case, by)
    assert (told["status"], told["reporting"], told["allowed_actions"]) == (ended, "protected", [])
    nowhere(people, case)
    for role in ("resident", "dispatcher"):
        seen = people[role].get(f"/cases/{case}").json
        assert (seen["description"], seen["address"], seen["status"]) == (SAID, ADDRESS, ended), role
        assert SPOKEN in people[role].get(f"/cases/{case}/timeline").text
    assert people["dispatcher"].get("/cases/to-do").json["items"] == []
    with app.app_context():
        assert where(SAID[:6], ADDRESS, "账本", SPOKEN, "涉及村干部") == set()
        assert forget_ended(clock.now() + timedelta(days=731)) == 1
        assert rows(text("SELECT case_id FROM sealed_notes")) == []
        assert rows(text("SELECT id FROM cases WHERE sealed IS NOT NULL")) == []


def test_raised_nothing_of_it_stands_unsealed_and_the_ledger_still_verifies(
    app: Flask, people: People, case: str
) -> None:
    with app.app_context():
        seal_chain(TOWN)
        assert {"cases", "case_texts", "case_events", "ledger_entries"} <= where(SAID[:6], ADDRESS, SPOKEN)
    raised(people, case)
    with app.app_context():
        assert where(SAID[:6], ADDRESS, "账本", SPOKEN, "涉及村干部") == set()
        assert rows(text("SELECT version FROM case_events WHERE note IS NOT NULL")) == []
        seal_chain(TOWN)
        assert verify(connection(), TOWN).fault is None


def test_the_answer_kept_for_a_resend_is_not_given_to_who_sees_it_no_more(people: People, case: str) -> None:
    officer = people["village_officer"]
    etag, body = officer.get(f"/cases/{case}").headers["ETag"], {"action": "note", "note": "又看了一次"}
    sent = {"If_Match": etag, "Idempotency_Key": "n-1"}
    assert SAID in officer.post(f"/cases/{case}/actions", body, **sent).text
    raised(people, case)
    assert officer.post(f"/cases/{case}/actions", body, **sent).status_code == 404


def test_a_late_secrecy_tells_which_roles_saw_the_case_before(people: People, case: str) -> None:
    told = raised(people, case)
    reads = {role for role, letters in TABLE["read_case"].items() if "o" not in letters} - {"handler"}
    assert told["already_seen_by"] == {"roles": sorted(reads), "count": 5}
    assert people["resident"].get(f"/cases/{case}").json["already_seen_by"]["count"] == 5


def test_one_that_nobody_accepted_was_seen_by_the_desk_only(people: People) -> None:
    clear(people)
    case = people["resident"].file(description=SAID)["id"]
    assert raised(people, case, by="resident")["already_seen_by"] == {"roles": ["dispatcher"], "count": 1}


def test_a_department_that_held_it_is_told_of(people: People) -> None:
    clear(people)
    case = people["resident"].file(description=SAID)["id"]
    carry(people, case, "hand_in", holder="sanitation")
    assert raised(people, case)["already_seen_by"]["count"] == 6  # type: ignore[index]


def test_an_uncleared_dispatcher_who_raises_a_case_is_shown_no_word_of_it_any_more(
    app: Flask, people: People, case: str
) -> None:
    clearing = people["committee"].get("/clearings").json["items"][0]["id"]
    clear(people, "inspector")
    account, _ = trusted.dispatcher(app, TOWN)  # somebody else who is cleared
    for signer in ("admin", "committee"):
        people[signer].post("/clearings", {"account_id": str(account), "role": "dispatcher", "area_code": TOWN})
    people["admin"].post(f"/clearings/{clearing}/revoke", {"reason": "岗位调整"})
    told = raised(people, case)
    assert told["description"] == "" and told["address"] is None and told["location"] is None
    assert told["allowed_actions"] == [] and told["already_seen_by"]
    assert people["dispatcher"].get(f"/cases/{case}").status_code == 404
    assert people["inspector"].get(f"/cases/{case}").json["description"] == SAID


def test_while_nobody_could_read_it_nothing_is_raised(people: People) -> None:
    case = people["resident"].file(description=SAID)["id"]
    for role in ("resident", "dispatcher"):
        answer = people[role].act(case, "raise_secrecy")
        assert (answer.status_code, answer.json["code"]) == (422, "no_cleared_dispatcher"), role
    assert people["dispatcher"].get(f"/cases/{case}").json["description"] == SAID


def second_dispatcher(app: Flask, people: People) -> Person:
    """Another dispatcher who is cleared."""
    from datetime import datetime

    from backend.config import TOWN_ZONE
    from backend.http.work import unit_of_work
    from backend.people.accounts import NewAccount, create_account
    from backend.people.passwords import hash_password
    from tests.town import PASSWORD

    with app.app_context(), unit_of_work() as session:
        person = NewAccount("+8613977770001", "另一位", "dispatcher", TOWN)
        create_account(session, person, hash_password(PASSWORD), datetime(2026, 1, 1, tzinfo=TOWN_ZONE))
    other = Person(people.client, "13977770001")
    body = {"account_id": other.get("/me").json["id"], "role": "dispatcher", "area_code": TOWN}
    for signer in ("admin", "committee"):
        people[signer].post("/clearings", body)
    return other


def test_lowering_takes_two_dispatchers_and_brings_the_case_back(app: Flask, people: People, case: str) -> None:
    before = people["dispatcher"].get(f"/cases/{case}").json
    raised(people, case)
    other = second_dispatcher(app, people)
    assert people["dispatcher"].act(case, "lower_secrecy").json["code"] == "not_in_state"
    asked = people["dispatcher"].act(case, "ask_lowering", reason="与村干部无关")
    assert asked.status_code == 200 and asked.json["asked"] == "lowering"
    assert people["dispatcher"].act(case, "lower_secrecy").json["code"] == "second_person_needed"
    assert people["resident"].act(case, "lower_secrecy").status_code == 403
    assert other.act(case, "lower_secrecy").status_code == 200
    after = people["dispatcher"].get(f"/cases/{case}").json
    same = ("description", "address", "location", "area_code", "reporting", "category")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    for query in ("text=账本", "bbox=112.9,22.8,113.1,22.95"):
        assert [item["id"] for item in people["dispatcher"].get(f"/cases?{query}").json["items"]] == [case], query
    assert "与村干部无关" not in people["dispatcher"].get(f"/cases/{case}/timeline").text
    carry(people, case, "close")


def test_raised_again_it_tells_all_roles_that_saw_it_before_and_in_between(app: Flask, people: People) -> None:
    clear(people)
    case, other = str(people["resident"].file(description=SAID)["id"]), second_dispatcher(app, people)
    counted: list[int] = []
    for steps in ("start", None, "hand_in"):
        if steps:
            carry(people, case, steps, holder=VILLAGE if steps == "start" else "sanitation")
        told = raised(people, case)["already_seen_by"]
        counted.append(told["count"])  # type: ignore[index]
        assert people["resident"].get(f"/cases/{case}").json["already_seen_by"] == told
        assert people["dispatcher"].act(case, "ask_lowering", reason="与村干部无关").status_code == 200
        assert other.act(case, "lower_secrecy").status_code == 200
    assert counted == [5, 5, 6]


def test_the_second_may_keep_it_secret(app: Flask, people: People, case: str) -> None:
    raised(people, case)
    other = second_dispatcher(app, people)
    assert people["dispatcher"].act(case, "ask_lowering", reason="与村干部无关").status_code == 200
    kept = other.act(case, "keep_secrecy", reason="仍有风险")
    assert kept.status_code == 200 and kept.json["asked"] is None
    assert "lower_secrecy" not in kept.json["allowed_actions"] and kept.json["reporting"] == "protected"


def test_one_filed_under_protection_never_gets_a_name(app: Flask, people: People) -> None:
    clear(people)
    other = second_dispatcher(app, people)
    case = people["resident"].post("/cases", report(reporting="protected", description=SAID)).json["id"]
    assert people["dispatcher"].act(case, "ask_lowering", reason="误选").status_code == 200
    assert other.act(case, "lower_secrecy").status_code == 200
    assert people["dispatcher"].get(f"/cases/{case}").json["reporting"] == "anonymous"
    assert people["dispatcher"].get("/cases?text=账本").json["items"] != []


ACCUSING = """
村主任挪用集体资金
社区干部吃拿卡要，办事不给回扣就不办
网格员收了回扣，包庇违建
村干部收了钱不处理
网格员和施工队有关系
举报村委违规发包
书记的亲戚占用公地
村主任吃回扣
网格员打人骂人
干部公车私用
村委虚报补贴
治保队长收保护费
我要控告社区书记
村会计做假账，账目不公开
村委把鱼塘低价承包给亲戚
村書記貪污公款
網格員收紅包
村幹部佔用公地
"""
ORDINARY = """
村口垃圾堆放多日，请村委处理
路灯不亮，找过村干部了
邻居威胁要砸门
希望村委制止隔壁占用公共通道
请网格员来看看，有人收保护费
尊敬的书记，小区物业乱收钱
村委会门口违规停车
网格员很负责，收了我们的意见
举报工地夜间施工，村委已经知道
物业经理收了钱不办事
"""


def test_a_report_that_accuses_is_known_by_its_words() -> None:
    assert [told for told in ACCUSING.split() if not accuses(told)] == []
    assert [told for told in ORDINARY.split() if accuses(told)] == []
    assert accuses("村 书 记 贪 污 公 款")


@pytest.mark.parametrize("body", [{"description": SAID}, {"description": "祠堂的事", "accuses": True}])
def test_one_by_name_that_accuses_waits_for_the_desk_which_may_raise_it_first(
    people: People, body: dict[str, object]
) -> None:
    clear(people)
    filed = people["resident"].file(**body)
    assert filed["status"] == "apart"
    for role in OTHERS:
        assert people[role].get(f"/cases/{filed['id']}").status_code == 404, role
    offered = people["dispatcher"].get(f"/cases/{filed['id']}").json["allowed_actions"]
    assert {"accept", "decline", "raise_secrecy"} <= set(offered) and "dispatch" not in offered
    raised(people, filed["id"])
    assert people["dispatcher"].get(f"/cases/{filed['id']}").json["reporting"] == "protected"


def test_the_desk_may_take_it_up_by_name(people: People) -> None:
    case = people["resident"].file(description=SAID)["id"]
    carry(people, case, "accept")
    assert people["village_officer"].get(f"/cases/{case}").status_code == 200


def both(people: People) -> tuple[str, str]:
    """A resident's report merged into a party member's, both accepted: the head and the other."""
    head, other = (str(people[who].file(description=SAID)["id"]) for who in ("party_member", "resident"))
    for case in (head, other):
        carry(people, case, "accept")
    assert people["dispatcher"].act(other, "merge", into=head).status_code == 200
    return head, other


OWN = {"id", "number", "version", "description", "reporter", "location", "area_code"}
"""What two reports differ in anyway; so do the instants."""


def answered(people: People, case: str, who: str) -> dict[str, object]:
    """What somebody is answered when they raise a case, but for what is its own."""
    told = people[who].act(case, "raise_secrecy", reason="怕报复")
    assert told.status_code == 200, told.json
    return {name: value for name, value in told.json.items() if name not in OWN and not name.endswith("_at")}


def pages(person: Person, case: str) -> list[bytes]:
    """All that somebody reads of a case."""
    return [person.get(f"/cases/{case}{page}").data for page in ("", "/timeline", "/related", "/supporters")]


def test_raised_a_merged_case_leaves_the_others_and_is_answered_as_if_there_had_been_none(
    app: Flask, people: People
) -> None:
    clear(people)
    head, other = both(people)
    third, alone = (str(people[who].file(description=SAID)["id"]) for who in ("grid_worker", "resident"))
    for case in (third, alone):
        carry(people, case, "accept")
    assert people["dispatcher"].act(third, "merge", into=head).status_code == 200
    assert people["dispatcher"].act(head, "dispatch", department="sanitation").status_code == 200
    with app.app_context():
        assert keep_in_step(clock.now()) == 2
    shown = [people["resident"].get(f"/cases/{case}").json["allowed_actions"] for case in (other, alone)]
    assert shown[0] == shown[1] and "raise_secrecy" in shown[0]
    heads = [pages(people[who], head) for who in ("party_member", "handler")]
    assert answered(people, other, "resident") == answered(people, alone, "resident")
    assert [pages(people[who], head) for who in ("party_member", "handler")] == heads
    for who in ("inspector", "committee"):
        below = people[who].get(f"/cases/{head}/related").json["cases"]
        assert [one["id"] for one in below] == [third], who
    told = people["resident"].get(f"/cases/{other}/timeline").json["items"]
    assert [event["action"] for event in told][-2:] == ["dispatch", "raise_secrecy"] and "merged" not in str(told)
    for action, fields in (("start", {}), ("hand_in", {"note": "已清运"})):
        assert people["handler"].act(head, action, **fields).status_code == 200
    with app.app_context():
        assert keep_in_step(clock.now()) == 1  # the third goes on with its head
    assert people["resident"].get(f"/cases/{other}").json["status"] == "reported"
    assert people["dispatcher"].act(other, "merge", into=head).status_code == 403


def test_raised_a_head_leaves_what_was_merged_into_it_where_that_was(app: Flask, people: People) -> None:
    clear(people)
    head, other = both(people)
    alone = str(people["party_member"].file(description=SAID)["id"])
    carry(people, alone, "accept")
    assert answered(people, head, "party_member") == answered(people, alone, "party_member")
    for who in ("resident", "inspector"):
        assert people[who].get(f"/cases/{other}").json["status"] == "accepted"
        assert head not in str(pages(people[who], other)), who
    told = people["resident"].get(f"/cases/{other}/timeline").json["items"]
    assert [event["action"] for event in told] == ["report", "accept"]
    with app.app_context():
        assert keep_in_step(clock.now()) == 0
        assert rows(text("SELECT case_id FROM case_links")) == []
    assert people["dispatcher"].act(other, "dispatch", department="sanitation").status_code == 200


@pytest.mark.parametrize("looked", [True, False])
def test_raised_after_its_closing_a_head_or_what_was_closed_with_it_goes_alone(
    app: Flask, people: People, looked: bool
) -> None:
    clear(people)
    head, other = both(people)
    for person, action, fields in (
        ("dispatcher", "dispatch", {"department": "sanitation"}),
        ("handler", "start", {}),
        ("handler", "hand_in", {"note": "已清运"}),
        ("inspector", "pass_check", {}),
        ("dispatcher", "close", {}),
    ):
        assert people[person].act(head, action, **fields).status_code == 200
    with app.app_context():
        if looked:
            keep_in_step(clock.now())
    raised(people, head, by="party_member")
    assert people["resident"].get(f"/cases/{other}").json["status"] == "closed"
    raised(people, other, by="resident")
    with app.app_context():
        assert keep_in_step(clock.now()) == 0


def test_neither_a_case_that_was_split_nor_a_part_is_raised(people: People) -> None:
    clear(people)
    case = str(people["resident"].file()["id"])
    carry(people, case, "accept")
    parts = [{"description": "清运", "category": "litter", "department": code} for code in ("sanitation", VILLAGE)]
    assert people["dispatcher"].act(case, "split", parts=parts).status_code == 200
    refused = people["dispatcher"].act(case, "raise_secrecy")
    assert (refused.status_code, refused.json["code"]) == (409, "goes_with_others")
    part = people["handler"].get("/cases").json["items"][0]["id"]
    assert people["dispatcher"].act(part, "raise_secrecy").status_code == 403


def test_photos_of_a_raised_case_are_compared_with_nothing_any_more_until_it_is_lowered(
    app: Flask, people: People, send: Send
) -> None:
    clear(people)
    photo = send("resident").json["id"]
    case = str(people["resident"].file(evidence=[photo])["id"])

    def prints() -> list[Any]:
        with app.app_context():
            return list(rows(text("SELECT * FROM evidence_prints ORDER BY exact")))

    before = prints()
    assert len(before) == 1
    raised(people, case)
    assert prints() == []
    assert people["resident"].get(f"/cases/{case}").json["evidence"] == [photo]
    assert people["inspector"].get(f"/evidence/{photo}").status_code == 404
    picture = photos.jpeg(photos.scene(1, (64, 48)))
    said = people["resident"].act(case, "reply", note="又拍了一张", evidence=[send("resident", picture).json["id"]])
    assert said.status_code == 200 and prints() == []
    other = second_dispatcher(app, people)
    assert people["dispatcher"].act(case, "ask_lowering", reason="与村干部无关").status_code == 200
    assert other.act(case, "lower_secrecy").status_code == 200
    after = prints()
    assert len(after) == 2 and before[0] in after


def test_without_an_account_a_report_that_accuses_is_set_apart_and_its_receipt_raises_it(
    client: FlaskClient, people: People
) -> None:
    clear(people)
    case, holder = filed(client, accuses=True)
    assert holder.get().json["status"] == "apart"
    assert people["grid_worker"].get(f"/cases/{case}").status_code == 404
    assert holder.act("raise_secrecy", reason="怕报复").json["reporting"] == "protected"
    told = [(event["action"], event["note"]) for event in holder.get("/timeline").json["items"]]
    assert told == [("report", None), ("raise_secrecy", "怕报复")]


def test_what_is_set_apart_is_offered_to_nobody_and_nothing_goes_with_it(people: People) -> None:
    about = {"location": HOME, "category": "litter", "description": SAID}
    case = str(people["resident"].file(description=SAID, location=HOME)["id"])
    for who in ("resident", "dispatcher", "party_member"):
        assert people[who].post("/cases/similar", about).json["items"] == [], who
    other = str(people["party_member"].file()["id"])
    carry(people, other, "accept")
    assert people["dispatcher"].act(other, "merge", into=case).json["code"] == "cannot_merge"
    assert people["dispatcher"].act(case, "merge", into=other).status_code == 409
    waits = people["dispatcher"].get("/cases/to-do").json["items"]
    assert (case, "accept") in [(one["case"]["id"], one["waits_for"]) for one in waits]


def test_words_for_the_public_and_tags_go_when_a_case_is_raised(app: Flask, people: People) -> None:
    clear(people)
    case = str(people["resident"].file()["id"])
    carry(people, case, "accept")
    assert people["dispatcher"].act(case, "draft_public_text", public_text="村口已清扫").status_code == 200
    assert people["dispatcher"].act(case, "tag", tags=["8.1"]).status_code == 200
    raised(people, case)
    with app.app_context():
        assert where("村口已清扫") == set()
        assert rows(text("SELECT case_id FROM public_texts UNION ALL SELECT case_id FROM case_tags")) == []


def test_nobody_is_asked_about_what_they_are_accused_of(people: People) -> None:
    worker = people["grid_worker"].get("/me").json
    named = f"{worker['name'].split()[-1]}收了回扣，村委包庇"
    for said, accused in (("网格员打人骂人", True), (named, True), ("垃圾没清", False)):
        case = str(people["resident"].file(description=said)["id"])
        carry(people, case, "hand_in", holder="sanitation")
        asked = people["dispatcher"].act(case, "assign", person=worker["id"])
        assert (asked.json.get("code") == "cannot_be_asked") is accused, said
        offered = {one["id"] for one in people["dispatcher"].get(f"/cases/{case}/candidates").json["items"]}
        assert (worker["id"] not in offered) is accused and offered, said
