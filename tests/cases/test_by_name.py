"""Asking a person by name: to verify on site, to check, to take a case up; and resolving on the spot."""

from __future__ import annotations

import io
import threading
import uuid
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from backend.cases.facts import HANDLED_IN_TIME, REWORK
from backend.cases.tables import Case, CaseEvent
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.tables import OutboxMessage
from backend.people.tables import Account, RoleAssignment
from tests.cases.test_protected import clear, protected
from tests.evidence import photos
from tests.outbox.telling import phones_told
from tests.people.test_clearing import account
from tests.town import ELSEWHERE, HOME, PASSWORD, TOWN, VILLAGE, People, Person, carry, report, unknown_id

TEXT = "村口垃圾堆，联系电话13812345678"


@pytest.fixture
def reported(people: People) -> str:
    """A resident's case at home that nobody has accepted."""
    return str(people["resident"].file(description=TEXT)["id"])


def assign(people: People, case: str, who: str) -> Any:
    answer = people["dispatcher"].act(case, "assign", person=account(people[who]))
    assert answer.status_code == 200, answer.json
    return answer.json


def photo(person: Person, seed: int = 0) -> str:
    form = {"file": (io.BytesIO(photos.jpeg()), f"{seed}.jpg")}
    answer = person.client.post("/api/v1/evidence", data=form, headers=person.headers)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def unseen(person: Person, case: str) -> bool:
    """Whether a case answers somebody like an id that nothing has, and is in none of their lists."""
    paths = ("", "/timeline")
    alike = all(
        person.get(f"/cases/{case}{path}").data == person.get(f"/cases/{unknown_id()}{path}").data for path in paths
    )
    listed = [item["id"] for query in ("", "?text=垃圾") for item in person.get(f"/cases{query}").json["items"]]
    return alike and case not in listed


@pytest.mark.parametrize("who", ["grid_worker", "party_member"])
@pytest.mark.parametrize("finding", ["true", "not_true", "cannot_tell"])
def test_who_is_asked_by_name_reads_the_report_until_they_have_answered(
    people: People, reported: str, who: str, finding: str
) -> None:
    verifier = people[who]
    assert unseen(verifier, reported)
    assert assign(people, reported, who)["named"] == {
        "task": "verify",
        "me": False,
        "name": verifier.get("/me").json["name"],
    }
    seen = verifier.get(f"/cases/{reported}").json
    assert not seen["location"]["approximate"] and seen["named"] == {"task": "verify", "me": True, "name": None}
    assert ("13812345678" in seen["description"]) == (who == "grid_worker")
    assert set(seen["allowed_actions"]) - {"note", "ask", "tag"} == {"excuse", "verify"}
    assert [item["id"] for item in verifier.get("/cases").json["items"]] == [reported]
    assert verifier.get("/cases?text=垃圾").json["items"]
    taken = photo(verifier)
    assert verifier.act(reported, "verify", note="看过").json["errors"]["finding"]
    answered = verifier.act(reported, "verify", finding=finding, note="现场看过", evidence=[taken])
    assert answered.status_code == 200, answered.json
    assert unseen(verifier, reported)
    told = people["dispatcher"].get(f"/cases/{reported}/timeline").json["items"][-1]
    assert (told["action"], told["finding"], told["actor"]["role"]) == ("verify", finding, who)
    assert people["dispatcher"].get(f"/evidence/{taken}").status_code == 200
    after = people["dispatcher"].get(f"/cases/{reported}").json
    assert (after["status"], after["named"]) == ("reported", None)
    assert {"accept", "decline", "assign"} <= set(after["allowed_actions"])


def test_nobody_else_learns_of_it_or_answers_for_them(app: Flask, people: People, reported: str) -> None:
    assign(people, reported, "party_member")
    for who in ("grid_worker", "village_officer", "handler", "inspector", "committee"):
        assert unseen(people[who], reported), who
        answer = people[who].act(reported, "verify", finding="true", note="是")
        assert answer.status_code == 404, who
    for who in ("resident", "dispatcher"):
        answer = people[who].act(reported, "verify", finding="true", note="是")
        assert (answer.status_code, answer.json["code"]) == (403, "action_not_permitted"), who
    assert people["resident"].get(f"/cases/{reported}").json["named"]["name"] is None
    with app.app_context():
        (message,) = rows(select(OutboxMessage).where(OutboxMessage.template == "asked_by_name"))
    assert message.address == f"account:{account(people['party_member'])}" and "垃圾" not in message.body


def test_who_reported_it_cannot_be_told_from_being_asked_and_does_not_verify(people: People) -> None:
    """The desk gets the same for everybody it asks: a refusal would say who reported."""
    member = people["party_member"]
    own, other = str(member.file()["id"]), str(people["resident"].file()["id"])
    person = account(member)
    listed = [people["dispatcher"].get(f"/cases/{case}/candidates").json["items"] for case in (own, other)]
    assert listed[0] == listed[1] and person in [one["id"] for one in listed[0]]
    answers = [assign(people, case, "party_member") for case in (own, other)]
    differing = {name for name in answers[0] if answers[0][name] != answers[1][name]}
    assert differing <= {"id", "number", "reporter", "occurred_at", "due_at", "case_due_at"}
    seen = member.get(f"/cases/{own}").json
    assert "verify" not in seen["allowed_actions"] and "excuse" in seen["allowed_actions"]
    refused = member.act(own, "verify", finding="true", note="是的")
    assert (refused.status_code, refused.json["code"]) == (403, "action_not_permitted")
    for case in (own, other):
        assert member.act(case, "excuse", note="不便前往").status_code == 200
    events = [people["dispatcher"].get(f"/cases/{case}/timeline").json["items"][-1] for case in (own, other)]
    assert [(event["action"], event["actor"]) for event in events] == [
        ("excuse", {"role": "party_member", "me": False})
    ] * 2


def test_candidates_have_the_role_here_are_impartial_and_did_not_handle_it(app: Flask, people: People) -> None:
    def named(case: str) -> dict[str, str]:
        items = people["dispatcher"].get(f"/cases/{case}/candidates").json["items"]
        return {one["id"]: one["role"] for one in items}

    worker, member, inspector = (account(people[who]) for who in ("grid_worker", "party_member", "inspector"))
    case, far = people["resident"].file()["id"], people["resident"].file(location=ELSEWHERE)["id"]
    private = people["resident"].file(category="neighbours")["id"]
    assert named(case) == {worker: "grid_worker", member: "party_member"}
    assert named(far) == {member: "party_member"} and named(private) == {worker: "grid_worker"}
    carry(people, case, "dispatch")
    assert named(case) == {member: "party_member"}  # to take it up
    assert people["grid_worker"].act(case, "start").status_code == 200
    assert people["grid_worker"].act(case, "hand_in", note="好").status_code == 200
    assert named(case) == {member: "party_member", inspector: "inspector"}
    refused = people["dispatcher"].act(case, "assign", person=worker)
    assert (refused.status_code, refused.json["code"]) == (422, "cannot_be_asked")
    entry = {"account_id": member, "area_code": VILLAGE, "reason": "村委家属"}
    assert people["admin"].post("/conflicts", entry).status_code == 201
    assert named(case) == {inspector: "inspector"}
    for person in (member, unknown_id()):
        assert people["dispatcher"].act(case, "assign", person=person).json["code"] == "cannot_be_asked"
    for who in ("inspector", "grid_worker", "committee"):
        assert people[who].get(f"/cases/{case}/candidates").status_code == 404


def test_being_asked_ends_with_the_role_and_yields_to_a_conflict(app: Flask, people: People, reported: str) -> None:
    assign(people, reported, "party_member")
    member = people["party_member"]
    entry = {"account_id": account(member), "area_code": VILLAGE, "reason": "村委家属"}
    made = people["admin"].post("/conflicts", entry).json
    assert unseen(member, reported)
    assert people["admin"].post(f"/conflicts/{made['id']}/end", {}).status_code == 204
    assert not unseen(member, reported)
    with app.app_context(), unit_of_work() as session:
        of_member = RoleAssignment.account_id == uuid.UUID(account(member))
        session.execute(update(RoleAssignment).where(of_member).values(role="resident"))
    assert unseen(member, reported)


def test_the_desk_s_decision_ends_the_asking(people: People, reported: str) -> None:
    assign(people, reported, "party_member")
    assert people["dispatcher"].act(reported, "accept").json["named"] is None
    assert unseen(people["party_member"], reported)


def test_a_check_is_asked_for_by_name_and_never_of_who_handled(people: People, reported: str) -> None:
    carry(people, reported, "hand_in")
    assert unseen(people["party_member"], reported)
    assign(people, reported, "party_member")
    member = people["party_member"]
    seen = member.get(f"/cases/{reported}").json
    assert sorted(seen["allowed_actions"]) == ["excuse", "pass_check", "rework"]
    assert not seen["location"]["approximate"] and "13812345678" not in str(seen)
    assert member.act(reported, "pass_check", note="已清").json["status"] == "checked"
    assert unseen(member, reported)


def test_a_member_takes_a_case_up_and_the_clock_follows(app: Flask, people: People, reported: str) -> None:
    member, desk = people["party_member"], people["dispatcher"]
    carry(people, reported, "accept")
    assert unseen(member, reported)
    given = desk.act(reported, "entrust", person=account(member)).json
    assert (given["status"], given["holder"], given["named"]["task"]) == ("dispatched", None, "handle")
    assert given["named"]["name"] == member.get("/me").json["name"]
    seen = member.get(f"/cases/{reported}").json
    assert not seen["location"]["approximate"] and "13812345678" not in str(seen) and seen["due_at"] == given["due_at"]
    assert [item["id"] for item in member.get("/cases").json["items"]] == [reported]
    assert people["resident"].get(f"/cases/{reported}").json["named"] == {"task": "handle", "me": False, "name": None}
    for who in ("grid_worker", "village_officer"):
        assert people[who].act(reported, "start").json["code"] == "action_not_permitted", who
    assert member.act(reported, "start").status_code == 200
    assert member.act(reported, "note", note="周末清运").status_code == 200
    assert people["resident"].act(reported, "urge").status_code == 200
    handed = member.act(reported, "hand_in", note="已清运", evidence=[photo(member)])
    assert handed.status_code == 200 and handed.json["status"] == "handled"
    assert not {"pass_check", "rework", "close"} & set(handed.json["allowed_actions"])
    refused = desk.act(reported, "assign", person=account(member))
    assert refused.json["code"] == "cannot_be_asked"
    assert people["inspector"].act(reported, "rework", reason="未清净").status_code == 200
    assert member.act(reported, "hand_in", note="再清").status_code == 200
    with app.app_context():
        ended = rows(
            select(CaseEvent.holder, CaseEvent.step).where(CaseEvent.action == "hand_in").order_by(CaseEvent.version)
        )
    assert phones_told(app, "case_pressing") == ["+8613800000002"]
    assert {event.step for event in ended} == {"handle"} and len({event.holder for event in ended}) == 1
    assert figures(app) == {}


def test_what_is_for_somebody_who_has_gone_is_told_to_nobody_else(app: Flask, people: People, reported: str) -> None:
    carry(people, reported, "accept")
    member = account(people["party_member"])
    people["dispatcher"].act(reported, "entrust", person=member)
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Account).where(Account.id == uuid.UUID(member)).values(active=False))
    assert people["resident"].act(reported, "urge").status_code == 200
    assert phones_told(app, "case_pressing") == []


def test_what_a_member_sends_back_is_theirs_no_longer(people: People, reported: str) -> None:
    carry(people, reported, "accept")
    people["dispatcher"].act(reported, "entrust", person=account(people["party_member"]))
    back = people["party_member"].act(reported, "send_back", reason="需机械")
    assert (back.json["status"], back.json["named"]) == ("accepted", None)
    assert unseen(people["party_member"], reported)


def test_protected_and_private_matters_are_given_to_no_member(people: People) -> None:
    clear(people)
    hidden = people["resident"].post("/cases", protected()).json["id"]
    private = people["resident"].file(category="land")["id"]
    carry(people, private, "accept")
    desk, person = people["dispatcher"], account(people["party_member"])
    assert desk.get(f"/cases/{hidden}/candidates").json["items"] == []
    for action in ("assign", "entrust"):
        assert desk.act(hidden, action, person=person).json["code"] == "action_not_permitted", action
    assert desk.act(private, "entrust", person=person).json["code"] == "cannot_be_asked"


def test_what_a_member_holds_goes_back_when_they_are_forgotten(people: People, reported: str) -> None:
    carry(people, reported, "accept")
    people["dispatcher"].act(reported, "entrust", person=account(people["party_member"]))
    member = people["party_member"]
    gone = member.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=member.headers)
    assert gone.status_code == 204, gone.json
    after = people["dispatcher"].get(f"/cases/{reported}").json
    assert (after["status"], after["named"]) == ("accepted", None)


def test_of_a_verifier_and_the_desk_at_once_one_wins(app: Flask, people: People, reported: str) -> None:
    etag = f'"{assign(people, reported, "party_member")["version"]}"'
    start, outcomes = threading.Barrier(2), []

    def race(who: str, body: dict[str, str]) -> None:
        client, headers = app.test_client(), people[who].headers | {"If-Match": etag}
        start.wait()
        outcomes.append(client.post(f"/api/v1/cases/{reported}/actions", json=body, headers=headers).status_code)

    bodies = {
        "party_member": {"action": "verify", "finding": "true", "note": "属实"},
        "dispatcher": {"action": "accept"},
    }
    threads = [threading.Thread(target=race, args=one) for one in bodies.items()]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(outcomes)[0] == 200 and outcomes.count(200) == 1 and set(outcomes) <= {200, 404, 409, 412}


def test_what_a_member_holds_goes_back_when_they_are_one_no_more(people: People, reported: str) -> None:
    carry(people, reported, "accept")
    member, admin = people["party_member"], people["admin"]
    people["dispatcher"].act(reported, "entrust", person=account(member))
    role, path = member.get("/me/roster").json["roles"][0]["id"], f"/accounts/{account(member)}"
    ended = admin.post(f"{path}/roles/{role}/end", {}, If_Match=admin.get(path).headers["ETag"])
    assert ended.status_code == 200, ended.json
    after = people["dispatcher"].get(f"/cases/{reported}").json
    assert (after["status"], after["named"]) == ("accepted", None)
    assert member.get(f"/cases/{reported}").status_code == 404


# --- on the spot ----------------------------------------------------------------------------------------------------


def found(worker: Person, **changes: Any) -> dict[str, Any]:
    """What a grid worker found and dealt with."""
    body = report(before=[photo(worker)], after=[photo(worker)], note="当场清理")
    return {name: value for name, value in (body | changes).items() if value is not None}


def figures(app: Flask) -> dict[str, Any]:
    """What counts for or against any village, this year and the next."""
    binds: dict[str, Any] = {"town_start": TOWN, "town_end": TOWN + ":"}
    binds |= {
        "period_start": datetime(2020, 1, 1, tzinfo=TOWN_ZONE),
        "period_end": datetime(2100, 1, 1, tzinfo=TOWN_ZONE),
    }
    with app.app_context():
        return {
            fact.name: rows(fact.select, **binds) for fact in (HANDLED_IN_TIME, REWORK) if rows(fact.select, **binds)
        }


def test_a_worker_files_and_hands_in_at_once_and_somebody_else_checks(app: Flask, people: People) -> None:
    worker, key = people["grid_worker"], str(uuid.uuid4())
    body = found(worker)
    first, second = (worker.post("/cases/on-the-spot", body, Idempotency_Key=key) for _ in range(2))
    assert first.status_code == 201 and second.data == first.data and second.headers["ETag"] == '"2"', first.json
    case = first.json["id"]
    assert (first.json["status"], first.json["version"], first.json["reporter"]["me"]) == ("handled", 2, True)
    assert set(first.json["evidence"]) == {*body["before"], *body["after"]}
    assert not {"pass_check", "rework"} & set(first.json["allowed_actions"])
    assert [item["id"] for item in worker.get("/cases").json["items"]] == [case]
    told = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    steps = [(event["action"], event["from_status"], event["to_status"], event["actor"]["role"]) for event in told]
    assert steps == [("report", None, "reported", "reporter"), ("resolve", "reported", "handled", "reporter")]
    refused = worker.act(case, "pass_check")
    assert (refused.status_code, "处置过" in refused.json["detail"]) == (403, True)
    assert account(worker) not in people["dispatcher"].get(f"/cases/{case}").text
    assert people["inspector"].get(f"/evidence/{body['after'][0]}").status_code == 200
    assert people["inspector"].get(f"/evidence/{body['before'][0]}").status_code == 404  # shows the place
    assert people["inspector"].act(case, "pass_check").status_code == 200
    assert people["dispatcher"].act(case, "close").status_code == 200
    assert figures(app) == {}


def test_nothing_in_the_case_tells_the_worker_s_account(app: Flask, people: People) -> None:
    case = people["grid_worker"].post("/cases/on-the-spot", found(people["grid_worker"])).json["id"]
    assert people["inspector"].act(case, "rework", reason="未清净").status_code == 200
    assert people["grid_worker"].act(case, "hand_in", note="再清").status_code == 200
    worker = uuid.UUID(account(people["grid_worker"]))
    with app.app_context():
        kept = rows(select(Case.holder, Case.assignee).where(Case.id == uuid.UUID(case)))
        actors = rows(select(CaseEvent.actor_id).where(CaseEvent.case_id == uuid.UUID(case)))
    assert worker.hex not in str(kept) and worker not in [event.actor_id for event in actors]
    assert "pass_check" not in people["grid_worker"].get(f"/cases/{case}").json["allowed_actions"]
    assert figures(app) == {}


def test_on_the_spot_takes_two_photos_that_differ(people: People) -> None:
    worker = people["grid_worker"]
    one = photo(worker)
    for changes, code in (
        ({"before": [one], "after": [one]}, "before_and_after"),
        ({"before": []}, "invalid"),
        ({"after": None}, "invalid"),
        ({"after": [unknown_id()]}, "unknown_evidence"),
        ({"note": " "}, "invalid"),
    ):
        answer = worker.post("/cases/on-the-spot", found(worker, **changes))
        assert answer.status_code == 422 and answer.json["code"] == code, (changes, answer.json)
    assert worker.get("/cases").json["items"] == []


def test_only_a_worker_in_their_own_grid_and_only_what_they_report(app: Flask, people: People, reported: str) -> None:
    worker = people["grid_worker"]
    far = worker.post("/cases/on-the-spot", found(worker, location=ELSEWHERE))
    assert (far.status_code, far.json["code"]) == (403, "outside_your_area")
    for who in ("resident", "party_member", "village_officer", "dispatcher"):
        assert people[who].post("/cases/on-the-spot", report(location=HOME)).status_code == 404, who
    assign(people, reported, "grid_worker")
    refused = worker.act(reported, "resolve", note="已清", evidence=[photo(worker)])
    assert (refused.status_code, refused.json["code"]) == (403, "action_not_permitted")
    with app.app_context(), unit_of_work() as session:  # a resident elsewhere and a worker here
        held = {"id": uuid.uuid4(), "account_id": uuid.UUID(account(worker)), "role": "resident", "area_code": TOWN}
        session.execute(insert(RoleAssignment), held | {"valid_from": datetime(2026, 1, 1, tzinfo=TOWN_ZONE).date()})
    far = worker.post("/cases/on-the-spot", found(worker, location=ELSEWHERE))
    assert (far.status_code, far.json["code"]) == (403, "action_not_permitted")
    with app.app_context():
        assert len(rows(select(Case.id))) == 1


def test_a_report_with_a_photo_can_be_resolved_afterwards_too(people: People) -> None:
    worker = people["grid_worker"]
    bare = worker.file()["id"]
    assert worker.act(bare, "resolve", note="已清", evidence=[photo(worker)]).json["code"] == "before_and_after"
    before = photo(worker)
    case = worker.file(evidence=[before])["id"]
    assert worker.act(case, "resolve", note="已清", evidence=[before]).json["code"] == "before_and_after"
    assert worker.act(case, "resolve", note="已清", evidence=[photo(worker)]).json["status"] == "handled"


def test_eight_at_once_make_one_case(app: Flask, people: People) -> None:
    worker = people["grid_worker"]
    body, headers = found(worker), worker.headers | {"Idempotency-Key": "spot-1"}
    start, answers = threading.Barrier(8), []

    def send() -> None:
        client = app.test_client()
        start.wait()
        answers.append(client.post("/api/v1/cases/on-the-spot", json=body, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status_code for answer in answers} <= {201, 409}
    with app.app_context():
        assert len(rows(select(Case.id))) == 1 and len(rows(select(CaseEvent.version))) == 2


def test_the_town_s_people_are_who_these_tests_take_them_for(app: Flask) -> None:
    with app.app_context():
        found = rows(select(Account.phone).join(RoleAssignment).where(RoleAssignment.role == "party_member"))
    assert [person.phone for person in found] == ["+8613800000002"]
