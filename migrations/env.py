"""How `flask db` meets the database: the app's address, an engine of its own.

SQLite: tables are rebuilt in batches, each migration is one transaction, and foreign keys are checked before its
commit. PostgreSQL: two migrators wait for each other, and no migration queues behind a long transaction while
everybody else queues behind the migration.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

LOCK_TIMEOUT = "5s"
FTS5_PARTS = ("", "_data", "_idx", "_content", "_docsize", "_config")

database = current_app.extensions["migrate"].db


def engine() -> Engine:
    made = create_engine(database.engine.url, poolclass=NullPool)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", open_sqlite)
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return made


def open_sqlite(connection: Any, _record: Any) -> None:
    # The driver must leave BEGIN to us, or a failed migration stays half done.
    connection.isolation_level = None
    # Rebuilding a table drops the old one, which would delete the rows that point to it.
    connection.execute("PRAGMA foreign_keys=OFF")


def render_type(kind: str, thing: Any, context: AutogenContext) -> str | Literal[False]:
    """A column type of ours is written as the type it stands for, so that old migrations need none of our code."""
    if kind == "type" and isinstance(thing, TypeDecorator) and type(thing).__module__.startswith("backend."):
        return f"sa.{thing.impl_instance!r}"
    if kind == "type" and isinstance(thing, JSONB):
        # Alembic names the Text inside it without its module.
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return "postgresql.JSONB()"
    return False


def names_to_compare(connection: Connection) -> Any:
    """Leave the tables in which SQLite keeps its full-text indexes out of the comparison."""
    hidden: set[str] = set()
    if connection.dialect.name == "sqlite":
        virtual = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
        hidden = {name + part for name in connection.execute(text(virtual)).scalars() for part in FTS5_PARTS}
        connection.rollback()
    return lambda name, kind, _parents: kind != "table" or name not in hidden


def options() -> dict[str, Any]:
    return {
        "target_metadata": database.metadata,
        "render_item": render_type,
        "render_as_batch": database.engine.dialect.name == "sqlite",
        "transaction_per_migration": True,
        "transactional_ddl": True,
    }


def check_foreign_keys(ctx: Any, **_rest: Any) -> None:
    if ctx.dialect.name != "sqlite":
        return
    broken = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RuntimeError(f"the migration breaks a foreign key: {tuple(broken)}")


def wait_for_other_migrators(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    connection.execute(text("SET lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_lock(hashtext('grid1258 migrations'))"))
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()


def migrate_online() -> None:
    with engine().connect() as connection:
        wait_for_other_migrators(connection)
        context.configure(
            connection=connection,
            include_name=names_to_compare(connection),
            on_version_apply=check_foreign_keys,
            **options(),
        )
        with context.begin_transaction():
            context.run_migrations()


def write_sql() -> None:
    context.configure(url=database.engine.url, literal_binds=True, **options())
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    write_sql()
else:
    migrate_online()
