"""Texts as they are compared in a search: without case, width, look-alikes and signs that show nothing, in simplified
characters, and cut into tokens of two characters.

Chinese has no blanks between words, so every pair of neighbours is a token: whatever word is asked for, its pairs are
found by an index, and a single character by the tokens that begin with it. Tokens are written as code points, because
the word splitters of both databases drop or split ①, ℃, C++ and emoji.
"""

import re
import sys
import unicodedata
from array import array
from collections.abc import Mapping
from itertools import chain, zip_longest
from pathlib import Path
from zlib import crc32

import numpy as np

LONGEST = 5_000
"""Characters of a folded text that can be found."""
NOTHING = "\u200b"
"""What `plain` has for a sign that shows nothing: pages and PDFs put soft hyphens, joiners and marks of direction into
words, and some fonts selectors of a variant behind a character."""

_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_SHOW_NOTHING = (
    *(0x00AD, 0x034F, 0x061C, 0xFEFF),
    *chain(range(0x180B, 0x1810), range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2070)),
    *chain(range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)),
)
# What a PDF may give for a whole character and NFKC does not know (Unicode's EquivalentUnifiedIdeograph.txt does).
_RADICALS = {
    0x2E80 + int(pair[:2], 16): ord(pair[2])
    for pair in re.findall(
        r"\S+",
        "0C小 12巳 1C日 1D月 20民 27牛 29王 2B目 2C示 36羊 3B聿 3D臼 41虎 44西 45见 46角 49贝 4B车 51長 53长 54门 57雨 "
        "58青 59韦 5A页 5B风 5C飞 5D食 62马 63骨 64鬼 65鱼 66鸟 67卤 68麦 69黄 6A黾 6C齐 6E齿 70龙",
    )
}


def _look_alikes() -> dict[int, int]:
    wide = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    # Kangxi radicals, and the CJK compatibility ideographs of both planes: what a PDF gives for 人 or 更.
    # And the half-width forms of katakana and Korean letters.
    blocks = (range(0x2E80, 0x2FE0), range(0xF900, 0xFB00), range(0xFF61, 0xFFEF), range(0x2F800, 0x2FA20))
    same = {code: unicodedata.normalize("NFKC", chr(code)) for block in blocks for code in block}
    alike = {code: ord(text) for code, text in same.items() if len(text) == 1 and text != chr(code)}
    return wide | _RADICALS | alike | dict.fromkeys(_SHOW_NOTHING, ord(NOTHING))


def _simplified() -> dict[int, int]:
    """Each traditional or variant character with the simplified one that stands for it here (see simplified.txt)."""
    lines = Path(__file__).with_name("simplified.txt").read_text(encoding="utf-8").splitlines()
    written, stands_for = (line for line in lines if line and not line.startswith("#"))
    return dict(zip(map(ord, written), map(ord, stands_for), strict=True))


def _tables() -> tuple[str, Mapping[int, int]]:
    """What to write for each character: a text in which each stands at its number, for the 65,536 of the first plane;
    the few beyond by themselves. As dictionaries both would take four times the memory."""
    simplified = _simplified()
    known = simplified | {code: simplified.get(plain, plain) for code, plain in _look_alikes().items()}
    codes = array("I", range(0x10000))
    for code, plain in known.items():
        if code < 0x10000:
            codes[code] = plain
    first_plane = codes.tobytes().decode(f"utf-32-{sys.byteorder[0]}e", "surrogatepass")
    return first_plane, {code: plain for code, plain in known.items() if code >= 0x10000}


_FIRST_PLANE, _BEYOND = _tables()
_CODES = f"utf-32-{sys.byteorder[0]}e"
_FIRST_CODES = np.frombuffer(_FIRST_PLANE.encode(_CODES, "surrogatepass"), np.uint32)
_SHORT = 40
"""Characters below which a text is looked up one by one."""


def version() -> str:
    """The version of the index that these tables make: another one for other tables, or another edition of Unicode."""
    written = _FIRST_PLANE.encode("utf-32-le", "surrogatepass") + repr(sorted(_BEYOND.items())).encode()
    return f"{crc32(written):08x}-{LONGEST}-{unicodedata.unidata_version}"


def plain(text: str) -> str:
    """The text with each character as it is compared, one for one: full-width ASCII, look-alikes, traditional
    characters and what shows nothing replaced."""
    if _BEYOND_BMP.search(text):
        return text.translate(_BEYOND).translate(_FIRST_PLANE)  # a text is a table, too: of characters by number
    if len(text) < _SHORT:
        return text.translate(_FIRST_PLANE)
    codes = np.frombuffer(text.encode(_CODES, "surrogatepass"), np.uint32)
    return _FIRST_CODES.take(codes).tobytes().decode(_CODES, "surrogatepass")  # a fifth of what translating takes


def compared(text: str) -> str:
    """The text as it is compared, with its white space: plain, without what shows nothing, case folded, composed (NFC).
    ①, ℃ and their like stay themselves."""
    written = plain(unicodedata.normalize("NFC", text)).replace(NOTHING, "")
    return unicodedata.normalize("NFC", written.casefold())


def fold(text: str) -> str:
    """The text as it is compared, each run of white space one blank, none at the ends."""
    return " ".join(compared(text).split())


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
