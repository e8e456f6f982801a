"""The unit of work: opened by a route, a job or a command, and committed once by whoever opened it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Insert, Table, TextClause, bindparam, insert
from sqlalchemy.orm import Session, scoped_session

from backend.extensions import Base, db

Shape = tuple[tuple[Table, tuple[str, ...]], ...]
"""Tables in the order of their rows, with the columns that get a value."""

_ADDED = "rows added to the unit of work"


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """A session whose changes are all kept when the block ends well, and none when it does not."""
    scoped: scoped_session[Session] = db.session  # type: ignore[assignment]  # flask-sqlalchemy's own subclass
    session = scoped()
    try:
        yield session
        write_added(session)
        session.commit()
    except BaseException:
        session.info.pop(_ADDED, None)
        session.rollback()
        raise


def add(session: Session, kind: type[Base] | TextClause, row: Mapping[str, Any]) -> None:
    """Have a row of a table (or a statement with these values) written at the end of the unit of work, after all else.

    PostgreSQL gets the rows in one statement, so that there is one answer to wait for. Who has to read them before the
    end calls `write_added`. What is wrong with one of them (IntegrityError) is raised when they are written.
    """
    session.info.setdefault(_ADDED, []).append((kind if isinstance(kind, TextClause) else kind.__table__, row))


def write_added(session: Session) -> None:
    """Write what was added so far."""
    added: list[tuple[Table | TextClause, Mapping[str, Any]]] = session.info.pop(_ADDED, [])
    if not added:
        return
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "postgresql" and len({table for table, _ in added}) == len(added):
        rows = [(table, {name: row[name] for name in row if row[name] is not None}) for table, row in added]
        values = {f"{table.name}_{name}": row[name] for table, row in rows for name in row}  # type: ignore[union-attr]
        connection.execute(_together(tuple((table, tuple(row)) for table, row in rows)), values)
        return
    for table, group in groupby(added, key=itemgetter(0)):
        statement = table if isinstance(table, TextClause) else insert(table)
        connection.execute(statement, [row for _, row in group])


@lru_cache(maxsize=128)
def _together(shape: Shape) -> Insert:
    """One statement that inserts a row into each of these tables. In which order it does so is not said."""
    *others, last = [
        insert(table)
        .values({name: bindparam(f"{table.name}_{name}", type_=table.c[name].type) for name in names})
        .inline()
        for table, names in shape
    ]
    return last.add_cte(*(other.cte(f"other_{number}") for number, other in enumerate(others)))
