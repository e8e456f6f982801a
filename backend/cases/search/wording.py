"""A text as it is looked through for words, with the place of each of its characters in the text as it was written.

Plain as a search compares it (traditional characters as simplified, full-width ASCII as plain), in small letters, and
without the blanks and invisible characters that people and programs put between Chinese ones: 着 火 is 着火.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from backend.cases.search.folding import plain

Span = tuple[int, int]


class Wording(NamedTuple):
    """A text as it is looked through, and of each of its characters the place in the text as written."""

    text: str
    at: Sequence[int]

    def written(self, span: Span) -> Span:
        """Where a span of it stands in the text as written."""
        return self.at[span[0]], self.at[span[1] - 1] + 1


def wording_of(written: str) -> Wording:
    """A text as it is looked through."""
    kept = list(_kept(plain(written)))
    return Wording("".join(character for character, _ in kept), [at for _, at in kept])


def _kept(text: str) -> Iterator[tuple[str, int]]:
    """Each character that counts, with its place. A blank counts between letters or digits only, as one."""
    before, waiting = "", -1
    for at, character in enumerate(text):
        if character == "\n":
            before, waiting = "", -1
            yield "\n", at
        elif character.isspace():
            waiting = at if waiting < 0 else waiting
        elif unicodedata.category(character) not in ("Cf", "Cc", "Mn"):
            if waiting >= 0 and _in_a_word(before) and _in_a_word(character):
                yield " ", waiting
            before, waiting = character, -1
            yield character.lower() if character.isascii() else character, at


def _in_a_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def merged(spans: Sequence[Span]) -> list[Span]:
    """Spans in their order, those that touch as one."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined
