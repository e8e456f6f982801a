"""Words of the trade, from which a category is suggested before a town has cases of its own to learn from.

`lexicon.json` has the words of each category, and those that make a matter urgent whatever it is about.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.cases.search.wording import Span, Wording

SURE_FROM = 0.5
"""The share of a text's words from which on their category is suggested: one word alone, or twice as many as others."""
_EACH = 60
"""So many characters are set against the words of a category like one character of a word: who writes long letters
mentions much that they are not about."""


@dataclass(frozen=True)
class Lexicon:
    """Which category each word stands for, and the words found in one go, the longest at each place."""

    category_of: Mapping[str, str]
    urgent: re.Pattern[str]
    pattern: re.Pattern[str]

    @property
    def words(self) -> Mapping[str, Sequence[str]]:
        """The words of each category."""
        found = defaultdict(list)
        for word, category in self.category_of.items():
            found[category].append(word)
        return found


@cache
def lexicon() -> Lexicon:
    """The words of the file."""
    told = json.loads(Path(__file__).with_name("lexicon.json").read_text(encoding="utf-8"))
    category_of = {word: category for category, words in told["categories"].items() for word in words}
    return Lexicon(category_of, _any_of(told["urgent"]), _any_of(category_of))


def _any_of(words: Sequence[str] | Mapping[str, str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(
        "|".join(rf"\b{re.escape(word)}" if word.isascii() else re.escape(word) for word in longest_first)
    )


def shares(wording: Wording) -> tuple[dict[str, float], dict[str, list[Span]]]:
    """What share of a text's words stands for each category, below 1 in all, and where these words stand."""
    words, found = lexicon(), defaultdict[str, dict[str, Span]](dict)
    for match in words.pattern.finditer(wording.text):
        found[words.category_of[match[0]]].setdefault(match[0], match.span())  # said twice it is no surer
    weights = {category: sum(map(_weight, said)) for category, said in found.items()}
    whole = sum(weights.values()) + 1 + len(wording.text) / _EACH
    spans = {category: list(said.values()) for category, said in found.items()}
    return {category: weight / whole for category, weight in weights.items()}, spans


def _weight(word: str) -> float:
    return 2.0 if word.isascii() else float(min(len(word), 4))


def urgent_words(wording: Wording) -> list[Span]:
    """Where the words stand that make a matter urgent."""
    return [match.span() for match in lexicon().urgent.finditer(wording.text)]
