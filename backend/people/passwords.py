"""Passwords: argon2id at 19 MiB, two passes, one lane (OWASP's minimum), checked one at a time in a worker."""

from functools import cache
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_PASSWORD, LONGEST_PASSWORD = 10, 200
"""Characters of a password."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Several at once would cost a worker 19 MiB each.
_one_at_a_time = Lock()


def hash_password(password: str) -> str:
    """The argon2id hash of a password."""
    with _one_at_a_time:
        return _hasher.hash(password)


def password_fits(password: str, hashed: str | None) -> bool:
    """Whether a password fits a hash. Without a hash it takes as long and says no, so that time tells nothing."""
    with _one_at_a_time:
        try:
            _hasher.verify(hashed or _hash_of_nobody(), password)
            return hashed is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("nobody's password")
