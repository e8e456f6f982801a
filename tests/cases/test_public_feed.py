"""The news of the town and its villages as Atom."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.public.public_feed import atom
from backend.cases.public.publication import _of_area, _statement
from backend.config import TOWN_ZONE
from backend.http.reading import connection
from tests.cases.test_public_texts import NOON, WORDS, done, later, public, worded
from tests.town import ELSEWHERE, TOWN, VILLAGE, People, carry

NS = {"a": "http://www.w3.org/2005/Atom"}


def read(people: People, area: str) -> Any:
    answer = people.client.get(f"/api/v1/public/areas/{area}/feed.atom")
    assert (answer.status_code, answer.mimetype) == (200, "application/atom+xml")
    return ElementTree.fromstring(answer.data)


def texts(feed: Any, path: str) -> list[str]:
    return [found.text for found in feed.findall(path, NS)]


def test_each_area_has_its_news_with_stable_ids_and_days_only(people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        assert texts(read(people, TOWN), "a:updated") == ["1970-01-01T00:00:00+00:00"]
        here = people["resident"].file()["id"]
        away = people["party_member"].file(location=ELSEWHERE, category="street_light")["id"]
        for case in (here, away):
            carry(people, case, "accept")
        frozen.shift(timedelta(days=4))
        people.clear()
        worded(people, here)
        done(people, "inspector", here, "release_public_text")
        later(frozen, people)
        town, village = read(people, TOWN), read(people, VILLAGE)
        ids = {f"urn:uuid:{one['id']}" for one in public(people)}
        assert set(texts(town, "a:entry/a:id")) == ids and len(ids) == 2
        assert texts(village, "a:entry/a:summary") == [WORDS]
        assert texts(village, "a:entry/a:title") == ["敦根社区 · 垃圾乱堆 · 已立案"]
        assert texts(village, "a:entry/a:updated") == ["2026-11-29T00:00:00+08:00"] == texts(village, "a:updated")
        assert all(moment.endswith("T00:00:00+08:00") for moment in texts(town, "a:entry/a:published"))
        later(frozen, people)
        people.clear()
        assert texts(read(people, VILLAGE), "a:entry/a:id") == texts(village, "a:entry/a:id")
        done(people, "dispatcher", here, "dispatch", department=VILLAGE)
        assert texts(read(people, VILLAGE), "a:updated") == texts(village, "a:updated")
        later(frozen, people)
        now = read(people, VILLAGE)
        assert texts(now, "a:entry/a:updated") == ["2026-12-03T00:00:00+08:00"]
        assert texts(now, "a:id") == texts(village, "a:id") != texts(town, "a:id")
        assert [len(feed.findall("a:author/a:name", NS)) for feed in (town, village)] == [1, 1]


def test_an_unchanged_feed_is_not_sent_again_and_grids_and_strangers_have_none(people: People) -> None:
    path = f"/api/v1/public/areas/{VILLAGE}/feed.atom"
    first = people.client.get(path)
    again = people.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    for code in (f"{VILLAGE}001", "440605122", "4406", "%25", "440605121999"):
        assert people.client.get(f"/api/v1/public/areas/{code}/feed.atom").status_code == 404, code


def test_the_links_of_a_feed_are_whole_addresses(app: Flask, people: People) -> None:
    path = f"/api/v1/public/areas/{VILLAGE}/feed.atom"

    def links(**headers: str) -> set[str]:
        feed = ElementTree.fromstring(people.client.get(path, headers=headers).data)
        return {link.get("href", "") for link in feed.iter(f"{{{NS['a']}}}link")}

    with time_machine.travel(NOON, tick=False) as frozen:
        carry(people, people["resident"].file()["id"], "accept")
        frozen.shift(timedelta(days=4))
        people.clear()
        [case] = public(people)
        paths = {path, "/", "/#cases", f"/api/v1/public/cases/{case['id']}"}
        assert links(Host="grid.example.cn:8443") == {f"http://grid.example.cn:8443{one}" for one in paths}
        app.config["TOWN_CONFIG"] = replace(app.config["TOWN_CONFIG"], PUBLIC_URL="https://grid.example.cn")
        assert links() == {f"https://grid.example.cn{one}" for one in paths}
        assert people.client.get(path, headers={"Host": 'a"<b>&\xff'}).status_code < 500


@pytest.mark.sql
def test_list_and_news_walk_the_index_of_what_is_public_and_no_village_s(app: Flask) -> None:
    with app.app_context():
        held = connection()
        for asked, more in ((_statement, {"limit": 51}), (_of_area, {"area": VILLAGE})):
            compiled = asked.compile(held.engine)
            values = compiled.construct_params({"town": TOWN} | dict.fromkeys(("before", "until"), NOON) | more)
            given = tuple(values[name] for name in compiled.positiontup or ())
            if held.dialect.name == "sqlite":
                given = tuple(str(value) if isinstance(value, datetime) else value for value in given)
                plan = "\n".join(str(row[3]) for row in held.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", given))
            else:
                held.exec_driver_sql("SET enable_seqscan = off")
                held.exec_driver_sql("SET enable_bitmapscan = off")
                plan = "\n".join(str(row[0]) for row in held.exec_driver_sql(f"EXPLAIN {compiled}", given))
            assert "ix_cases_public" in plan and "ix_cases_village" not in plan, plan
            assert "SCAN cases" not in plan and "Seq Scan" not in plan.replace("Seq Scan on areas", ""), plan


def test_any_text_makes_well_formed_xml(empty_app: Flask) -> None:
    @given(st.text(st.characters(codec="utf-8"), min_size=1))
    def holds(text: str) -> None:
        text = f"{text}]]><b>&amp;\x00\x0b￿"
        case = SimpleNamespace(
            id=uuid.UUID(int=1), category=text, status="accepted", village_code=VILLAGE, name=text, text=text
        )
        moments = dict.fromkeys(("occurred_at", "public_at", "decided_at", "changed_at"), datetime.now(TOWN_ZONE))
        vars(case).update(moments, coarse_lon=None, coarse_lat=None)
        feed = ElementTree.fromstring(atom(VILLAGE, text, [case], "https://\x00"))  # type: ignore[list-item]
        (summary,) = texts(feed, "a:entry/a:summary")
        assert summary.endswith("]]><b>&amp;���")
        kept = "".join(sign for sign in text if sign >= " " and sign not in "￾￿")
        assert "".join(sign for sign in summary if sign >= " " and sign != "�") == kept.replace("�", "")

    with empty_app.app_context():
        holds()
