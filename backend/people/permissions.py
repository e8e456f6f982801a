"""The gate before every route: deny by default, decided by the permission the route names."""

from flask import Flask, Response, current_app, request

from backend.http.problems import NotFound
from backend.people.access import PUBLIC, SIGNED_IN, TABLE
from backend.people.caller import current_caller


def init_permissions(app: Flask) -> None:
    """Guard the app. Call it last: a route without a permission, or with an unknown one, stops the start."""
    for endpoint, view in app.view_functions.items():
        name = getattr(view, "permission", None)
        if name not in (PUBLIC, SIGNED_IN, *TABLE):
            raise RuntimeError(f"route {endpoint} names no permission of the access table: {name!r}")
    app.before_request(_gate)


def _gate() -> Response | None:
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    name: str = getattr(current_app.view_functions[request.endpoint], "permission")  # noqa: B009  # checked at start
    if name == PUBLIC:
        return None
    caller = current_caller()
    if name != SIGNED_IN and not caller.may(name):
        raise NotFound
    return None
