"""`/` needs nothing but this server: its files, and routes that answer to everybody."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import RequestRedirect

from backend.http.front_page import HERE

ADDRESS = re.compile(r'(?:src|href)="(/[^"]*)"')
IMPORT = re.compile(r'from "\./([^"]+)"')
ROUTE = re.compile(r'["`](/api/v1/[^"`?]+)')
SCRIPTS = sorted(HERE.glob("*.js"))


def test_every_file_of_the_page_comes_from_this_server(empty_client: FlaskClient) -> None:
    page = empty_client.get("/")
    assert page.status_code == 200 and page.mimetype == "text/html"
    addresses = ADDRESS.findall(page.text)
    assert {"/page/start.js", "/page/page.css", "/page/map.css", "/page/icon.svg"} <= set(addresses)
    for address in addresses:
        assert empty_client.get(address).status_code == 200, address


def test_nothing_on_the_page_points_to_another_server() -> None:
    for file in HERE.iterdir():
        outside = re.findall(r"https?://[^\"'\s)]+", file.read_text("utf-8"))
        assert set(outside) <= {"http://www.w3.org/2000/svg"}, file.name


def test_the_browser_may_run_and_ask_only_what_comes_from_here(empty_client: FlaskClient) -> None:
    page = empty_client.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "connect-src 'self';" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=", page.text) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_imports_only_what_is_there(script: Path) -> None:
    assert set(IMPORT.findall(script.read_text("utf-8"))) <= {other.name for other in SCRIPTS}


def test_a_visitor_who_is_not_signed_in_may_read_all_the_page_asks_for(empty_app: Flask) -> None:
    routes = ROUTE.findall((HERE / "start.js").read_text("utf-8"))
    assert len(set(routes)) == 4
    urls = empty_app.url_map.bind("localhost")
    for route in routes:
        try:
            endpoint, _ = urls.match(route, "GET")
        except RequestRedirect as error:
            raise AssertionError(f"{route} is only a redirect") from error
        assert empty_app.view_functions[endpoint].permission == "public", route


def test_an_unchanged_file_is_not_sent_again(empty_client: FlaskClient) -> None:
    first = empty_client.get("/page/map.js")
    again = empty_client.get("/page/map.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize("name", ["nothing.js", "../docs/start.js", "%2e%2e/docs/start.js", "..%2fdocs%2fstart.js"])
def test_only_the_files_of_the_page_are_given(empty_client: FlaskClient, name: str) -> None:
    assert empty_client.get(f"/page/{name}").status_code == 404
