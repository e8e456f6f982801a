"""How large a request's body may be: small, unless the route says otherwise."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from werkzeug.middleware.proxy_fix import ProxyFix

F = TypeVar("F", bound=Callable[..., Any])

LARGEST = 1_000_000
"""Bytes of a body: far more than any form, and parsed it still fits into a worker many times."""


def large_body(view: F) -> F:
    """Let a route take bodies as large as a photo may be."""
    view.large_body = True  # type: ignore[attr-defined]  # read below
    return view


def init_bodies(app: Flask, largest_photo: int, proxies: int) -> None:
    """Limit bodies, `largest_photo` in bytes; believe what so many `proxies` say of the sender's address."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST

    def limit() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        if getattr(view, "large_body", False):
            request.max_content_length = largest_photo + 100_000  # the form around the photo

    app.before_request(limit)
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]  # WSGI's way
