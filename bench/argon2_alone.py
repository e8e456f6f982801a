"""`python -m bench.argon2_alone TIMES`: print the median milliseconds of checking a password."""

import statistics
import sys
import time
from collections.abc import Callable

from backend.people.passwords import hash_password, password_fits


def median_ms(work: Callable[[], object], times: int) -> float:
    """The median time of doing something so often, in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    hashed = hash_password("a password")
    print(median_ms(lambda: password_fits("a password", hashed), int(sys.argv[1])))
