"""A table that somebody opens in a spreadsheet carries nothing out, and shows what was written."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from itertools import cycle, islice, product
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from backend.http.papers import PaperFailed, write_xlsx
from backend.http.table_writing import BOM, Value, as_meant, write_csv

# As other products define it, and the full-width signs that Excel takes for the plain ones.
TRIGGER = re.compile("\\A[\ufeff\x00-\x1f\x7f\\s]*[=+\\-@|%＝＋－＠]")
SIGNS = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
BEFORE = ("", " ", "\t", "\r", "\n", "\ufeff", "\x00", "\u3000", "\xa0\x07", "\ufeff\t ")
AFTER = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x","点")', "SUM(A1:A9)*2", '村口,"垃圾"\n堆放')
COLUMNS = 5


def payloads() -> list[str]:
    """200 texts that a spreadsheet might carry out."""
    return [
        before + sign + after for (before, sign), after in islice(zip(product(BEFORE, SIGNS), cycle(AFTER)), 100)
    ] + [before + sign + after for (sign, before), after in zip(product(SIGNS, BEFORE), cycle(AFTER[1:] + AFTER[:1]))]


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline="")))


def as_csv(rows: list[list[Value]]) -> str:
    file = io.StringIO(newline="")
    write_csv(file, rows)
    return file.getvalue()


def test_no_cell_is_taken_for_a_formula(tmp_path: Path) -> None:
    texts = payloads()
    assert len(texts) == 200 and all(TRIGGER.match(text) for text in texts)
    rows: list[list[Value]] = [[f"列{number}" for number in range(COLUMNS)]]
    rows += [[text if column == at % COLUMNS else "平" for column in range(COLUMNS)] for at, text in enumerate(texts)]
    rows += [[text] * COLUMNS for text in texts]
    write_xlsx(tmp_path / "a.xlsx", "案件", rows)
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None and sheet.title == "案件" and sheet.max_row == len(rows)
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s"}
    written = [str(cell.value) for cell in cells] + [cell for row in read_csv(as_csv(rows)) for cell in row]
    assert len(written) == 2 * len(rows) * COLUMNS
    assert [cell for cell in written if TRIGGER.match(cell)] == []
    assert sum("calc" in cell for cell in written) == 2 * (COLUMNS + 1) * sum("calc" in text for text in texts)


@pytest.mark.parametrize(
    "text", ["\u00ad=1+1", "\u061c@SUM(1)", "\u180e+1", "\ufe0f=1", "\u2062-1", "﹦1+1", "﹢1", "﹣1", "﹪1", "﹫x"]
)
def test_nor_behind_what_shows_nothing_or_by_a_small_sign(text: str) -> None:
    assert read_csv(as_csv([[text]])) == [[f"'{text}"]] and as_meant(f"'{text}") == text


@pytest.mark.parametrize(
    "number", ["440605198001011234", "44060519800101123X", "13800000001", "440605121012003", "007"]
)
def test_a_long_number_stays_a_text(tmp_path: Path, number: str) -> None:
    write_xlsx(tmp_path / "a.xlsx", "案件", [["号码"], [number]])
    cell = load_workbook(tmp_path / "a.xlsx").active["A2"]  # type: ignore[index]
    assert (cell.value, cell.data_type) == (number, "s")
    assert as_csv([["号码"], [number]]).splitlines()[1] == f"\t{number}"


def test_a_phone_with_its_plus_can_be_read_and_case_numbers_are_as_they_are() -> None:
    written = read_csv(as_csv([["+8613800000001", "20261128-048213507", "#N/A"]]))
    assert written == [["'+8613800000001", "20261128-048213507", "#N/A"]]


def test_numbers_moments_and_nothing_keep_what_they_are(tmp_path: Path) -> None:
    at = datetime(2026, 10, 5, 8, 30)  # noqa: DTZ001  # a spreadsheet knows no zones
    rows: list[list[Value]] = [["a", "b", "c", "d", "e"], [3, -0.25, at, None, "#N/A"]]
    write_xlsx(tmp_path / "a.xlsx", "x", rows)
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert [(cell.value, cell.data_type) for cell in sheet[2]][:3] == [(3, "n"), (-0.25, "n"), (at, "d")]
    assert (sheet["D2"].value, sheet["E2"].value, sheet["E2"].data_type) == (None, "#N/A", "s")
    assert as_csv(rows).splitlines() == [f"{BOM}a,b,c,d,e", "3,-0.25,2026-10-05 08:30,,#N/A"]


def test_a_workbook_does_not_tell_when_it_was_made(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", "x", [["a"], ["b"]])
    with ZipFile(tmp_path / "a.xlsx") as packed:
        assert {entry.date_time[0] for entry in packed.infolist()} == {1980}
        assert set(re.findall(r"20\d\d-\d\d-\d\dT[^<]*", packed.read("docProps/core.xml").decode())) == {
            "2026-01-01T00:00:00Z"
        }


def test_excel_is_told_that_it_is_utf_8_and_rare_characters_pass(tmp_path: Path) -> None:
    text = "𠮷野家，䶮\x00先生\ud800，👩‍🚒"
    assert as_csv([[text]]).encode()[:3] == b"\xef\xbb\xbf"
    write_xlsx(tmp_path / "a.xlsx", "x", [["说明"], [text]])
    told = load_workbook(tmp_path / "a.xlsx").active["A2"].value  # type: ignore[index]
    assert told == read_csv(as_csv([[text]]))[0][0] == "𠮷野家，䶮先生，👩‍🚒"


def test_a_child_that_fails_is_told_as_a_problem_and_rows_that_fail_as_themselves(tmp_path: Path) -> None:
    with pytest.raises(PaperFailed):
        write_xlsx(tmp_path / "no such folder" / "a.xlsx", "x", ([str(number)] for number in range(9_000)))

    def rows() -> list[list[Value]]:
        raise LookupError

    with pytest.raises(LookupError):
        write_xlsx(tmp_path / "a.xlsx", "x", (row for row in rows()))
    write_xlsx(tmp_path / "a.xlsx", "x", [["a"]])  # the next one is made


@given(st.text("'=+-@％＝ 0123456789a路\n"))
def test_what_is_written_is_read_as_it_was_meant(text: str) -> None:
    [[cell]] = read_csv(as_csv([[text]]))
    assert as_meant(cell) == text
