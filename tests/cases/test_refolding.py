"""Half-width kana in a search, and texts that were indexed by older tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from backend.cases.search import refolding, search
from backend.cases.search.folding import fold, plain
from backend.cases.search.marking import mark
from backend.cases.search.refolding import refold
from backend.cases.search.search_tables import CaseText
from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger import job_runs
from tests.town import People, carry

SAID = "ﾄﾗｯｸが路燈を倒し、ｶﾞｽ臭い。電話13812345678"


def test_half_width_kana_are_compared_and_marked_as_the_others() -> None:
    assert fold("ﾄﾗｯｸ ｶﾞｽ ﾊﾟﾝｸ ･｢｣") == fold("トラック ガス パンク ・「」") == "トラック ガス パンク ・「」"
    assert len(plain(SAID)) == len(SAID)
    hits = [part for part, hit in mark(SAID, "ガス トラック").parts if hit]
    assert hits == ["ﾄﾗｯｸ", "ｶﾞｽ"]


def found(people: People, who: str, word: str) -> bool:
    return bool(people[who].get(f"/cases?text={word}").json["items"])


def test_what_older_tables_indexed_is_indexed_anew_once_and_what_is_in_order_is_left_alone(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(search, "searchable", str.casefold)
        case = str(people["resident"].file(description=SAID)["id"])
    people["resident"].file()
    carry(people, case, "dispatch")
    readers = ("dispatcher", "village_officer")  # who reads the text, and who reads it redacted
    assert not any(found(people, who, word) for who in readers for word in ("トラック", "路灯"))
    with app.app_context():
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(refolding, "rewrite", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                refold(clock.now())
        assert refold(clock.now()) == 1
    for word in ("トラック", "ﾄﾗｯｸ", "路灯", "ガス", "倒し"):
        assert [who for who in readers if found(people, who, word)] == list(readers), word
    assert not found(people, "village_officer", "13812345678")
    with app.app_context():
        before = rows(select(CaseText.id, CaseText.folded, CaseText.tokens))
        with monkeypatch.context() as newer:
            newer.setattr(refolding, "version", lambda: "of other tables that make the same of it")
            assert refold(clock.now()) == 0
        assert rows(select(CaseText.id, CaseText.folded, CaseText.tokens)) == before
        with monkeypatch.context() as patch:
            patch.setattr(refolding, "rows", None)
            assert refold(clock.now()) == 0  # not a text is read any more
            later = clock.now() + timedelta(days=250)
            assert refold(later) == 0 and job_runs.done_at(refolding.JOB, refolding.version()) == later


def test_a_text_that_changed_meanwhile_is_not_overwritten(app: Flask, people: People) -> None:
    case = people["resident"].file(description="路灯不亮")["id"]
    with app.app_context():
        (text,) = rows(select(CaseText.id, CaseText.case_id, CaseText.folded))
        with unit_of_work() as session:
            assert not search.rewrite(session, text.id, "别的", (text.case_id, "早先的话", None, clock.now()))
    assert found(people, "dispatcher", "路灯") and not found(people, "dispatcher", "早先"), case
