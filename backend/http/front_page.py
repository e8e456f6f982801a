"""`/`: the town's public page, from plain files: map, published ranking, newest public cases."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from backend.http.headers import page_policy
from backend.http.permission import permission

pages = Blueprint("front_page", __name__)
HERE = Path(__file__).with_name("static") / "page"
_POLICY = page_policy()


@pages.get("/")
@permission("public")
def show() -> Response:
    """The page."""
    response = send_from_directory(HERE, "page.html", max_age=0)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@pages.get("/page/<path:name>")
@permission("public")
def part(name: str) -> Response:
    """A script, style or picture of the page; the browser asks each time whether it has changed."""
    return send_from_directory(HERE, name, max_age=0)
