"""A table that somebody sends to be imported: kept in a file while it is read; what is wrong with it, line by line."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from backend.http.table_files import NoWorkbook, SourceFile, UnreadableFile

MOST_BYTES = 30_000_000
"""Bytes that a workbook may unfold to."""
_SCIENTIFIC = re.compile(r"\d+(\.\d+)?[eE]\+?\d+")


class Fault(Exception):
    """What keeps a row out: the column, a stable name, and the words for it."""

    def __init__(self, column: str, error: str, zh: str, en: str) -> None:
        super().__init__(error)
        self.column, self.error, self.zh, self.en = column, error, zh, en

    def told(self, line: int, lang: str) -> dict[str, Any]:
        """The fault as it is answered, in Chinese (`zh`) or English."""
        message = self.zh if lang == "zh" else self.en
        return {"line": line, "column": self.column, "error": self.error, "message": message}


@dataclass(frozen=True)
class LineFault:
    """A fault of a line, counted from 1 with the headings."""

    line: int
    fault: Fault

    def told(self, lang: str) -> dict[str, Any]:
        """The fault as it is answered, in Chinese (`zh`) or English."""
        return self.fault.told(self.line, lang)


@contextmanager
def sent_table(name: str, content: bytes) -> Iterator[SourceFile]:
    """A table as it was sent, to be read. What it is called does not matter: a workbook begins like every ZIP file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.{'xlsx' if content.startswith(b'PK') else 'csv'}"
        path.write_bytes(content)
        yield SourceFile(path)


def check_size(file: SourceFile) -> None:
    """Refuse a workbook that unfolds to more than is ever read. Raises UnreadableFile."""
    if file.kind != "xlsx":
        return
    try:
        with ZipFile(file.path) as parts:
            unfolded = sum(part.file_size for part in parts.infolist())
    except BadZipFile as error:
        raise NoWorkbook from error
    if unfolded > MOST_BYTES:
        most = f"{MOST_BYTES // 1_000_000} MB"
        raise UnreadableFile(f"解压后超过 {most}，请分成几份导入", f"it unfolds to more than {most}; split it")


def require_whole(column: str, text: str) -> None:
    """Refuse numbers that a spreadsheet has spoilt: 4.40605E+17, or one of which only the first 15 digits are left."""
    if _SCIENTIFIC.fullmatch(text) or (text.isdecimal() and len(text) > 15):
        raise Fault(
            column,
            "number_mangled",
            f"“{text}”已被表格软件改坏，请把这一列设为文本格式后重新填写。",
            f"“{text}” was spoilt by a spreadsheet; format the column as text and enter it again.",
        )
