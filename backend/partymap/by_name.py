"""Points by what somebody types of their name: characters from its middle, pinyin, or pinyin initials."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, select, tuple_
from sqlalchemy.orm import aliased

from backend.partymap.points import LOOKS, Keep, has_word
from backend.partymap.tables import WORD, ServicePoint, Word
from backend.partymap.words import LAST, folded
from backend.territory.codes import AREA_CODE

Key = tuple[str, str, uuid.UUID]
"""Where a page ends: word, area and id."""


@cache
def _statement(*conditions: str) -> Select[Any]:
    """Points whose name has the text, what fits most nearly first, each by the first of its ends that fits. Index:
    ix_service_point_words_word."""
    earlier = aliased(Word)

    found = (
        select(*ServicePoint.__table__.c, Word.word)
        .join(ServicePoint, ServicePoint.id == Word.point_id)
        .where(
            Word.active == bindparam("active"),
            Word.word >= bindparam("text", type_=WORD),
            Word.word < bindparam("text_end", type_=WORD),
            ~exists().where(
                earlier.point_id == Word.point_id,
                earlier.word >= bindparam("text", type_=WORD),
                earlier.word < Word.word,
            ),
        )
        .order_by(Word.word, Word.area_code, Word.point_id)
        .limit(bindparam("most"))
    )
    if "area" in conditions:
        found = found.where(Word.area_code >= bindparam("area"), Word.area_code < bindparam("area_end"))
    if "after" in conditions:
        after = (bindparam("after_word", type_=WORD), bindparam("after_area", type_=AREA_CODE))
        last = bindparam("after_id", type_=Word.point_id.type)
        found = found.where(tuple_(Word.word, Word.area_code, Word.point_id) > tuple_(*after, last))
    return found.where(*(has_word(name) for name in ("service", "element", "kind") if name in conditions))


def find_by_name(
    find: Callable[..., Sequence[Row[Any]]],
    text: str,
    conditions: Mapping[str, Mapping[str, Any]],
    after: Key | None,
    most: int,
    *,
    keep: Keep | None = None,
    active: bool = True,
) -> tuple[list[Row[Any]], Key | None]:
    """Up to `most` points whose name has a text, after a key; and where to look on when as many as a request looks at
    were not enough. `conditions` are area, service, element and kind with their values, as for a list."""
    plain = folded(text)
    if not plain:
        return [], None
    values: dict[str, Any] = {"active": active, "most": most, "text": plain, "text_end": plain + LAST}
    for bound in conditions.values():
        values |= bound
    names, kept, looked = set(conditions), list[Row[Any]](), 0
    while True:
        if after:
            names.add("after")
            values |= dict(zip(("after_word", "after_area", "after_id"), after, strict=True))
        rows = find(_statement(*sorted(names)), **values)
        looked += len(rows)
        kept += rows if keep is None else filter(keep, rows)
        if len(kept) >= most or len(rows) < most:
            return kept[:most], None
        after = key_of(rows[-1])
        if looked >= LOOKS:
            return kept, after


def key_of(row: Row[Any]) -> Key:
    """Where a page ends that has this row last."""
    return row.word, row.area_code, row.id


def word_in_cursor(part: object) -> str:
    """The word of a cursor's part. ValueError for what no database keeps as one."""
    if not isinstance(part, str) or "\0" in part:
        raise ValueError(part)
    return part
