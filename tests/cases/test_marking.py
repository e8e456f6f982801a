"""A hit is marked where it stands in the text that is shown, between whole characters, and nowhere else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.search.folding import fold
from backend.cases.search.marking import Marked, mark

FAMILY, FLAG, ACCENTED = "👨\u200d👩\u200d👧", "🇨🇳", "e\u0301"
LETTERS = "路灯\u200b不亮𠮷ＤNß e\u0301\u0323🇨🇳👨\u200d👧①燈壞"


def hits(marked: Marked) -> list[str]:
    return [text for text, hit in marked.parts if hit]


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("幸福路12号门口路灯不亮", "路灯", ["路灯"]),
        ("幸福路12号门口路灯不亮", "灯", ["灯"]),
        ("重装ＤＮ２００阀门后漏水", "dn200 漏水", ["ＤＮ２００", "漏水"]),
        ("路燈壞了", "路灯", ["路燈"]),
        ("路灯坏了", "路燈", ["路灯"]),
        ("𠮷家门口积水", "𠮷家", ["𠮷家"]),
        ("\u2f08行道破损", "人行道", ["\u2f08行道"]),
        ("村口路\u200b灯坏了", "路灯", ["路\u200b灯"]),
        (f"x{ACCENTED}y", "é", [ACCENTED]),
        (f"x{FAMILY}y", "👨", [FAMILY]),
        (f"{FLAG}{FLAG}", "🇳", [FLAG + FLAG]),
        ("Straße", "s", ["S", "ß"]),
        ("路灯，路灯", "路灯", ["路灯", "路灯"]),
        ("路灯路灯", "路灯", ["路灯路灯"]),
        ("别的", "路灯", []),
    ],
)
def test_each_place_of_a_word_is_marked_whole(text: str, query: str, expected: list[str]) -> None:
    assert hits(mark(text, query)) == expected


def test_a_long_text_is_shown_around_the_first_place_of_each_word() -> None:
    marked = mark("长" * 300 + "路灯" + "长" * 300 + "漏水" + "长" * 300, "路灯 漏水")
    shown = "".join(text for text, _ in marked.parts)
    assert shown == "…" + "长" * 12 + "路灯" + "长" * 48 + "…" + "长" * 12 + "漏水" + "长" * 48 + "…"
    assert hits(marked) == ["路灯", "漏水"]


def test_a_text_with_more_of_the_words_at_its_beginning_is_more_about_them() -> None:
    weights = [
        mark(text, "路灯 坏").weight for text in ("路灯坏了", "路灯旁的长椅坏了", "长" * 100 + "路灯旁的长椅坏了")
    ]
    assert weights == sorted(set(weights), reverse=True)


@given(st.text(LETTERS, max_size=30), st.text(LETTERS, min_size=1, max_size=4))
def test_a_text_has_marks_exactly_where_a_search_finds_it(text: str, query: str) -> None:
    words = fold(query).split()
    found = [word for word in words if word in fold(text)]
    assert bool(hits(mark(text, query))) == bool(found)


@given(st.text(LETTERS, max_size=40), st.text(LETTERS, max_size=4))
def test_no_part_begins_within_a_character_and_all_parts_are_of_the_text(text: str, query: str) -> None:
    parts = [part for part, _ in mark(text, query).parts if part != "…"]
    assert all(part in text for part in parts)
    assert not [part for part in parts if unicodedata.category(part[0])[0] == "M" and not text.startswith(part)]
    assert not [part for part in parts if part.startswith("\u200d") and not text.startswith(part)]
    "".join(parts).encode("utf-16")  # no half of a pair
