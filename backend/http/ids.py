"""Identifiers made by the server."""

import os
import time
import uuid


def new_id() -> uuid.UUID:
    """A random UUID of version 7 (RFC 9562): it begins with the time in milliseconds, so that keys arrive in order."""
    stamp = time.time_ns() // 1_000_000
    rest = int.from_bytes(os.urandom(10), "big")
    value = (stamp & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (rest >> 68 & 0xFFF) << 64 | 0b10 << 62 | rest & (1 << 62) - 1
    return uuid.UUID(int=value)
