"""Categories are learnt from the town's own accepted cases, and from nothing that may not be told."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select
from structlog.testing import capture_logs

from backend.cases.suggestions import learning
from backend.cases.suggestions.learning import learn_of, learn_suggestions
from backend.cases.suggestions.suggestion_tables import SuggestionVersion, SuggestionWeight
from backend.cases.tables import Case
from backend.http import clock
from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from tests.cases.test_suggesting import ask, words
from tests.town import TOWN, VILLAGE, People

ABOUT = {"litter": "榕树头", "manhole": "祠堂口", "labour": "牌坊边"}
"""Words of this town's people that no lexicon has."""
FILLERS = "东西南北前后左右上下里外大小高低"


def add_cases(app: Flask, told: Sequence[tuple[str, str]], **changes: Any) -> None:
    """Accepted cases of these categories and texts."""
    at, kept = clock.now() - timedelta(hours=1), []
    for number, (category, said) in enumerate(told):
        given = {"town_code": TOWN, "village_code": VILLAGE, "area_code": VILLAGE, "status": "accepted", "version": 1}
        given |= {"id": uuid.uuid4(), "number": uuid.uuid4().hex[:20], "category": category, "description": said}
        given |= {"reporting": "named", "occurred_at": at - timedelta(minutes=number), "recorded_at": at}
        kept.append(dict.fromkeys(column.key for column in Case.__table__.c) | given | {"accepted_at": at} | changes)
    with app.app_context(), unit_of_work() as session:
        session.execute(insert(Case), kept)


def told_of(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """So many different texts in turn about each of the categories."""
    chance = random.Random(seed)
    kinds = list(ABOUT)
    return [
        (kinds[number % 3], "".join(chance.choices(FILLERS, k=8)) + ABOUT[kinds[number % 3]]) for number in range(count)
    ]


def learn(app: Flask) -> int | None:
    with app.app_context():
        return learn_of(TOWN, clock.now())


def grams(app: Flask) -> set[str]:
    with app.app_context():
        return {one.gram for one in rows(select(SuggestionWeight.gram))}


def test_what_the_town_s_cases_teach_is_suggested_and_its_figures_are_kept(app: Flask, people: People) -> None:
    before = ask(people, "今早见到榕树头又有一堆").json
    assert before["category"] is None and before["basis"]["version"] == 0
    add_cases(app, told_of(90))
    assert learn(app) == 1
    after = ask(people, "今早见到榕树头又有一堆").json
    assert after["category"]["code"] == "litter" and after["basis"]["version"] == 1
    assert "".join(words(after["category"])) in "榕树头" and after["category"]["words"]
    assert after["basis"]["learnt_from"] == 90
    urgent = ask(people, "祠堂口不见了一个").json
    assert urgent["category"]["code"] == "manhole" and urgent["urgency"]["because"] == "category"
    with app.app_context():
        kept = row(select(SuggestionVersion))
        assert kept is not None
        # Every held-back text has its category's word and no other's; the lexicon knows none of them.
        assert (kept.accuracy, kept.macro_f1, kept.lexicon_accuracy, kept.lexicon_macro_f1) == (1, 1, 0, 0)
        assert (kept.right, kept.suggested) == (1, 1)
        counted = {kind["code"]: kind["cases"] for kind in kept.categories if kind["cases"]}
        assert counted == dict.fromkeys(ABOUT, 30)


def test_nothing_is_learnt_from_what_is_protected_unaccepted_declined_redacted_or_rare(app: Flask) -> None:
    add_cases(app, told_of(60))
    add_cases(app, [("litter", f"{filler}密告人") for filler in FILLERS], reporting="protected")
    add_cases(app, [("litter", f"{filler}拆分件") for filler in FILLERS], reporting="part")
    add_cases(app, [("litter", f"{filler}未立案") for filler in FILLERS], accepted_at=None, status="reported")
    add_cases(app, [("litter", f"{filler}不受理") for filler in FILLERS], status="declined")
    add_cases(app, [("litter", f"{filler}王麻子") for filler in FILLERS], redacted="〔略〕又来了")
    add_cases(app, [("litter", f"{filler}李四娘") for filler in FILLERS[:4]])
    add_cases(app, [("litter", "九次同样的赵六伯")] * 9)
    add_cases(app, [("litter", f"{filler}众人知 13800138000 Abcd") for filler in FILLERS[:5]])
    assert learn(app) == 1
    known = grams(app)
    for hidden in ("密告", "拆分", "立案", "受理", "麻子", "四娘", "赵六", "略"):
        assert not any(gram in hidden for gram in known if len(gram) > 1), hidden
    assert "众人" in known and "人知" in known
    assert not any(character.isascii() for gram in known for character in gram)


def test_it_is_learnt_anew_only_when_enough_is_new_from_the_newest_and_the_oldest_version_goes(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MOST_CASES", 60)
    monkeypatch.setattr(learning, "VERSIONS_KEPT", 1)
    monkeypatch.setattr(learning, "_accepted", learning._accepted.limit(20))
    add_cases(app, told_of(49))
    assert learn(app) is None
    add_cases(app, told_of(41, seed=2))
    assert learn(app) == 1
    with app.app_context(), unit_of_work() as session:  # what a job that was cut off left behind
        session.execute(insert(SuggestionWeight), {"version_id": uuid.uuid4(), "gram": "龘", "weights": b""})
    assert learn(app) is None
    new = {"accepted_at": clock.now() + timedelta(hours=1), "occurred_at": clock.now()}
    add_cases(app, told_of(19, seed=3), **new)
    assert learn(app) is None
    add_cases(app, told_of(1, seed=4), **new)
    assert learn(app) == 2
    with app.app_context():
        assert [tuple(one) for one in rows(select(SuggestionVersion.version, SuggestionVersion.learnt_from))] == [
            (2, 60)
        ]
        assert rows(select(func.count(func.distinct(SuggestionWeight.version_id))))[0][0] == 1
    assert "龘" not in grams(app)


def test_a_child_that_fails_leaves_everything_as_it_was(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    add_cases(app, told_of(60))
    monkeypatch.setattr(learning, "_PROGRAM", Path("/nowhere"))
    with app.app_context(), capture_logs() as logs:
        learn_suggestions(clock.now())
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["not_learnt"]
    assert grams(app) == set()


def test_the_threshold_is_the_lowest_share_from_which_on_four_of_five_are_right() -> None:
    import numpy as np

    from backend.cases.suggestions.learner.fitting import _threshold

    sure = np.linspace(0.99, 0.5, 50)
    right = np.array([True] * 20 + [False] * 5 + [False] * 25)  # 20 of 25 are right, of 26 and more fewer
    assert _threshold(sure, right) == {"threshold": sure[24], "right": 0.8, "suggested": 0.5}
    assert _threshold(sure[::-1], right[::-1]) == {"threshold": sure[24], "right": 0.8, "suggested": 0.5}
    assert _threshold(sure[:19], right[:19]) is None  # too few to be believed
    assert _threshold(sure, ~right) is None
