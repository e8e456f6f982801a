"""Danger to life in what somebody writes: whom to call before anything else.

Told from words alone (`danger.json`), without a model and without the database, so that nothing can keep it back. It is
meant to miss nothing and may well show where nobody is in danger; a negation (没有着火) does not silence it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from backend.cases.search.wording import Span, Wording, merged

NUMBERS: Mapping[str, tuple[str, str]] = {
    "110": ("报警", "police"),
    "119": ("火警与救援", "fire and rescue"),
    "120": ("急救", "ambulance"),
}
_GAP = "[^，。！？；、,.!?;\n]{0,6}?"
"""What … stands for in `danger.json`: up to six characters without a stop between."""
_SUPPOSED = re.compile(
    "(?:曾经?|以前|去年|前年|上次|一旦|万一|如果|假如|假若|要是|倘若|若是?|防止|避免|预防|以防|谨防|严防|提防|杜绝|容易|极易|易|防)"
    "(?:真|再|会|要|是|有|因|而|遇|被|人|发生|引起|引发|诱发|造成|导致|出现|产生){0,3}"
)
_LONGEST_SUPPOSITION = 10


@dataclass(frozen=True)
class Kind:
    """A kind of danger: whom to call, what to do until they come, and the words that tell of it.

    `supposed`: whether words that only suppose it (一旦起火) count, too. Somebody who says what they will do to
    themselves or others says it so.
    """

    code: str
    zh: str
    en: str
    call: tuple[str, ...]
    do_zh: str
    do_en: str
    words: re.Pattern[str]
    unless: re.Pattern[str]
    supposed: bool


@dataclass(frozen=True)
class Danger:
    """The kinds of danger that a text tells of, the likeliest first, and the words that do, in its wording."""

    kinds: tuple[Kind, ...]
    spans: tuple[Span, ...]

    @property
    def call(self) -> tuple[str, ...]:
        """The numbers to call, in order."""
        return tuple(dict.fromkeys(number for kind in self.kinds for number in kind.call))


@cache
def kinds() -> Sequence[Kind]:
    """All kinds of danger, in the order of the file."""
    told = json.loads(Path(__file__).with_name("danger.json").read_text(encoding="utf-8"))
    return [_kind(**one) for one in told]


def _kind(
    words: Sequence[str], unless: Sequence[str], call: Sequence[str], supposed: bool = False, **names: Any
) -> Kind:
    return Kind(**names, call=tuple(call), words=_any_of(words), unless=_any_of(unless), supposed=supposed)


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(pattern.replace("…", _GAP) for pattern in patterns))


def danger_in(wording: Wording) -> Danger | None:
    """The danger to life that a text tells of; None where it tells of none."""
    found = [(kind, spans) for kind in kinds() if (spans := _told(kind, wording.text))]
    if not found:
        return None
    found.sort(key=lambda one: -len(one[1]))
    return Danger(tuple(kind for kind, _ in found), tuple(merged([span for _, spans in found for span in spans])))


def _told(kind: Kind, text: str) -> list[Span]:
    spans = [match.span() for match in kind.words.finditer(text)]
    if not spans:
        return spans
    meant_otherwise = [match.span() for match in kind.unless.finditer(text)]
    return [
        (begin, end)
        for begin, end in spans
        if not any(first <= begin and end <= last for first, last in meant_otherwise)
        and (kind.supposed or not _is_supposed(text, begin))
    ]


def _is_supposed(text: str, begin: int) -> bool:
    start = max(0, begin - _LONGEST_SUPPOSITION)
    return any(match.end() == begin - start for match in _SUPPOSED.finditer(text[start:begin]))
