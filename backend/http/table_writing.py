"""Writing tables that others open in a spreadsheet: CSV here, XLSX in a child process (`papers.py`).

A spreadsheet takes a text for a formula that begins with one of a few signs, also behind blanks, and what somebody
wrote into a report would then be carried out on the desk that opens it. Such a text gets an apostrophe before it.

CSV begins with a byte order mark: without it Excel takes UTF-8 for the system's own encoding, and Chinese becomes
nonsense; other programs skip it. There are no types in it, so a long number (an identity number, a phone) stands behind
a tab, which shows nowhere: as a number it would lose its last digits or its plus. XLSX has texts, and needs none.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TextIO

Value = str | int | float | datetime | None
"""A cell: a text, a number, a moment, or nothing."""

BOM = "\ufeff"
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_FORMULA = re.compile(
    "'*[\\s\u00ad\u061c\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f]*[=+\\-@|%＝＋－＠｜％﹢﹣﹦﹪﹫]"
)
_LONG = re.compile("[0-9]{11,}[Xx]?|0[0-9]+")


def safe(text: str) -> str:
    """A text as a cell may hold it: without what cannot be seen, and nothing that is taken for a formula."""
    seen = _UNSEEN.sub("", text.replace("\t", " ").replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{seen}" if _FORMULA.match(seen) else seen


def as_meant(cell: str) -> str:
    """A text as it was before it was put into a cell: the sign that kept it from being taken for a formula or a number
    is gone. Spreadsheets and other programs guard their texts alike."""
    first, text = cell[:1], cell[1:]
    guarded = (first == "'" and _FORMULA.match(text)) or (first == "\t" and _LONG.fullmatch(text))
    return text if guarded else cell


def write_csv(file: TextIO, table: Iterable[Sequence[Value]]) -> None:
    """Write rows as CSV (RFC 4180) as Excel opens it; moments by their clock, to the minute."""
    file.write(BOM)
    writer = csv.writer(file)
    for row in table:
        writer.writerow([_plain(value) for value in row])


def _plain(value: Value) -> str | int | float:
    if isinstance(value, str):
        text = safe(value)
        return f"\t{text}" if _LONG.fullmatch(text) else text
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else value
