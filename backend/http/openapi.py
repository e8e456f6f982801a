"""The OpenAPI 3.1 description, made from the routes and schemas themselves, and JSON by orjson."""

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask.json.provider import JSONProvider
from flask_smorest import Api
from marshmallow import Schema

from backend.http.blueprint import ProblemSchema
from backend.http.permission import permission

DESCRIPTION = """\
先用 `POST /api/v1/auth/login`（手机号、密码）登录，再以 `Authorization: Bearer <access_token>` 请求；令牌到期后用
`POST /api/v1/auth/refresh` 换新。重发写操作时带同一个 `Idempotency-Key`，只生效一次。修改时以 `If-Match`
带上读到的 `ETag`。坐标须注明坐标系 `crs`：`wgs84`、`cgcs2000`、`gcj02` 或 `bd09`。

Sign in by `POST /api/v1/auth/login` (phone, password), then send `Authorization: Bearer <access_token>`; when the token
expires, `POST /api/v1/auth/refresh` gives the next pair. A write sent again with the same `Idempotency-Key` takes
effect once. A change names the version it was decided on: the `ETag` read, sent as `If-Match`. Coordinates come with
their system, `crs`: `wgs84`, `cgcs2000`, `gcj02` or `bd09`.
"""

SETTINGS: dict[str, Any] = {
    "API_TITLE": "九江网格 Jiujiang grid governance",
    "API_VERSION": "1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {"info": {"description": DESCRIPTION}},
    "OPENAPI_URL_PREFIX": "/api/v1",
    "OPENAPI_JSON_PATH": "openapi.json",
}


_PROBLEM: dict[str, Any] = {
    "description": "What went wrong, in the language of Accept-Language: Chinese, or English where that is preferred",
    "content": {"application/problem+json": {"schema": ProblemSchema}},
}


class OrjsonProvider(JSONProvider):
    """JSON as the standard has it: NaN, infinities and lone surrogates are no JSON."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """JSON text."""
        return orjson.dumps(obj, option=orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The value of a JSON text; ValueError when it is none."""
        return orjson.loads(s)


def _schema_name(schema: type[Schema] | Schema) -> str:
    """A schema's name in the description: its room's, then its own; marked if all may be left out."""
    kind = schema if isinstance(schema, type) else type(schema)
    package, _, rest = kind.__module__.partition(".")
    room = rest.split(".")[0] if package == "backend" else "http"
    name = ("" if room == "http" else room.capitalize()) + kind.__name__.removesuffix("Schema")
    return name + ("Changes" if not isinstance(schema, type) and schema.partial else "")


def init_json(app: Flask) -> None:
    """Let the app read and write JSON by orjson."""
    app.json = OrjsonProvider(app)


def init_api(app: Flask, api: Api) -> None:
    """Describe the app: every operation may answer a problem, and tokens are bearer tokens."""
    api.DEFAULT_ERROR_RESPONSE_NAME = "PROBLEM"
    api.init_app(app, spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_schema_name)})
    api.spec.components.response("PROBLEM", _PROBLEM)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    _describe_late(app, api.spec)
    for view in [endpoint for endpoint in app.view_functions if endpoint.startswith("api-docs.")]:
        # The description is for everybody; a method takes no mark of its own.
        app.view_functions[view] = permission("public")(partial(app.view_functions[view]))


def _describe_late(app: Flask, spec: APISpec) -> None:
    """Have the routes that rooms leave in `undescribed` described before the description is first given."""
    undescribed: list[Callable[[], None]] = []
    app.extensions["undescribed"] = undescribed
    given, one_at_a_time = spec.to_dict, Lock()

    def whole() -> dict[str, Any]:
        with one_at_a_time:
            while undescribed:
                undescribed[0]()
                undescribed.pop(0)
        return given()

    spec.to_dict = whole  # type: ignore[method-assign]  # asked by the route and by `flask openapi`
