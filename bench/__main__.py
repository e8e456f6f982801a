"""`make bench`, or `python -m bench throughput|memory|growth`: print the product's figures, measured here and now."""

import sys
from collections.abc import Callable, Mapping

from bench.figures import growth, throughput
from bench.memory import memory

PARTS: Mapping[str, Callable[[], None]] = {"throughput": throughput, "memory": memory, "growth": growth}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(PARTS):
        sys.exit(f"No part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
