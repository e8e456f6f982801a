"""How characters are read, by a table of our own: pypinyin, of which it is made, would take 57 MB of a web worker."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path


def syllables(text: str) -> list[str]:
    """The syllables of a text without tones (ü as v), one for each character; what has none stands for itself."""
    single, words = _table()
    found: list[str] = []
    while len(found) < len(text):
        rest = text[len(found) :]
        known = next((words[rest[:length]] for length in (3, 2) if rest[:length] in words), None)
        found += known or (single.get(rest[0], rest[0]),)
    return found


@cache
def _table() -> tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]]:
    # Read when the first point is written: who only reads points needs none of it.
    text = Path(__file__).with_name("pinyin.txt").read_text(encoding="utf-8")
    lines, words = text.split("\n\n", 1)
    by_syllable = [line.split(" ") for line in lines.splitlines() if not line.startswith("#")]
    return (
        {character: syllable for syllable, characters in by_syllable for character in characters},
        {word: tuple(read) for word, *read in (line.split(" ") for line in words.splitlines())},
    )
