"""What a reporter is known by is in nothing that others read, whatever stands beside the name in the account."""

from __future__ import annotations

import pytest
from flask import Flask

from backend.cases.reporter import reporters
from backend.people.names import known_by
from tests.cases.test_reports import printed
from tests.test_forgetting import dump
from tests.town import PASSWORD, VILLAGE, People, carry

PHONE = "13800000001"
SAID = "村口积水。关 小 梅反映，电话1 3 8 0 0 0 0 0 0 0 1、一三八 零零零零 零零零一；小梅家旁也有"
NOTE = "已电话联系关小梅（13800000001）"
PERSONAL = ("关小梅", "小梅", PHONE, "一三八")


@pytest.fixture
def case(people: People) -> str:
    """A report with what its reporter is known by in text, address, notes and public words."""
    case = str(people["resident"].file(description=SAID, address="南街3巷5号关小梅家旁")["id"])
    assert people["dispatcher"].act(case, "accept", note=NOTE).status_code == 200
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    assert people["village_officer"].act(case, "start").status_code == 200
    assert people["village_officer"].act(case, "hand_in", note="已疏通").status_code == 200
    assert people["resident"].act(case, "note", note="还有积水，小梅").status_code == 200
    assert people["dispatcher"].act(case, "draft_public_text", public_text="感谢关小梅的反映").status_code == 200
    return case


def personal(told: str) -> list[str]:
    """What of the reporter is in a text, however it is spaced."""
    return [word for word in PERSONAL if word in "".join(told.split())]


def test_neither_list_nor_detail_nor_history_nor_file_nor_draft_has_it(
    people: People, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer, desk = people["village_officer"], people["dispatcher"]
    for path in ("/cases", f"/cases/{case}", f"/cases/{case}/timeline"):
        told = officer.get(path)
        assert told.status_code == 200 and personal(told.text) == [], path
    assert officer.get(f"/cases/{case}").json["address"] == "南街3巷5号〔略〕家旁"
    assert officer.get("/cases?text=小梅").json["items"] == [] != officer.get("/cases?text=积水").json["items"]
    assert [event["note"] for event in officer.get(f"/cases/{case}/timeline").json["items"]][
        1
    ] == "已电话联系〔略〕（〔略〕）"
    assert personal(printed(officer, case)[0]) == []
    assert personal(desk.get("/cases/file?format=csv").text) == []
    assert people["inspector"].get("/public-texts").json["items"][0]["text"] == "感谢〔略〕的反映"
    assert personal(desk.get(f"/cases/{case}").json["description"]) == list(PERSONAL)  # the desk reads it as written

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a list and a case are shown without opening who reported them")

    monkeypatch.setattr(reporters, "identity_rows", opened)
    for path in ("/cases", f"/cases/{case}", "/cases/to-do"):
        assert officer.get(path).status_code == 200, path


def test_once_forgotten_it_is_in_no_table(app: Flask, people: People, case: str) -> None:
    answer = people.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=people["resident"].headers)
    assert answer.status_code == 204
    found = {table: words for table, rows in dump(app).items() if (words := personal(rows.decode(errors="ignore")))}
    assert found == {}


def test_who_writes_names_down_does_not_read_which_one_it_was(people: People, case: str) -> None:
    officer, tried = people["village_officer"], "举报的是关小梅还是李大文"
    for action in ("note", "ask"):
        assert officer.act(case, action, note=tried).status_code == 200
        for who in ("village_officer", "inspector"):
            assert people[who].get(f"/cases/{case}/timeline").json["items"][-1]["note"] == tried, (action, who)


def test_whoever_answers_may_say_where_it_is_and_not_where_they_live(people: People, case: str) -> None:
    assert people["dispatcher"].act(case, "ask", note="哪一栋？").status_code == 200
    assert (
        people["resident"].act(case, "reply", note="在5号楼后面，我家住南街3巷5号201房，二楼的小梅").status_code == 200
    )
    told = people["village_officer"].get(f"/cases/{case}/timeline").json["items"][-1]["note"]
    assert told == "在5号楼后面，我家住南街〔略〕，二楼的〔略〕"


def test_a_corrected_place_and_a_part_of_a_case_have_it_no_more(people: People) -> None:
    case = str(people["resident"].file()["id"])
    carry(people, case, "accept")
    moved = people["dispatcher"].act(case, "correct_place", area_code=VILLAGE, address="小梅家旁", reason="核对")
    assert moved.status_code == 200 and moved.json["address"] == "〔略〕家旁"
    parts = [
        {"description": f"{word}反映的积水", "category": "litter", "department": VILLAGE} for word in ("关小梅", "居民")
    ]
    assert people["dispatcher"].act(case, "split", parts=parts).status_code == 200
    told = {one["description"] for one in people["village_officer"].get("/cases").json["items"]}
    assert told >= {"〔略〕反映的积水", "居民反映的积水"} and not personal(str(told))


@pytest.mark.parametrize(
    ("name", "phone", "known"),
    [
        ("居民 关小梅", "+8613987654321", {"居民 关小梅", "关小梅", "小梅", "+8613987654321", "13987654321"}),
        ("敦根网格员 岑丽华", None, {"敦根网格员 岑丽华", "岑丽华", "丽华"}),
        ("Mary  Ann", None, {"Mary Ann", "Mary", "Ann"}),
        ("李主任", None, set()),
        ("梅", None, set()),
        (None, None, set()),
    ],
)
def test_a_person_is_known_by_the_parts_of_a_name_and_no_title(
    name: str | None, phone: str | None, known: set[str]
) -> None:
    assert set(known_by(name, phone)) == known
