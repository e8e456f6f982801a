"""How much longer one request takes than another, on a machine that has other things to do besides."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

GAP_MS, TURNS, TRIES = 5.0, 40, 4
Request = Callable[[], object]


def gap_ms(one: Request, other: Request) -> float:
    """The median gap of two requests in milliseconds; a wide one is measured anew and the smallest counts.

    What the machine does besides makes gaps now and then; what is in the product is there each time.
    """
    found = _gap(one, other)
    for _ in range(TRIES - 1):
        if found < GAP_MS:
            break
        found = min(found, _gap(one, other))
    return found


def _gap(one: Request, other: Request) -> float:
    # Each is sent before and after the other, in turn, and each pair compared.
    pairs = []
    for turn in range(TURNS):
        first, second = (one, other) if turn % 2 else (other, one)
        sooner, later = _milliseconds(first), _milliseconds(second)
        pairs.append(later - sooner if turn % 2 else sooner - later)
    return abs(statistics.median(pairs))


def _milliseconds(send: Request) -> float:
    began = time.monotonic_ns()
    send()
    return (time.monotonic_ns() - began) / 1e6
