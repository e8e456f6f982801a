"""Finding cases by words: exactly those whose text has them, whatever the language, through an index."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from backend.cases.reporter.redaction import redact
from backend.cases.search import finding, folding, search
from backend.cases.search.folding import asked_tokens, fold, tokens
from backend.cases.search.search_tables import CaseText
from backend.cases.tables import Case
from backend.extensions import db
from backend.http.work import write_added
from tests.town import HOME, People, carry

pytestmark = pytest.mark.sql

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
LETTERS = "路灯不亮漏水12aAbＡ①℃𠮷𠮸🔥\u200b \n%_/'&"


@contextmanager
def unit_undone(app: Flask) -> Iterator[Session]:
    """A unit of work of which nothing stays."""
    with app.app_context():
        session = db.session()
        try:
            yield session
        finally:
            session.rollback()


def keep(session: Session, *texts: str) -> list[uuid.UUID]:
    """Cases with these texts, findable."""
    ids = [uuid.uuid4() for _ in texts]
    rows = [
        dict.fromkeys(column.key for column in Case.__table__.c)
        | {"id": one, "number": one.hex[:20], "town_code": "440605121", "village_code": "440605121012"}
        | {"area_code": "440605121012", "status": "reported", "version": 1, "category": "litter", "description": words}
        | {"reporting": "named", "occurred_at": AT, "recorded_at": AT}
        for one, words in zip(ids, texts, strict=True)
    ]
    session.connection().execute(insert(Case), rows)
    redacted = [redact(words) for words in texts]
    search.index(
        session,
        [
            (one, words, None if hidden == words else hidden, AT)
            for one, words, hidden in zip(ids, texts, redacted, strict=True)
        ],
    )
    write_added(session)
    return ids


def found(session: Session, query: str, masked: bool = False) -> set[uuid.UUID]:
    """Ids found by the index; what reading each text finds has to be the same."""
    by_index = set(session.scalars(select(Case.id).where(search.matching(query, masked))))
    if words := search.words_of(query):
        reading = search.by_reading(Case.id, [*map(len, words)], masked)  # type: ignore[arg-type]  # a column is one of its elements
        assert by_index == set(session.scalars(select(Case.id).where(reading), search.values_of(words)))
    return by_index


@pytest.mark.parametrize(
    ("words", "queries"),
    [
        ("幸福路12号门口路灯不亮", ["路灯", "灯", "路灯不亮", "12号", "门口路灯", "幸福路 路灯", "路灯　幸福"]),
        ("重装DN200阀门后漏水", ["DN200", "dn200", "ｄｎ２００", "200", "阀门", "漏水"]),
        ("𠮷家门口积水", ["𠮷家", "𠮷", "𠮷家门口"]),
        ("\u2f08行道破损", ["人行道", "\u4eba", "行道"]),
        ("\uf901换井盖", ["更换", "\u66f4"]),
        ("\u2ecb辆挡住\u2ed4口，\u2ea0居受影响", ["车辆", "门口", "民居"]),
        ("\ufeff路\u200b灯\u00ad不\u2060亮，葛\U000e0100路", ["路灯不亮", "葛路", "路\u200d灯"]),
        ("①号井的水有30℃，C++ 写的 🔥", ["①", "①号", "℃", "30℃", "c++", "++", "🔥"]),
        ("路燈壞了，請儘快維修", ["路灯", "路燈", "坏了", "尽快", "維修"]),
        ("头发和发展，皇后与后面", ["頭髮", "發展", "皇后", "後面"]),
        ("着急找著名景点", ["著急", "着名"]),
        ("漏水", ["漏水", "漏"]),
        ("50%_off/x & 'quoted' \\back", ["%_", "50%", "/x", "&", "'quoted'", "\\b"]),
    ],
)
def test_each_word_of_a_text_finds_it(empty_app: Flask, words: str, queries: list[str]) -> None:
    with unit_undone(empty_app) as session:
        keep(session, "别的事情")
        [case] = keep(session, words)
        assert {query: found(session, query) for query in queries} == {query: {case} for query in queries}


@pytest.mark.parametrize("query", ["𠮸", "家𠮷", "亮不", "路灯 漏水", "1号", "灯路", "OR", "路灯*", '"路灯"'])
def test_a_word_that_is_not_in_the_text_finds_nothing(empty_app: Flask, query: str) -> None:
    with unit_undone(empty_app) as session:
        keep(session, "𠮷家门口路灯不亮，①号")
        assert found(session, query) == set()


def test_the_halves_of_a_word_do_not_make_the_word(empty_app: Flask) -> None:
    with unit_undone(empty_app) as session:
        keep(session, "人民政府", "政府人民，民政")
        assert len(found(session, "人民政府")) == 1


@given(texts=st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=6), query=st.text(LETTERS, max_size=5))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_hits_are_the_texts_that_hold_all_words(empty_app: Flask, texts: list[str], query: str) -> None:
    with unit_undone(empty_app) as session:
        ids = keep(session, *texts)
        words = fold(query).split()
        expected = {one for one, text in zip(ids, texts, strict=True) if all(word in fold(text) for word in words)}
        assert found(session, query) == expected
        assert found(session, query, masked=True) == expected


@given(st.text())
def test_folding_twice_is_folding_once(words: str) -> None:
    assert fold(fold(words)) == fold(words)


@given(st.text(LETTERS), st.text(LETTERS, min_size=1, max_size=2))
def test_a_text_has_the_tokens_of_its_short_words_and_no_others(words: str, word: str) -> None:
    folded, asked = fold(words), fold(word)
    if asked and " " not in asked and len(asked) <= 2:
        [token] = asked_tokens([asked])
        begins = any(one.startswith(token.removesuffix("*")) for one in tokens(folded))
        assert (asked in folded) == (begins if token.endswith("*") else token in tokens(folded))


def test_what_was_taken_from_a_text_is_not_found_by_a_masked_reader(empty_app: Flask) -> None:
    with unit_undone(empty_app) as session:
        [case] = keep(session, "路灯不亮，电话13812345678找我")
        for query in ("13812345678", "13", "8", "话13"):
            assert found(session, query) == {case}
            assert found(session, query, masked=True) == set()
        assert found(session, "路灯 找我", masked=True) == {case}


def test_a_changed_text_is_found_by_its_new_words_only(empty_app: Flask) -> None:
    with unit_undone(empty_app) as session:
        # The newest of them: SQLite gives its row number to the next one.
        other, case = keep(session, "漏水", "漏水，电话13812345678")
        search.reindex(session, (case, "停电", None, AT))
        write_added(session)
        assert (found(session, "漏水"), found(session, "停电"), found(session, "13")) == ({other}, {case}, set())
        search.drop(session, other)
        assert found(session, "漏水") == set()
        search.drop(session, other)
        assert session.scalar(select(CaseText.folded)) == "停电"


def test_of_a_very_long_text_the_beginning_is_found(empty_app: Flask) -> None:
    with unit_undone(empty_app) as session:
        [case] = keep(session, "开头" + "长" * folding.LONGEST + "结尾")
        assert (found(session, "开头"), found(session, "结尾")) == ({case}, set())


def test_rare_and_common_words_are_found_by_the_index_and_no_table_is_read_whole(empty_app: Flask) -> None:
    with unit_undone(empty_app) as session:
        keep(session, *["村口路灯不亮"] * 50)
        for query in ("灯", "路灯", "路灯不亮"):
            plan = "\n".join(_plan(session, query))
            assert ("case_tokens VIRTUAL TABLE INDEX" if _is_sqlite(session) else "ix_case_texts_tokens") in plan, plan
            assert "SCAN case_texts" not in plan and "SCAN cases" not in plan and "Seq Scan" not in plan, plan


def _is_sqlite(session: Session) -> bool:
    return session.connection().dialect.name == "sqlite"


def _plan(session: Session, query: str) -> list[str]:
    statement = (
        select(Case.id)
        .where(Case.town_code == "440605121", search.matching(query))
        .order_by(Case.occurred_at.desc(), Case.id.desc())
        .limit(51)
    )
    connection = session.connection()
    plain = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
    if _is_sqlite(session):
        return [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {plain}")]
    session.execute(text("SET LOCAL enable_seqscan = off"))  # fifty rows are read whole by any planner
    return [str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {plain}")]


def texts_of(people: People, role: str, query: str, **more: str) -> list[str]:
    answer = people[role].client.get(
        "/api/v1/cases", query_string={"text": query, **more}, headers=people[role].headers
    )
    assert answer.status_code == 200, answer.json
    return [case["description"] for case in answer.json["items"]]


def test_the_list_finds_by_words_what_the_caller_may_see(people: People) -> None:
    people["resident"].file(description="幸福路路灯不亮，电话13812345678")
    own = people["party_member"].file(description="井盖松动")["id"]
    assert texts_of(people, "dispatcher", "路灯") == ["幸福路路灯不亮，电话13812345678"]
    assert texts_of(people, "resident", "井盖") == []
    assert texts_of(people, "party_member", "路灯") == []
    assert texts_of(people, "village_officer", "井盖") == []
    carry(people, own, "accept")
    assert texts_of(people, "village_officer", "井盖") == ["井盖松动"]


def test_a_masked_list_neither_finds_nor_shows_a_redacted_number(people: People) -> None:
    case = people["resident"].file(description="路灯不亮，电话13812345678")["id"]
    carry(people, case, "accept")
    assert texts_of(people, "inspector", "路灯") == ["路灯不亮，电话〔略〕"]
    assert texts_of(people, "inspector", "13812345678") == texts_of(people, "inspector", "3812") == []


@pytest.mark.parametrize("walked", [1, 2, 5000])
def test_newest_first_however_far_back_the_hits_lie(
    people: People, monkeypatch: pytest.MonkeyPatch, walked: int
) -> None:
    monkeypatch.setattr(finding, "WALKED", walked)
    for words in ("路灯一", "路灯二", "井盖三", "路灯四", "井盖五"):
        people["resident"].file(description=words)
    assert texts_of(people, "dispatcher", "路灯") == ["路灯四", "路灯二", "路灯一"]
    assert texts_of(people, "dispatcher", "路灯", limit="2") == ["路灯四", "路灯二"]
    assert texts_of(people, "dispatcher", "井盖") == ["井盖五", "井盖三"]


def test_a_job_sorts_new_texts_into_the_index_so_that_no_filing_has_to(empty_app: Flask) -> None:
    with empty_app.app_context():
        session = db.session()
        keep(session, "路灯不亮")
        session.commit()
        search.tidy(AT)
        if session.get_bind().dialect.name == "postgresql":
            assert session.scalar(text("SELECT gin_clean_pending_list('ix_case_texts_tokens')")) == 0
        assert len(found(session, "路灯")) == 1


def items_of(people: People, role: str, query: str, **more: str) -> list[dict[str, Any]]:
    asked = {"text": query, **more}
    answer = people[role].client.get("/api/v1/cases", query_string=asked, headers=people[role].headers)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def marked(item: dict[str, Any]) -> str:
    return "".join(f"[{part['text']}]" if part["hit"] else part["text"] for part in item["found"]["snippet"])


def test_the_hit_is_marked_in_the_text_as_it_was_written(people: People) -> None:
    people["resident"].file(description="重裝ＤＮ２００阀门后漏水")
    assert [marked(item) for item in items_of(people, "dispatcher", "重装dn200 漏水")] == [
        "[重裝ＤＮ２００]阀门后[漏水]"
    ]
    assert "found" not in people["dispatcher"].get("/cases").json["items"][0]


def test_a_character_beyond_the_first_plane_is_found_marked_whole_and_given_back_as_it_came(people: People) -> None:
    told = json.dumps({"category": "litter", "description": "𡌴村𠮷家门口积水", "location": HOME})
    assert r"\ud842\udfb7" in told  # as most programs send it
    resident = people["resident"]
    answer = resident.client.post(
        "/api/v1/cases", data=told, headers=resident.headers | {"Content-Type": "application/json"}
    )
    assert answer.status_code == 201, answer.json
    [item] = items_of(people, "dispatcher", "𠮷家")
    assert [items_of(people, "dispatcher", word)[0]["id"] for word in ("𡌴", "𡌴村")] == [item["id"]] * 2
    assert item["description"].encode().startswith(bytes.fromhex("f0a18cb4")) and marked(item) == "𡌴村[𠮷家]门口积水"
    assert items_of(people, "dispatcher", "𠮸") == []


def test_look_alikes_are_found_and_what_they_stand_for_is_kept(people: People) -> None:
    people["resident"].file(description="\u2f08行道破损")
    people["resident"].file(description="\uf901换井盖，①号井")
    [broken] = items_of(people, "dispatcher", "人行道")
    [cover] = items_of(people, "dispatcher", "更换")
    assert (broken["description"], cover["description"]) == ("\u2f08行道破损", "\uf901换井盖，①号井")
    assert marked(broken) == "[\u2f08行道]破损" and items_of(people, "dispatcher", "1号井") == []


def test_a_masked_reader_s_snippet_shows_nothing_of_what_was_taken_out(people: People) -> None:
    case = people["resident"].file(description="路灯不亮，电话13812345678，路灯旁")["id"]
    carry(people, case, "accept")
    [item] = items_of(people, "inspector", "路灯")
    assert marked(item) == "[路灯]不亮，电话〔略〕，[路灯]旁" and "1381" not in str(item)


def test_the_best_of_the_newest_stand_on_top_and_the_rest_newest_first(people: People) -> None:
    long = "长" * 60
    for words in ("路灯坏了", f"{long}路灯一", f"{long}路灯二", "路灯不亮，路灯太暗", f"{long}路灯三"):
        people["resident"].file(description=words)
    found = items_of(people, "dispatcher", "路灯")
    assert [item["description"].strip("长") for item in found] == [
        "路灯不亮，路灯太暗",
        "路灯坏了",
        "路灯三",
        "路灯二",
        "路灯一",
    ]
    assert [item["found"]["best"] for item in found] == [True, True, False, False, False]


def test_pages_of_a_search_hold_every_hit_once(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "WALKED", 2)
    words = ["路灯坏了", "井盖", "长" * 60 + "路灯", "井盖", "路灯路灯", "井盖", "路灯暗"]
    for each in words:
        people["resident"].file(description=each)
    seen, cursor = [], ""
    while cursor is not None:
        page = people["dispatcher"].get(f"/cases?text=路灯&limit=2{cursor and f'&cursor={cursor}'}").json
        seen += [item["description"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(each for each in words if "路灯" in each)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 640), st.floats(0, 1))
def test_a_few_tokens_name_every_day_of_a_time(last: datetime, days: int, where: float) -> None:
    first = max(last - timedelta(days=days), datetime(1, 1, 1, tzinfo=UTC))
    named = search.days_named(first, last).strip(" &()").split("|")
    assert len(set(search.day_tokens(first + (last - first) * where).split()) & set(named)) == 1
    assert len(named) <= (4 if days <= 192 else 12)


@pytest.mark.parametrize("age", [0, 3, 30, 110, 250])
def test_a_rare_word_is_found_however_long_ago_it_was_said(
    people: People, app: Flask, monkeypatch: pytest.MonkeyPatch, age: int
) -> None:
    monkeypatch.setattr(finding, "WALKED", 2)
    monkeypatch.setattr(finding, "MOST_DAYS", 120)
    with time_machine.travel(datetime.now(UTC) - timedelta(days=age)):
        case = People(app.test_client())["resident"].file(description="渔船漏油")["id"]
    for _ in range(4):
        people["resident"].file(description="路灯")
    assert [item["id"] for item in items_of(people, "dispatcher", "渔船")] == [case]
    assert [item["id"] for item in items_of(people, "dispatcher", "漏油 渔船", limit="1")] == [case]


def test_what_somebody_is_forgotten_of_is_found_by_nobody(people: People) -> None:
    from tests.town import PASSWORD

    case = people["resident"].file(description="居民 关小梅家门口漏水")["id"]
    carry(people, case, "accept")
    assert len(items_of(people, "dispatcher", "关小梅")) == 1
    gone = people.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=people["resident"].headers)
    assert gone.status_code == 204
    assert items_of(people, "dispatcher", "关小梅") == items_of(people, "dispatcher", "小梅") == []
    assert len(items_of(people, "dispatcher", "漏水")) == 1


def test_the_table_of_characters_is_what_opencc_has() -> None:
    from tests.cases.simplified_from_opencc import FILE, content

    assert FILE.read_text(encoding="utf-8") == content()
