"""What the rooms share of Flask's extensions, built here and bound in `create_app()`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg
from flask_jwt_extended import JWTManager
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator, TypeEngine

from backend.config import TOWN_ZONE


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: kept in UTC, given back in the town's zone. A time without a zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC) if dialect.name != "sqlite" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC).astimezone(TOWN_ZONE)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # PostgreSQL's sessions speak the town's time, so there is nothing to do for each value.
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)


JsonColumn: TypeEngine[Any] = JSON().with_variant(JSONB(), "postgresql")
"""A JSON document; JSONB on PostgreSQL."""

db = SQLAlchemy(model_class=Base)
jwt = JWTManager()
api = Api()


def engine_options(url: str) -> dict[str, Any]:
    """Options of the writing engine for a database address."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 15}, "hide_parameters": True}
    return {
        "hide_parameters": True,
        "pool_size": 8,
        "max_overflow": 8,
        "pool_pre_ping": False,
        "paramstyle": _NUMBERED,
        "connect_args": {**_postgresql_arguments(), "cursor_factory": psycopg.RawCursor},
    }


def _postgresql_arguments() -> dict[str, Any]:
    # No statement may hold people up for long: a lock is waited for at most five seconds, then the answer is 409. The
    # statements are few and prepared: planned anew for each set of values, a list takes longer to plan than to read.
    settings = {
        "timezone": str(TOWN_ZONE),
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "60000",
        "plan_cache_mode": "force_generic_plan",
    }
    return {"options": " ".join(f"-c {name}={value}" for name, value in settings.items())}


# PostgreSQL's own $1, $2: psycopg need not rewrite each statement then, which takes as long as sending a long one.
_NUMBERED: Literal["numeric_dollar"] = "numeric_dollar"


class _BinaryCursor(psycopg.RawCursor[Any]):
    """Gets rows as PostgreSQL has them, not as text: a list of cases is read in a tenth less time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.format = psycopg.pq.Format.BINARY

    @property
    def description(self) -> Any:
        """Names and types of the columns (PEP 249). psycopg's own tells more, and takes as long as ten of the rows."""
        result = self.pgresult
        if result is None or result.status != psycopg.pq.ExecStatus.TUPLES_OK:
            return None
        return [
            ((result.fname(column) or b"").decode(), result.ftype(column), None, None, None, None, None)
            for column in range(result.nfields)
        ]


def reading_engine(url: str) -> Engine:
    """A second engine for reads: autocommit, one round trip a statement, nothing to roll back.

    On SQLite it refuses to write.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, isolation_level="AUTOCOMMIT", max_overflow=-1, connect_args={"timeout": 15})
        event.listen(engine, "connect", _open_sqlite_for_reading)
        return engine
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        max_overflow=-1,
        paramstyle=_NUMBERED,
        connect_args={**_postgresql_arguments(), "cursor_factory": _BinaryCursor},
    )


def prepare_writing_engine(engine: Engine) -> None:
    """Make a SQLite engine begin every unit of work with the write lock; leave other databases alone.

    A deferred transaction that reads and then writes fails at once when another writer came between, whatever the
    busy timeout says; BEGIN IMMEDIATE waits its turn.
    """
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _open_sqlite_for_writing)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))


LOG_PAGES = 64_000
"""So long SQLite's log may grow (256 MB) before a commit brings it into the database file, and waits for the disk with
whoever filed a case. The scheduler does so every 20 s, so that it never comes to this while one runs; and no oftener,
since the first commit after it begins the log anew, for which it has to wait for the disk, too."""


def bring_in_log(connection: Connection) -> None:
    """Bring what SQLite has committed from its log into the database file, while others read and write.

    Only where they write so much that the log is half as long as it may be, they wait for the little that is left, so
    that it is begun anew.
    """
    if connection.dialect.name != "sqlite":
        return
    _, pages, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    if pages > LOG_PAGES // 2:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _open_sqlite_for_writing(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver must leave BEGIN to us.
    connection.isolation_level = None
    settings = {"journal_mode": "WAL", "synchronous": "NORMAL", "foreign_keys": "ON", "secure_delete": "ON"}
    _pragmas(connection, settings | {"wal_autocheckpoint": str(LOG_PAGES)})


def _open_sqlite_for_reading(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    _pragmas(connection, {"query_only": "ON", "cache_size": "-16000"})


def _pragmas(connection: DBAPIConnection, settings: Mapping[str, str]) -> None:
    cursor = connection.cursor()
    for name, value in settings.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()
