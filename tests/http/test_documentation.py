"""`/docs` works on a machine without the internet."""

import re

import pytest
from flask.testing import FlaskClient

ADDRESSES = re.compile(r'(?:src|href)="([^"]+)"')


@pytest.fixture
def page(empty_client: FlaskClient) -> str:
    return empty_client.get("/docs").text


def test_every_file_of_the_page_comes_from_this_server(empty_client: FlaskClient, page: str) -> None:
    addresses = ADDRESSES.findall(page)
    assert "/docs/swagger-ui-bundle.js" in addresses
    for address in addresses:
        assert address.startswith("/"), address
        assert empty_client.get(address).status_code == 200, address


def test_the_page_describes_our_own_openapi(empty_client: FlaskClient) -> None:
    assert '"/api/v1/openapi.json"' in empty_client.get("/docs/start.js").text
    assert "validatorUrl: null" in empty_client.get("/docs/start.js").text


def test_its_policy_lets_the_browser_ask_no_other_server(empty_client: FlaskClient) -> None:
    policy = empty_client.get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "connect-src 'self';" in policy
    assert "http" not in policy and "*" not in policy


def test_the_page_has_no_script_of_its_own_inside(page: str) -> None:
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []


@pytest.mark.parametrize("name", ["nothing.js", "../__init__.py", "..%2f__init__.py", "%2e%2e/__init__.py"])
def test_only_the_files_of_swagger_ui_are_given(empty_client: FlaskClient, name: str) -> None:
    assert empty_client.get(f"/docs/{name}").status_code == 404
