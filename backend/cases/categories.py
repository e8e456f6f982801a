"""What a case can be about, with its time limits, from `categories.json`.

The tree is shaped on GB/T 30428.2 (events and components of urban management) and rural practice; the limits are this
product's defaults, which a town changes in the file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.cases.deadlines import Limit
from backend.http.problems import Problem


@dataclass(frozen=True)
class Category:
    """A leaf of the tree: what one can file under. `limits` has one limit for each step and one for the `case`;
    `hand_in_photos` are the slots (before, during, after) that must be filled when the work is handed in."""

    code: str
    zh: str
    en: str
    parent: str
    parent_zh: str
    department: str
    public: bool
    needs_photo: bool
    hand_in_photos: tuple[str, ...]
    limits: Mapping[str, Limit]


class UnknownCategory(Problem):
    """A category one cannot file under."""

    status, code = 422, "unknown_category"
    zh, en = (
        "没有“{category}”这个类别，请从类别列表中选择。",
        "There is no category {category}; choose one of the list.",
    )


@cache
def categories() -> Mapping[str, Category]:
    """All leaves by code, in the order of the file."""
    tree = json.loads(Path(__file__).with_name("categories.json").read_text(encoding="utf-8"))
    return {leaf["code"]: _leaf(branch, leaf) for branch in tree for leaf in branch["leaves"]}


def category(code: str) -> Category:
    """One leaf. Raises UnknownCategory."""
    found = categories().get(code)
    if found is None:
        raise UnknownCategory(category=code)
    return found


def _leaf(branch: Mapping[str, str], leaf: Mapping[str, object]) -> Category:
    limits = {step: Limit(**limit) for step, limit in leaf["limits"].items()}  # type: ignore[attr-defined]  # our file
    rest = {key: leaf[key] for key in ("code", "zh", "en", "department", "public", "needs_photo")}
    rest |= {"parent": branch["code"], "parent_zh": branch["zh"], "limits": limits}
    return Category(**rest, hand_in_photos=tuple(leaf.get("hand_in_photos", ())))  # type: ignore[arg-type]  # same
