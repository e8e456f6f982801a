"""The child process that makes spreadsheets and printed pages. It imports nothing of the product.

Run as a program (`python -I papers_child.py xlsx FILE`, `… pdf FILE FOLDER`) that reads its standard
input; see papers.py.
"""

import json
import sys
from datetime import datetime
from importlib.resources import files
from typing import Any

WIDEST = 60
"""Characters' width that a column has at most."""


def make_workbook(target: str) -> None:
    """Write the rows that come in as JSON, one a line after the title, as they come in."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    lines = map(json.loads, sys.stdin.buffer)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(next(lines))
    headings: list[str] = next(lines)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(headings))}1"

    def text(value: str, heading: bool = False) -> Any:
        cell = WriteOnlyCell(sheet, value)
        cell.data_type = "s"  # whatever it looks like
        if heading:
            cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDE7F0")
        return cell

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return datetime.fromisoformat(value["at"])
        return text(value) if isinstance(value, str) else value

    first = next(lines, None)  # widths stand before the rows, so they go by the headings and the first row
    for number, heading in enumerate(headings, start=1):
        width = max(_width(heading) + 4, _width(first[number - 1]) + 2 if first else 0)
        sheet.column_dimensions[get_column_letter(number)].width = min(width, WIDEST)
    sheet.append([text(heading, heading=True) for heading in headings])
    for row in () if first is None else (first,):
        sheet.append([kept(value) for value in row])
    for row in lines:
        sheet.append([kept(value) for value in row])
    book.save(target)


def _width(value: Any) -> int:
    if isinstance(value, dict):
        return 17
    return sum(2 if character > "\u2e7f" else 1 for character in str(value or ""))


def make_page(target: str, folder: str) -> None:
    """Set the page of a folder with what comes in as its input."""
    import typst

    typst.compile(
        f"{folder}/page.typ",
        output=target,
        root=folder,
        font_paths=[str(files("manimgx_fonts_cjk"))],
        ignore_system_fonts=True,  # so that it looks the same on every machine
        sys_inputs={"told": sys.stdin.read()},
    )


if __name__ == "__main__":
    if sys.argv[1] == "xlsx":
        make_workbook(sys.argv[2])
    else:
        make_page(sys.argv[2], sys.argv[3])
