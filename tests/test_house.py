"""The house rules that no linter knows."""

import dataclasses
import re
from pathlib import Path

from backend.config import Config

ROOT = Path(__file__).parent.parent
SETTING = re.compile(r"^# ([A-Z][A-Z_]+)=(.*)$", re.MULTILINE)
ATTICS = {"utils.py", "helpers.py", "services.py", "managers.py"}


def test_the_example_of_settings_lists_every_setting_with_its_default() -> None:
    listed = dict(SETTING.findall((ROOT / ".env.example").read_text()))
    listed["INSTANCE"] = str(Path(listed["INSTANCE"]).absolute())
    assert listed == {field.name: str(getattr(Config(), field.name)) for field in dataclasses.fields(Config)}


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: ([a-z -]+)$", makefile, re.MULTILINE)
    assert phony
    explained = re.findall(r"^([a-z][a-z-]*):.*## \S", makefile, re.MULTILINE)
    assert sorted(explained) == sorted(phony[1].split())


def test_every_target_of_the_makefile_is_one_of_those() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert named == set(re.findall(r"^([a-z][a-z-]*):.*## \S", makefile, re.MULTILINE))


def test_no_room_has_an_attic() -> None:
    assert [path for path in (ROOT / "backend").rglob("*.py") if path.name in ATTICS] == []


def test_what_runs_the_product_is_pinned_to_the_same_release_for_its_tests() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))

    product, tests = pins("requirements.txt"), pins("requirements-dev.txt")
    assert product
    assert {name: tests.get(name) for name in product} == product
