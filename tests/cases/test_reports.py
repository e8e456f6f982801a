"""Reports and files, over HTTP: who gets which figures, what is hidden and written, and a case on one page."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pypdfium2
import pytest
import time_machine
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select, update

from backend.cases.reports import exporting, reports
from backend.cases.tables import Case
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.people.access import Caller, Grant
from tests.town import ELSEWHERE, TOWN, VILLAGE, People, Person, carry, clear

ID, PHONE = "440605198001011234", "13912345678"
READERS = ("grid_worker", "village_officer", "handler", "dispatcher", "committee")


def report(people: People, who: str, by: str = "village", **more: str) -> Mapping[str, Any]:
    """The figures of this year."""
    asked = "".join(f"&{name}={value}" for name, value in more.items())
    answer = people[who].get(f"/reports/cases?period={clock.now().year}&by={by}{asked}")
    assert answer.status_code == 200, answer.json
    told: Mapping[str, Any] = answer.json
    return told


def column(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A column by code, without what is hidden."""
    return {item["code"]: item[name] for item in told["items"] if item[name] is not None}


def accepted(people: People, number: int, **changes: Any) -> list[str]:
    """So many cases that were accepted, filed by a resident."""
    cases = [str(people["resident"].file(**changes)["id"]) for _ in range(number)]
    for case in cases:
        assert people["dispatcher"].act(case, "accept").status_code == 200
    return cases


def tagged(people: People, cases: Sequence[str], *codes: str) -> None:
    """Have these cases bear on elements of the governance model."""
    for case in cases:
        assert people["dispatcher"].act(case, "tag", tags=codes).status_code == 200


def test_each_role_gets_the_figures_of_what_it_reads_and_no_small_ones(people: People) -> None:
    accepted(people, 7)
    [away, *_] = accepted(people, 6, location=ELSEWHERE)
    people["resident"].file()  # nobody has accepted it
    elsewhere = people["dispatcher"].get(f"/cases/{away}").json["area_code"][:12]
    for who in ("dispatcher", "inspector", "committee"):
        told = report(people, who)
        # All other villages have fewer than five; the smaller of the two goes with them.
        assert (column(told, "accepted"), told["total"]["accepted"]) == ({VILLAGE: 7}, 13)
        assert len(told["items"]) == 27
    own = report(people, "village_officer")
    assert ([item["code"] for item in own["items"]], own["total"]["accepted"]) == ([VILLAGE], 7)
    other = report(people, "village_officer", area=elsewhere)
    assert other["total"]["accepted"] is None
    grids = report(people, "grid_worker", by="grid")
    assert len(grids["items"]) == 1 and grids["total"]["accepted"] == 7
    handler = report(people, "handler", by="department")
    assert [item["code"] for item in handler["items"]] == ["sanitation"] and handler["total"]["accepted"] is None
    for who in ("resident", "party_member", "admin", "auditor"):
        assert people[who].get("/reports/cases?period=2026").status_code == 404


def test_who_reads_a_part_of_the_town_asks_for_all_of_it_and_takes_no_month_from_a_quarter(people: People) -> None:
    for month, number in ((7, 6), (8, 2), (9, 7)):
        with time_machine.travel(datetime(2026, month, 15, 9, tzinfo=TOWN_ZONE)):
            accepted(People(people.client), number)

    def total(who: str, period: str) -> Any:
        return people[who].get(f"/reports/cases?period={period}").json["total"]["accepted"]

    assert [total("dispatcher", period) for period in ("2026-07", "2026-08", "2026-Q3")] == [6, None, 15]
    assert [total("village_officer", period) for period in ("2026-07", "2026-08", "2026-Q3")] == [6, None, None]
    asked = f"/reports/cases?period=2026-07&area={VILLAGE}"
    assert people["village_officer"].get(asked).json["total"]["accepted"] == 6
    for who, area in (("village_officer", f"{VILLAGE}001"), ("handler", VILLAGE)):
        refused = people[who].get(f"/reports/cases?period=2026-07&area={area}")
        assert (refused.status_code, refused.json["code"]) == (422, "narrowed_figures")
    assert people["dispatcher"].get(asked).status_code == 200


def test_a_month_that_has_not_begun_hides_no_other(people: People) -> None:
    for month, number in ((10, 6), (11, 7)):
        with time_machine.travel(datetime(2026, month, 15, 9, tzinfo=TOWN_ZONE)):
            accepted(People(people.client), number)
    with time_machine.travel(datetime(2026, 11, 20, 9, tzinfo=TOWN_ZONE)):
        for who in ("dispatcher", "village_officer"):
            told = People(people.client)[who].get("/reports/cases?period=2026-Q4&by=month").json
            assert [(item["code"], item["accepted"]) for item in told["items"]] == [("2026-10", 6), ("2026-11", 7)], who
            assert told["total"]["accepted"] == 13


def test_what_was_done_counts_for_whoever_held_it(people: People) -> None:
    for number in range(5):
        case = people["resident"].file()["id"]
        carry(people, case, "close", holder="sanitation")
        assert people["resident"].act(case, "rate", score=number + 1, solved=True).status_code == 200
    # For the desk all others have none, so what the department has is hidden with them.
    for who, closed in (("dispatcher", {}), ("handler", {"sanitation": 5})):
        told = report(people, who, by="department")
        total = told["total"]
        assert (column(told, "closed"), total["closed"], total["due"]) == (closed, 5, None)
        assert (total["checks"], total["rework_share"], total["ratings"], total["satisfaction"]) == (5, 0.0, 5, 3.0)


@pytest.mark.parametrize(("part", "whole", "mean"), [(17, 4, 4.25), (129, 32, 4.0313), (2, 3, 0.6667), (0, 7, 0.0)])
def test_a_mean_is_rounded_half_up(part: int, whole: int, mean: float) -> None:
    assert reports._share(part, whole) == mean


def test_a_period_that_is_none_or_has_not_begun_is_refused(people: People) -> None:
    assert len(people["dispatcher"].get("/reports/cases?period=2026-06&by=month").json["items"]) == 1
    for period, code in (("2026-13", "bad_period"), ("2199", "period_not_begun")):
        answer = people["dispatcher"].get(f"/reports/cases?period={period}")
        assert (answer.status_code, answer.json["code"]) == (422, code)


def test_a_protected_report_changes_no_byte_of_a_report_or_a_file(app: Flask, people: People) -> None:
    tagged(people, accepted(people, 6), "8.1")

    def told() -> list[Any]:
        bodies = []
        for who in READERS:
            bodies += [{**report(people, who, by), "counted_until": None} for by in ("village", "category", "element")]
            bodies.append(people[who].get(f"/reports/cases/file?period={clock.now().year}&by=month&format=csv").data)
        return [*bodies, *(people[who].get("/cases/file?format=csv").data for who in ("dispatcher", "handler"))]

    before = told()
    [case] = accepted(people, 1)
    tagged(people, [case], "8.1", "8.2")
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Case).where(Case.id == uuid.UUID(case)).values(reporting="protected"))
    assert told() == before


def test_the_same_figures_stand_in_a_csv_and_a_workbook_with_chinese_headings(people: People) -> None:
    accepted(people, 7)
    asked = f"/reports/cases/file?period={clock.now().year}&by=village"
    answer = people["dispatcher"].get(f"{asked}&format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.data.decode("utf-8")
    heads, *lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert text[0] == "\ufeff" and heads[:4] == ["代码", "村（社区）", "立案数", "结案数"]
    answer = people["dispatcher"].get(asked)
    named = answer.headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename=[\w-]+\.(csv|xlsx); filename\*=UTF-8''%E6%A1%88%E4%BB%B6[\w%.-]+", named)
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    found = [[str(cell.value) if cell.value is not None else "" for cell in row] for row in sheet.iter_rows()]
    assert found[0] == heads and [[cell.strip("\t") for cell in line] for line in lines] == found[1:]
    assert lines[-1][1:3] == ["合计", "7"] and lines[0][2] == "不公布"


def test_a_case_counts_under_each_of_its_elements_once_in_all_and_only_who_reads_the_whole_town_filters_by_one(
    people: People,
) -> None:
    cases = accepted(people, 14)
    tagged(people, cases[:6], "8.1", "2.2")
    tagged(people, cases[6:9], "8.1")
    tagged(people, cases[9:11], "8.3")
    for who, elements in (("dispatcher", {"8.1": 9, "2.2": 6}), ("village_officer", {"8.1": 9, "2.2": 6})):
        told = report(people, who, by="element")
        assert (column(told, "accepted"), told["total"]["accepted"]) == (elements, 14), who
        assert [item["code"] for item in told["items"]][:3] == ["1.1", "2.1", "2.2"] and len(told["items"]) == 16
        assert told["items"][2]["name"] == "治理网格（示例）"
    only = report(people, "dispatcher", element="2.2")
    assert (only["total"]["accepted"], only["element"]) == (6, "2.2")
    both = report(people, "committee", by="element", element="2.2")
    assert (column(both, "accepted"), both["total"]["accepted"]) == ({"8.1": 6, "2.2": 6}, 6)
    assert report(people, "dispatcher", element="8.3")["total"]["accepted"] is None
    for who, area in (("village_officer", ""), ("handler", ""), ("village_officer", f"&area={VILLAGE}")):
        refused = people[who].get(f"/reports/cases?period=2026&element=2.2{area}")
        assert (refused.status_code, refused.json["code"]) == (422, "narrowed_figures")
    assert people["dispatcher"].get("/reports/cases?period=2026&element=9.1").status_code == 422
    tagged(people, cases[9:11], "8.1")
    # Three are not tagged with it now: the total of the same sheet would tell them.
    for who in ("village_officer", "inspector"):
        assert column(report(people, who, by="element"), "accepted") == {"2.2": 6}
    asked = f"/reports/cases/file?period={clock.now().year}&by=element"
    lines = list(csv.reader(io.StringIO(people["dispatcher"].get(f"{asked}&format=csv").data.decode("utf-8-sig"))))
    assert lines[0][:3] == ["代码", "治理要素", "立案数"]
    assert [line[1:3] for line in lines if line[0].strip("\t") in ("", "2.2", "8.3")] == [
        ["治理网格（示例）", "6"],
        ["安全守护（示例）", "不公布"],
        ["全部案件（一案可属多个要素，各行相加不等于此数）", "14"],
    ]
    answer = people["dispatcher"].get(f"{asked}&element=2.2")
    assert "%E8%A6%81%E7%B4%A02.2" in answer.headers["Content-Disposition"]
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None and [row[2].value for row in sheet.iter_rows() if row[0].value == "8.1"] == [6]


def test_an_exported_list_has_what_the_filters_leave_and_nothing_that_names_somebody(
    app: Flask, people: People
) -> None:
    said = f"=HYPERLINK(1) 岑先生电话{PHONE}，身份证{ID}"
    case = people["resident"].file(description=said, address="甲秀巷77号")
    carry(people, case["id"], "start", holder="sanitation")
    accepted(people, 1, description="路灯不亮", category="street_light")
    for who, expected in (("dispatcher", 2), ("handler", 1)):
        text = people[who].get("/cases/file?format=csv").data.decode("utf-8")
        heads, *lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
        assert len(lines) == expected and "内容（已脱敏）" in heads
        mine = next(line for line in lines if line[0] == case["number"])
        assert mine[6].startswith("'=HYPERLINK") and mine[5] == f"\t{case['area_code']}" and "镇环卫所" in mine
        assert not [word for word in (PHONE, ID, "甲秀巷", "113.00", case["id"]) if word in text]
    narrowed = people["dispatcher"].get("/cases/file?format=xlsx&category=street_light&text=路灯&colour=green")
    sheet = load_workbook(io.BytesIO(narrowed.data)).active
    assert sheet is not None and [row[6].value for row in sheet.iter_rows(min_row=2)] == ["路灯不亮"]
    for who in ("inspector", "village_officer", "committee", "resident"):
        assert people[who].get("/cases/file").status_code == 404
    both = Caller(uuid.uuid4(), uuid.uuid4(), "", "", (Grant("handler", TOWN, "sanitation"), Grant("inspector", TOWN)))
    with app.app_context():
        # What an inspector sees on the screen is not for a file.
        assert [row[0] for row in exporting.exported(both, {}, clock.now())] == ["案件编号", case["number"]]
        kept = [row.action for row in rows(select(LedgerEntry.action)) if row.action == "export_cases"]
    assert len(kept) == 3


def test_no_character_of_one_case_keeps_a_list_from_being_a_workbook(people: People) -> None:
    for said in ("路灯不亮", "井盖\u000b丢失\u0016\ufffe\u0085", "𠮷" * 5_000 + "\x1b[2J" + "长" * 4_900):
        people["resident"].file(description=said)
    answer = people["dispatcher"].get("/cases/file?format=xlsx")
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    told = [row[6].value for row in sheet.iter_rows(min_row=2)]
    assert told == ["𠮷" * 5_000 + "[2J" + "长" * 4_900, "井盖丢失", "路灯不亮"]


def test_a_list_too_long_for_a_file_is_refused_and_pages_make_no_difference(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        people["resident"].file()
    whole = people["dispatcher"].get("/cases/file?format=csv").data
    monkeypatch.setattr(exporting, "_PAGE", 2)
    assert people["dispatcher"].get("/cases/file?format=csv").data == whole and whole.count(b"\r\n") == 6
    monkeypatch.setattr(exporting, "MOST", 4)
    for form in ("csv", "xlsx"):
        answer = people["dispatcher"].get(f"/cases/file?format={form}")
        assert (answer.status_code, answer.json["code"]) == (422, "too_many_rows")


def printed(person: Person, case: str) -> tuple[str, Any]:
    """The text of a case file, which is one page, and the page."""
    answer = person.get(f"/cases/{case}/file")
    assert (answer.status_code, answer.content_type, answer.data[:5]) == (200, "application/pdf", b"%PDF-")
    document = pypdfium2.PdfDocument(answer.data)
    assert len(document) == 1
    page = document[0]
    return "".join(page.get_textpage().get_text_bounded().split()), page


def test_a_case_file_is_one_page_and_shows_what_its_reader_sees(app: Flask, people: People) -> None:
    said = f"𠮷野家旁䶮字招牌，电话{PHONE}，#set text(red) *x* $y$"
    case = people["resident"].file(description=said, address="甲秀巷77号")
    carry(people, case["id"], "close", holder="sanitation")
    people["dispatcher"].act(case["id"], "note", note="内部商议", internal=True)
    desk, page = printed(people["dispatcher"], case["id"])
    officer, _ = printed(people["village_officer"], case["id"])
    for words in (
        case["number"],
        "已结案",
        "镇环卫所",
        "敦根社区",
        "𠮷",
        "䶮",
        "处置反馈",
        "已清运",
        "#settext(red)*x*$y$",
    ):
        assert words in desk, (words, desk)
    assert PHONE in desk and "甲秀巷" in desk and PHONE not in officer and "甲秀巷" not in officer
    name = people["resident"].get("/me").json["name"]
    for text in (desk, officer, printed(people["resident"], case["id"])[0]):
        assert name not in text and "居民" not in text and "内部商议" not in text
    grey = page.render(scale=0.5).to_pil().convert("L")
    assert 0.003 < sum(shade < 128 for shade in grey.tobytes()) / (grey.width * grey.height) < 0.3  # something is on it
    with app.app_context():
        acted = [row.action for row in rows(select(LedgerEntry.action)) if row.action == "print_case"]
    assert len(acted) == 2  # that its reporter printed it would tell who that is
    assert people["party_member"].get(f"/cases/{case['id']}/file").status_code == 404


def test_a_case_file_says_whose_eyes_its_text_is_for_and_reads_forwards(people: People, app: Flask) -> None:
    turned = "\u202e甲乙丙\u2067丁"
    case = people["resident"].file(description=f"先{turned}")["id"]
    assert people["resident"].get(f"/cases/{case}").json["description"] == "先甲乙丙丁"
    assert people["dispatcher"].act(case, "accept").status_code == 200
    with app.app_context(), unit_of_work() as session:  # kept before such signs were left out
        session.execute(update(Case).values(description=f"先{turned}"))
    desk, officer = (printed(people[who], case)[0] for who in ("dispatcher", "village_officer"))
    assert "先甲乙丙丁" in desk and "内容为原文" in desk and "保密举报" not in desk
    assert "内容已作隐去处理" in officer and "内容为原文" not in officer
    clear(people)
    sealed = people["resident"].file(reporting="protected")["id"]
    assert "保密举报" in printed(people["dispatcher"], sealed)[0]


def test_whatever_is_in_a_case_its_file_is_one_page(people: People) -> None:
    from tests.evidence import photos

    sent = [
        people["resident"]
        .client.post(
            "/api/v1/evidence",
            data={"file": (io.BytesIO(photos.jpeg()), "a.jpg")},
            headers=people["resident"].headers,
        )
        .json["id"]
        for _ in range(6)
    ]
    said = "👩‍🚒﷽\n" * 200 + "字" * 2_000
    case = people["resident"].file(description=said, address="地" * 200, evidence=sent)["id"]
    carry(people, case, "start", holder="sanitation")
    for number in range(25):
        people["dispatcher"].act(case, "note", note=f"第{number}次 " + "说" * 400)
    text, page = printed(people["dispatcher"], case)
    assert "此处省略11条记录" in text and "第24次" in text and "第3次" not in text
    assert len(list(page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE,), max_depth=5))) == 4
