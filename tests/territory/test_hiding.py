"""What is hidden of a column of counts cannot be worked out from what is shown of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.territory.hiding import LEAST, hidden

columns = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 12), min_size=1)


@given(columns)
def test_no_small_count_is_shown_and_none_is_the_difference_of_shown_ones(counts: dict[str, int]) -> None:
    without, no_total = hidden(counts)
    shown = {name: count for name, count in counts.items() if name not in without}
    assert all(count >= LEAST for count in shown.values())
    if not no_total:
        left = sum(counts.values()) - sum(shown.values())
        assert sum(counts.values()) >= LEAST
        # Of two or more counts with a sum that is not small, each could be any of several.
        assert not without or (len(without) >= 2 and left >= LEAST)


@given(columns)
def test_nothing_is_hidden_where_nothing_is_small(counts: dict[str, int]) -> None:
    assert hidden({name: count + LEAST for name, count in counts.items()}) == (frozenset(), False)


def test_the_smallest_of_the_others_goes_with_the_one_that_is_small() -> None:
    assert hidden({"a": 3, "b": 40, "c": 9}) == ({"a", "c"}, False)
    assert hidden({"a": 3, "b": 4}) == ({"a", "b"}, False)
    assert hidden({"a": 3}) == ({"a"}, True)
    assert hidden({"a": 0, "b": 0}) == ({"a", "b"}, True)
