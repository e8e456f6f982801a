"""Slowing down who tries too often: delay, never lock-out, counted in the database for all workers together.

After the free tries of a bucket each further one must wait, twice as long as the last, at most `longest`; after `quiet`
without a try the count begins anew. A success clears an account's count; of an address's it takes back its own try
only, so that nobody with an account of their own can try others without end. Who tries is kept as a keyed hash only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_network
from math import ceil
from typing import Literal

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from backend.http.problems import Problem
from backend.http.reading import row
from backend.http.tags import keyed_hash
from backend.http.work import Alone
from backend.people.tables import Throttle

_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Bucket:
    """What is counted `per` what on which routes under /api/v1, how many tries are free, and how long to wait then."""

    per: Literal["account", "address", "phone"]
    routes: tuple[str, ...]
    free: int
    first: timedelta
    longest: timedelta
    quiet: timedelta = 15 * _MINUTE


_SIGN_IN = ("/auth/login",)
_WITH_CODE = ("/auth/register", "/auth/code-login", "/auth/password", "/me/phone")
_FILING = ("/filings", "/filings/evidence", "/cases/similar")
_RECEIPT = "/receipt"
_BY_RECEIPT = (_RECEIPT, *(f"{_RECEIPT}/{of}" for of in ("timeline", "accesses", "actions", "evidence/<uuid:photo>")))

_NO_ACCOUNT = {"account": "", "account_subject": ""}

BUCKETS: Mapping[str, Bucket] = {
    "sign_in_address": Bucket("address", _SIGN_IN, free=100, first=_SECOND, longest=5 * _MINUTE),
    # Five free, then after 1, 2, 4, 8, 16 seconds: ten passwords a minute at most are looked at.
    "sign_in_account": Bucket("account", _SIGN_IN, free=5, first=_SECOND, longest=_MINUTE),
    # A device that signed in to the account before, so that no stranger's tries ever keep its owner waiting.
    "sign_in_device": Bucket("account", _SIGN_IN, free=5, first=_SECOND, longest=_MINUTE),
    "code_address": Bucket("address", ("/auth/codes",), free=20, first=10 * _SECOND, longest=15 * _MINUTE, quiet=_HOUR),
    "code_phone": Bucket("phone", ("/auth/codes",), free=3, first=_MINUTE, longest=15 * _MINUTE, quiet=_HOUR),
    "code_use": Bucket("address", _WITH_CODE, free=100, first=_SECOND, longest=5 * _MINUTE),
    # A password given with a code: of whoever holds a number that was somebody else's, and guesses.
    "code_password": Bucket("account", _WITH_CODE[:2], free=5, first=_SECOND, longest=_MINUTE),
    "email": Bucket("account", ("/me/notices/email",), free=5, first=_MINUTE, longest=5 * _MINUTE),
    "password": Bucket("account", ("/me/password", "/me"), free=5, first=_SECOND, longest=_MINUTE),
    "wechat": Bucket("address", ("/auth/wechat",), free=50, first=_SECOND, longest=5 * _MINUTE),
    # All that comes without an account: reports, the photos for them, and what they may be like.
    "filing": Bucket("address", _FILING, free=40, first=10 * _SECOND, longest=15 * _MINUTE, quiet=_HOUR),
    # Asked again and again while somebody writes.
    "suggestion": Bucket("address", ("/suggestions",), free=200, first=_SECOND, longest=_MINUTE),
    "receipt": Bucket("address", _BY_RECEIPT, free=100, first=_SECOND, longest=5 * _MINUTE),
}


class TooManyTries(Problem):
    """Too many tries of late; Retry-After says how many seconds to wait."""

    status, code = 429, "too_many_tries"
    zh, en = "尝试过于频繁，请在 {seconds} 秒后再试。", "Too many tries; wait {seconds} seconds and try again."


# One statement at which all workers' tries queue up; it gives no row while the last one's wait is not over. Of several
# at once the one that read its clock first may come last: only a wait that was set holds it up.
_take = Alone(
    text("""
INSERT INTO throttles (bucket, subject, tries, wait, last) VALUES (:bucket, :subject, 1, :wait_of_one, :now)
ON CONFLICT (bucket, subject) DO UPDATE SET
  tries = CASE WHEN throttles.last < :quiet THEN 1 ELSE throttles.tries + 1 END,
  wait = CASE
    WHEN throttles.last < :quiet THEN :wait_of_one
    WHEN throttles.tries + 1 < :free THEN 0
    WHEN throttles.wait = 0 THEN :first
    WHEN throttles.wait * 2 > :longest THEN :longest
    ELSE throttles.wait * 2 END,
  last = :now
WHERE throttles.wait = 0 OR throttles.last + throttles.wait <= :now
RETURNING tries
""")
)


_forgive = Alone(
    text("""
UPDATE throttles SET
  tries = CASE WHEN bucket = :account THEN 0 WHEN tries > 0 THEN tries - 1 ELSE 0 END,
  wait = CASE WHEN bucket = :account THEN 0 ELSE wait END
WHERE bucket = :address AND subject = :address_subject OR bucket = :account AND subject = :account_subject
RETURNING bucket
""")
)


def take_tries(now: datetime, **subjects: str) -> None:
    """Count one try of each subject by its bucket, before it is made. Raises TooManyTries at the first that must wait.

    Each is a unit of work of its own; what was counted before the one that must wait stays counted.
    """
    for bucket, subject in subjects.items():
        wait = _take_one(bucket, subject, now)
        if wait is not None:
            seconds = ceil(wait)
            raise TooManyTries(headers={"Retry-After": str(seconds)}, seconds=seconds)


def _take_one(bucket: str, subject: str, now: datetime) -> float | None:
    rule, where = BUCKETS[bucket], {"bucket": bucket, "subject": _hash(bucket, subject, now)}
    values = {
        "free": rule.free,
        "first": rule.first.total_seconds(),
        "longest": rule.longest.total_seconds(),
        "wait_of_one": rule.first.total_seconds() if rule.free == 1 else 0.0,
        "now": now.timestamp(),
        "quiet": (now - rule.quiet).timestamp(),
    }
    if _take.rows(**where, **values):
        return None
    held = row(select(Throttle.wait, Throttle.last).filter_by(**where))
    return None if held is None else float(max(held.last + held.wait - now.timestamp(), 0.001))


def clear_tries(session: Session, bucket: str, subject: str, now: datetime) -> None:
    """A success clears the count."""
    session.execute(delete(Throttle).filter_by(bucket=bucket, subject=_hash(bucket, subject, now)))


def forgive(address: tuple[str, str], account: tuple[str, str] | None, now: datetime) -> None:
    """A success clears the account's count, where there is one, and takes back its own try of the address's, which
    forgives nothing that went before it. Both are a bucket and a subject; a unit of work of its own."""
    buckets = {"address": address[0], "address_subject": _hash(*address, now)}
    buckets |= {"account": account[0], "account_subject": _hash(*account, now)} if account else _NO_ACCOUNT
    _forgive.rows(**buckets)


def forget_tries(session: Session, now: datetime) -> None:
    """Drop the counts that no longer slow anybody down."""
    session.execute(delete(Throttle).where(Throttle.last < (now - timedelta(days=1)).timestamp()))


def _hash(bucket: str, subject: str, now: datetime) -> str:
    if BUCKETS[bucket].per != "address":
        return keyed_hash(f"throttle {bucket}", subject.encode()).hex()
    # Another hash each day for an address, so that nobody can be followed through the table.
    return keyed_hash(f"throttle {bucket} {now:%Y-%m-%d}", _line(subject).encode()).hex()


def _line(address: str) -> str:
    """What somebody's line goes by: of IPv6 the first 64 bits, as each line has all the addresses that follow them."""
    try:
        found = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or ip_network(f"{found}/64", strict=False))
