"""What a field takes of a text or a day."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from backend.http.fields import Day, Instant, Text, blank, unturned

UNSEEN = st.text(" \t\u00ad\u200b\u200d\u2060\u3000\u3164\u2800\ufe0f\ufeff\u2028\U000e0041", max_size=8)


@given(before=UNSEEN, seen=st.sampled_from("字aé.🚒0"), after=UNSEEN)
def test_a_text_is_blank_unless_something_in_it_is_seen(before: str, seen: str, after: str) -> None:
    assert blank(before + after) and not blank(before + seen + after)


@pytest.mark.parametrize("field", [Text(40, required=True), Text(40, shortest=1)])
def test_a_text_that_shows_nothing_is_none(field: Text) -> None:
    for text in ("", " ", "\u200b\u200b", "\u202e\u202c"):
        with pytest.raises(ValidationError):
            field.deserialize(text)
    assert Text(40).deserialize("\u200b") == "\u200b"


@given(st.text("ab字\u200e\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
def test_nothing_turns_a_text_s_direction(text: str) -> None:
    kept = "".join(character for character in text if character in "ab字\u200e")
    assert unturned(text) == Text(100).deserialize(text) == kept


@pytest.mark.parametrize(("field", "rest"), [(Day(), ""), (Instant(), "T00:00:00+08:00")])
def test_a_day_too_far_off_is_told_to_be_out_of_range(field: Any, rest: str) -> None:
    for day in ("0001-01-01", "1900-12-31", "3000-01-01", "9999-12-31"):
        with pytest.raises(ValidationError) as refused:
            field.deserialize(day + rest)
        assert refused.value.messages == [("应在 1901 年至 2999 年之间。", "Out of range: the years 1901 to 2999.")]
    assert field.deserialize("2999-12-31" + rest).year == 2999


def test_an_offset_whose_plus_was_left_as_it_is_in_an_address_is_understood() -> None:
    meant = Instant().deserialize("2026-10-01T08:30:00+08:00")
    assert Instant().deserialize("2026-10-01T08:30:00 08:00") == meant
    for written in ("2026-10-01 08:30", "2026-10-01T08:30:00", "2026-10-01T08:30:00  08:00"):
        with pytest.raises(ValidationError):
            Instant().deserialize(written)
