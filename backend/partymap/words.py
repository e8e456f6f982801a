"""The words that a service point is found by: its kind, its services, its elements of the governance model, and every
end of its name.

The name 敦根社区党群服务点 is found by 党群 because its end from there on, 党群服务点, begins so: each end is a row,
and whatever begins with what is asked for is one range of an index. The same holds for its pinyin, syllable by syllable
(dunGenShequ…), and for the initials of these (dgsqdqfwd). Worked out when a point is written, never when it is read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.http.work import add
from backend.partymap.pinyin import syllables
from backend.partymap.tables import LONGEST_WORD, ServicePoint, Word

LAST = "\U0010ffff"
"""Comes after every character of a word."""


def kind_word(kind: str) -> str:
    """The word of a kind; no folded text has its first sign."""
    return f"@{kind}"


def service_word(service: str) -> str:
    """The word of a service."""
    return f"#{service}"


def folded(text: str) -> str:
    """A text as names are compared: without case, width, blanks and punctuation, cut to the length of a word."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())[:LONGEST_WORD]


def element_word(element: str) -> str:
    """The word of an element of the governance model."""
    return f"${element}"


def words_of(name: str, kind: str, services: Iterable[str], elements: Iterable[str]) -> set[str]:
    """All words of a point."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
    read = syllables(plain)
    initials = [syllable[0] for syllable in read]
    return {
        kind_word(kind),
        *map(service_word, services),
        *map(element_word, elements),
        *_ends(plain),
        *_ends(initials),
        *_ends(read),
    }


def write_words(session: Session, point: ServicePoint, new: bool) -> None:
    """Have the words of a point written at the end of the unit of work, instead of those it had."""
    if not new:
        session.execute(delete(Word).where(Word.point_id == point.id), execution_options={"synchronize_session": False})
    for row in word_rows({name: getattr(point, name) for name in _TOLD}):
        add(session, Word, row)


_SAID = ("name", "kind", "services", "elements")
_TOLD = (*_SAID, "id", "area_code", "active")


def word_rows(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a point's words, from its own row."""
    told = {"point_id": point["id"], "active": point["active"], "area_code": point["area_code"]}
    return [{**told, "word": word} for word in words_of(*(point[name] for name in _SAID))]


def _ends(parts: Sequence[str]) -> Iterator[str]:
    for start in range(len(parts)):
        yield "".join(parts[start:])[:LONGEST_WORD]
