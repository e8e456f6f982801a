"""`/docs`: the API's description as a page, from files of our own machine only."""

from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from backend.http.headers import page_policy
from backend.http.permission import permission

pages = Blueprint("documentation", __name__)
HERE = Path(__file__).with_name("static") / "docs"
# Swagger UI sets styles on its elements and draws its icons from data addresses.
_POLICY = page_policy(style="'self' 'unsafe-inline'", img="'self' data:")


def swagger_ui() -> Path:
    """The folder of Swagger UI's files, out of the package that carries them."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or spec.origin is None:
        raise RuntimeError("flask-swagger-ui is not installed: `make run` installs it")
    return Path(spec.origin).with_name("dist")


@pages.get("/docs")
@permission("public")
def show() -> Response:
    """The page."""
    response = send_from_directory(HERE, "page.html", max_age=0)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@pages.get("/docs/start.js")
@permission("public")
def start() -> Response:
    """What the page does first."""
    return send_from_directory(HERE, "start.js", max_age=0)


@pages.get("/docs/<path:name>")
@permission("public")
def part(name: str) -> Response:
    """A file of Swagger UI."""
    return send_from_directory(swagger_ui(), name, max_age=3600)
