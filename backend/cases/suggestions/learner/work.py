"""What the child is started for: cases read as JSON, what was learnt from them told as JSON."""

import base64
import json
import os
import resource
import sys
from typing import Any

MEMORY_BYTES = 1_500 * 2**20
"""Writable memory of this process."""
CPU_SECONDS = 900


def main() -> None:
    """Learn from the cases on standard input and print what was learnt, or null when they are too few."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the texts
    os.nice(15)
    from .fitting import learn

    learnt = learn(**json.load(sys.stdin))
    print(json.dumps(learnt, default=_as_text))


def _as_text(weights: Any) -> str:
    return base64.b64encode(weights).decode()
