"""A request's body: how it is read, and how large it may be (small, unless the route says otherwise)."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from flask import Flask, Request, current_app, request
from marshmallow import RAISE, Schema
from webargs.core import missing
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.middleware.proxy_fix import ProxyFix

from backend.http.problems import MalformedBody

F = TypeVar("F", bound=Callable[..., Any])

LARGEST = 1_000_000
"""Bytes of a body: far more than any form, and parsed it still fits into a worker many times."""


class Parser(FlaskParser):
    """What a route takes, read from the request: whatever is no JSON is refused, and so is an unknown parameter."""

    DEFAULT_UNKNOWN_BY_LOCATION: ClassVar[dict[str, str | None]] = {  # type: ignore[misc]  # webargs: no ClassVar
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """Each parameter once, the first where it comes several times; no route takes a list."""
        return req.args.to_dict()

    def _raw_load_json(self, req: Request) -> Any:
        if not req.get_data(cache=True):
            return missing
        if not is_json_request(req):
            raise UnsupportedMediaType
        try:
            # The standard library's: it reads NaN and lone surrogates, so that the field's own message can name them.
            return super()._raw_load_json(req)
        except (ValueError, RecursionError) as error:  # broken, not UTF-8, a number of 5,000 digits, nested too deeply
            raise MalformedBody from error


def large_body(view: F) -> F:
    """Let a route take bodies as large as a photo may be."""
    view.body_of = "photo"  # type: ignore[attr-defined]  # read below
    return view


def largest_body(view: F) -> F:
    """Let a route take bodies as large as a recording may be. It has to read them piece by piece."""
    view.body_of = "recording"  # type: ignore[attr-defined]  # read below
    return view


def init_bodies(app: Flask, largest: Mapping[str, int], proxies: int) -> None:
    """Limit bodies, `largest` being the bytes that one with a photo and one with a recording may have; believe what so
    many `proxies` say of the sender's address.
    """
    app.config["MAX_CONTENT_LENGTH"] = LARGEST

    def limit() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        holds = getattr(view, "body_of", None)
        if holds:
            request.max_content_length = largest[holds] + 100_000  # the form around it

    app.before_request(limit)
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]  # WSGI's way
