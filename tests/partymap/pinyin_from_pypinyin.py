"""`python -m tests.partymap.pinyin_from_pypinyin`: make backend/partymap/pinyin.txt from pypinyin's dictionaries.

Of each character the reading that it has by itself, and of words of two and three characters those that are read
otherwise than their characters by themselves (长者). Without tones, ü as v.
"""

from __future__ import annotations

from pathlib import Path

import pypinyin
from pypinyin import Style, lazy_pinyin
from pypinyin.phrases_dict import phrases_dict
from pypinyin.pinyin_dict import pinyin_dict
from pypinyin.style import convert

FILE = Path(__file__).parent.parent.parent / "backend" / "partymap" / "pinyin.txt"
HEAD = f"""# Made by tests/partymap/pinyin_from_pypinyin.py: syllables with their characters, and below words that are
# read otherwise. From the dictionaries of pypinyin {pypinyin.__version__}, https://github.com/mozillazg/python-pinyin,
# Copyright (c) 2016 mozillazg and contributors, MIT License.
"""
LONGEST = 3
"""Characters of a word that is kept: longer ones are sayings."""


def characters() -> dict[str, str]:
    """The syllable of each character."""
    known = (chr(point) for point in pinyin_dict if 0x4E00 <= point <= 0x9FFF or point == 0x3007)
    return {character: lazy_pinyin(character)[0] for character in sorted(known)}


def words(single: dict[str, str]) -> dict[str, list[str]]:
    """The syllables of the words that are read otherwise than their characters by themselves."""
    found = {}
    for word, readings in sorted(phrases_dict.items()):
        syllables = [convert(reading[0], Style.NORMAL, True) for reading in readings]
        fits = len(word) <= LONGEST and len(syllables) == len(word) and set(word) <= single.keys()
        if fits and syllables != [single[character] for character in word]:
            found[word] = syllables
    return found


def content() -> str:
    """The file as it has to be."""
    single = characters()
    by_syllable: dict[str, str] = {}
    for character, syllable in single.items():
        by_syllable[syllable] = by_syllable.get(syllable, "") + character
    lines = [f"{syllable} {all_}" for syllable, all_ in sorted(by_syllable.items())]
    others = [f"{word} {' '.join(syllables)}" for word, syllables in words(single).items()]
    return HEAD + "\n".join(lines) + "\n\n" + "\n".join(others) + "\n"


if __name__ == "__main__":
    FILE.write_text(content(), encoding="utf-8")
