"""Electing the one process that runs the jobs: whoever holds the lock.

A lock is no fence: a leader that is paused or cut off may still finish what it was doing while the next one begins.
That is why every job's effect is unique in the database.
"""

import fcntl
import os
from pathlib import Path
from typing import IO, Protocol

import structlog
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from backend.http.logs import described

log = structlog.get_logger()
_try = text("SELECT pg_try_advisory_lock(hashtextextended('grid1258 scheduler', 0))")
# Not only "does the connection live": a pooler in between may have given the session to somebody else.
_held = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}


class Lock(Protocol):
    """A lock that one process at a time holds and that ends with it, however it ends."""

    def acquire(self) -> bool:
        """Try once, without waiting."""

    def held(self) -> bool:
        """Whether it is still ours."""

    def release(self) -> None:
        """Give it back; harmless when it is not held."""


class FileLock:
    """A lock on a file, for processes of one machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Try once, without waiting."""
        file = open(self._path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115  # held open
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return self.held()

    def held(self) -> bool:
        """Whether it is still ours: with the file deleted, another process locks a new one."""
        try:
            return self._file is not None and os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


class AdvisoryLock:
    """An advisory lock of a PostgreSQL database, held by a connection of its own."""

    def __init__(self, url: str) -> None:
        arguments = {"connect_timeout": 5, **_KEEPALIVE}
        self._engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments)
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """Try once, without waiting; a database that does not answer is a lock not got."""
        try:
            self._connection = self._engine.connect()
            if self._connection.scalar(_try):
                return True
        except SQLAlchemyError as error:
            log.warning("no_lock_from_database", **described(error))
        self.release()
        return False

    def held(self) -> bool:
        """Whether it is still ours."""
        try:
            return self._connection is not None and bool(self._connection.scalar(_held))
        except SQLAlchemyError as error:
            log.warning("lock_lost", **described(error))
            return False

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def lock_for(url: str, instance: Path) -> Lock:
    """The lock that fits a database address: beside SQLite a file in the instance folder."""
    if make_url(url).get_backend_name() == "postgresql":
        return AdvisoryLock(url)
    return FileLock(instance / "scheduler.lock")
