"""What the child is started for: copies made of one file, and what was found out about it told as JSON."""

import errno
import json
import sys
from typing import Any

from .refusing import Refused, limit_this_process

MEMORY_BYTES = 280 * 2**20
"""Writable memory of this process; with the 20 MB of mapped code its RSS ends below 300 MB."""
CPU_SECONDS = 15
COPY_BYTES = {"photo": 32 * 2**20, "recording": 128 * 2**20}


def main() -> None:
    """Work on what the command line names and print the result, or `refused` with the reason."""
    what, *rest = sys.argv[1:]
    limit_this_process(MEMORY_BYTES, CPU_SECONDS, COPY_BYTES[what])
    try:
        result = _made(what, rest)
    except Refused as error:
        result = {"refused": str(error)}
    except OSError as error:
        result = {"refused": "storage_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "unreadable"}
    print(json.dumps(result))


def _made(what: str, rest: list[str]) -> dict[str, Any]:
    # Each needs a library that the other does not, and both take their time to load.
    if what == "photo":
        from .developing import develop

        return develop(*rest)
    from .recordings import rewrap

    original, served, thumbnail, most_seconds = rest
    return rewrap(original, served, thumbnail, int(most_seconds))
