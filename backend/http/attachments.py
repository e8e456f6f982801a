"""Answering with a file that was made for this one request: written to the disk, sent from there, gone afterwards."""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from flask import Response, send_file

from backend.http.papers import write_xlsx
from backend.http.table_writing import Value, write_csv

TABLES: Any = {"type": "string", "format": "binary", "description": "CSV in UTF-8 with a mark, or an XLSX workbook"}
PAGE: Any = {"type": "string", "format": "binary", "description": "a page of A4"}
Format = Literal["csv", "xlsx"]
_TYPES = {
    "csv": "text/csv",  # the character set is added to what is text
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "geojson": "application/geo+json",
}


def table_file(form: Format, name: str, table: Iterable[Sequence[Value]]) -> Response:
    """A table, headings first, as a file to keep under a name (that of its sheet, too). Raises what `write_xlsx` does,
    and whatever reading the rows raises; nothing is answered then."""

    def write(path: Path) -> None:
        if form == "xlsx":
            write_xlsx(path, name[:31], table)
            return
        with path.open("w", encoding="utf-8", newline="") as file:
            write_csv(file, table)

    return attachment(form, name, write)


def attachment(kind: str, name: str, write: Callable[[Path], None]) -> Response:
    """A file that `write` makes, as one to keep under a name: a shared cache may not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file.{kind}"
        write(path)
        file = path.open("rb")  # it can be read to its end when its name is gone
    response = send_file(file, _TYPES[kind], max_age=0)
    response.content_length = os.fstat(file.fileno()).st_size
    plain = "-".join(re.findall("[A-Za-z0-9-]+", name))  # for whoever cannot read the other one
    whole = f"UTF-8''{quote(f'{name}.{kind}', safe='')}"
    response.headers["Content-Disposition"] = f"attachment; filename={plain or 'file'}.{kind}; filename*={whole}"
    response.headers["Cache-Control"] = "private, no-store"
    return response
