"""Ids for everybody."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from backend.http.disguises import disguised, disguised_instant, undisguised, undisguised_instant


def test_an_id_comes_back_from_its_disguise_and_from_no_other(empty_app: Flask) -> None:
    @given(st.uuids(), st.uuids())
    def holds(one: uuid.UUID, other: uuid.UUID) -> None:
        assert undisguised("a", disguised("a", one)) == one and disguised("a", undisguised("a", one)) == one
        assert disguised("a", one) != disguised("b", one)
        assert (disguised("a", one) == disguised("a", other)) is (one == other)

    with empty_app.app_context():
        holds()


def test_an_instant_comes_back_to_the_microsecond_and_what_was_made_up_is_none(empty_app: Flask) -> None:
    @given(st.integers(0, 2**55), st.uuids())
    def holds(ticks: int, made_up: uuid.UUID) -> None:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks)
        assert undisguised_instant("a", disguised_instant("a", moment)) == moment
        with pytest.raises(ValueError, match=str(made_up)):
            undisguised_instant("a", made_up)

    with empty_app.app_context():
        holds()
