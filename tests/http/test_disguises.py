"""Ids for everybody."""

import uuid

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from backend.http.disguises import disguised, undisguised


def test_an_id_comes_back_from_its_disguise_and_from_no_other(empty_app: Flask) -> None:
    @given(st.uuids(), st.uuids())
    def holds(one: uuid.UUID, other: uuid.UUID) -> None:
        assert undisguised("a", disguised("a", one)) == one and disguised("a", undisguised("a", one)) == one
        assert disguised("a", one) != disguised("b", one)
        assert (disguised("a", one) == disguised("a", other)) is (one == other)

    with empty_app.app_context():
        holds()
