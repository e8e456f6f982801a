"""Small figures are not told, and cannot be found out by subtraction.

A count below five could be somebody. Where one is hidden, a second goes with it, so that the total less what is shown
does not bring it back; where that is not enough, the total is hidden, too.
"""

from collections.abc import Mapping

LEAST = 5
"""Counts below it are not told."""


def hidden(counts: Mapping[str, int]) -> tuple[frozenset[str], bool]:
    """Which of the counts by group are not told, and whether their total is not.

    What is left of the total is then the sum of at least two counts, and not small itself.
    """
    chosen = {name for name, count in counts.items() if count < LEAST}
    if not chosen:
        return frozenset(), sum(counts.values()) < LEAST
    rest = sorted((count, name) for name, count in counts.items() if name not in chosen)
    if rest:
        chosen.add(rest[0][1])
    left = sum(counts[name] for name in chosen)
    return frozenset(chosen), len(chosen) < 2 or left < LEAST
