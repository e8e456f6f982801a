"""Protected reports: what was said, and where it was, stands sealed; only the reporter and the cleared have it opened.

The row of such a case tells its town and village, its category and its times. It is in no search, on no map and in no
figure: it has no text, no place and no tokens to be found by.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, literal_column

from backend.cases.case_row import CaseRow
from backend.cases.reporter.redaction import redacted
from backend.cases.tables import Case
from backend.http.envelope import envelope
from backend.http.problems import Problem
from backend.territory.cells import cell

PROTECTED = "protected"
TASK = "task"
"""The `reporting` of a task that the town gives out: nobody reported it, whether or not a report lies behind it."""
_SAID = (
    "description",
    "redacted",
    "address",
    "lon",
    "lat",
    "cell",
    "original_lon",
    "original_lat",
    "original_crs",
    "coarse_lon",
    "coarse_lat",
    "area_code",
)
_NOWHERE = tuple(name for name in _SAID if name not in ("description", "area_code"))

counted: ColumnElement[bool] = Case.reporting.not_in([literal_column(f"'{kind}'") for kind in (PROTECTED, TASK)])
"""Whether a case counts in a figure: a protected report never does, nor do tasks, which may come of one."""


class NoPhotosYet(Problem):
    """A protected report with photos, which would stand beside it unsealed. Nothing of it was kept."""

    status, code = 422, "protected_without_photos"
    zh = "保密举报暂不能附照片，您的内容没有保存；请去掉照片再提交，需要时受理人会与您联系。"
    en = "A protected report takes no photos for now, so nothing was kept; leave them out and send again."


def sealed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a case with all that was said in it sealed, how it was reported, and nothing of it beside."""
    said = orjson.dumps({name: row[name] for name in _SAID} | {"was": row["reporting"]})
    kept = {"sealed": envelope().seal(said, _context(row["id"])), "description": "", "area_code": row["village_code"]}
    return {**row, **dict.fromkeys(_NOWHERE), **kept, "reporting": PROTECTED}


def opened(case: CaseRow) -> CaseRow:
    """The case with what was sealed in it; any other case as it is. For who sees it only. Raises CannotOpen."""
    if case.sealed is None:
        return case
    said = _open(case.id, case.sealed)
    return case.changed(**{name: said[name] for name in _SAID if name in said and name in CaseRow._fields})


def unsealed(case_id: uuid.UUID, kept: bytes) -> dict[str, Any]:
    """The columns of a case that is protected no more. Raises CannotOpen."""
    said = _open(case_id, kept)
    columns = {name: said.get(name) for name in _SAID}
    if "redacted" not in said:  # sealed before these were kept along
        columns["redacted"] = redacted(said["description"])
        columns["cell"] = None if said["lon"] is None else cell(said["lon"], said["lat"])
    # Who reported under protection did so without a name: that is as near to it as a case can be.
    was = said.get("was", PROTECTED)
    return columns | {"sealed": None, "reporting": "anonymous" if was == PROTECTED else was}


def reworded(case_id: uuid.UUID, kept: bytes, word: Callable[[str], str]) -> bytes:
    """What was sealed of a case, sealed again with its text and address as `word` puts them. Raises CannotOpen."""
    said = _open(case_id, kept)
    words = {name: word(said[name]) for name in ("description", "redacted", "address") if said.get(name)}
    return envelope().seal(orjson.dumps(said | words), _context(case_id))


def _open(case_id: uuid.UUID, kept: bytes) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(envelope().open(kept, _context(case_id)))
    return said


def _context(case_id: uuid.UUID) -> str:
    return f"report {case_id}"
