"""A rule set is a checked document that cannot change under its name."""

import copy
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from backend.rewards.rule_sets import FOLDER, RuleSetInvalid, digest, load_rule_set, read_rule_set
from backend.rewards.scoring import Goalposts, MinMax

DOCUMENT: dict[str, Any] = json.loads((FOLDER / "main-1.json").read_text("utf-8"))


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return document


def test_the_first_rule_set_weighs_three_indicators_each_with_its_direction() -> None:
    rule_set = load_rule_set()
    assert rule_set.name == "main-1"
    assert {one.scoring.code: (one.scoring.direction, one.scoring.weight) for one in rule_set.indicators} == {
        "handled_in_time": ("more_is_better", Fraction(6, 10)),
        "rework": ("less_is_better", Fraction(1, 4)),
        "open_service_points": ("more_is_better", Fraction(15, 100)),
    }
    assert rule_set.indicators[0].scoring.normalisation == Goalposts(Fraction(1, 10), Fraction(9, 10))
    assert all(set(one.titles) == {"zh-CN", "en"} for one in rule_set.indicators)


def test_the_hash_of_a_rule_set_follows_what_it_says_and_not_how_it_is_spelled() -> None:
    reordered = dict(reversed(list(DOCUMENT.items())))
    assert read_rule_set(reordered).hash == load_rule_set().hash
    assert read_rule_set(changed("least_weight", to=0.4)).hash != load_rule_set().hash


def test_a_rule_set_may_take_the_extremes_of_the_field() -> None:
    rule_set = read_rule_set(changed("indicators", 0, "normalisation", to={"method": "min_max"}))
    assert rule_set.indicators[0].scoring.normalisation == MinMax()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("indicators", 0, "weight"), 0.7),
        (("indicators", 0, "weight"), 0),
        (("indicators", 0, "weight"), -0.6),
        (("indicators", 0, "weight"), float("nan")),
        (("indicators", 0, "weight"), float("inf")),
        (("indicators", 0, "direction"), "up"),
        (("indicators", 0, "normalisation"), {"method": "goalposts", "low": 1, "high": 1}),
        (("indicators", 0, "normalisation"), {"method": "goalposts", "low": 0}),
        (("indicators", 0, "normalisation"), {"method": "min_max", "low": 0}),
        (("indicators", 0, "min_evidence"), 0),
        (("indicators", 0, "min_evidence"), 1.5),
        (("indicators", 0, "numerator", "channel"), "rumour"),
        (("indicators", 0, "title"), {"en": "only one language"}),
        (("indicators", 0, "code"), "rework"),
        (("indicators", 0, "surprise"), 1),
        (("indicators",), []),
        (("indicators",), [None]),
        (("least_weight",), 1.1),
        (("version",), 0),
        (("code",), "Main set"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(RuleSetInvalid):
        read_rule_set(changed(*path, to=value))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"code": "main", "code": "main"}', "\u0000"])
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "main-1.json").write_text(text, "utf-8")
    with pytest.raises(RuleSetInvalid):
        load_rule_set("main-1", tmp_path)


def test_a_file_holds_the_rule_set_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "main-2.json").write_text(json.dumps(DOCUMENT), "utf-8")
    with pytest.raises(RuleSetInvalid, match="main-1"):
        load_rule_set("main-2", tmp_path)


def test_a_digest_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"x": float("nan")})


def test_the_first_rule_set_is_what_runs_have_used_it_as() -> None:
    """A change of what it says belongs into main-2.json."""
    assert load_rule_set("main-1").hash == "44862c34b53c92f0274fdc28d10a85132cb9bea60cd0fc72fd828540957f7fc0"


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (("scoring", "rule_sets"), ("numpy", "scipy", "pandas", "sklearn")),
        (("routes", "schedule", "commands"), ("scipy", "pandas", "sklearn")),  # shapely brings numpy to who locates
    ],
)
def test_scoring_loads_no_heavy_library(modules: tuple[str, ...], heavy: tuple[str, ...]) -> None:
    program = f"import sys, {', '.join(f'backend.rewards.{one}' for one in modules)}; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "'backend.rewards.scoring'" in loaded
    assert not [name for name in heavy if f"'{name}'" in loaded]
