"""Reading the files of other systems: every spelling gives the same rows, and a bad row does not end the reading."""

from __future__ import annotations

import codecs
import csv
import io
import json
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from backend.http.table_files import SourceFile, UnreadableFile, encoding_of

AT = datetime.fromisoformat("2026-03-04T05:06")  # a spreadsheet knows no zones


def written(folder: Path, content: bytes, name: str = "export.csv") -> SourceFile:
    path = folder / name
    path.write_bytes(content)
    return SourceFile(path)


def values(file: SourceFile) -> list[dict[str, object]]:
    rows = list(file.rows())
    assert [row.fault for row in rows] == [None] * len(rows)
    return [dict(row.values) for row in rows]


def test_a_csv_as_saved_by_a_chinese_excel(tmp_path: Path) -> None:
    file = written(tmp_path, bytes.fromhex("b1e0bac52cd0d5c3fb0d0a303537372cd5c5c8fd"))
    assert file.columns() == ["编号", "姓名"]
    assert values(file) == [{"编号": "0577", "姓名": "张三"}]


def test_gbk_bytes_that_look_like_utf8_are_not_taken_for_it(tmp_path: Path) -> None:
    assert values(written(tmp_path, "编号,名称\r\n1,联通\r\n".encode("gbk"))) == [{"编号": "1", "名称": "联通"}]
    assert encoding_of(written(tmp_path, bytes.fromhex("c1aacda8")).path) == "gb18030"


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [
        *(("utf-8", ","), ("utf-8-sig", ","), ("gb18030", ";"), ("utf-16", "\t"), ("utf-8", "|"), ("utf-8", "\t")),
        *(("utf-16-le", "\t"), ("utf-16-be", ","), ("utf-32", ",")),
    ],
)
def test_every_encoding_and_delimiter_gives_the_same_row(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "编号,名称,村\r\n0577,站点甲，乙,𡌴村\r\n".replace(",", delimiter)
    assert values(written(tmp_path, text.encode(encoding))) == [{"编号": "0577", "名称": "站点甲，乙", "村": "𡌴村"}]


@pytest.mark.parametrize("start", [codecs.BOM_UTF8, "\ufeff".encode("gb18030"), b"sep=,\r\n", b'\xef\xbb\xbf"sep=,"\n'])
def test_what_programs_write_before_the_first_heading_is_no_part_of_it(tmp_path: Path, start: bytes) -> None:
    encoding = "gb18030" if start[:1] == b"\x84" else "utf-8"
    file = written(tmp_path, start + '"编号",名称 \r\n0577,站点甲\r\n'.encode(encoding))
    assert file.columns() == ["编号", "名称"] and values(file) == [{"编号": "0577", "名称": "站点甲"}]
    assert [row.line for row in file.rows()] == [3 if b"sep" in start else 2]


def test_a_first_line_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="names of the columns"):
        written(tmp_path, b'"id"x,text\n1,a\n').columns()


def test_what_kept_a_text_from_being_taken_for_a_formula_is_no_part_of_it(tmp_path: Path) -> None:
    file = written(tmp_path, "一,二,三\n'=1+1,\t440605198001011234,'引语'\n".encode())
    assert values(file) == [{"一": "=1+1", "二": "440605198001011234", "三": "'引语'"}]


def test_line_breaks_quotes_and_separators_stay_in_their_cell(tmp_path: Path) -> None:
    text = '编号,描述\r\n1,"门口""A栋"",二楼\r\n漏水；="\r\n2,好\r\n'
    file = written(tmp_path, text.encode())
    assert values(file) == [{"编号": "1", "描述": '门口"A栋",二楼\n漏水；='}, {"编号": "2", "描述": "好"}]
    assert [row.line for row in file.rows()] == [2, 4]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\x00'\t"), min_size=1), st.text("a,;\t\"'\n村")
        ),
        max_size=5,
    )
)
def test_what_a_csv_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, str]]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("one", "other"), *records])
    file = written(tmp_path_factory.mktemp("csv"), text.getvalue().encode())
    assert values(file) == [{"one": one, "other": other} for one, other in records]


def test_a_quotation_mark_out_of_place_costs_its_own_lines_only(tmp_path: Path) -> None:
    rows = list(written(tmp_path, b'id,text\n1,"a"b\n2,"open\n3,x"y\n4,fine\n').rows())
    assert [(row.line, row.fault is None) for row in rows] == [(2, False), (3, False), (5, True)]
    assert "up to line 4" in str(rows[1].fault)


def test_more_cells_than_columns_are_a_fault_and_fewer_are_empty(tmp_path: Path) -> None:
    long, short = written(tmp_path, b"id,text\n1,a,b\n\n2\n").rows()
    assert (long.line, long.fault) == (2, "3 cells under 2 column names")
    assert (short.line, short.values) == (4, {"id": "2", "text": ""})


def test_a_few_broken_bytes_break_their_row_and_not_the_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8", "gb18030"):
        content = "编号,文\n" + "1,村民反映路灯不亮\n" * 50
        file = written(tmp_path, content.encode(encoding) + b"2,\xff\n" + "3,好\n".encode(encoding))
        assert encoding_of(file.path) == encoding
        assert [row.values["文"] for row in file.rows()][-2:] == ["\udcff", "好"]


def test_a_file_cut_off_within_a_character_has_its_last_row_broken(tmp_path: Path) -> None:
    file = written(tmp_path, "编号,文\n1,好\n2,坏".encode("utf-16")[:-1])
    assert [row.values["文"] for row in file.rows()] == ["好", "\udc4f"]  # the first half of 坏


def test_a_file_in_no_known_encoding_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="save it as UTF-8"):
        written(tmp_path, bytes(range(128, 256)) * 4).columns()


def test_json_lines_are_read_whatever_their_values(tmp_path: Path) -> None:
    lines = [{"id": 7, "lon": 113.5, "text": "一\r\n二", "open": True, "more": None}, {"id": "8", "tags": ["甲"]}]
    file = written(tmp_path, "\n\n".join(json.dumps(line) for line in lines).encode("utf-8-sig"), "export.jsonl")
    assert file.columns() == ["id", "lon", "text", "open", "more", "tags"]
    assert values(file) == [
        {"id": "7", "lon": "113.5", "text": "一\n二", "open": "true", "more": ""},
        {"id": "8", "tags": '["甲"]'},
    ]
    assert [row.line for row in file.rows()] == [1, 3]


def test_a_line_that_is_no_json_object_is_a_fault(tmp_path: Path) -> None:
    rows = list(written(tmp_path, b'{"id": 1}\n{"id": \n[1]\n{"id": 4}\n', "export.jsonl").rows())
    assert [(row.line, row.fault is None) for row in rows] == [(1, True), (2, False), (3, False), (4, True)]


def test_a_workbook_gives_texts_and_local_times(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编号", "描述", "时间", "日期", "数"])
    sheet.append(["0577", "路灯\n不亮", AT, date(2026, 3, 4), 12.0])
    sheet.append([None, None])
    sheet.append([8, "=", None, None, -12.5])
    other = book.create_sheet("其他")
    other.append(["id"])
    other.append(["x"])
    book.save(tmp_path / "export.xlsx")
    file = SourceFile(tmp_path / "export.xlsx")
    assert file.columns() == ["编号", "描述", "时间", "日期", "数"]
    first, second = file.rows()
    assert list(first.values.values()) == ["0577", "路灯\n不亮", AT, AT.replace(hour=0, minute=0), "12"]
    assert (second.line, list(second.values.values())) == (4, ["8", "=", "", "", "-12.5"])
    assert values(SourceFile(tmp_path / "export.xlsx", sheet="其他")) == [{"id": "x"}]
    with pytest.raises(UnreadableFile, match="no sheet 没有"):
        SourceFile(tmp_path / "export.xlsx", sheet="没有").columns()


@pytest.mark.parametrize("name", ["export.xlsx", "export.xls", "export.pdf"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFile):
        written(tmp_path, b"PK\x03\x04 nothing of the kind", name).columns()


@settings(max_examples=40)
@given(
    st.sampled_from(["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml", "xl/styles.xml"]), st.data()
)
def test_a_workbook_damaged_anywhere_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, part: str, data: st.DataObject
) -> None:
    book, whole, damaged = Workbook(), io.BytesIO(), io.BytesIO()
    assert book.active is not None
    book.active.append(["编号", 7, AT])
    book.save(whole)
    with ZipFile(whole) as packed, ZipFile(damaged, "w") as again:
        for name in packed.namelist():
            content = bytearray(packed.read(name))
            if name == part:
                at = data.draw(st.integers(0, len(content) - 1))
                content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=3))
            again.writestr(name, bytes(content))
    file = written(tmp_path_factory.mktemp("xlsx"), damaged.getvalue(), "export.xlsx")
    with suppress(UnreadableFile):
        list(file.rows())
