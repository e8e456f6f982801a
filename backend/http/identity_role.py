"""The second role of the database, which alone reads who reported: nothing starts while it is set and would not do.

Else it would be found out when somebody has to be told of their case, long after it was filed.
"""

from flask import Flask
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import OperationalError

from backend.config import Config, WrongSetting
from backend.extensions import Base

_same = text("SELECT current_database(), pg_postmaster_start_time()")
_may_read = text("SELECT has_table_privilege(to_regclass(CAST(:name AS text)), 'SELECT')")


def require_identity_role(app: Flask, config: Config, engine: Engine) -> None:
    """Refuse an IDENTITY_DATABASE_URL that nobody can sign in with, that is of another database, or may not read.

    Raises WrongSetting.
    """
    apart: Engine | None = app.extensions["identity_reading"]
    if apart is None:
        return
    if {engine.dialect.name, apart.dialect.name} != {"postgresql"}:
        raise _wrong(config, "the PostgreSQL that DATABASE_URL names, for another role")
    try:
        with engine.connect() as ours, apart.connect() as theirs:
            if ours.execute(_same).one() != theirs.execute(_same).one():
                raise _wrong(config, "the same database as DATABASE_URL")
            closed = [name for name in _apart() if theirs.scalar(_may_read, {"name": name}) is False]
    except OperationalError:
        raise _wrong(config, "a role that the database lets in") from None
    if closed:
        raise _wrong(config, f"a role that may read: GRANT SELECT, UPDATE ON {', '.join(closed)} TO it")


def readable(connection: Connection) -> list[str]:
    """The tables for the second role only that whoever holds a connection may read."""
    return [name for name in _apart() if connection.scalar(_may_read, {"name": name})]


def _apart() -> list[str]:
    return sorted(table.name for table in Base.metadata.tables.values() if table.info.get("apart"))


def _wrong(config: Config, wanted: str) -> WrongSetting:
    written = make_url(config.identity_database_url).render_as_string(hide_password=True)
    return WrongSetting("IDENTITY_DATABASE_URL", written, wanted)
