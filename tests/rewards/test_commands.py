"""Scoring a period from the command line."""

from __future__ import annotations

import pytest

from tests.rewards.conftest import OTHER_TOWN, TOWN, RewardsTown

pytestmark = pytest.mark.sql


def command(town: RewardsTown, *words: str) -> tuple[int, str]:
    done = town.app.test_cli_runner().invoke(args=["rewards", "run", *words])
    return done.exit_code, done.output


def test_a_run_by_hand_prints_its_ranking_as_a_table(town: RewardsTown) -> None:
    town.ordinary_october()
    code, text = command(town, "2026-10", "--town", TOWN)
    lines = text.splitlines()
    assert code == 0
    assert lines[0].split() == ["名次", "代码", "村（社区）", "得分", "按期处置率", "返工率", "党群阵地开放"]
    assert lines[1].split() == ["1", f"{TOWN}001", "江滨", "92.5", "9/10", "0/10", "1/2"]
    assert lines[4].split() == ["–", f"{TOWN}006", "水南", "–", "–", "–", "2/2", "incomplete,", "unranked"]
    assert "final run" in lines[-1] and "(new)" in lines[-1]


def test_a_run_by_hand_done_again_says_so(town: RewardsTown) -> None:
    town.ordinary_october()
    command(town, "2026-10")
    code, text = command(town, "2026-10")
    assert code == 0 and "(there already)" in text


@pytest.mark.parametrize(
    "words", [("2026-13",), ("2199",), ("2026-10", "--town", "999999999"), ("2026-10", "--rule-set", "main-99")]
)
def test_what_cannot_be_run_is_refused_with_a_message(town: RewardsTown, words: tuple[str, ...]) -> None:
    code, text = command(town, *words)
    assert code == 1 and text.startswith("Error: ") and "Traceback" not in text


def test_another_town_is_named_by_its_code(town: RewardsTown) -> None:
    town.happened("handled_in_time", "001", 5, 10, town=OTHER_TOWN)
    code, text = command(town, "2026-10", "--town", OTHER_TOWN)
    assert code == 0 and f"{OTHER_TOWN}001" in text and TOWN not in text
