"""Who sees which case, and how much of it: the list's SQL and the rule for one case say the same."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import insert, select

from backend.cases.case_row import CaseRow, by_name
from backend.cases.listing import list_cases
from backend.cases.reporter.reporters import is_mine, tag_of
from backend.cases.sight import sight
from backend.cases.tables import Case, CaseReporter
from backend.cases.viewing import columns as seen_columns
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people.access import ROLES, Caller, Grant
from tests.town import ELSEWHERE, HOME, TOWN, VILLAGE, People, carry, report

START = datetime(2026, 11, 1, 9, tzinfo=TOWN_ZONE)
OTHER_TOWN, OTHER_VILLAGE = "440605122", "440605121201"
PEOPLE = [uuid.UUID(int=number) for number in range(1, 5)]


def random_case(random: Random, number: int) -> Case:
    village = random.choice((VILLAGE, OTHER_VILLAGE, OTHER_TOWN + "001"))
    accepted = random.random() < 0.7
    return Case(
        id=uuid.UUID(int=random.getrandbits(128), version=4),
        number=f"20261101-{number:08d}",
        town_code=village[:9],
        village_code=village,
        area_code=village + random.choice(("001", "002")),
        status=random.choice(("accepted", "dispatched", "closed"))
        if accepted
        else random.choice(("reported", "declined")),
        version=1,
        category="litter",
        description="路灯不亮，电话13800001111",
        redacted="路灯不亮，电话〔略〕",
        lon=113.0,
        lat=22.86,
        cell=1,
        coarse_lon=113.01,
        coarse_lat=22.87,
        reporting=random.choice(("named", "named", "protected")),
        holder=random.choice((None, village, VILLAGE, "sanitation", "water", by_name(random.choice(PEOPLE))))
        if accepted
        else None,
        assignee=random.choice((None, *PEOPLE)),
        occurred_at=START + timedelta(minutes=random.randrange(10_000)),
        recorded_at=START,
        accepted_at=START if accepted else None,
    )


def random_caller(random: Random) -> Caller:
    grants = []
    for role in random.sample(ROLES, random.randint(1, 3)):
        area = {"village_officer": VILLAGE, "grid_worker": random.choice((VILLAGE + "001", OTHER_VILLAGE + "002"))}
        department = {"handler": "sanitation", "village_officer": VILLAGE}
        place = area.get(role, random.choice((TOWN, TOWN, OTHER_TOWN)))
        cleared = role in ("dispatcher", "inspector") and random.random() < 0.5
        grants.append(Grant(role, place, department.get(role), cleared))
    conflicts = random.sample((VILLAGE, OTHER_VILLAGE), random.choice((0, 0, 1, 2)))
    return Caller(random.choice(PEOPLE), uuid.uuid4(), "", "", tuple(grants), tuple(conflicts))


@pytest.mark.sql
def test_lists_hold_exactly_the_cases_that_sight_allows(empty_app: Flask) -> None:
    random = Random(1258)
    cases = [random_case(random, number) for number in range(60)]
    with empty_app.app_context():
        with unit_of_work() as session:
            session.execute(
                insert(Case), [{column.key: getattr(case, column.key) for column in Case.__table__.c} for case in cases]
            )
            reporters = [
                {
                    "case_id": case.id,
                    "tag": tag_of(random.choice(PEOPLE)),
                    "pseudonym": uuid.uuid4(),
                    "for_caller": False,
                    "occurred_at": case.occurred_at,
                }
                for case in cases
            ]
            session.execute(insert(CaseReporter), reporters)
        for _ in range(150):
            caller = random_caller(random)
            seen = rows(select(*seen_columns, Case.assignee), my_tag=tag_of(caller.account_id))
            every = [CaseRow(*row[:-1], assignee=row[-1]) for row in seen]
            allowed = [case for case in every if sight(caller, case, case.mine) is not None]
            newest = sorted(allowed, key=lambda case: (case.occurred_at, case.id.hex), reverse=True)
            if not (caller.may("read_case") or caller.may("read_unaccepted_case")):
                continue  # such a caller does not get past the route
            assert [case.id for case in list_cases(caller, {}, None, 100)] == [case.id for case in newest], caller
            paged, after = [], None
            while page := list_cases(caller, {}, after, 7):
                paged += page
                after = (page[-1].occurred_at, page[-1].id)
            assert [case.id for case in paged] == [case.id for case in newest]


def test_a_village_sees_a_case_when_it_is_accepted_and_not_before(people: People) -> None:
    case = people["resident"].file()["id"]
    officer = people["village_officer"]
    assert officer.get(f"/cases/{case}").data == officer.get(f"/cases/{uuid.uuid4()}").data
    assert officer.get("/cases").json["items"] == []
    carry(people, case, "accept")
    assert officer.get(f"/cases/{case}").status_code == 200
    assert [item["id"] for item in officer.get("/cases").json["items"]] == [case]


def test_a_masked_reader_sees_the_coarse_place_and_the_redacted_text_until_they_hold_the_case(people: People) -> None:
    body = report(description="王家门口垃圾，电话13812345678", address="幸福路12号 13812345678")
    case = people["resident"].post("/cases", body).json["id"]
    carry(people, case, "accept")
    exact = people["resident"].get(f"/cases/{case}").json["location"]
    for role in ("village_officer", "inspector", "committee"):
        seen = people[role].get(f"/cases/{case}").json
        assert "13812345678" not in str(seen) and seen["address"] is None, role
        assert seen["location"]["approximate"] and seen["location"] != exact
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    held = people["village_officer"].get(f"/cases/{case}").json
    assert held["location"] == exact and "13812345678" not in str(held) and "幸福路12号" in held["address"]


def test_a_village_sees_and_handles_what_it_holds_wherever_it_lies(people: People) -> None:
    case = people["resident"].file(location=ELSEWHERE, description="垃圾，电话13812345678")["id"]
    carry(people, case, "accept")
    officer = people["village_officer"]
    assert officer.get(f"/cases/{case}").status_code == 404
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    held = officer.get(f"/cases/{case}").json
    assert not held["location"]["approximate"] and "13812345678" not in str(held)
    assert [item["id"] for item in officer.get("/cases").json["items"]] == [case]
    assert officer.act(case, "start").status_code == 200
    assert officer.act(case, "hand_in", note="已清运").status_code == 200


def test_a_masked_reader_cannot_find_what_they_may_not_see(people: People) -> None:
    case = people["resident"].post("/cases", report(description="王家门口垃圾，电话13812345678")).json["id"]
    carry(people, case, "accept")
    exact = people["dispatcher"].get(f"/cases/{case}").json["location"]
    lon, lat = exact["lon"], exact["lat"]
    box = f"{lon - 0.00005},{lat - 0.00005},{lon + 0.00005},{lat + 0.00005}"
    for query in ("text=13812345678", "text=138", f"bbox={box}"):
        assert len(people["dispatcher"].get(f"/cases?{query}").json["items"]) == 1, query
        assert people["inspector"].get(f"/cases?{query}").json["items"] == [], query
    assert len(people["inspector"].get("/cases?text=垃圾").json["items"]) == 1


def test_a_number_in_a_report_is_for_its_reporter_and_the_desk_however_the_others_ask(people: People) -> None:
    phone, identity = "13912345678", "440605198001011234"
    case = people["resident"].file(description=f"路灯不亮，电话{phone}，身份证{identity}")["id"]
    carry(people, case, "start", holder="sanitation")
    lists = ("", "?text=路灯", f"?text={phone}", "?fields=phone", "?sort=phone", f"/{case}", f"/{case}/timeline")
    asked = [f"/cases{path}" for path in (*lists, "/file?format=csv", f"/{case}/candidates")]
    about = {"location": HOME, "category": "litter", "description": "路灯不亮"}
    for role in ("party_member", "village_officer", "handler", "inspector", "committee", "admin", "auditor"):
        told = [people[role].get(path).text for path in asked]
        told.append(people[role].post("/cases/similar", about).text)
        told.append(people[role].post(f"/cases/{case}/actions", {"action": "rate"}, If_Match='"1"').text)
        assert not [text for text in told if phone in text or identity in text], role
    assert people["handler"].get("/cases?fields=phone").status_code == 422
    for role in ("resident", "dispatcher"):
        assert phone in people[role].get(f"/cases/{case}").json["description"]
    for path in asked:
        assert people.client.get(f"/api/v1{path}").status_code == 401


def test_a_reporter_is_a_name_of_the_case_only(people: People) -> None:
    one, other = people["resident"].file(), people["resident"].file()
    for case in (one["id"], other["id"]):
        carry(people, case, "accept")
    seen = [people["dispatcher"].get(f"/cases/{case['id']}").json["reporter"] for case in (one, other)]
    assert seen[0]["pseudonym"] != seen[1]["pseudonym"] and not any(reporter["me"] for reporter in seen)
    for role in ("dispatcher", "village_officer", "inspector", "committee"):
        text = people[role].get(f"/cases/{one['id']}").text + people[role].get(f"/cases/{one['id']}/timeline").text
        assert "关小梅" not in text and "13800000001" not in text


def test_a_dispatcher_who_is_an_officer_of_the_village_is_its_officer_there(app: Flask, people: People) -> None:
    from backend.people.tables import Account, RoleAssignment

    home, far = people["resident"].file()["id"], people["resident"].file(location=ELSEWHERE)["id"]
    with app.app_context(), unit_of_work() as session:
        account = session.execute(select(Account.id).where(Account.phone == "+8613800000006")).scalar_one()
        session.execute(
            insert(RoleAssignment),
            {
                "id": uuid.uuid4(),
                "account_id": account,
                "role": "village_officer",
                "area_code": VILLAGE,
                "department": VILLAGE,
                "valid_from": datetime(2026, 1, 1, tzinfo=TOWN_ZONE).date(),
            },
        )
    dispatcher = people["dispatcher"]
    assert dispatcher.get(f"/cases/{home}").status_code == 404
    assert [item["id"] for item in dispatcher.get("/cases").json["items"]] == [far]
    assert "accept" in dispatcher.get(f"/cases/{far}").json["allowed_actions"]


def test_whoever_becomes_an_officer_of_the_village_keeps_their_own_view_of_their_own_report(
    app: Flask, people: People
) -> None:
    from sqlalchemy import update

    from backend.people.tables import Account, RoleAssignment

    case = people["resident"].file()["id"]
    with app.app_context(), unit_of_work() as session:
        account = session.execute(select(Account.id).where(Account.phone == "+8613800000001")).scalar_one()
        session.execute(
            update(RoleAssignment)
            .where(RoleAssignment.account_id == account)
            .values(role="village_officer", area_code=VILLAGE, department=VILLAGE)
        )
    seen = people["resident"].get(f"/cases/{case}").json
    assert seen["reporter"]["me"] and not seen["location"]["approximate"]
    assert [item["id"] for item in people["resident"].get("/cases").json["items"]] == [case]
    carry(people, case, upto="dispatch")
    assert people["resident"].get(f"/cases/{case}").json["allowed_actions"] == []
    refused = people["resident"].act(case, "start")
    assert (refused.status_code, refused.json["code"]) == (403, "action_not_permitted")
    assert "start" in people["village_officer"].get(f"/cases/{case}").json["allowed_actions"]


def test_anothers_case_answers_like_a_random_id_for_reads_and_actions(people: People) -> None:
    case = people["resident"].file(location=HOME)["id"]
    stranger = people["party_member"]
    for path in ("", "/timeline"):
        assert stranger.get(f"/cases/{case}{path}").data == stranger.get(f"/cases/{uuid.uuid4()}{path}").data
    body = {"action": "withdraw"}
    answers = [stranger.post(f"/cases/{which}/actions", body, If_Match='"1"') for which in (case, uuid.uuid4())]
    assert {answer.status_code for answer in answers} == {404} and answers[0].data == answers[1].data


def test_is_mine_is_the_only_way_from_a_case_to_its_reporter() -> None:
    from pathlib import Path

    import backend.cases

    folder = Path(backend.cases.__file__).parent
    readers = {path.name for path in folder.glob("*.py") if "CaseReporter" in path.read_text()}
    assert readers <= {"tables.py", "reporters.py", "listing.py", "importing.py"} and is_mine is not None
