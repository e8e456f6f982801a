"""Whether the server lives, and whether the whole product is ready to serve."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from flask import Response, current_app
from marshmallow import Schema, fields
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.logs import described
from backend.http.permission import permission
from backend.http.problems import Problem
from backend.http.reading import answer, rows
from backend.http.registry import ask

LONGEST_SILENCE = timedelta(seconds=30)
log = structlog.get_logger()
room = Room("health", "Is it alive, is it ready", url_prefix="")


class NotReady(Problem):
    """Part of the product does not work; `failed` names the parts."""

    status, code = 503, "not_ready"
    zh, en = "系统尚未就绪：{failed}。", "Not ready: {failed}."


class AliveSchema(Schema):
    """The server answers."""

    status = fields.String(required=True)


class ReadySchema(Schema):
    """The state of each part."""

    database = fields.String(required=True)
    migrations = fields.String(required=True)
    scheduler = fields.String(required=True)


@room.get("/healthz")
@room.response(200, AliveSchema)
@permission("public")
def healthz() -> Response:
    """The server answers; nothing else is looked at."""
    return answer({"status": "ok"})


@room.get("/readyz")
@room.response(200, ReadySchema)
@permission("public")
def readyz() -> Response:
    """The database answers, its tables are those of this release, and the scheduler has shown itself in 30 seconds."""
    state: dict[str, Any] = {part: _state(check) for part, check in CHECKS.items()}
    failed = [part for part, found in state.items() if found != "ok"]
    if failed:
        raise NotReady(failed=", ".join(failed), **state)
    return answer(state)


def _state(check: Callable[[], bool]) -> str:
    try:
        return "ok" if check() else "failed"
    except SQLAlchemyError as error:
        log.warning("not_ready", **described(error))
        return "failed"


def _database_answers() -> bool:
    return len(rows(text("SELECT 1"))) == 1


def migrations_at_head() -> bool:
    """Whether the database has the tables of this release."""
    found = {row.version_num for row in rows(text("SELECT version_num FROM alembic_version"))}
    return found == _heads(Path(current_app.root_path).parent / "migrations")


@cache
def _heads(folder: Path) -> set[str]:
    # Read without Alembic, which would take 11 MB of every worker for this.
    written = "\n".join(path.read_text(encoding="utf-8") for path in (folder / "versions").glob("*.py"))
    before = set(_BEFORE.findall(written))
    return {revision for revision in _REVISION.findall(written) if revision not in before}


def _scheduler_alive() -> bool:
    seen = ask("heartbeat")
    return seen is not None and clock.now() - seen < LONGEST_SILENCE


_REVISION = re.compile(r'^revision(?:: str)? = "(\w+)"$', re.MULTILINE)
_BEFORE = re.compile(r'^down_revision(?:: [^=]+)? = "(\w+)"$', re.MULTILINE)

CHECKS: Mapping[str, Callable[[], bool]] = {
    "database": _database_answers,
    "migrations": migrations_at_head,
    "scheduler": _scheduler_alive,
}
