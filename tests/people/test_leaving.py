"""Who leaves: roles and tokens end at once, and what they had taken up goes to whoever comes next."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.outbox.tables import OutboxMessage
from backend.people.access import SUBSTITUTE
from backend.people.running_out import end_run_out
from backend.people.tables import Account, RoleAssignment
from tests.people.test_roster import account, appoint, grid_of_worker
from tests.town import PASSWORD, TOWN, VILLAGE, People, carry, sign_in


def of(people: People, role: str) -> str:
    """The id of the town's person of a role."""
    return str(people[role].get("/me").json["id"])


def do(people: People, path: str, body: dict[str, Any] | None = None) -> TestResponse:
    """As the admin, change an account as it is now."""
    admin, who = people["admin"], path.split("/")[2]
    etag = admin.get(f"/accounts/{who}").headers["ETag"]
    return admin.post(path, body or {}, If_Match=etag)


def taken_up(people: People, by: str) -> str:
    """A case that somebody of this role handles."""
    case = people["resident"].file()["id"]
    carry(people, case, "dispatch", holder="sanitation" if by == "handler" else VILLAGE)
    assert people[by].act(case, "start").status_code == 200
    return str(case)


def last_step(people: People, case: str) -> dict[str, Any]:
    steps: list[dict[str, Any]] = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    return steps[-1]


def test_the_tokens_of_who_leaves_die_at_once(people: People) -> None:
    worker = people["grid_worker"]
    left = do(people, f"/accounts/{of(people, 'grid_worker')}/leave")
    assert left.status_code == 200 and left.json == {"roles": 1, "sign_ins": 1, "handed_over": 0}
    refused = worker.get("/me")
    assert (refused.status_code, refused.json["code"]) == (401, "signed_out")
    again = worker.client.post("/api/v1/auth/refresh", json={"refresh_token": worker.tokens["refresh_token"]})
    assert again.status_code == 401


def test_who_left_is_a_resident_who_sees_the_own_reports_and_nothing_else(people: People) -> None:
    own, other = people["grid_worker"].file()["id"], people["resident"].file()["id"]
    do(people, f"/accounts/{of(people, 'grid_worker')}/leave")
    person = sign_in(people.client, "grid_worker")
    assert [role["role"] for role in person.get("/me").json["roles"]] == ["resident"]
    assert person.get(f"/cases/{own}").status_code == 200
    assert person.get(f"/cases/{other}").status_code == 404


def test_a_workers_case_goes_to_the_grids_substitute_and_the_clock_runs_on(app: Flask, people: People) -> None:
    case = taken_up(people, "grid_worker")
    before = people["dispatcher"].get(f"/cases/{case}").json
    with app.app_context():
        appoint(account(2), SUBSTITUTE, grid_of_worker())
    assert do(people, f"/accounts/{of(people, 'grid_worker')}/leave").json["handed_over"] == 1
    after = people["dispatcher"].get(f"/cases/{case}").json
    assert {name: after[name] for name in ("status", "holder", "due_at")} == {
        name: before[name] for name in ("status", "holder", "due_at")
    }
    assert (last_step(people, case)["action"], after["version"]) == ("hand_over", before["version"] + 1)
    with app.app_context(), unit_of_work() as session:
        told = select(OutboxMessage.address).where(OutboxMessage.template == "handed_over")
        assert list(session.execute(told).scalars()) == [f"account:{account(2)}"]
    assert people["party_member"].act(case, "hand_in", note="已清运").status_code == 200


def test_a_case_goes_to_a_substitute_whose_number_went_to_somebody_else(app: Flask, people: People) -> None:
    taken_up(people, "grid_worker")
    with app.app_context():
        appoint(account(2), SUBSTITUTE, grid_of_worker())
        with unit_of_work() as session:
            session.execute(update(Account).where(Account.id == account(2)).values(phone=None))
    left = do(people, f"/accounts/{of(people, 'grid_worker')}/leave")
    assert (left.status_code, left.json["handed_over"]) == (200, 1)


@pytest.mark.parametrize("by", ["grid_worker", "handler", "village_officer"])
def test_where_nobody_comes_next_the_case_goes_back_to_the_desk(people: People, by: str) -> None:
    case = taken_up(people, by)
    assert do(people, f"/accounts/{of(people, by)}/leave").json["handed_over"] == 1
    seen = people["dispatcher"].get(f"/cases/{case}").json
    assert (seen["status"], seen["holder"]) == ("accepted", None)
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200


def lasts(app: Flask, who: str, until: date) -> None:
    """Have the roles of somebody end with a day."""
    of_them = update(RoleAssignment).where(RoleAssignment.account_id == uuid.UUID(who))
    with app.app_context(), unit_of_work() as session:
        session.execute(of_them.values(valid_to=until))


@pytest.mark.parametrize("by", ["grid_worker", "handler", "village_officer"])
def test_a_role_that_runs_out_hands_over_what_was_open_the_day_after(app: Flask, people: People, by: str) -> None:
    case, who = taken_up(people, by), of(people, by)
    lasts(app, who, clock.now().date())
    with app.app_context():
        assert end_run_out(clock.now()) == 0
        assert people["dispatcher"].get(f"/cases/{case}").json["status"] == "handling"
        assert end_run_out(clock.now() + timedelta(days=1)) == 1
        assert end_run_out(clock.now() + timedelta(days=1)) == 0
        told = select(OutboxMessage.address).where(OutboxMessage.template.in_(("case_at_desk", "handed_over")))
        at_desk = f"desk:{case}" if by != "grid_worker" else f"account:{account(6)}"  # whose the grid is then
        assert [one.address for one in rows(told)] == [at_desk]
    seen = people["dispatcher"].get(f"/cases/{case}").json
    assert (seen["status"], seen["holder"], last_step(people, case)["action"]) == ("accepted", None, "hand_over")
    held = people["admin"].get(f"/accounts/{who}").json["roles"]
    assert [(role["role"], role["ended_at"] is None) for role in held] == [(by, False), ("resident", True)]


def test_who_holds_the_same_role_anew_keeps_the_work(app: Flask, people: People) -> None:
    case, who = taken_up(people, "handler"), of(people, "handler")
    lasts(app, who, clock.now().date() - timedelta(days=1))
    assert (
        do(
            people, f"/accounts/{who}/roles", {"role": "handler", "area_code": TOWN, "department": "sanitation"}
        ).status_code
        == 201
    )
    with app.app_context():
        assert end_run_out(clock.now()) == 0
    assert people["dispatcher"].get(f"/cases/{case}").json["status"] == "handling"


def test_who_held_an_office_is_a_resident_to_the_admin_afterwards(people: People) -> None:
    who = of(people, "handler")
    assert people["admin"].get(f"/accounts/{who}").json["phone"] == "+8613800000005"
    do(people, f"/accounts/{who}/leave")
    past = people["admin"].get(f"/accounts/{who}").json
    assert (past["name"], past["phone"]) == ("镇***", "+86138****0005")
    assert ("handler", False) in [(role["role"], role["ended_at"] is None) for role in past["roles"]]


def test_what_a_colleague_had_taken_up_stays_with_the_colleague(app: Flask, people: People) -> None:
    case = taken_up(people, "handler")
    body = {"role": "handler", "area_code": TOWN, "department": "sanitation"}
    assert do(people, f"/accounts/{of(people, 'resident')}/roles", body).status_code == 201
    assert do(people, f"/accounts/{of(people, 'resident')}/leave").json["handed_over"] == 0
    assert people["dispatcher"].get(f"/cases/{case}").json["status"] == "handling"
    assert last_step(people, case)["action"] == "start"


def test_a_role_that_ends_or_begins_counts_from_the_next_request_on(people: People) -> None:
    who = of(people, "resident")
    resident, body = people["resident"], {"role": "auditor", "area_code": TOWN}
    assert resident.get("/accounts").status_code == 404
    given = do(people, f"/accounts/{who}/roles", body)
    assert given.status_code == 201 and resident.get("/accounts").status_code == 200
    twice = do(people, f"/accounts/{who}/roles", body).json
    assert twice["why_zh"].endswith("的审计员。") and "is auditor of" in twice["why_en"]
    role = next(role["id"] for role in given.json["roles"] if role["role"] == "auditor")
    assert do(people, f"/accounts/{who}/roles/{role}/end").status_code == 200
    assert resident.get("/accounts").status_code == 404
    assert do(people, f"/accounts/{who}/roles/{role}/end").status_code == 404, "it has ended"


def test_a_closed_department_gets_nothing_and_gives_back_what_it_has(people: People) -> None:
    case = taken_up(people, "handler")
    waiting = people["resident"].file()["id"]
    carry(people, waiting, "dispatch", holder="sanitation")
    etag = people["admin"].get("/departments/sanitation").headers["ETag"]
    assert people["admin"].post("/departments/sanitation/close", {}, If_Match=etag).status_code == 200
    for one in (case, waiting):
        assert people["dispatcher"].get(f"/cases/{one}").json["status"] == "accepted"
    assert people["handler"].get(f"/cases/{case}").status_code == 404
    assert people["dispatcher"].act(case, "dispatch", department="sanitation").status_code == 422
    assert "sanitation" not in [one["code"] for one in people["dispatcher"].get("/departments").json["items"]]
    again = people["admin"].post("/departments", {"code": "sanitation", "name": "环卫所"})
    assert (again.status_code, again.json["code"]) == (409, "department_exists"), "a closed one keeps its code"


def test_a_code_of_a_department_that_does_not_fit_is_told_what_would(people: People) -> None:
    for code in ("园林", VILLAGE, "a" * 41):
        refused = people["admin"].post("/departments", {"code": code, "name": "园林所"})
        assert refused.json["errors"]["code"][0].startswith("部门代码应为 1 到 40 个字母、数字"), code


@pytest.mark.parametrize("path", ["roles", "leave"])
def test_nobody_appoints_or_ends_themselves_so_that_a_last_admin_stays(people: People, path: str) -> None:
    body = {"role": "dispatcher", "area_code": TOWN} if path == "roles" else {}
    refused = do(people, f"/accounts/{of(people, 'admin')}/{path}", body)
    assert (refused.status_code, refused.json["code"]) == (403, "own_account")


def test_a_second_admin_can_let_the_first_one_go(people: People) -> None:
    own = of(people, "admin")
    body = {"role": "admin", "area_code": TOWN}
    assert do(people, f"/accounts/{of(people, 'resident')}/roles", body).status_code == 201
    second = people["resident"]
    etag = second.get(f"/accounts/{own}").headers["ETag"]
    assert second.post(f"/accounts/{own}/leave", {}, If_Match=etag).status_code == 200


def test_out_of_use_nobody_signs_in_and_the_grid_goes_to_others_until_it_is_back(app: Flask, people: People) -> None:
    who, admin = of(people, "grid_worker"), people["admin"]

    def holder() -> str:
        items = admin.get(f"/roster/grids?area={VILLAGE}").json["items"]
        return next(str(item["holder"]["acting_as"]) for item in items if item["code"] == grid)

    with app.app_context():
        grid = grid_of_worker()
    assert holder() == "grid_worker"
    for in_use, acting_as, status in ((False, "dispatcher", 401), (True, "grid_worker", 200)):
        etag = admin.get(f"/accounts/{who}").headers["ETag"]
        changed = admin.client.patch(
            f"/api/v1/accounts/{who}", json={"in_use": in_use}, headers=admin.headers | {"If-Match": etag}
        )
        assert changed.status_code == 200 and changed.json["in_use"] is in_use
        assert holder() == acting_as
        assert try_to_sign_in(people.client) == status


def try_to_sign_in(client: FlaskClient) -> int:
    return client.post("/api/v1/auth/login", json={"phone": "13800000003", "password": PASSWORD}).status_code


def test_a_change_decided_on_an_old_version_is_refused(people: People) -> None:
    who, admin = of(people, "resident"), people["admin"]
    body = {"role": "inspector", "area_code": TOWN}
    assert admin.post(f"/accounts/{who}/roles", body).status_code == 428
    etag = admin.get(f"/accounts/{who}").headers["ETag"]
    assert admin.post(f"/accounts/{who}/roles", body, If_Match=etag).status_code == 201
    assert admin.post(f"/accounts/{who}/roles", body, If_Match=etag).status_code == 412


def test_a_resent_leaving_gets_the_first_answer(people: People) -> None:
    who, admin = of(people, "handler"), people["admin"]
    etag = admin.get(f"/accounts/{who}").headers["ETag"]
    sent = [
        admin.post(f"/accounts/{who}/leave", {}, If_Match=etag, Idempotency_Key="one leaving").data for _ in range(2)
    ]
    assert sent[0] == sent[1]


def test_what_is_done_to_an_account_is_in_the_ledger(app: Flask, people: People) -> None:
    who = of(people, "handler")
    do(people, f"/accounts/{who}/leave")
    with app.app_context(), unit_of_work() as session:
        found = select(LedgerEntry.action).where(LedgerEntry.thing_id == who).order_by(LedgerEntry.id)
        actions = list(session.execute(found).scalars())
    assert actions[-2:] == ["end_roles", "leave"]


def test_leave_is_taken_and_ended_by_whoever_goes(app: Flask, people: People) -> None:
    worker = people["grid_worker"]
    now = clock.now().isoformat()
    taken = worker.post("/me/absences", {"begins_at": now})
    assert taken.status_code == 201
    assert worker.post("/me/absences", {"begins_at": now}).json["code"] == "leave_overlaps"
    leave = taken.json["absences"][0]["id"]
    assert worker.post(f"/me/absences/{uuid.uuid4()}/end", {}).status_code == 404
    assert people["resident"].post(f"/me/absences/{leave}/end", {}).status_code == 404
    assert worker.post(f"/me/absences/{leave}/end", {}).json["absences"][0]["ends_at"] is not None


def test_the_admin_sees_residents_masked_and_finds_them_by_number(people: People) -> None:
    found = people["admin"].get("/accounts?phone=138 0000 0001").json["items"]
    assert [(one["name"], one["phone"]) for one in found] == [("居***", "+86138****0001")]
    listed = people["auditor"].get("/accounts?limit=3").json
    assert len(listed["items"]) == 3 and listed["next_cursor"]
    rest = people["auditor"].get(f"/accounts?limit=100&cursor={listed['next_cursor']}").json
    assert len(rest["items"]) == 8 and rest["next_cursor"] is None
    assert [one["name"] for one in people["admin"].get("/accounts?text=环卫").json["items"]] == ["镇环卫所 吴建业"]


def test_an_account_is_made_once_for_a_number_in_any_spelling(people: People) -> None:
    body = {"phone": "139-0000-1234", "name": "新", "role": "grid_worker", "area_code": f"{VILLAGE}001"}
    assert people["admin"].post("/accounts", body).status_code == 201
    again = people["admin"].post("/accounts", body | {"phone": "+86 139 0000 1234"})
    assert (again.status_code, again.json["code"]) == (409, "account_exists")
    wrong = people["admin"].post("/accounts", body | {"phone": "13900001235", "area_code": "440605122001"})
    assert (wrong.status_code, wrong.json["code"]) == (422, "role_unfit")
    unfit = people["admin"].post("/accounts", body | {"phone": "13900001235", "role": "auditor"}).json["why_zh"]
    assert unfit.startswith("审计员的区域应为镇")
    client = people.client
    for password in ("", "x", "nobody's password"):
        answer = client.post("/api/v1/auth/login", json={"phone": "13900001234", "password": password})
        assert answer.status_code in (401, 422, 429)
