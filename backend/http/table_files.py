"""Reading the exports of other systems: CSV, JSON Lines and XLSX, as the programs of this world write them.

Whatever the format, a row is the texts of its columns by name and the line it stands on. A row that cannot be read says
why and does not end the reading.
"""

import codecs
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import Any

from backend.http.table_writing import BOM, as_meant

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    ("\ufeff".encode("gb18030"), "gb18030"),
)
_BROKEN = re.compile("[\udc00-\udcff]")
_DELIMITERS = ",\t;|"
_CHUNK = 1 << 20
_LONGEST_FIELD = 10_000_000
_LOOKED_AT = 200
# A text is not of an encoding in which more than this share of its characters beyond ASCII is broken.
_TOLERANCE = 0.02
_TELLS_DELIMITER = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)

Value = str | datetime
"""A cell: its text, or the local time a spreadsheet holds. An empty cell is an empty text."""


def _as_surrogates(error: UnicodeError) -> tuple[str, int]:
    """Broken bytes as lone surrogates, whatever the encoding: Python's own surrogateescape has none for UTF-16."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


_KEPT = "broken bytes as surrogates"
codecs.register_error(_KEPT, _as_surrogates)


class UnreadableFile(Exception):
    """A file that is not what its name says, or in no encoding known here; the words, Chinese (`zh`) and English, say
    what would help."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh


class NoWorkbook(UnreadableFile):
    """A file that is called or begins like a workbook and cannot be opened as one."""

    def __init__(self) -> None:
        super().__init__(
            "不是能打开的 XLSX 工作簿，请重新另存为 XLSX 或 CSV",
            "it is no readable XLSX workbook; save it anew as XLSX or CSV",
        )


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a file, and the line it begins on; `fault` says why it could not be read."""

    line: int
    values: Mapping[str, Value] = field(default_factory=dict)
    fault: str | None = None


@dataclass(frozen=True)
class SourceFile:
    """A file to read: `encoding` and `delimiter` are found out where they are not given, `sheet` is the first one."""

    path: Path
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None

    def columns(self) -> list[str]:
        """The names of the file's columns; of JSON Lines those of the first rows. Raises UnreadableFile."""
        if self.kind == "jsonl":
            first = islice(self.rows(), _LOOKED_AT)
            return list(dict.fromkeys(chain.from_iterable(row.values for row in first)))
        _, header = next(self._records(), (1, ()))
        return _headings(header)

    def rows(self) -> Iterator[SourceRow]:
        """The rows in their order, blank ones left out. Raises UnreadableFile."""
        if self.kind == "jsonl":
            return self._json_rows()
        return self._table_rows()

    @property
    def kind(self) -> str:
        """`csv`, `jsonl` or `xlsx`, by the file's name. Raises UnreadableFile."""
        kinds = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx"}
        kind = kinds.get(self.path.suffix.lower())
        if kind is None:
            raise UnreadableFile(
                f"{self.path.name} 不是这些类型之一：{'、'.join(kinds)}；请另存为其中一种",
                f"{self.path.name} is none of {', '.join(kinds)}; save it as one of these",
            )
        return kind

    def _table_rows(self) -> Iterator[SourceRow]:
        records = self._records()
        _, header = next(records, (1, ()))
        names = _headings(header)
        for line, record in records:
            if isinstance(record, SourceRow):
                yield record
            elif any(record):
                yield _row(line, names, record)

    def _records(self) -> Iterator[tuple[int, Any]]:
        return self._sheet_records() if self.kind == "xlsx" else self._csv_records()

    def _csv_records(self) -> Iterator[tuple[int, Sequence[str] | SourceRow]]:
        csv.field_size_limit(_LONGEST_FIELD)
        encoding = self.encoding or encoding_of(self.path)
        with self.path.open(encoding=encoding, errors=_KEPT, newline="") as text:
            delimiter, begins, before = _beginning(text.read(_CHUNK >> 4))
            text.seek(0)
            text.read(begins)
            reader = csv.reader(text, delimiter=self.delimiter or delimiter, strict=True)
            while True:
                line = before + reader.line_num + 1
                try:
                    record = next(reader, None)
                except csv.Error as error:
                    # A quotation mark out of place takes other lines with it.
                    last = before + reader.line_num
                    until = f" up to line {last}" if last > line else ""
                    yield line, SourceRow(line, fault=f"cannot be read{until}: {error}")
                    continue
                if record is None:
                    return
                yield line, record

    def _sheet_records(self) -> Iterator[tuple[int, Sequence[Value]]]:
        try:
            yield from self._sheet_lines()
        except UnreadableFile:
            raise
        except Exception as error:  # a damaged workbook fails wherever it is damaged: in its ZIP, its XML, its numbers
            raise NoWorkbook from error

    def _sheet_lines(self) -> Iterator[tuple[int, Sequence[Value]]]:
        # Here and not above: web workers know this module, and 20 MB are too much for what they never read.
        from openpyxl import load_workbook

        with closing(load_workbook(self.path, read_only=True, data_only=True)) as book:
            if self.sheet is not None and self.sheet not in book.sheetnames:
                names = book.sheetnames
                raise UnreadableFile(
                    f"{self.path.name} 里没有工作表 {self.sheet}，只有 {'、'.join(names)}",
                    f"no sheet {self.sheet} in {self.path.name}, only {', '.join(names)}",
                )
            sheet = book[self.sheet] if self.sheet is not None else book.worksheets[0]
            sheet.reset_dimensions()  # what other programs write there is often wrong
            for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                yield line, _trimmed([_cell(cell) for cell in cells])

    def _json_rows(self) -> Iterator[SourceRow]:
        encoding = self.encoding or encoding_of(self.path)
        with self.path.open(encoding=encoding, errors=_KEPT) as text:
            for line, document in enumerate(text, start=1):
                if document.strip():
                    yield _json_row(line, document.removeprefix(BOM))


def encoding_of(path: Path) -> str:
    """UTF-16, UTF-8 with a mark or without, or else GB18030, which holds GBK and GB2312.

    A text with few broken characters is still of its encoding: taken for GB18030, UTF-8 turns into nonsense without an
    error. Raises UnreadableFile.
    """
    with path.open("rb") as file:
        start = file.read(_CHUNK)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            return encoding
    for encoding in (*_unmarked(start), "utf-8", "gb18030"):
        if _share_broken(path, encoding) <= _TOLERANCE:
            return encoding
    raise UnreadableFile(
        "文件编码不是 UTF-8、GB18030 或带标记的 UTF-16；请另存为 UTF-8",
        "it is neither UTF-8 nor GB18030 nor UTF-16 with a mark; save it as UTF-8",
    )


def _share_broken(path: Path, encoding: str) -> float:
    decoder = codecs.getincrementaldecoder(encoding)(_KEPT)
    broken = beyond_ascii = 0
    with path.open("rb") as file:
        for chunk in chain(iter(lambda: file.read(_CHUNK), b""), [b""]):
            text = decoder.decode(chunk, final=not chunk)
            if not text.isascii():
                broken += len(_BROKEN.findall(text))
                beyond_ascii += sum(not character.isascii() for character in text)
    return broken / beyond_ascii if beyond_ascii else 0.0


def _unmarked(start: bytes) -> list[str]:
    """UTF-16 without its mark, known by the signs of ASCII in it: one byte of each is zero, and none in other texts."""
    zeros = start[::2].count(0), start[1::2].count(0)
    if max(zeros) <= len(start) // 2 * _TOLERANCE:
        return []
    return ["utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"]


def _beginning(start: str) -> tuple[str, int, int]:
    """What the records of a CSV are divided by, at which character the first of them begins, and how many lines stand
    before it: Excel writes a line `sep=;` for itself."""
    mark = len(start) - len(start.removeprefix(BOM))
    told = _TELLS_DELIMITER.match(start, mark)
    return (told[1], told.end(), 1) if told else (_delimiter_of(start[mark:]), mark, 0)


def _headings(header: Any) -> list[str]:
    if isinstance(header, SourceRow):
        raise UnreadableFile(
            "第一行（列名）无法读取，请检查引号后重新另存",
            f"its first line, the names of the columns, {header.fault}; check its quotation marks",
        )
    return [str(name).replace(BOM, "").strip() for name in header]


def _delimiter_of(start: str) -> str:
    """What the first record is best divided by; a comma where nothing divides it."""

    def fields(delimiter: str) -> int:
        return len(next(csv.reader(start.splitlines(keepends=True), delimiter=delimiter), ()))

    return max(_DELIMITERS, key=fields)


def _row(line: int, names: Sequence[str], record: Sequence[Value]) -> SourceRow:
    if len(record) > len(names):
        return SourceRow(line, fault=f"{len(record)} cells under {len(names)} column names")
    cells = chain(record, [""] * (len(names) - len(record)))
    return SourceRow(line, {name: _meant(cell) for name, cell in zip(names, cells, strict=True) if name})


def _json_row(line: int, document: str) -> SourceRow:
    try:
        values = json.loads(document)
    except (ValueError, RecursionError) as error:
        return SourceRow(line, fault=f"is not JSON: {error}")
    if not isinstance(values, dict):
        return SourceRow(line, fault="is not a JSON object")
    cells = ((name, _cell(value)) for name, value in values.items())
    return SourceRow(line, {name: _clean(cell) if isinstance(cell, str) else cell for name, cell in cells})


def _cell(value: Any) -> Value:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a spreadsheet has no whole numbers
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _meant(cell: Value) -> Value:
    return as_meant(_clean(cell)) if isinstance(cell, str) else cell


def _trimmed(cells: list[Value]) -> list[Value]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _clean(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n")
