"""Lists page by keyset: a page says where the next one starts, and costs the same wherever it lies."""

import base64
import binascii
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from marshmallow import Schema, fields, validate

from backend.http.problems import Problem

DEFAULT_LIMIT, MOST = 50, 100
T = TypeVar("T")


class BadCursor(Problem):
    """A cursor that this list did not give."""

    status, code = 422, "bad_cursor"
    zh, en = "翻页标记无效，请从第一页重新开始。", "This cursor is not one of ours; start from the first page."


class PageQuery(Schema):
    """The two parameters of every list."""

    cursor = fields.String(
        load_default=None, validate=validate.Length(max=500), metadata={"description": "next_cursor of the page before"}
    )
    limit = fields.Integer(
        load_default=DEFAULT_LIMIT, validate=validate.Range(1, MOST), metadata={"description": "rows a page"}
    )


def write_cursor(*key: Any) -> str:
    """The sort key of a page's last row, as an opaque string."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def read_cursor(cursor: str | None, *kinds: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """The key inside a cursor, each part read by its kind (`instant`, `identifier`, `int`, `str`); None without.

    Raises BadCursor for anything this function's twin did not write.
    """
    if cursor is None:
        return None
    try:
        parts = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise BadCursor
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise BadCursor from error


def instant(part: Any) -> datetime:
    """The instant of a cursor's part."""
    moment = datetime.fromisoformat(part)
    if moment.tzinfo is None or not 1900 < moment.year < 3000:
        raise ValueError(part)
    return moment


def identifier(part: Any) -> uuid.UUID:
    """The UUID of a cursor's part."""
    return uuid.UUID(part)


def number(part: Any) -> int:
    """The number of a cursor's part, none below zero and one that a database can hold."""
    if type(part) is not int or not 0 <= part < 2**31:
        raise ValueError(part)
    return part


def page(found: Sequence[T], limit: int, key: Callable[[T], Sequence[Any]]) -> tuple[Sequence[T], str | None]:
    """The page out of `limit + 1` rows found, and the cursor of the next one (None on the last)."""
    if len(found) <= limit:
        return found, None
    kept = found[:limit]
    return kept, write_cursor(*key(kept[-1]))


def listing(items: Sequence[Any], next_cursor: str | None = None) -> dict[str, Any]:
    """The shape of every list."""
    return {"items": items, "next_cursor": next_cursor}


def page_of(name: str, item: type[Schema]) -> type[Schema]:
    """The schema of a page of items, by the name of its class, in the room of theirs: OpenAPI knows it by both."""
    members: dict[str, fields.Field[Any]] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
    }
    made = Schema.from_dict(members, name=name)
    made.__module__ = item.__module__
    return made
