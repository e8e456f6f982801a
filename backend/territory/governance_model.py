"""The town's governance model (治理模式): numbered groups of named elements, as it ships or as the town laid it down.

Cases and service points are tagged with elements by their code. A code is for good: the town names its element anew or
retires it, which ends that it is offered and not that it is named wherever it stands. So no code is ever dropped, and
what was tagged before says the same as it did. What the four digits of 1258 stand for was never published: names that
ship (`governance_model.json`) are placeholders, and say so until the town gives its own.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from marshmallow import fields

from backend.http.fields import Shape
from backend.http.problems import Conflict, Invalid
from backend.territory.town_rules import Rule, newest

KIND, KEY = "governance_model", "1258"
MOST_TAGS = 20
"""Elements that one thing is tagged with."""
_NUMBERED = r"^[1258]\.[1-9][0-9]?\Z"
_WRITTEN = (
    "要素代码应为“组号.序号”，以所在组的编号（1、2、5 或 8）开头，如第 8 组的 8.1。",
    "Write an element's code as the number of its group (1, 2, 5 or 8) and its own: 8.1 in group 8.",
)
_PLACEHOLDER = "（示例）"


class ElementDropped(Conflict):
    """A model without an element that it had."""

    code = "element_dropped"
    zh = "要素 {element} 不能删除（可能已用于案件或服务点）；不再使用请设为停用（retired）。"
    en = "Element {element} cannot be dropped, as cases or service points may bear it; retire it instead."


class ElementReused(Conflict):
    """Another name for an element that is retired, which would come back as something else."""

    code = "element_reused"
    zh = "要素 {element} 已停用，名称不能再改；另有用途请用新代码，要恢复使用请先按原名恢复。"
    en = "Element {element} is retired and keeps its names; take another code, or take it up again under its own."


class ElementCode(fields.String):
    """An element by its code; whether the town has it, the rules look."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=Shape(_NUMBERED, _WRITTEN), **kwargs)


@dataclass(frozen=True)
class Element:
    """An element of a group. `branches` are the kinds of cases (codes of the category tree's branches) for which it
    suggests itself; `placeholder`: the town has not named it yet; `retired`: nothing is tagged with it any more."""

    code: str
    zh: str
    en: str
    placeholder: bool
    branches: tuple[str, ...]
    retired: bool = False

    @property
    def marked(self) -> str:
        """Its name where there is room for nothing else: one that ships says that it is an example."""
        return f"{self.zh}{_PLACEHOLDER if self.placeholder else ''}"


class Model:
    """A version of the model; 0 is what ships."""

    def __init__(self, written: Mapping[str, Any], version: int) -> None:
        self.written, self.version = written, version
        self.elements: Mapping[str, Element] = {
            one["code"]: Element(**{**one, "branches": tuple(one["branches"])})
            for group in written["groups"]
            for one in group["elements"]
        }
        """All there are and were, by code, in their order."""

    @property
    def told(self) -> dict[str, Any]:
        """The model as JSON."""
        return {"code": KEY, **self.written, "version": self.version}

    def marked(self, code: str) -> str:
        """An element's name as `Element.marked`; of one that there never was, its code."""
        return self.elements[code].marked if code in self.elements else code

    def named(self, code: str) -> dict[str, Any]:
        """An element as what is tagged with it tells it; one that there never was keeps its code for a name."""
        one = self.elements.get(code, Element(code, code, code, False, ()))
        return {"element": code, "name": one.zh, "name_en": one.en, "placeholder": one.placeholder}


@cache
def shipped() -> Model:
    """The model as the file has it."""
    written: dict[str, Any] = json.loads(Path(__file__).with_name("governance_model.json").read_text(encoding="utf-8"))
    for group in written["groups"]:
        group["elements"] = [one | {"retired": False} for one in group["elements"]]
    return Model(written, 0)


def model_of(rule: Rule | None) -> Model:
    """The model that a version lays down; what ships where there is none."""
    return Model(rule.value, rule.version) if rule is not None and rule.value is not None else shipped()


def governance_model(town: str) -> Model:
    """A town's model as it holds now."""
    return model_of(newest(town, KIND, KEY))


def in_order(codes: Iterable[str]) -> list[str]:
    """Elements by code, each once, in the order of the model."""
    return sorted(set(codes), key=_place)


def require_offered(town: str, codes: Collection[str], field: str, kept: Collection[str] = ()) -> None:
    """Refuse to tag with what the town does not offer, unless it stands there already (`kept`). Raises Invalid."""
    asked = set(codes) - set(kept)
    offered = {one.code for one in governance_model(town).elements.values() if not one.retired} if asked else set()
    if missing := in_order(asked - offered):
        told = f"治理模式没有要素 {missing[0]}，或已停用。", f"The governance model offers no element {missing[0]}."
        raise Invalid({field: [told]})


def remodelled(held: Model, given: Mapping[str, Any], branches: Collection[str]) -> dict[str, Any]:
    """What a town lays down in place of a version: names, groups, elements. `branches` are the kinds of cases it has.

    A name that ships stays a placeholder unless `placeholder` is said to be false. Raises Invalid, ElementDropped and
    ElementReused.
    """
    _check(given, branches)
    found = {one["code"]: one for group in given["groups"] for one in group["elements"]}
    for code, before in held.elements.items():
        if code not in found:
            raise ElementDropped(element=code)
        if before.retired and (found[code]["zh"], found[code]["en"]) != (before.zh, before.en):
            raise ElementReused(element=code)
    as_shipped: dict[Any, Mapping[str, Any]] = {}
    as_held: dict[Any, Mapping[str, Any]] = {}
    for known, model in ((as_shipped, shipped()), (as_held, held)):
        for group in model.written["groups"]:
            known |= {group["number"]: group} | {one["code"]: one for one in group["elements"]}

    def kept(key: Any, one: Mapping[str, Any]) -> dict[str, Any]:
        ships = as_shipped.get(key, {})
        same = (one["zh"], one["en"]) == (ships.get("zh"), ships.get("en"))
        before = as_held.get(key, {"placeholder": False})["placeholder"]
        return {**one, "placeholder": same and one.get("placeholder", before)}

    groups = [
        kept(group["number"], group)
        | {
            "elements": [
                kept(one["code"], one) for one in sorted(group["elements"], key=lambda one: _place(one["code"]))
            ]
        }
        for group in given["groups"]
    ]
    return {"zh": given["zh"], "en": given["en"], "groups": groups}


def _check(given: Mapping[str, Any], branches: Collection[str]) -> None:
    numbers = [group["number"] for group in shipped().written["groups"]]
    found = [(group["number"], one) for group in given["groups"] for one in group["elements"]]
    codes = [one["code"] for _, one in found]
    names = [one["zh"] for _, one in found if not one["retired"]]
    faults = [
        (
            f"要素 {one['code']} 不属于第 {number} 组，该组代码应以“{number}.”开头。",
            f"Element {one['code']} does not belong to group {number}, where codes begin with {number}.",
        )
        for number, one in found
        if _place(one["code"])[0] != number
    ]
    faults += [
        (f"没有这个案件大类：{branch}（要素 {one['code']}）。", f"There is no kind of cases {branch} ({one['code']}).")
        for _, one in found
        for branch in one["branches"]
        if branch not in branches
    ]
    faults += [(f"代码重复：{code}。", f"Code given twice: {code}.") for code in _twice(codes)]
    faults += [(f"名称重复：{name}。", f"Name given twice: {name}.") for name in _twice(names)]
    if [group["number"] for group in given["groups"]] != numbers:
        told = "、".join(map(str, numbers)), ", ".join(map(str, numbers))
        faults.insert(0, (f"应依次有第 {told[0]} 组。", f"The groups are {told[1]}, in this order."))
    if faults:
        raise Invalid({"groups": faults})


def _twice(names: Collection[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _place(code: str) -> tuple[int, ...]:
    return tuple(int(part) for part in code.split("."))
