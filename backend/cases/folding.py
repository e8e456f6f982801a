"""Texts as they are compared in a search: without case, width, and look-alikes, and cut into tokens of two characters.

Chinese has no blanks between words, so every pair of neighbours is a token: whatever word is asked for, its pairs are
found by an index, and a single character by the tokens that begin with it. Tokens are written as code points, because
the word splitters of both databases drop or split ①, ℃, C++ and emoji.
"""

import unicodedata
from itertools import chain, zip_longest

LONGEST = 5_000
"""Characters of a folded text that can be found."""


def _look_alikes() -> dict[int, str]:
    wide = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    # Kangxi radicals, and the CJK compatibility ideographs of both planes: what a PDF gives for 人 or 更.
    blocks = (range(0x2E80, 0x2FE0), range(0xF900, 0xFB00), range(0x2F800, 0x2FA20))
    same = {code: unicodedata.normalize("NFKC", chr(code)) for block in blocks for code in block}
    return wide | {code: text for code, text in same.items() if len(text) == 1 and text != chr(code)}


_LOOK_ALIKES = _look_alikes()


def fold(text: str) -> str:
    """The text as it is compared: case folded, full-width ASCII and look-alikes of Chinese characters replaced,
    composed (NFC), each run of white space one blank, none at the ends. ①, ℃ and their like stay themselves."""
    composed = unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES)
    return " ".join(unicodedata.normalize("NFC", composed.casefold()).split())


def searchable(text: str) -> str:
    """The part of a text that can be found, folded."""
    return fold(text)[:LONGEST]


def tokens(folded: str) -> set[str]:
    """The pairs of neighbours in a folded text, as code points, and the last character of each word with nobody after
    it: `8defx706f` and `706fx` for 路灯. So every character begins a token, and none spans a blank."""
    pairs: set[tuple[str, str]] = set()
    for word in folded.split():
        pairs.update(zip_longest(word, word[1:], fillvalue=""))
    codes = {character: f"{ord(character):x}" if character else "" for character in {*chain.from_iterable(pairs)}}
    return {f"{codes[first]}x{codes[second]}" for first, second in pairs}


def asked_tokens(words: list[str]) -> set[str]:
    """The tokens that a text must have to hold all these folded words: the pairs of each; of a word of one character
    the beginning of its tokens, with `*` behind it."""
    pairs = {token for word in words for token in tokens(word) if not token.endswith("x")}
    return pairs | {f"{ord(word):x}x*" for word in words if len(word) == 1}
