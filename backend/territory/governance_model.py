"""The town's governance model (治理模式) as data, from `governance_model.json`: numbered groups of named elements.

Cases are tagged with elements by their code, which stays when the town gives an element another name in the file. What
the four digits of 1258 stand for was never published: names that ship are placeholders, and say so.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Element:
    """An element of a group. `branches` are the kinds of cases (codes of the category tree's branches) for which it
    suggests itself; `placeholder`: the town has not named it yet."""

    code: str
    zh: str
    en: str
    group: int
    placeholder: bool
    branches: tuple[str, ...]


@cache
def governance_model() -> Mapping[str, Any]:
    """The model as the file has it: code, names, and groups of elements."""
    model: dict[str, Any] = json.loads(Path(__file__).with_name("governance_model.json").read_text(encoding="utf-8"))
    return model


@cache
def elements() -> Mapping[str, Element]:
    """All elements by code, in the order of the file."""
    return {
        one["code"]: Element(**{**one, "branches": tuple(one["branches"])}, group=group["number"])
        for group in governance_model()["groups"]
        for one in group["elements"]
    }
