"""The reading path: Core statements on an autocommit engine, answered as JSON without objects in between.

A read through the ordinary session costs three round trips (BEGIN, SELECT, ROLLBACK) and renders every row twice; this
one costs one and renders once. Schemas still declare each answer, and a test holds the two against each other.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import orjson
import psycopg
from flask import Flask, Response, current_app, g, request
from sqlalchemy import ClauseElement, Connection, Engine, Executable, Row, Select
from sqlalchemy.exc import DBAPIError

from backend.extensions import reading_engine

AnyRow = Row[*tuple[Any, ...]]
"""A row of any columns."""


def init_reading(app: Flask, url: str, identity_url: str) -> None:
    """Give the app its reading engine, and one for the role that alone may read identities where there is one; a
    request's connection goes back to the pool when its context ends."""
    app.extensions["reading"] = reading_engine(url)
    app.extensions["identity_reading"] = reading_engine(identity_url) if identity_url else None
    app.teardown_appcontext(_give_back)


def _give_back(_error: BaseException | None) -> None:
    connection: Connection | None = g.pop("reading_connection", None)
    if connection is not None:
        connection.close()


def connection() -> Connection:
    """This context's reading connection; each statement on it sees what is committed at that moment."""
    if "reading_connection" not in g:
        engine: Engine = current_app.extensions["reading"]
        g.reading_connection = engine.connect()
    held: Connection = g.reading_connection
    return held


def rows(statement: Executable, **values: Any) -> Sequence[AnyRow]:
    """All rows of a statement."""
    return connection().execute(statement, values).all()


def row(statement: Executable, **values: Any) -> AnyRow | None:
    """The first row of a statement, or None."""
    return connection().execute(statement, values).first()


def identity_engine() -> Engine | None:
    """The engine of the role that alone may read identities; None where no such role is set."""
    engine: Engine | None = current_app.extensions["identity_reading"]
    return engine


def identity_row(statement: Executable, **values: Any) -> AnyRow | None:
    """The first row of a statement on identities, or None."""
    engine = identity_engine()
    if engine is None:
        return row(statement, **values)
    with engine.connect() as held:
        return held.execute(statement, values).first()


R = TypeVar("R", bound=tuple[Any, ...])


class Prepared(Generic[R]):
    """A statement of a route that is asked often, built once, and the NamedTuple that its rows become."""

    def __init__(self, statement: Select[*tuple[Any, ...]], kind: Callable[..., R]) -> None:
        self.statement, self.kind = statement, kind
        self._driven = Driven(statement)

    def all(self, **values: Any) -> list[R]:
        """All rows."""
        held = connection()
        if held.dialect.name == "postgresql":
            return self._driven.execute(held, values, self.kind).fetchall()
        return [self.kind(*found) for found in held.execute(self.statement, values)]

    def first(self, **values: Any) -> R | None:
        """The first row, or None."""
        found = self.all(**values)
        return found[0] if found else None


class Driven:
    """A statement whose text goes to PostgreSQL's driver as it is.

    What SQLAlchemy does anew for each execution takes as long as the database takes to answer. Values are those that
    the driver knows; JSON documents come as `Jsonb`.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement

    @cached_property
    def _text(self) -> tuple[str, Sequence[str], Mapping[str, Any]]:
        compiled = self._statement.compile(connection().engine)
        return str(compiled), tuple(getattr(compiled, "positiontup", None) or ()), compiled.params

    def execute(
        self, held: Connection, values: Mapping[str, Any], kind: Callable[..., Any] | None = None
    ) -> psycopg.Cursor[Any]:
        """The driver's cursor after the statement. Raises the errors of SQLAlchemy."""
        text, names, constants = self._text
        bound = {**constants, **values}
        driver: psycopg.Connection[Any] = held.connection.driver_connection  # type: ignore[assignment]  # psycopg's own
        cursor = driver.cursor()
        if kind is not None:
            cursor.row_factory = lambda _: lambda found: kind(*found)
        try:
            return cursor.execute(text, [bound[name] for name in names])
        except psycopg.Error as error:
            if driver.broken:
                held.invalidate(error)
            raise DBAPIError.instance(text, None, error, psycopg.Error, hide_parameters=True) from error


def render(payload: Any) -> bytes:
    """JSON in UTF-8; times carry the town's offset, UUIDs are strings."""
    return orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS)


def answer(
    payload: Any,
    status: int = 200,
    etag: str | None = None,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A payload as a JSON answer that no shared cache may keep."""
    response = Response(render(payload), status=status, content_type=content_type)
    response.headers["Cache-Control"] = "private, no-store"
    if etag is not None:
        response.headers["ETag"] = f'"{etag}"'
    if headers:
        response.headers.update(headers)
    return response


def public_answer(payload: Any, seconds: int, content_type: str = "application/json") -> Response:
    """A payload that is the same for everybody: cacheable for so many seconds and answered 304 to a repeated ETag."""
    body = render(payload)
    response = Response(body, content_type=content_type)
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    response.set_etag(hashlib.blake2b(body, digest_size=12).hexdigest())
    return response.make_conditional(request)  # type: ignore[return-value]  # werkzeug types it as the base Response
