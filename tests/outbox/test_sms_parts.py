"""An SMS is cut where carriers cut it, and never inside a character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.outbox.sms_parts import parts_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("案" * 70, 1),
        ("案" * 71, 2),
        ("案" * 69 + "𠮷", 2),  # 70 characters, 71 units
        ("案" * 68 + "𠮷", 1),
        ("案" * 134, 2),
        ("案" * 135, 3),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 159 + "€", 2),  # a euro takes two septets
        ("a" * 158 + "€", 1),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("案" * 66 + "𠮷" + "案" * 66, 3),  # 134 units, and the pair does not fit into the first 67
        ("a" * 152 + "€" + "a" * 152, 3),  # 306 septets, and the euro does not fit into the first 153
        ("é" * 160, 1),
        ("ê" * 70, 1),  # not in the alphabet of GSM: counted in units
        ("ê" * 71, 2),
    ],
)
def test_parts_are_counted_as_carriers_count_them(text: str, parts: int) -> None:
    assert len(parts_of(text)) == parts


@given(st.text(alphabet=st.sampled_from("aé€[案𠮷😀")))
def test_parts_make_up_the_text_and_none_is_longer_than_it_may_be(text: str) -> None:
    parts = parts_of(text)
    assert "".join(parts) == text
    for part in parts:
        assert len(part.encode("utf-16-le")) // 2 <= (160 if len(parts) == 1 else 153)
        part.encode("utf-16-le").decode("utf-16-le")
