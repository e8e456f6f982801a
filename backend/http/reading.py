"""The reading path: Core statements on an autocommit engine, answered as JSON without objects in between.

A read through the ordinary session costs three round trips (BEGIN, SELECT, ROLLBACK) and renders every row twice; this
one costs one and renders once. Schemas still declare each answer, and a test holds the two against each other.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Flask, Response, current_app, g, request
from sqlalchemy import Connection, Engine, Executable, Row

from backend.extensions import reading_engine

AnyRow = Row[*tuple[Any, ...]]
"""A row of any columns."""


def init_reading(app: Flask, url: str) -> None:
    """Give the app its reading engine; a request's connection goes back to the pool when its context ends."""
    app.extensions["reading"] = reading_engine(url)
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
