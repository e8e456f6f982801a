"""The marks by which a text is told from others: the runs of a few Chinese characters in it. Shared with who suggests.

Only Chinese characters: no number, plate or address of anybody becomes a mark.
"""

import re
from collections.abc import Sequence

_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")


def grams(text: str, lengths: Sequence[int]) -> set[str]:
    """The runs of so many characters in a text, each once."""
    return {
        run[at : at + length]
        for run in _CHINESE.findall(text)
        for length in lengths
        for at in range(len(run) - length + 1)
    }
