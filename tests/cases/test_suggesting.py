"""Category and urgency are suggested with the words that decided, nothing when unsure, and danger comes first."""

from __future__ import annotations

import struct
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import replace
from math import exp
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, update

from backend.cases.suggestions.suggestion_tables import SuggestionVersion, SuggestionWeight
from backend.extensions import Base
from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.people import throttle
from tests.town import TOWN, People

FIGURES = dict.fromkeys(("accuracy", "macro_f1"), 0.9) | dict.fromkeys(("lexicon_accuracy", "lexicon_macro_f1"), 0.5)


def ask(people: People, description: str, role: str | None = None, **headers: str) -> Any:
    """The answer to a text, of somebody without an account unless a role is named."""
    sent = (people[role].headers if role else {}) | {name.replace("_", "-"): said for name, said in headers.items()}
    return people.client.post("/api/v1/suggestions", json={"description": description}, headers=sent)


def words(suggested: Mapping[str, Any]) -> list[str]:
    return [word["text"] for word in suggested["words"]]


def learnt(app: Flask, version: int, grams: Mapping[str, tuple[float, ...]], **changes: Any) -> None:
    """Keep a version of two categories, street_light (bias 0) and manhole (bias 1), with these weights."""
    told: dict[str, Any] = {"id": uuid.uuid4(), "town_code": TOWN, "version": version, "learnt_at": clock.now()}
    told |= {"learnt_from": 60, "lengths": [1, 2], "words": len(grams), **FIGURES}
    told |= {"threshold": 0.6, "right": 0.9, "suggested": 0.8, "urgent_threshold": 0.9, "urgent_right": 0.9}
    told["categories"] = [
        {"code": "street_light", "bias": 0.0, "cases": 30, "f1": 0.9},
        {"code": "manhole", "bias": 1.0, "cases": 30, "f1": 0.9},
    ]
    with app.app_context(), unit_of_work() as session:
        session.execute(insert(SuggestionVersion), told | changes)
        for gram, weights in grams.items():
            row = {"version_id": told["id"], "gram": gram, "weights": struct.pack("<3f", *weights)}
            session.execute(insert(SuggestionWeight), row)


def test_the_lexicon_suggests_with_the_words_that_decided_and_where_they_stand(people: People) -> None:
    told = "幸福路口的路 燈不亮"
    answer = ask(people, told).json
    assert answer["category"]["code"] == "street_light" and answer["category"]["name"] == "路灯"
    assert words(answer["category"]) == ["路 燈不亮"]
    assert [told[word["start"] : word["end"]] for word in answer["category"]["words"]] == ["路 燈不亮"]
    assert answer["urgency"] is None and answer["danger"] is None
    assert answer["basis"] == {"version": 0, "learnt_from": 0, "threshold": 0.5, "urgent_threshold": 0.5}
    assert ask(people, told, Accept_Language="en").json["category"]["name"] == "Street lights"


def test_it_says_nothing_when_unsure(people: People) -> None:
    for unsure in ("你好，请问", "路灯不亮，井盖不见，工资拖欠", "🙂🙂", "x" * 10_000):
        assert ask(people, unsure).json["category"] is None, unsure


def test_what_the_words_call_urgent_and_what_is_handled_day_and_night_is_urgent(people: People) -> None:
    said = ask(people, "水渠随时会漫到人行道").json["urgency"]
    assert (said["because"], words(said), said["confidence"]) == ("words", ["随时"], None)
    by_kind = ask(people, "井盖不见了").json["urgency"]
    assert (by_kind["because"], words(by_kind)) == ("category", ["井盖"])
    assert by_kind["confidence"] >= 0.5


def test_danger_comes_first_with_whom_to_call_in_both_languages(people: People) -> None:
    answer = ask(people, "鱼塘有小孩落水，路灯也不亮")
    assert answer.data.startswith(b'{"danger":{"call":[{"number":"119"')
    danger = answer.json["danger"]
    assert [one["number"] for one in danger["call"]] == ["119", "120"]
    assert "119" in danger["zh"] and "120" in danger["zh"] and "call 119" in danger["en"]
    assert danger["kinds"] == ["drowning"] and words(danger) == ["落水"]
    assert answer.json["urgency"]["because"] == "danger"


def test_danger_is_told_to_who_must_wait_and_to_who_sends_a_bad_token(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = replace(throttle.BUCKETS["suggestion"], free=1)
    monkeypatch.setattr(throttle, "BUCKETS", {**throttle.BUCKETS, "suggestion": once})
    assert ask(people, "路灯不亮").status_code == 200
    assert ask(people, "路灯不亮").status_code == 429
    assert ask(people, "路灯不亮", "resident").status_code == 200  # who has signed in is not counted
    for headers in ({}, {"Authorization": "Bearer x"}):
        waits = ask(people, "着火了", **headers)
        assert waits.status_code == 200 and waits.json["danger"]["kinds"] == ["fire"]
        assert [waits.json[name] for name in ("category", "urgency", "basis")] == [None, None, None]
    assert ask(people, "路灯不亮", Authorization="Bearer x").status_code == 401


def test_nothing_of_a_text_is_kept(app: Flask, people: People) -> None:
    def counts() -> dict[str, int]:
        with app.app_context():
            tables = Base.metadata.sorted_tables
            return {table.name: rows(select(func.count()).select_from(table))[0][0] for table in tables}

    people["resident"].get("/me")
    before = counts()
    assert ask(people, "路灯不亮，着火了", "resident").status_code == 200
    assert counts() == before


def test_what_was_learnt_is_added_up_by_hand(app: Flask, people: People) -> None:
    # 榕树 counts 3 and 木棉 counts 4, so a text with both is 5 long: (6 + 4) / 5 = 2 against 0 and the bias of 1.
    learnt(app, 1, {"榕树": (3.0, 6.0, 0.0), "木棉": (4.0, 4.0, 0.0), "石": (1.0, 0.0, 9.0)})
    answer = ask(people, "榕树和木棉").json
    assert answer["category"]["code"] == "street_light"
    assert answer["category"]["confidence"] == pytest.approx(exp(2) / (exp(2) + exp(1)), abs=0.005)
    assert words(answer["category"]) == ["榕树", "木棉"]
    assert answer["basis"] == {"version": 1, "learnt_from": 60, "threshold": 0.6, "urgent_threshold": 0.9}
    # 木棉 alone is 4 long: 4 / 4 = 1 against the bias of 1, so half and half, which is not enough.
    assert ask(people, "木棉").json["category"] is None
    # Nothing known: not even the bias speaks.
    assert ask(people, "路灯不亮").json["category"] is None


def test_a_threshold_that_was_never_reached_means_that_nothing_is_suggested(app: Flask, people: People) -> None:
    learnt(app, 1, {"榕树": (1.0, 9.0, 0.0)}, threshold=None)
    assert ask(people, "榕树").json["category"] is None


def test_a_category_that_the_town_no_longer_has_is_not_suggested(app: Flask, people: People) -> None:
    gone = [
        {"code": "gone", "bias": 0.0, "cases": 30, "f1": 0.9},
        {"code": "manhole", "bias": 1.0, "cases": 9, "f1": 1},
    ]
    learnt(app, 1, {"榕树": (1.0, 9.0, 0.0)}, categories=gone)
    assert ask(people, "榕树").json["category"] is None


def test_the_admin_sees_the_versions_chooses_one_and_withdraws_one(app: Flask, people: People) -> None:
    for version in (1, 2):
        learnt(app, version, {"榕树": (1.0, 9.0, 0.0)})
    learnt(app, 3, {"榕树": (1.0, 9.0, 0.0)}, macro_f1=0.4)  # worse than the lexicon
    admin = people["admin"]

    def used() -> tuple[int, int]:
        asked = ask(people, "榕树").json["basis"]["version"]
        listed = admin.get("/suggestion-versions").json
        assert listed["in_use"] == asked
        return listed["chosen"], asked

    def choose(version: int | None) -> int:
        path, stands = "/api/v1/suggestion-versions/choice", admin.get("/suggestion-versions").json["choice_version"]
        headers = admin.headers | ({"If-Match": f'"{stands}"'} if stands else {})
        if version is None:
            return admin.client.delete(path, headers=headers).status_code
        return admin.client.put(path, json={"version": version}, headers=headers).status_code

    assert used() == (None, 2)
    assert choose(1) == 200 and used() == (1, 1)
    assert choose(3) == 200 and used() == (3, 3)
    assert choose(0) == 200 and used() == (0, 0)
    assert admin.post("/suggestion-versions/2/withdraw", None).status_code == 200
    assert choose(2) == 404 and choose(9) == 404 and choose(None) == 204 and used() == (None, 1)
    shown = {one["version"]: one for one in admin.get("/suggestion-versions").json["items"]}
    assert list(shown) == [3, 2, 1] and shown[2]["withdrawn_at"] and not shown[1]["withdrawn_at"]
    assert shown[1]["category"] == {"threshold": 0.6, "right": 0.9, "suggested": 0.8}
    assert (shown[1]["accuracy"], shown[1]["macro_f1"], shown[1]["lexicon_macro_f1"]) == (0.9, 0.9, 0.5)
    assert shown[1]["categories"][0] == {"code": "street_light", "name": "路灯", "cases": 30, "f1": 0.9}
    with app.app_context():
        done = rows(select(LedgerEntry.action).where(LedgerEntry.action.like("%suggestions")))
        assert sorted(entry.action for entry in done) == ["change_suggestions"] * 4 + ["withdraw_suggestions"]


def test_a_chosen_version_that_is_withdrawn_gives_way_to_the_newest(app: Flask, people: People) -> None:
    for version in (1, 2):
        learnt(app, version, {"榕树": (1.0, 9.0, 0.0)})
    admin = people["admin"]
    chosen = admin.client.put("/api/v1/suggestion-versions/choice", json={"version": 1}, headers=admin.headers)
    assert chosen.status_code == 200 and ask(people, "榕树").json["basis"]["version"] == 1
    with app.app_context(), unit_of_work() as session:
        session.execute(
            update(SuggestionVersion).where(SuggestionVersion.version == 1).values(withdrawn_at=clock.now())
        )
    assert ask(people, "榕树").json["basis"]["version"] == 2


_WITHOUT = """
import sys
from pathlib import Path
from backend import create_app
from backend.config import Config
import backend.scheduler
app = create_app(Config(INSTANCE=Path(sys.argv[1]), DATABASE_URL=sys.argv[2]))
answer = app.test_client().post("/api/v1/suggestions", json={"description": "榕树"})
assert answer.status_code == 200 and answer.json["basis"]["version"] == 1, answer.data
print(sorted({name.partition(".")[0] for name in sys.modules} & {"sklearn", "scipy", "joblib", "jieba", "pandas"}))
"""


def test_neither_a_web_worker_nor_the_scheduler_ever_loads_what_learns(app: Flask) -> None:
    learnt(app, 1, {"榕树": (1.0, 9.0, 0.0)})
    config = app.config["TOWN_CONFIG"]
    command = [sys.executable, "-c", _WITHOUT, str(config.INSTANCE), config.DATABASE_URL]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stdout == "[]\n", told.stderr
