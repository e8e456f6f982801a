"""The child process that makes spreadsheets and printed pages. It imports nothing of the product.

Run as a program (`python -I papers_child.py xlsx FILE`, `… pdf FILE FOLDER`) that reads its standard
input; see papers.py.
"""

import json
import sys
from datetime import datetime
from importlib.resources import files
from itertools import chain
from typing import Any

MADE = datetime(2026, 1, 1)  # noqa: DTZ001  # of every file: the same rows give the same bytes
WIDEST = 60
"""Characters' width that a column has at most."""


def make_workbook(target: str) -> None:
    """Write the rows that come in as JSON, one a line after the title, as they come in."""
    import xlsxwriter

    lines = map(json.loads, sys.stdin.buffer)
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        book.set_properties({"created": MADE})
        sheet = book.add_worksheet(next(lines))
        head = book.add_format({"bold": True, "bg_color": "#DDE7F0"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        headings: list[str] = next(lines)
        first = next(lines, None)  # widths stand before the rows, so they go by the headings and the first row
        for column, heading in enumerate(headings):
            width = max(_width(heading) + 4, _width(first[column]) + 2 if first else 0)
            sheet.set_column(column, column, min(width, WIDEST))
            sheet.write_string(0, column, heading, head)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, 0, len(headings) - 1)
        for number, row in enumerate(chain(() if first is None else (first,), lines), start=1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, column, value)  # whatever it looks like
                elif isinstance(value, dict):
                    sheet.write_datetime(number, column, datetime.fromisoformat(value["at"]), moment)
                elif value is not None:
                    sheet.write_number(number, column, value)


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
