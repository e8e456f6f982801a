"""Logs: one JSON object a line on standard output, without personal data.

A request is told by the name of its route, never by its address, which may hold anything; by its method, status and
duration; and by a hash of who asked, salted anew each day, so that what one caller did can be followed for a day and
no longer. No address of a machine, no browser, no query and no body is ever written.
"""

import hashlib
import hmac
import logging
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request, request_finished, request_started

from backend.http import clock

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = structlog.get_logger()


def log_as_json() -> None:
    """Make this process log as JSON; called once, by the program and not by the app."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # It tells of every run that was put off, and prints an error's own words.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


def log_requests(app: Flask, salt_of: Callable[[date], str]) -> None:
    """Write a line for each request the app answers. `salt_of` gives the salt of a day, the same to all workers."""

    def begin(_app: Flask, **_: Any) -> None:
        g.began = time.perf_counter()

    def finish(_app: Flask, response: Response, **_: Any) -> None:
        log.info(
            "request",
            route=request.endpoint,
            method=request.method if request.method in METHODS else "other",  # a client can send any word
            status=response.status_code,
            ms=round((time.perf_counter() - g.began) * 1000, 1),
            actor=_actor(salt_of),
        )

    request_started.connect(begin, app, weak=False)
    request_finished.connect(finish, app, weak=False)


def _actor(salt_of: Callable[[date], str]) -> str | None:
    caller = g.get("caller")
    if caller is None:
        return None
    return _salted(salt_of(clock.now().date()), caller.account_id)


@lru_cache(maxsize=1024)
def _salted(salt: str, account: uuid.UUID) -> str:
    return hmac.new(salt.encode(), account.bytes, hashlib.sha256).hexdigest()[:12]


def _as_json(line: Any, **_: Any) -> bytes:
    return orjson.dumps(line, default=str)


def described(error: BaseException) -> dict[str, object]:
    """What may be logged of an error: its kind and where it arose. Its own words may hold anybody's name or number."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "error": type(error).__name__,
        "where": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }
