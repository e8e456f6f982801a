"""Every answer tells the browser to do no more with it than was meant."""

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("path", ["/", "/healthz", "/docs", "/api/v1/openapi.json", "/api/v1/nowhere", "/api/v1/me"])
def test_every_answer_is_guarded_errors_too(empty_client: FlaskClient, path: str) -> None:
    headers = empty_client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; frame-ancestors 'none'")


def test_data_may_run_no_script_whatever_a_browser_takes_it_for(empty_client: FlaskClient) -> None:
    assert "script-src" not in empty_client.get("/healthz").headers["Content-Security-Policy"]
