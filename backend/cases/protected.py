"""Protected reports: what was said, and where it was, stands sealed; only the reporter and the cleared have it opened.

The row of such a case tells its town and village, its category and its times. It is in no search, on no map and in no
figure: it has no text, no place and no tokens to be found by.
"""

import uuid
from collections.abc import Callable
from typing import Any

import orjson

from backend.cases.case_row import CaseRow
from backend.http.envelope import envelope

PROTECTED = "protected"
_SAID = ("description", "address", "lon", "lat", "original_lon", "original_lat", "original_crs", "area_code")
_NOWHERE = (
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
)


def sealed(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a case with all that was said in it sealed, and nothing of it beside."""
    said = orjson.dumps({name: row[name] for name in _SAID})
    kept = {"sealed": envelope().seal(said, _context(row["id"])), "description": "", "area_code": row["village_code"]}
    return row | dict.fromkeys(_NOWHERE) | kept


def opened(case: CaseRow) -> CaseRow:
    """The case with what was sealed in it; any other case as it is. For who sees it only. Raises CannotOpen."""
    if case.sealed is None:
        return case
    return case.changed(**orjson.loads(envelope().open(case.sealed, _context(case.id))))


def reworded(case_id: uuid.UUID, kept: bytes, word: Callable[[str], str]) -> bytes:
    """What was sealed of a case, sealed again with its text and address as `word` puts them. Raises CannotOpen."""
    said: dict[str, Any] = orjson.loads(envelope().open(kept, _context(case_id)))
    words = {name: word(said[name]) for name in ("description", "address") if said[name]}
    return envelope().seal(orjson.dumps(said | words), _context(case_id))


def _context(case_id: uuid.UUID) -> str:
    return f"report {case_id}"
