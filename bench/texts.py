"""Made-up messages, as long and as varied as people write them, and always the same ones."""

import math
import random
from collections.abc import Sequence
from itertools import accumulate

_MEDIAN, _SPREAD = 195, 1.05  # of a lognormal with a mean of 338 characters
_SHORTEST, _LONGEST = 12, 5_000
_WORDS = 20_000


def texts(count: int, seed: int = 1258) -> list[str]:
    """So many texts of 338 characters in the mean, half of them below 195, with about 400 different one- and
    two-character tokens each."""
    chance = random.Random(seed)
    words, shares = _vocabulary(chance)
    return [_text(chance, words, shares) for _ in range(count)]


def _vocabulary(chance: random.Random) -> tuple[list[str], list[float]]:
    # The first level of GB 2312 has the 3,755 characters in common use.
    common = [bytes((row, cell)).decode("gb2312", "ignore") for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    characters = [character for character in common if character]
    chance.shuffle(characters)
    shares = _falling(len(characters), 20, 1.0)
    words = [
        "".join(chance.choices(characters, cum_weights=shares, k=chance.choice((1, 2, 2, 2, 3, 4))))
        for _ in range(_WORDS)
    ]
    return words, _falling(_WORDS, 2, 1.15)


def _falling(count: int, start: int, power: float) -> list[float]:
    """Cumulative weights that fall with the rank, as the frequencies of words do."""
    return list(accumulate(1 / (rank + start) ** power for rank in range(count)))


def _text(chance: random.Random, words: Sequence[str], shares: Sequence[float]) -> str:
    length = min(_LONGEST, max(_SHORTEST, int(chance.lognormvariate(math.log(_MEDIAN), _SPREAD))))
    said: list[str] = []
    written = 0
    while written < length:
        phrase = "".join(chance.choices(words, cum_weights=shares, k=chance.randint(3, 9))) + chance.choice("，，。；")
        said.append(phrase)
        written += len(phrase)
    return "".join(said)[:length]
