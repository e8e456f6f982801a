"""The reading path: Core statements on an autocommit engine, answered as JSON without objects in between.

A read through the ordinary session costs three round trips (BEGIN, SELECT, ROLLBACK) and renders every row twice; this
one costs one and renders once. Schemas still declare each answer, and a test holds the two against each other.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import orjson
from flask import Flask, Response, current_app, g, request
from sqlalchemy import CompoundSelect, Connection, Engine, Executable, Row, Select

from backend.extensions import reading_engine
from backend.http.driven import Driven

AnyRow = Row[*tuple[Any, ...]]
"""A row of any columns."""


def init_reading(app: Flask, url: str, identity_url: str) -> None:
    """Give the app its reading engine, and one for the role that alone may read identities where there is one."""
    app.extensions["reading"] = reading_engine(url)
    app.extensions["reading_idle"] = list[Connection]()
    app.extensions["identity_reading"] = reading_engine(identity_url) if identity_url else None
    app.teardown_appcontext(_give_back)


def connection() -> Connection:
    """This context's reading connection; each statement on it sees what is committed at that moment."""
    if "reading_connection" not in g:
        g.reading_connection = _idle_or_new()
    held: Connection = g.reading_connection
    return held


IDLE_KEPT = 8
"""Connections that wait for the next request."""


def _idle_or_new() -> Connection:
    # The engine's pool, asked at each request, takes as long as reading ten rows.
    idle: list[Connection] = current_app.extensions["reading_idle"]
    engine: Engine = current_app.extensions["reading"]
    try:
        return idle.pop()
    except IndexError:
        return engine.connect()


def _give_back(_error: BaseException | None) -> None:
    held: Connection | None = g.pop("reading_connection", None)
    if held is None:
        return
    idle: list[Connection] = current_app.extensions["reading_idle"]
    if held.invalidated or len(idle) >= IDLE_KEPT:
        held.close()
    else:
        idle.append(held)


def close_reading(app: Flask) -> None:
    """Close the connections for reading that nobody uses now."""
    idle: list[Connection] = app.extensions["reading_idle"]
    while idle:
        idle.pop().close()
    app.extensions["reading"].dispose()


def rows(statement: Executable, **values: Any) -> Sequence[AnyRow]:
    """All rows of a statement."""
    return connection().execute(statement, values).all()


def row(statement: Executable, **values: Any) -> AnyRow | None:
    """The first row of a statement, or None."""
    return connection().execute(statement, values).first()


@contextmanager
def planned_for_their_values() -> Iterator[None]:
    """Have PostgreSQL plan the statements inside for the values they come with, not once for all: right where the same
    statement reads a month or ten years, and is asked seldom."""
    held = connection()
    if held.dialect.name != "postgresql":
        yield
        return
    held.exec_driver_sql("SET plan_cache_mode = force_custom_plan")
    try:
        yield
    finally:
        held.exec_driver_sql("RESET plan_cache_mode")


def identity_engine() -> Engine | None:
    """The engine of the role that alone may read identities; None where no such role is set."""
    engine: Engine | None = current_app.extensions["identity_reading"]
    return engine


def identity_rows(statement: Executable, **values: Any) -> Sequence[AnyRow]:
    """All rows of a statement on identities."""
    engine = identity_engine()
    if engine is None:
        return rows(statement, **values)
    with engine.connect() as held:
        return held.execute(statement, values).all()


R = TypeVar("R", bound=tuple[Any, ...])


class Prepared(Generic[R]):
    """A statement of a route that is asked often, built once, and the NamedTuple that its rows become."""

    def __init__(
        self, statement: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]], kind: Callable[..., R]
    ) -> None:
        self.statement, self.kind = statement, kind
        self._driven = Driven(statement)

    def all(self, **values: Any) -> list[R]:
        """All rows."""
        held = connection()
        if held.dialect.name == "postgresql":
            return self._driven.rows(held, values, self.kind)
        return [self.kind(*found) for found in held.execute(self.statement, values)]

    def first(self, **values: Any) -> R | None:
        """The first row, or None."""
        found = self.all(**values)
        return found[0] if found else None


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


def public_answer(
    payload: Any, seconds: int, content_type: str = "application/json", etag: str | None = None
) -> Response:
    """A payload that is the same for everybody: cacheable for so many seconds and answered 304 to a repeated ETag, the
    digest of its bytes unless another is given."""
    return public_bytes(render(payload), seconds, content_type, etag)


def public_bytes(body: bytes, seconds: int, content_type: str, etag: str | None = None) -> Response:
    """The same of what is written already."""
    response = Response(body, content_type=content_type)
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    response.set_etag(etag or hashlib.blake2b(body, digest_size=12).hexdigest())
    return response.make_conditional(request)  # type: ignore[return-value]  # werkzeug types it as the base Response
