"""The reading path answers the same on both databases, and gets over a connection that was cut."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flask import Flask
from sqlalchemy import bindparam, literal, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from backend.extensions import db
from backend.http.reading import Prepared, connection

pytestmark = pytest.mark.sql


class Pair(NamedTuple):
    one: str
    two: int


_pair = Prepared(select(bindparam("one", type_=db.String), literal(2)), Pair)


def test_a_prepared_statement_answers_rows_of_its_kind(empty_app: Flask) -> None:
    with empty_app.app_context():
        assert _pair.all(one="路灯") == [Pair("路灯", 2)]
        found = _pair.first(one="井盖")
        assert found is not None and (found.one, found.two) == ("井盖", 2)


def test_an_error_is_told_as_everywhere_else_and_the_next_statement_works(empty_app: Flask) -> None:
    with empty_app.app_context():
        nothing = Prepared(select(literal(1)).select_from(text("no_such_table")), lambda one: (one,))
        with pytest.raises(DBAPIError):
            nothing.all()
        assert _pair.first(one="a") == Pair("a", 2)


def test_a_connection_that_was_cut_is_replaced(empty_app: Flask) -> None:
    with empty_app.app_context():
        if connection().dialect.name == "sqlite":
            return  # nobody can cut it
        number = connection().scalar(select(db.func.pg_backend_pid()))
        with db.engine.connect() as other:
            other.execute(select(db.func.pg_terminate_backend(number)))
        with pytest.raises(OperationalError):
            _pair.all(one="a")
    with empty_app.app_context():
        assert _pair.first(one="a") == Pair("a", 2)
