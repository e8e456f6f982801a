"""A client of an app without data: these tests are about what all routes share."""

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.fixture
def empty_client(empty_app: Flask) -> FlaskClient:
    return empty_app.test_client()
