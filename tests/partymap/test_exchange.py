"""Service points in files: what goes out comes back in and changes nothing; what is wrong is told by line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from backend.http.reading import rows
from backend.http.table_writing import write_csv
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.partymap.commands import partymap
from backend.partymap.exchange.columns import BY_NAME
from backend.partymap.exchange.reading import read_points
from backend.partymap.hours_as_text import hours_text, read_hours_text
from backend.partymap.tables import ServicePoint, Word
from tests.partymap.conftest import FIRST, SECOND, TOWN, MapTown, point_row

GCJ = (116.4036956, 39.9105905)
WGS = (116.397452, 39.909187)
RICH = {
    "weekly": {
        "workdays": [{"opens": "08:30", "closes": "12:00"}, {"opens": "14:00", "closes": "17:30"}],
        "fri": [{"opens": "16:00", "closes": "01:00"}],
        "sun": [],
    },
    "exceptions": [
        {"date": "2027-03-01", "until": "2027-03-05", "hours": [], "note": "装修"},
        {"holiday": "spring_festival", "hours": []},
        {"holiday": "new_years_eve", "hours": [{"opens": "08:30", "closes": "12:00"}], "note": None},
    ],
}
STRANGE = [
    point_row(
        name="=HYPERLINK(1)", phone="07571234567", address="示范路1号\t东", opening_hours=RICH, star=5, elements=["5.2"]
    ),
    point_row(name="'+1", in_charge="-值班党员", facilities=["饮水、咖啡", "@"], services=["library", "children"]),
    point_row(name="停用点", active=False, area_code=SECOND, capacity=30, phone="0757-1"),
    point_row(name="北京点", lon=WGS[0], lat=WGS[1], accessible=True),
]


def export(town: MapTown, who: dict[str, str], form: str, crs: str = "wgs84") -> bytes:
    answered = (
        town.get("/file", format=form, crs=crs)
        if not who
        else town.client.get("/api/v1/partymap/points/file", query_string={"format": form, "crs": crs}, headers=who)
    )
    assert answered.status_code == 200, answered.json
    content: bytes = answered.data
    return content


def bring(town: MapTown, who: dict[str, str], content: bytes | str, **query: Any) -> TestResponse:
    content = content.encode() if isinstance(content, str) else content
    form = {"file": (io.BytesIO(content), "points")}
    return town.client.post("/api/v1/partymap/points/import", query_string=query, data=form, headers=who)


def kept(town: MapTown) -> list[Any]:
    with town.app.app_context():
        told = select(*ServicePoint.__table__.c).order_by(ServicePoint.id)
        return [tuple(row) for row in rows(told)] + [tuple(row) for row in rows(select(LedgerEntry.thing_version))]


def test_what_was_exported_changes_nothing_in_any_format_and_any_system(town: MapTown) -> None:
    town.keep(*STRANGE)
    desk, before = town.sign_in("dispatcher"), kept(town)
    for form, crs in (
        ("csv", "gcj02"),
        ("xlsx", "bd09"),
        ("geojson", "cgcs2000"),
        ("csv", "wgs84"),
        ("geojson", "bd09"),
    ):
        answered = bring(town, desk, export(town, desk, form, crs))
        assert answered.status_code == 200, answered.json
        assert (answered.json["new"], answered.json["changed"], answered.json["unchanged"]) == (0, 0, 4), answered.json
    assert kept(town) == before


@pytest.mark.parametrize(("form", "crs"), [("csv", "gcj02"), ("xlsx", "wgs84"), ("geojson", "bd09")])
def test_an_export_makes_the_same_points_in_an_empty_town_and_again_nothing(town: MapTown, form: str, crs: str) -> None:
    # The one in Beijing names its area, as all exported rows do.
    town.keep(*STRANGE)
    desk = town.sign_in("dispatcher")
    file, before = (
        export(town, desk, form, crs),
        {item["id"]: item for item in (*town.items(), *town.items(active=False))},
    )
    with town.app.app_context(), unit_of_work() as session:
        for table in (Word, ServicePoint):
            session.execute(delete(table))
    first, second = bring(town, desk, file), bring(town, desk, file)
    assert (first.status_code, first.json["new"]) == (200, 4), first.json
    assert (second.json["new"], second.json["changed"], second.json["unchanged"]) == (0, 0, 4)
    after = {item["id"]: item for item in (*town.items(), *town.items(active=False))}
    told = (
        "name",
        "kind",
        "area_code",
        "phone",
        "in_charge",
        "services",
        "facilities",
        "elements",
        "star",
        "capacity",
        "accessible",
    )
    assert {i: [p[n] for n in told] for i, p in after.items()} == {i: [p[n] for n in told] for i, p in before.items()}
    for identity, point in after.items():
        for axis in ("lon", "lat"):
            assert point["location"][axis] == pytest.approx(before[identity]["location"][axis], abs=1e-6)
        assert point["weekly_open_minutes"] == before[identity]["weekly_open_minutes"]


def test_a_changed_cell_changes_that_field_and_no_other(town: MapTown) -> None:
    (first, *_) = town.keep(*STRANGE)
    desk = town.sign_in("dispatcher")
    table = list(csv.reader(io.StringIO(export(town, desk, "csv").decode("utf-8-sig"))))
    place = next(number for number, row in enumerate(table) if row[0] == first)
    table[place][table[0].index("星级")] = "3"
    table[place][table[0].index("电话")] = ""
    text = io.StringIO()
    csv.writer(text).writerows(table)
    answered = bring(town, desk, text.getvalue()).json
    assert [(one["id"], one["fields"]) for one in answered["lines"] if one["what"] == "changed"] == [
        (first, ["phone", "star"])
    ]
    point = town.get(f"/{first}").json
    assert (point["star"], point["phone"], point["version"], point["opening_hours"]) == (3, None, 2, RICH)
    assert point["name"] == "=HYPERLINK(1)"


def test_an_export_runs_nothing_in_a_spreadsheet_and_gives_a_place_as_it_was_given(town: MapTown) -> None:
    desk = town.sign_in("dispatcher")
    town.enter(desk, name="=1+1", location={"lon": GCJ[0], "lat": GCJ[1], "crs": "gcj02"}, area_code=FIRST)
    (row,) = csv.DictReader(io.StringIO(export(town, desk, "csv", "gcj02").decode("utf-8-sig")))
    assert row["名称"] == "'=1+1"
    assert (float(row["经度"]), float(row["纬度"]), row["坐标系"]) == (*GCJ, "gcj02")
    cells = load_workbook(io.BytesIO(export(town, desk, "xlsx")), read_only=True).worksheets[0]
    assert [cell.data_type for cell in list(cells.iter_rows())[1]][1] == "s"
    (feature,) = orjson.loads(export(town, desk, "geojson"))["features"]
    assert feature["geometry"]["coordinates"] == pytest.approx(WGS, abs=1e-6)


def test_a_file_as_a_village_keeps_it_makes_points_once(town: MapTown) -> None:
    officer = town.sign_in("village_officer", FIRST)
    sheet = (
        "服务点名称,类型,经度,纬度,地址,服务,开放时间,无障碍,备注\n"
        "甲点,党群服务点,113.005,22.865,示范路1号,图书阅览；儿童服务,周一至周五 8:30-12:00；春节 休息,是,x\n"
        "乙点,point,113.006,22.866,示范路2号,library,工作日 9:00-17:00,否,\n"
    )
    first = bring(town, officer, sheet.encode("gb18030"), crs="wgs84").json
    assert (first["new"], first["columns_not_read"], first["written"]) == (2, ["备注"], True), first
    again = bring(town, officer, sheet, crs="wgs84").json
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 2), again
    point = next(item for item in town.items() if item["name"] == "甲点")
    assert (point["area_code"], point["services"], point["accessible"]) == (
        f"{FIRST}001",
        ["library", "children"],
        True,
    )
    assert point["weekly_open_minutes"] == 5 * 210
    assert point["opening_hours"]["exceptions"] == [{"holiday": "spring_festival", "hours": []}]
    assert town.items(text="jd")[0]["name"] == "甲点"


def test_what_is_wrong_is_told_by_line_and_nothing_or_only_the_good_is_kept(town: MapTown) -> None:
    officer = town.sign_in("village_officer", FIRST)
    (theirs,) = town.keep(point_row(name="别村点", area_code=f"{SECOND}001"))
    head = "编号,名称,类别,经度,纬度,坐标系,地址,星级,开放时间,区域代码"
    lines = {
        "no_crs": ",一,point,113.005,22.865,,路,3,周一 9:00-12:00,",
        "bad_crs": ",二,point,113.005,22.865,beijing54,路,3,周一 9:00-12:00,",
        "swapped": ",三,point,22.865,113.005,wgs84,路,3,周一 9:00-12:00,",
        "other": ",四,point,113.015,22.865,wgs84,路,3,周一 9:00-12:00,",
        "theirs": f"{theirs},别村点,point,113.015,22.865,wgs84,路,3,周一 9:00-12:00,",
        "star": ",五,point,113.005,22.865,wgs84,路,9,周一 9:00-12:00,",
        "hours": ",六,point,113.005,22.865,wgs84,路,3,周一 9:00-12:00 11:00-13:00,",
        "never": ",七,point,113.005,22.865,wgs84,路,3,周一 休息,",
        "unread": ",八,point,113.005,22.865,wgs84,路,3,有空就开,",
        "area": ",九,point,113.005,22.865,wgs84,路,3,周一 9:00-12:00,4.40605E+14",
        "id": "17,十,point,113.005,22.865,wgs84,路,3,周一 9:00-12:00,",
        "good": ",好,point,113.005,22.865,wgs84,路,3,周一 9:00-12:00,",
        "twice": ",好,point,113.005,22.865,wgs84,路,3,周一 9:00-12:00,",
        "none": ",,point,113.005,22.865,wgs84,路,3,周一 9:00-12:00,",
    }
    sheet, before = "\n".join([head, *lines.values()]), kept(town)
    refused = bring(town, officer, sheet)
    assert (refused.status_code, refused.json["code"]) == (422, "points_refused")
    assert kept(town) == before
    told = {(list(lines)[fault["line"] - 2], fault["column"], fault["error"]) for fault in refused.json["faults"]}
    assert told == {
        ("no_crs", "crs", "crs_missing"),
        ("bad_crs", "crs", "bad_crs"),
        ("swapped", "location", "invalid"),
        ("other", "area_code", "outside_your_area"),
        ("theirs", "area_code", "outside_your_area"),
        ("star", "star", "invalid"),
        ("hours", "opening_hours", "invalid"),
        ("never", "opening_hours", "invalid"),
        ("unread", "opening_hours", "unreadable_hours"),
        ("area", "area_code", "number_mangled"),
        ("id", "id", "bad_id"),
        ("twice", "line", "repeated"),
        ("none", "name", "invalid"),
    }
    hours = next(fault for fault in refused.json["faults"] if fault["line"] == list(lines).index("hours") + 2)
    assert hours["message"] == "weekly.mon[1] 与 weekly.mon[0] 的时间重叠"
    assert bring(town, officer, sheet, dry_run=True).json["written"] is False
    assert kept(town) == before
    good = bring(town, officer, sheet, good_only=True).json
    assert (good["new"], len(good["faults"])) == (1, 13)
    assert [item["name"] for item in town.items(area=FIRST)] == ["好"]


def test_the_commands_write_a_file_and_take_it_back(town: MapTown, tmp_path: Path) -> None:
    town.keep(*STRANGE)
    file, runner = tmp_path / "points.csv", town.app.test_cli_runner()
    assert runner.invoke(partymap, ["export", TOWN, str(file), "--crs", "gcj02"]).exit_code == 0
    again = runner.invoke(partymap, ["import", TOWN, str(file)])
    assert (again.exit_code, again.output) == (0, "0 new, 0 changed, 4 unchanged; all of it written\n")
    file.write_text(file.read_text(encoding="utf-8").replace(",gcj02,", ",beijing54,"), encoding="utf-8")
    wrong = runner.invoke(partymap, ["import", TOWN, str(file)])
    assert (wrong.exit_code, "points.csv:2: crs: " in wrong.output) == (1, True)
    for command in (["export", "440605999", str(file)], ["export", TOWN, str(tmp_path / "points.pdf")]):
        assert runner.invoke(partymap, command).exit_code == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable_points"),
        (b"{", "unreadable_points"),
        (b"[]", "unreadable_points"),
        (b"PK\x03\x04", "unreadable_points"),
        (b"\x00\xff\xfe", "unreadable_points"),
        (b'{"type":"FeatureCollection","features":{}}', "unreadable_points"),
        (
            b'{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:3857"}},"features":[]}',
            "unreadable_points",
        ),
        (b'{"features":[{"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2]]}}]}', "points_refused"),
        (
            b'{"features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"crs":{}}}]}',
            "points_refused",
        ),
        (
            b'{"features":[{"type":"Feature","id":"x","properties":{"area_code":{},"opening_hours":7,"name":[]}}]}',
            "points_refused",
        ),
        (b'{"features":[7, null]}', "points_refused"),
        (
            b'{"coordinates_in":"gcj02","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[113.005,22.865]},"properties":{"name":"x"}}]}',
            "points_refused",
        ),
    ],
)
def test_no_file_whatever_is_met_with_anything_but_a_problem(quiet: MapTown, content: bytes, code: str) -> None:
    answered = bring(quiet, quiet.sign_in("dispatcher"), content, crs="wgs84")
    assert (answered.status_code, answered.json["code"]) == (422, code), answered.json
    assert answered.json["detail"]


texts = st.text(max_size=12)


@settings(max_examples=40)
@given(cells=st.fixed_dictionaries(dict.fromkeys(("name", "address", "phone", "in_charge"), texts)))
def test_any_text_in_a_csv_of_ours_is_read_as_the_same_text(cells: dict[str, str]) -> None:
    held = {name: value for name, value in cells.items() if max(value, default="a") < "\ud800" or value.isprintable()}
    file = io.StringIO()
    write_csv(file, [[BY_NAME[name].headings[0] for name in ("name", *held)], ["x", *held.values()]])
    (row,) = read_points(file.getvalue().encode("utf-8", "ignore")).rows
    assert all(row.same(name, held) for name in held if name != "name")


clocks = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")
spans = st.lists(st.fixed_dictionaries({"opens": clocks, "closes": clocks}), max_size=2)
exceptions = st.one_of(
    st.fixed_dictionaries(
        {"date": st.dates().map(str), "hours": spans}, optional={"note": texts, "until": st.dates().map(str)}
    ),
    st.fixed_dictionaries(
        {"holiday": st.sampled_from(["spring_festival", "lantern", "public_holidays"]), "hours": spans}
    ),
)


@given(
    weekly=st.dictionaries(st.sampled_from(["mon", "sun", "workdays", "restdays"]), spans),
    others=st.lists(exceptions, max_size=3),
)
def test_hours_in_a_cell_are_read_as_the_same_hours(weekly: dict[str, Any], others: list[dict[str, Any]]) -> None:
    written = {"weekly": weekly, **({"exceptions": others} if others else {})}
    assert read_hours_text(hours_text(written)) == written


def test_hours_in_a_cell_are_words() -> None:
    assert hours_text(RICH) == (
        "工作日 08:30-12:00 14:00-17:30；周五 16:00-01:00；周日 休息；2027-03-01~2027-03-05 休息（装修）；春节 休息；"
        "除夕 08:30-12:00"
    )
    said = "Mon-Wed: 8:30–12:00, 14:00-17:30\n周六、周日 休息\n国庆节 9:00-12:00（只办急事）"
    morning, whole = [{"opens": "09:00", "closes": "12:00"}], [("08:30", "12:00"), ("14:00", "17:30")]
    day = [{"opens": opens, "closes": closes} for opens, closes in whole]
    assert read_hours_text(said) == {
        "weekly": {"mon": day, "tue": day, "wed": day, "sat": [], "sun": []},
        "exceptions": [{"holiday": "national_day", "hours": morning, "note": "只办急事"}],
    }
