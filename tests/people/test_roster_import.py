"""Importing a roster as towns keep it, with every fault told by its line."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from backend.http.work import unit_of_work
from backend.people.roster_rows import ROLE_NAMES, ROLES_ZH
from backend.people.tables import Account, RoleAssignment
from tests.town import VILLAGE, People

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:openpyxl")

CHINESE = "姓名,手机号码,角色,网格代码,部门,开始日期,结束日期\n"
ENGLISH = "Person,Phone,Role,Area,Department,From,To\n"
GRID = f"{VILLAGE}001"


def sent(people: People, content: str | bytes, name: str = "roster.csv", query: str = "") -> TestResponse:
    data = content if isinstance(content, bytes) else content.encode()
    path = f"/api/v1/roster/import{query}"
    return people.client.post(path, data={"file": (io.BytesIO(data), name)}, headers=people["admin"].headers)


def counted(app: Flask) -> tuple[int, int]:
    with app.app_context(), unit_of_work() as session:
        accounts = session.execute(select(func.count()).select_from(Account)).scalar_one()
        roles = session.execute(select(func.count()).select_from(RoleAssignment)).scalar_one()
    return accounts, roles


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]  # a new book has a sheet
    book.save(file)
    return file.getvalue()


def damaged() -> bytes:
    """A workbook whose sheet breaks off."""
    file = io.BytesIO()
    with ZipFile(io.BytesIO(workbook((1,)))) as whole, ZipFile(file, "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, "<worksheet" if "sheet1" in name else whole.read(name))
    return file.getvalue()


DAMAGED = damaged()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
@pytest.mark.parametrize("head", [CHINESE, ENGLISH])
def test_a_table_in_either_language_and_encoding_is_read(app: Flask, people: People, head: str, encoding: str) -> None:
    text = (
        head
        + f"岑大文,139 0000 0001,网格员,{GRID},,2026-01-01,\n"
        + "吴小明,１３９００００００２２,handler,,镇环卫所,2026年2月1日,2027/1/31\n"
    )
    done = sent(people, text.encode(encoding))
    assert done.status_code == 200, done.json
    told = {name: done.json[name] for name in ("written", "new_roles", "new_accounts", "unchanged", "faults")}
    assert told == {"written": True, "new_roles": 2, "new_accounts": 2, "unchanged": 0, "faults": []}
    with app.app_context(), unit_of_work() as session:
        found = session.execute(
            select(Account.phone, RoleAssignment.role, RoleAssignment.department, RoleAssignment.valid_to)
            .join(RoleAssignment)
            .where(Account.phone.in_(("+8613900000001", "+8613900000022")))
            .order_by(Account.phone)
        ).all()
    assert [tuple(row)[:3] for row in found] == [
        ("+8613900000001", "grid_worker", None),
        ("+8613900000022", "handler", "sanitation"),
    ]
    assert [str(row.valid_to) for row in found] == ["None", "2027-01-31"]


def test_a_workbook_with_numbers_and_dates_of_its_own_is_read(people: People) -> None:
    rows = (
        ("姓名", "手机", "角色", "网格", "开始", "备注"),
        ("岑大文", 13900000001, "网格员", int(GRID), datetime(2026, 1, 1), "x"),  # noqa: DTZ001  # a cell has no zone
        ("冯二", 13900000002, "村干部", "敦根社区", None, None),
    )
    done = sent(people, workbook(*rows), "名册.xlsx")
    assert done.status_code == 200, done.json
    assert (done.json["new_roles"], done.json["columns_not_read"]) == (2, ["备注"])
    assert [line["area_code"] for line in done.json["lines"]] == [GRID, VILLAGE]


def test_a_dry_run_tells_the_same_and_writes_nothing(app: Flask, people: People) -> None:
    text = CHINESE + f"岑大文,13900000001,网格员,{GRID},,,\n"
    before = counted(app)
    dry = sent(people, text, query="?dry_run=true").json
    assert counted(app) == before
    assert dry.pop("written") is False
    done = sent(people, text).json
    assert done.pop("written") is True and done == dry
    assert counted(app) == (before[0] + 1, before[1] + 1)


def test_the_same_file_again_changes_nothing(app: Flask, people: People) -> None:
    text = CHINESE + f"岑大文,13900000001,网格员,{GRID},,2026-01-01,2027-01-01\n岑大文,13900000001,B角,{VILLAGE},,,\n"
    assert sent(people, text).json["new_roles"] == 2
    before = counted(app)
    again = sent(people, text.replace("139", "+86 139", 1)).json
    assert (again["new_roles"], again["dates_changed"], again["unchanged"]) == (0, 0, 2)
    assert counted(app) == before


def test_other_days_change_the_role_that_is_there(app: Flask, people: People) -> None:
    text = CHINESE + f"岑大文,13900000001,网格员,{GRID},,2026-01-01,\n"
    sent(people, text)
    before = counted(app)
    done = sent(people, text.replace(",\n", ",2027-03-31\n").replace("结束日期,2027-03-31", "结束日期")).json
    assert (done["new_roles"], done["dates_changed"]) == (0, 1)
    assert counted(app) == before


FAULTS = [
    ("area", "unknown_area", f"甲,13900000001,网格员,{VILLAGE}999,,,"),
    ("area", "unknown_area", "甲,13900000001,网格员,无名村,,,"),
    ("area", "unknown_area", "甲,13900000001,网格员,440605122001001,,,"),
    ("area", "area_missing", "甲,13900000001,网格员,,,,"),
    ("area", "unfit_place", f"甲,13900000001,村干部,{GRID},,,"),
    ("area", "number_mangled", "甲,13900000001,网格员,4.40605E+17,,,"),
    ("area", "number_mangled", "甲,13900000001,网格员,440605121012001000,,,"),
    ("phone", "number_mangled", f"甲,1.39E+10,网格员,{GRID},,,"),
    ("phone", "bad_phone", f"甲,1390000,网格员,{GRID},,,"),
    ("phone", "bad_phone", f"甲,,网格员,{GRID},,,"),
    ("role", "unknown_role", f"甲,13900000001,国王,{GRID},,,"),
    ("name", "bad_name", f",13900000001,网格员,{GRID},,,"),
    ("department", "unknown_department", "甲,13900000001,处置员,,气象局,,"),
    ("department", "unfit_place", "甲,13900000001,处置员,,,,"),
    ("to", "dates_reversed", f"甲,13900000001,网格员,{GRID},,2026-05-01,2026-04-30"),
    ("from", "bad_date", f"甲,13900000001,网格员,{GRID},,2026-02-30,"),
    ("from", "bad_date", f"甲,13900000001,网格员,{GRID},,明天,"),
    ("phone", "phone_of_another", f"甲,13800000003,网格员,{GRID},,,"),
    ("line", "unreadable", f"甲,13900000001,网格员,{GRID},,,,多"),
]


@pytest.mark.parametrize(("column", "error", "line"), FAULTS)
def test_a_faulty_line_is_told_with_its_number_and_keeps_everything_out(
    app: Flask, people: People, column: str, error: str, line: str
) -> None:
    before = counted(app)
    text = CHINESE + f"好,13900000009,网格员,{GRID},,,\n\n{line}\n"
    refused = sent(people, text)
    assert (refused.status_code, refused.json["code"]) == (422, "roster_refused")
    told = [(fault["line"], fault["column"], fault["error"]) for fault in refused.json["faults"]]
    assert told == [(4, column, error)]
    assert counted(app) == before
    good = sent(people, text, query="?good_only=true").json
    assert (good["new_roles"], len(good["faults"])) == (1, 1)


def test_one_number_for_two_people_is_a_fault_of_the_second_line(people: People) -> None:
    text = (
        ENGLISH
        + f"甲,13900000001,网格员,{GRID},,,\n乙,+86-139-0000-0001,网格员,{VILLAGE}002,,,\n"
        + f"甲,13900000001,网格员,{GRID},,,\n"
        + f"丙,13900000002,网格员,{GRID},,2026-05-01,2026-04-30\n丁,13900000002,督查员,,,,\n"
    )
    faults = sent(people, text, query="?dry_run=1").json["faults"]
    told = [(fault["line"], fault["error"]) for fault in faults]
    # The number of a line at fault is that person's all the same.
    assert told == [(3, "phone_of_another"), (4, "repeated"), (5, "dates_reversed"), (6, "phone_of_another")]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.csv"),
        (b"\x00\xff\xfe\x00", "a.csv"),
        (b"no workbook", "a.xlsx"),
        (b"PK\x03\x04", "a.xlsx"),
        ("只有,这些\n1,2\n".encode(), "a.csv"),
        (b"%PDF", "a.pdf"),
        (b"x" * 200_000, "a.csv"),
    ],
)
def test_what_is_no_roster_is_refused(people: People, content: bytes, name: str) -> None:
    assert sent(people, content, name).status_code == 422


@pytest.mark.parametrize(
    ("content", "zh", "en"),
    [
        (b"PK\x03\x04", "不是能打开的 XLSX 工作簿，请重新另存为 XLSX 或 CSV", "save it anew as XLSX or CSV"),
        (DAMAGED, "不是能打开的 XLSX 工作簿，请重新另存为 XLSX 或 CSV", "save it anew as XLSX or CSV"),
        (bytes(range(128, 256)) * 4, "请另存为 UTF-8", "save it as UTF-8"),
        (CHINESE.encode() + b"x,1,y,1,,,\n" * 5001, "超过 5000 行，请分成几份导入", "split it"),
    ],
    ids=["no workbook", "a damaged workbook", "no encoding", "too long"],
)
def test_what_cannot_be_read_is_told_in_the_caller_s_language(people: People, content: bytes, zh: str, en: str) -> None:
    refused = sent(people, content)
    assert refused.json["code"] == "unreadable_roster"
    assert zh in refused.json["detail"] and "roster." not in refused.json["detail"]
    english = people.client.post(
        "/api/v1/roster/import",
        data={"file": (io.BytesIO(content), "a.csv")},
        headers={**people["admin"].headers, "Accept-Language": "en"},
    )
    assert en in english.json["detail"]


def test_a_line_that_cannot_be_taken_says_what_could_be_in_the_caller_s_language(people: People) -> None:
    told = sent(people, CHINESE + f"甲,13900000001,国王,{GRID},,,\n甲,13900000001,网格员,{GRID},,,,多\n").json["faults"]
    assert "可填：居民、党员、网格员、B角" in told[0]["message"]
    assert told[1]["message"].startswith("这一行无法读取：单元格多于标题") and "cells" not in told[1]["message"]


def test_every_role_that_is_told_can_be_written_so() -> None:
    names = ROLES_ZH.lower().split("、")
    assert {ROLE_NAMES[name] for name in names} == set(ROLE_NAMES.values())


def test_only_the_admin_imports(people: People) -> None:
    for role in ("village_officer", "dispatcher", "auditor", "committee"):
        files = {"file": (io.BytesIO(b"x"), "a.csv")}
        answer = people.client.post("/api/v1/roster/import", data=files, headers=people[role].headers)
        assert answer.status_code == 404


def test_the_command_imports_and_tells_faults_on_the_error_stream(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text(CHINESE + f"岑大文,13900000001,网格员,{GRID},,,\n", encoding="gb18030")
    runner, before = app.test_cli_runner(), counted(app)
    dry = runner.invoke(args=["people", "import-roster", str(file), "--dry-run"])
    assert dry.exit_code == 0 and "would be given: 1 roles, 1 new accounts" in dry.output
    assert counted(app) == before
    assert runner.invoke(args=["people", "import-roster", str(file)]).exit_code == 0
    assert counted(app) == (before[0] + 1, before[1] + 1)
    file.write_text(CHINESE + "甲,13900000007,网格员,1,,,\n")
    refused = runner.invoke(args=["people", "import-roster", str(file)])
    assert refused.exit_code == 1 and "2: area: unknown_area" in refused.output


def proposal(**changes: Any) -> dict[str, Any]:
    return {"phone": "13900000001", "name": "岑大文", "role": "grid_worker", "area_code": GRID} | changes


def test_a_village_proposes_and_the_admin_confirms(app: Flask, people: People) -> None:
    officer, admin, before = people["village_officer"], people["admin"], counted(app)
    made = officer.post("/roster/proposals", proposal())
    assert (made.status_code, made.json["status"]) == (201, "open")
    assert counted(app) == before, "a proposal gives nothing"
    path = f"/roster/proposals/{made.json['id']}/decision"
    assert officer.post(path, {"confirm": True}, If_Match=made.headers["ETag"]).status_code == 404
    done = admin.post(path, {"confirm": True}, If_Match=made.headers["ETag"])
    assert (done.status_code, done.json["status"]) == (200, "confirmed")
    assert counted(app) == (before[0] + 1, before[1] + 1)
    again = admin.post(path, {"confirm": True}, If_Match=done.headers["ETag"])
    assert (again.status_code, again.json["code"]) == (409, "proposal_settled")
    assert [one["status"] for one in officer.get("/roster/proposals").json["items"]] == ["confirmed"]


def test_a_village_proposes_for_its_own_grids_only(people: People) -> None:
    officer = people["village_officer"]
    other = officer.post("/roster/proposals", proposal(area_code="440605121201001"))
    assert (other.status_code, other.json["code"]) == (422, "not_your_village")
    assert officer.post("/roster/proposals", proposal(role="dispatcher")).status_code == 422
    assert people["admin"].post("/roster/proposals", proposal()).status_code == 404


def test_a_declined_proposal_gives_nothing(app: Flask, people: People) -> None:
    before = counted(app)
    made = people["village_officer"].post("/roster/proposals", proposal())
    path = f"/roster/proposals/{made.json['id']}/decision"
    done = people["admin"].post(path, {"confirm": False, "reason": "已另有安排"}, If_Match=made.headers["ETag"])
    assert (done.json["status"], done.json["reason"]) == ("declined", "已另有安排")
    assert counted(app) == before


def own_name(people: People) -> str:
    return str(people["admin"].get("/me").json["name"])


def test_an_admin_imports_no_role_and_no_days_of_their_own(app: Flask, people: People) -> None:
    name, before = own_name(people), counted(app)
    for row in (f"{name},13800000009,派遣员,,,,", f"{name},13800000009,admin,,,,2099-12-31"):
        refused = sent(people, f"{CHINESE}{row}\n")
        assert refused.status_code == 422, refused.json
        assert [fault["error"] for fault in refused.json["faults"]] == ["own_account"]
    assert counted(app) == before
    same = sent(people, f"{CHINESE}{name},13800000009,admin,,,,\n")
    assert (same.status_code, same.json["unchanged"]) == (200, 1), "a roster may list them as they are"


def test_an_admin_confirms_no_proposal_of_their_own_person(app: Flask, people: People) -> None:
    body, before = proposal(phone="13800000009", name=own_name(people)), counted(app)
    made = people["village_officer"].post("/roster/proposals", body)
    path = f"/roster/proposals/{made.json['id']}/decision"
    refused = people["admin"].post(path, {"confirm": True}, If_Match=made.headers["ETag"])
    assert (refused.status_code, refused.json["code"]) == (403, "own_account")
    assert counted(app) == before
