"""Statements that go to PostgreSQL's driver, and to libpq below it, as they are."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy import ClauseElement, Connection
from sqlalchemy.exc import DBAPIError

STATEMENTS_KEPT = 100
"""Statements that one connection keeps prepared."""

R = TypeVar("R")
_numbers = count(1)


class Driven:
    """A statement whose text goes to PostgreSQL's driver as it is.

    What SQLAlchemy does anew for each execution takes as long as the database takes to answer. Values are those that
    the driver knows; JSON documents come as `Jsonb`.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: tuple[str, Sequence[str], Mapping[str, Any]] | None = None

    def execute(self, held: Connection, values: Mapping[str, Any]) -> int:
        """Execute a statement that gives no rows; answers how many it wrote. Raises the errors of SQLAlchemy."""
        text, bound = self._bound(held, values)
        driver = _driver(held)
        with _errors_as_sqlalchemys(held, driver, text):
            if not driver.autocommit:
                return driver.execute(text, bound).rowcount
            return _executed(held, driver, text, bound, ExecStatus.COMMAND_OK)[0].command_tuples or 0

    def rows(self, held: Connection, values: Mapping[str, Any], kind: Callable[..., R]) -> list[R]:
        """The rows of a statement on an autocommitting connection. Raises the errors of SQLAlchemy."""
        text, bound = self._bound(held, values)
        driver = _driver(held)
        with _errors_as_sqlalchemys(held, driver, text):
            result, transformer = _executed(held, driver, text, bound, ExecStatus.TUPLES_OK)
            transformer.set_pgresult(result)
            found: list[R] = transformer.load_rows(0, result.ntuples, lambda row: kind(*row))
            return found

    def _bound(self, held: Connection, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        if self._compiled is None:
            compiled = self._statement.compile(held.engine)
            order = tuple(getattr(compiled, "positiontup", None) or ())
            self._compiled = str(compiled), order, compiled.params
        text, names, constants = self._compiled
        bound = {**constants, **values}
        return text, [bound[name] for name in names]


def _executed(
    held: Connection, driver: psycopg.Connection[Any], text: str, bound: list[Any], wanted: ExecStatus
) -> tuple[PGresult, Any]:
    # By libpq's own calls: a cursor, which could wait for something else meanwhile, takes a third longer.
    transformer = Transformer(driver)
    parameters: Any = transformer.dump_sequence(bound, [PyFormat.AUTO] * len(bound))
    name = _prepared(held, driver.pgconn, text, transformer.types or ())
    result = driver.pgconn.exec_prepared(name, parameters, transformer.formats, Format.BINARY)
    if result.status != wanted:
        raise _error(driver.pgconn, result)
    return result, transformer


def _error(server: PGconn, result: PGresult) -> psycopg.Error:
    # A connection that was cut has no code of an error.
    cut = server.status != ConnStatus.OK
    return psycopg.OperationalError("the connection was cut") if cut else error_from_result(result)


def _driver(held: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] = held.connection.driver_connection  # type: ignore[assignment]  # psycopg's own
    return driver


@contextmanager
def _errors_as_sqlalchemys(held: Connection, driver: psycopg.Connection[Any], text: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if driver.broken:
            held.invalidate(error)
        raise DBAPIError.instance(text, None, error, psycopg.Error, hide_parameters=True) from error


def _prepared(held: Connection, server: PGconn, text: str, types: tuple[int, ...]) -> bytes:
    """The name under which this connection keeps a statement for values of these types; the most used ones are kept."""
    kept: OrderedDict[tuple[str, tuple[int, ...]], bytes] = held.info.setdefault("prepared", OrderedDict())
    key = (text, types)
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    if len(kept) >= STATEMENTS_KEPT:
        _, oldest = kept.popitem(last=False)
        server.exec_(b"DEALLOCATE " + oldest)
    name = b"read_%d" % next(_numbers)
    result = server.prepare(name, text.encode(), types)
    if result.status != ExecStatus.COMMAND_OK:
        raise _error(server, result)
    kept[key] = name
    return name
