"""The unit of work: opened by a route, a job or a command, and committed once by whoever opened it.

Most units of work only change one row and add others that tell of it. These are kept until the end, when PostgreSQL
gets all of them in one statement: nothing to wait for in between, and no transaction to open and to close around it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Table, TextClause, Update, and_, bindparam, insert, select, update
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from backend.extensions import Base, db
from backend.http.driven import Driven
from backend.http.reading import connection

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Added:
    """A row of a table, or a statement with its values."""

    to: Table | TextClause
    row: Row


@dataclass(frozen=True)
class _Change:
    """New values for the row of a table that is as `expected`, and what is raised when there is none."""

    table: Table
    expected: Row
    row: Row
    otherwise: Exception


_WAITING = "what this unit of work will write"


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """A session whose changes are all kept when the block ends well, and none when it does not."""
    scoped: scoped_session[Session] = db.session  # type: ignore[assignment]  # flask-sqlalchemy's own subclass
    session = scoped()
    try:
        yield session
        if session.in_transaction() or not _write_at_once(session):
            write_added(session)
            session.commit()
    except BaseException:
        session.info.pop(_WAITING, None)
        session.rollback()
        raise


class Alone:
    """A statement that writes, gives rows of what it wrote, and is a whole unit of work by itself."""

    def __init__(self, statement: TextClause) -> None:
        self._statement, self._driven = statement, Driven(statement)

    def rows(self, **values: Any) -> int:
        """Execute it; answers how many rows it gave."""
        if db.engine.dialect.name == "postgresql":
            return len(self._driven.rows(connection(), values, lambda *row: row))
        with unit_of_work() as session:
            return len(session.execute(self._statement, values).all())


def add(session: Session, kind: type[Base] | TextClause, row: Row) -> None:
    """Have a row of a table (or a statement with these values) written at the end of the unit of work, after all else.

    Who has to read the rows before the end calls `write_added`. What is wrong with one of them (IntegrityError) is
    raised when they are written.
    """
    _waiting(session).append(_Added(kind if isinstance(kind, TextClause) else _table(kind), row))


def change(session: Session, kind: type[Base], expected: Row, values: Row, otherwise: Exception) -> None:
    """Have the row that is as `expected` changed at the end of the unit of work, before what is added to it.

    Raises `otherwise` then, when there is no such row any more; nothing is written in that case.
    """
    _waiting(session).insert(0, _Change(_table(kind), expected, values, otherwise))


def write_added(session: Session) -> None:
    """Write what was added and changed so far."""
    waiting = session.info.pop(_WAITING, [])
    if not waiting:
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql" and _fit_together(waiting):
        _write_together(session.connection(), waiting)
    else:
        _write_in_turn(session.connection(), waiting)


def _write_at_once(session: Session) -> bool:
    waiting = session.info.get(_WAITING, [])
    if not waiting or session.get_bind().dialect.name != "postgresql" or not _fit_together(waiting):
        return False
    _write_together(connection(), session.info.pop(_WAITING))
    return True


def _waiting(session: Session) -> list[_Added | _Change]:
    waiting: list[_Added | _Change] = session.info.setdefault(_WAITING, [])
    return waiting


def _table(kind: type[Base]) -> Table:
    return Base.metadata.tables[kind.__tablename__]


def _write_in_turn(connection: Connection, waiting: list[_Added | _Change]) -> None:
    for changed in [one for one in waiting if isinstance(one, _Change)]:
        statement = _update(changed.table, tuple(changed.expected), tuple(changed.row))
        values = _named(changed.table, changed.expected, "was_") | _named(changed.table, changed.row)
        if connection.execute(statement, values).rowcount != 1:
            raise changed.otherwise
    added = [one for one in waiting if isinstance(one, _Added)]
    for to, group in groupby(added, key=attrgetter("to")):
        adding = to if isinstance(to, TextClause) else insert(to)
        connection.execute(adding, [one.row for one in group])


def _fit_together(waiting: list[_Added | _Change]) -> bool:
    """At most one row of each table, at most one of them a change, and something added."""
    changes = sum(isinstance(one, _Change) for one in waiting)
    tables = {one.to for one in waiting if isinstance(one, _Added) and isinstance(one.to, Table)}
    return changes <= 1 and bool(tables) and len(tables) + changes == len(waiting)


def _write_together(connection: Connection, waiting: list[_Added | _Change]) -> None:
    changed, shape, values = None, [], dict[str, Any]()
    for one in waiting:
        if isinstance(one, _Change):
            changed, expected = one, tuple(one.expected)
            values |= _named(one.table, one.expected, "was_") | _named(one.table, one.row)
        elif isinstance(one.to, Table):
            row = {**_defaults(one.to), **{name: value for name, value in one.row.items() if value is not None}}
            values |= _named(one.to, row)
            shape.append((one.to, tuple(row)))
    change = (changed.table, expected, tuple(changed.row)) if changed else None
    driven = {name: _as_driven(value) for name, value in values.items()}
    if _together(change, tuple(shape)).execute(connection, driven) != 1 and changed:
        raise changed.otherwise


@lru_cache(maxsize=128)
def _defaults(table: Table) -> Row:
    # SQLAlchemy adds them only to the statements it executes itself.
    defaults = ((column.name, column.default) for column in table.c)
    return {name: default.arg for name, default in defaults if isinstance(default, ScalarElementColumnDefault)}


def _named(table: Table, row: Row, before: str = "") -> dict[str, Any]:
    return {f"{before}{table.name}_{name}": value for name, value in row.items()}


def _as_driven(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict | list) else value


Columns = tuple[str, ...]


@lru_cache(maxsize=128)
def _update(table: Table, expected: Columns, names: Columns) -> Update:
    as_it_was = and_(*(table.c[name] == _bind(table, name, "was_") for name in expected))
    return update(table).where(as_it_was).values({name: _bind(table, name) for name in names})


@lru_cache(maxsize=256)
def _together(change: tuple[Table, Columns, Columns] | None, shape: tuple[tuple[Table, Columns], ...]) -> Driven:
    """One statement that changes a row and inserts one into each of these tables.

    In which order it inserts is not said, but no row is inserted before the change is made, nor without it.
    """
    if change is None:
        *others, last = [
            insert(table).values({name: _bind(table, name) for name in names}).inline() for table, names in shape
        ]
    else:
        table, expected, names = change
        changed = _update(table, expected, names).returning(*table.primary_key).cte("changed")
        *others, last = [
            insert(table)
            .from_select(names, select(*(_bind(table, name) for name in names)).select_from(changed))
            .inline()
            for table, names in shape
        ]
    return Driven(last.add_cte(*(other.cte(f"other_{number}") for number, other in enumerate(others))))


def _bind(table: Table, name: str, before: str = "") -> Any:
    return bindparam(f"{before}{table.name}_{name}", type_=table.c[name].type)
