"""Errors as people and programs meet them: RFC 9457 `application/problem+json`, rendered in one place."""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import orjson
import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from backend.http.logs import described

log = structlog.get_logger()

Errors = Mapping[str, Any]


class Problem(Exception):
    """An error of the trade with a stable `code` and a message a person can act on, in Chinese and English.

    Subclasses set `status`, `code` and the two messages; `params` fill the messages' placeholders.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    zh: ClassVar[str] = "请求有误，请检查后重试。"
    en: ClassVar[str] = "The request is malformed; check it and try again."

    def __init__(self, errors: Errors | None = None, headers: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(self.code, params)
        self.errors, self.headers, self.params = errors, headers or {}, params


class NotFound(Problem):
    """What does not exist and what the caller may not see: the same bytes for both."""

    status, code = 404, "not_found"
    zh, en = "没有找到您要的内容。", "There is nothing here under this address."


class Invalid(Problem):
    """Fields that do not fit; `errors` says which and why."""

    status, code = 422, "invalid"
    zh, en = (
        "有内容填写不正确，请按各项提示修改后再提交。",
        "Some fields are not right; correct them as noted and send again.",
    )


class MalformedBody(Problem):
    """A body that is not JSON."""

    status, code = 400, "malformed_body"
    zh, en = (
        "请求内容不是有效的 JSON，请检查格式后重新提交。",
        "The body is not valid JSON; check its form and send again.",
    )


class Conflict(Problem):
    """Two writers met; the later one reads again and decides anew."""

    status, code = 409, "conflict"
    zh, en = (
        "内容刚被他人改动或已存在，请刷新后重试。",
        "This was changed or made by someone else just now; reload and retry.",
    )


class Busy(Problem):
    """The same thing is being worked on at this moment."""

    status, code = 409, "busy"
    zh, en = "系统正在处理相同的内容，请稍后再试。", "The same thing is being worked on; try again in a moment."


_HTTP: Mapping[int, tuple[str, str, str]] = {
    400: (Problem.code, Problem.zh, Problem.en),
    401: ("not_signed_in", "请先登录。", "Please sign in first."),
    404: (NotFound.code, NotFound.zh, NotFound.en),
    405: ("method_not_allowed", "这个地址不支持该操作。", "This address does not take that method."),
    406: ("not_acceptable", "无法以所要求的格式回答。", "No answer in the format asked for."),
    411: ("length_required", "请求缺少长度。", "The request needs a Content-Length."),
    412: ("stale_version", "内容已有更新，请刷新后再操作。", "There is a newer version; reload and try again."),
    413: ("too_large", "内容太大，请缩小后再上传。", "That is too large; make it smaller and send again."),
    414: ("address_too_long", "地址太长。", "The address is too long."),
    415: (
        "unsupported_media_type",
        "不支持这种内容类型，请用 JSON 提交。",
        "This content type is not taken; send JSON.",
    ),
    416: ("no_such_part", "文件没有所请求的部分。", "The file has no such part."),
    422: (Invalid.code, Invalid.zh, Invalid.en),
    431: ("headers_too_large", "请求头太大。", "The request's headers are too large."),
    500: (
        "internal",
        "系统出了问题，我们已记录，请稍后再试。",
        "Something broke on our side; it is on record. Try later.",
    ),
    503: ("unavailable", "系统暂时无法使用，请稍后再试。", "The service is briefly unavailable; try again later."),
}

_LOCATIONS = {"json", "query", "headers", "path", "files", "form"}

_FIELD_MESSAGES: tuple[tuple[str, str], ...] = (
    (r"Missing data for required field\.", "必须填写。"),
    (r"Unknown field\.", "没有这个字段。"),
    (r"Field may not be null\.", "不能为空值。"),
    (r"Not a valid string\.", "应为文字。"),
    (r"Not a valid (number|integer)\.", "应为数字。"),
    (r"Not a valid boolean\.", "应为是或否。"),
    (r"Not a valid UUID\.", "应为 UUID。"),
    (r"Not a valid date\.", "日期格式不正确，应写作如 2026-10-01。"),
    (r"Not a valid (datetime|time|aware datetime)\.", "时间格式不正确，应写作如 2026-10-01T08:30:00+08:00（带时区）。"),
    (r"Not a valid list\.", "应为列表。"),
    (r"Not a valid mapping type\.", "应为对象。"),
    (r"Invalid input type\.", "类型不正确。"),
    (r"Number too large\.|Special numeric values \(nan or infinity\) are not permitted\.", "不是可用的数字。"),
    (r"String does not match expected pattern\.", "格式不正确。"),
    (r"Must be equal to (.*)\.", r"应为 \1。"),
    (r"Must be one of: (.*)\.", r"应为其中之一：\1。"),
    (
        r"Must be greater than or equal to (.*) and less than or equal to (.*)\.",
        r"应在 \1 与 \2 之间。",
    ),
    (r"Must be greater than or equal to (.*)\.", r"不能小于 \1。"),
    (r"Must be less than or equal to (.*)\.", r"不能大于 \1。"),
    (r"Length must be between (\d+) and (\d+)\.", r"长度应在 \1 到 \2 之间。"),
    (r"Longer than maximum length (\d+)\.", r"长度不能超过 \1。"),
    (r"Shorter than minimum length (\d+)\.", r"长度不能小于 \1。"),
)

_FIELD_MESSAGES_EN: Mapping[str, str] = {
    "Not a valid date.": "Not a valid date: write it as 2026-10-01.",
    "Not a valid aware datetime.": "Not a valid time: write it as 2026-10-01T08:30:00+08:00, with its offset.",
}


def language() -> Literal["zh", "en"]:
    """`zh` or `en`: the language the caller prefers; Chinese when it does not say."""
    return "en" if request.accept_languages.best_match(["zh-CN", "zh", "en"], default="zh") == "en" else "zh"


def localised(errors: Any, lang: str) -> Any:
    """Messages by field, however deep, in Chinese (`zh`) or English: pairs of both, or marshmallow's words."""
    if isinstance(errors, Mapping):
        return {str(key): localised(value, lang) for key, value in errors.items()}
    if isinstance(errors, list | tuple):
        if len(errors) == 2 and isinstance(errors, tuple):
            return errors[0] if lang == "zh" else errors[1]
        return [localised(value, lang) for value in errors]
    text = str(errors)
    if lang == "zh":
        for pattern, chinese in _FIELD_MESSAGES:
            if re.fullmatch(pattern, text):
                return re.sub(pattern, chinese, text)
    return _FIELD_MESSAGES_EN.get(text, text) if lang == "en" else text


def render(
    status: int,
    code: str,
    zh: str,
    en: str,
    errors: Errors | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """A problem as an answer. Field errors may be pairs (Chinese, English); others are marshmallow's words."""
    lang = language()
    body: dict[str, Any] = {"type": "about:blank", "title": code, "status": status, "code": code}
    body["detail"] = zh if lang == "zh" else en
    if errors:
        body["errors"] = localised(errors, lang)
    body = {**body, **(extra or {}), **body}  # a problem's own members are not to be taken
    answer = Response(_written(body), status=status, content_type="application/problem+json")
    answer.headers["Content-Language"] = "zh-CN" if lang == "zh" else "en"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers.update(headers or {})
    return answer


def _written(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, default=str)
    except TypeError:
        # What is quoted from the caller may be no text: a lone surrogate, or a number beyond 64 bits.
        return json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")


def render_problem(problem: Problem) -> Response:
    """A named error of the trade as an answer; plain parameters are given beside the message."""
    return render(
        problem.status,
        problem.code,
        problem.zh.format(**problem.params),
        problem.en.format(**problem.params),
        problem.errors,
        problem.headers,
        problem.params,
    )


def _render_http(error: HTTPException) -> Response:
    status = error.code or 500
    code, zh, en = _HTTP.get(status, _HTTP[400] if status < 500 else _HTTP[500])
    data = getattr(error, "data", None) or {}
    messages = data.get("messages")
    errors = _by_field(messages) if isinstance(messages, Mapping) else None
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return render(status, code, zh, en, errors, headers)


def _by_field(messages: Mapping[str, Any]) -> dict[str, Any]:
    """Messages by field, out of those by where in the request the field was; a body may have a field `query`, too."""
    if not set(messages) <= _LOCATIONS:
        return dict(messages)
    errors: dict[str, Any] = {}
    for part in messages.values():
        errors |= part if isinstance(part, Mapping) else {"_schema": part}
    return errors


def _render_unexpected(error: Exception) -> Response:
    if isinstance(error, DBAPIError) and any(
        words in str(error.orig) for words in ("database is locked", "lock timeout", "deadlock detected")
    ):
        return render(409, Busy.code, Busy.zh, Busy.en, headers={"Retry-After": "1"})
    log.error("unexpected", route=request.endpoint, **described(error))
    return render(500, *_HTTP[500])


def init_problems(app: Flask) -> None:
    """Make every error of the app a problem document."""
    app.register_error_handler(Problem, render_problem)
    app.register_error_handler(HTTPException, _render_http)
    app.register_error_handler(Exception, _render_unexpected)
