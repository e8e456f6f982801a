"""Marking in a text where the words of a search stand, so that people see why it was found.

Words are compared folded, and marked in the text as it is shown to the reader: what redaction took out is not there to
be marked. A mark begins and ends between characters as people see them: 𠮷, é or a family of emoji is never cut.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from backend.cases.search.folding import NOTHING, compared, fold, plain

BEFORE, AFTER = 12, 48
"""Characters shown before and after a word's first place."""
WORDS_SHOWN = 3
"""Words of a search of which a place is shown."""
BEGINNING = 30
"""Characters in which people say what it is about."""
_MOST_COUNTED = 3

Span = tuple[int, int]


@dataclass(frozen=True)
class Marked:
    """Parts of a text, each with whether it is a hit, and how much the text is about the words."""

    parts: tuple[tuple[str, bool], ...]
    weight: int


def mark(text: str, query: str) -> Marked:
    """The places of a query's words in a text as it is shown, with what stands around the first place of each."""
    words, asked = _asked(query)
    folded, at = _folded(text)
    places = {
        word: [_whole(text, at[begin], at[end - 1] + 1) for begin, end in _places(folded, word)] for word in words
    }
    hits = _merged([span for spans in places.values() for span in spans])
    around = [_around(text, spans[0]) for spans in list(places.values())[:WORDS_SHOWN] if spans]
    windows = _merged(around) or [_around(text, (0, 0))]
    return Marked(tuple(_parts(text, windows, hits)), _weight(places, folded, asked))


@lru_cache(maxsize=64)  # a page is marked for one query
def _asked(query: str) -> tuple[tuple[str, ...], str]:
    """The words of a query, each once, and all of it folded."""
    folded = fold(query)
    return tuple(dict.fromkeys(folded.split())), folded


def _weight(places: dict[str, list[Span]], folded: str, asked: str) -> int:
    counted = sum(min(len(spans), _MOST_COUNTED) for spans in places.values())
    early = any(spans and spans[0][0] < BEGINNING for spans in places.values())
    as_asked = len(places) > 1 and (asked in folded or "".join(places) in folded)
    return counted + 2 * early + 2 * as_asked


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """The text folded, blanks kept as they are, and for each character of it its place in the text."""
    folded = plain(text).casefold()
    composed = unicodedata.is_normalized("NFC", text) and unicodedata.is_normalized("NFC", folded)
    if composed and len(folded) == len(text) and NOTHING not in folded:
        return folded, range(len(text))
    pieces, at = [], []
    begin = 0
    for end in range(1, len(text) + 1):
        if _between(text, end):
            piece = compared(text[begin:end])
            pieces.append(piece)
            at += [begin] * len(piece)
            begin = end
    return "".join(pieces), at


def _places(folded: str, word: str) -> Iterator[Span]:
    begin = folded.find(word)
    while begin >= 0:
        yield begin, begin + len(word)
        begin = folded.find(word, begin + len(word))


def _whole(text: str, begin: int, end: int) -> Span:
    """The span widened to whole characters as people see them."""
    while not _between(text, begin):
        begin -= 1
    while not _between(text, end):
        end += 1
    return begin, end


def _between(text: str, at: int) -> bool:
    """Whether a place lies between two characters as people see them (Unicode Standard Annex 29, in its main rules)."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if "\u4e00" <= after <= "\u9fff":
        return before != "\u200d"
    if after < "\u0300":
        return (before, after) != ("\r", "\n") and before != "\u200d"
    shown = plain(after)  # what voices a half-width kana is one of its own as written, and a mark as compared
    if before == "\u200d" or shown == NOTHING or unicodedata.category(shown)[0] == "M":
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return False  # the colour of a skin, or a tag of a flag
    if "\U0001f1e6" <= after <= "\U0001f1ff":
        first = at
        while first > 0 and "\U0001f1e6" <= text[first - 1] <= "\U0001f1ff":
            first -= 1
        return (at - first) % 2 == 0  # two letters make a flag
    # A syllable in its parts.
    return not ("\u1160" <= after <= "\u11ff" and ("\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"))


def _around(text: str, span: Span) -> Span:
    return _whole(text, max(0, span[0] - BEFORE), min(len(text), span[1] + AFTER)) if text else (0, 0)


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _parts(text: str, windows: Sequence[Span], hits: Sequence[Span]) -> Iterator[tuple[str, bool]]:
    for number, (begin, end) in enumerate(windows):
        if begin > 0:
            yield "…", False
        at = begin
        for first, last in hits:
            if first >= end or last <= begin:
                continue
            if first > at:
                yield text[at:first], False
            yield text[max(first, at) : min(last, end)], True
            at = min(last, end)
        if at < end:
            yield text[at:end], False
        if number == len(windows) - 1 and end < len(text):
            yield "…", False
