"""`make bench`, or `python -m bench` and the name of a part: print the product's figures, measured now."""

import sys
from collections.abc import Callable, Mapping

from bench.deadlines import deadlines
from bench.figures import growth, throughput
from bench.ledger import ledger
from bench.memory import memory
from bench.nearest import nearest
from bench.permission import permission
from bench.reports import reports
from bench.search import search
from bench.signing_in import signing_in
from bench.suggestions import suggestions
from bench.tiles import tiles

PARTS: Mapping[str, Callable[[], None]] = {
    "throughput": throughput,
    "memory": memory,
    "suggestions": suggestions,
    "reports": reports,
    "sign_in": signing_in,
    "ledger": ledger,
    "permission": permission,
    "search": search,
    "growth": growth,
    "deadlines": deadlines,
    "tiles": tiles,
    "nearest": nearest,
}
"""In the order in which they run: those of the large town last, since it stays until the end, and
searching before others file texts that are in none of its words."""

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(PARTS):
        sys.exit(f"No part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
