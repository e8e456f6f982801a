"""Slowing down who tries too often: delay, never lock-out, counted in the database for all workers together.

After the free tries of a bucket each further one must wait, twice as long as the last, at most `longest`; a quiet
quarter of an hour clears the count. A success clears the account's; of the address's it takes back its own try only, so
that nobody with an account of their own can try others without end. Who tries is kept as a keyed hash only.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.http.problems import Problem
from backend.http.work import unit_of_work
from backend.people.tables import Throttle

QUIET = timedelta(minutes=15)


@dataclass(frozen=True)
class Bucket:
    """How many tries are free, and how long the longest wait is."""

    free: int
    longest: timedelta


BUCKETS: Mapping[str, Bucket] = {
    "sign_in_account": Bucket(free=5, longest=timedelta(minutes=1)),
    "sign_in_address": Bucket(free=100, longest=timedelta(minutes=1)),
}


class TooManyTries(Problem):
    """Too many tries of late; Retry-After says how many seconds to wait."""

    status, code = 429, "too_many_tries"
    zh, en = "尝试过于频繁，请在 {seconds} 秒后再试。", "Too many tries; wait {seconds} seconds and try again."


def take_try(key: str, bucket: str, subject: str, now: datetime) -> None:
    """Count one try before it is made. Raises TooManyTries while the last one's wait is not over."""
    rule, hashed = BUCKETS[bucket], _hash(key, bucket, subject, now)
    where = (Throttle.bucket == bucket, Throttle.subject == hashed)
    try:
        with unit_of_work() as session:
            row = session.execute(select(Throttle).where(*where).with_for_update()).scalar_one_or_none()
            if row is None:
                session.execute(
                    insert(Throttle), {"bucket": bucket, "subject": hashed, "tries": 1, "open_at": now, "last_at": now}
                )
                return
            # Of several at once the one that read its clock first may come last; only a wait that was set holds it up.
            if row.tries >= rule.free and now < row.open_at:
                seconds = int((row.open_at - now).total_seconds()) + 1
                raise TooManyTries(headers={"Retry-After": str(seconds)}, seconds=seconds)
            tries = 1 if now - row.last_at > QUIET else row.tries + 1
            wait = min(timedelta(seconds=2 ** min(tries - rule.free, 20)), rule.longest) if tries >= rule.free else None
            session.execute(
                update(Throttle).where(*where).values(tries=tries, last_at=now, open_at=now + (wait or timedelta()))
            )
    except IntegrityError:
        take_try(key, bucket, subject, now)


def clear_tries(key: str, bucket: str, subject: str, now: datetime) -> None:
    """A success clears the count."""
    with unit_of_work() as session:
        session.execute(
            delete(Throttle).where(Throttle.bucket == bucket, Throttle.subject == _hash(key, bucket, subject, now))
        )


def take_back_try(key: str, bucket: str, subject: str, now: datetime) -> None:
    """A success is not counted, but forgives nothing that went before it."""
    where = (Throttle.bucket == bucket, Throttle.subject == _hash(key, bucket, subject, now), Throttle.tries > 0)
    with unit_of_work() as session:
        session.execute(update(Throttle).where(*where).values(tries=Throttle.tries - 1))


def forget_tries(session: Session, now: datetime) -> None:
    """Drop the counts that no longer slow anybody down."""
    session.execute(delete(Throttle).where(Throttle.last_at < now - timedelta(days=1)))


def _hash(key: str, bucket: str, subject: str, now: datetime) -> str:
    # Another hash each day, so that nobody can be followed through the table.
    return hmac.new(key.encode(), f"{bucket} {subject} {now:%Y-%m-%d}".encode(), hashlib.sha256).hexdigest()
