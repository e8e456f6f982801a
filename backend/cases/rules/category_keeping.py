"""Keeping a town's categories: each change is another version, with a reason, and the cases there are keep theirs.

A step keeps the limits with which it began, and the next step of the same case takes those that hold then. A retired
category stays on the cases that have it; nothing new comes under it. A department is named as where such cases usually
go, and none is moved there.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from backend.cases.rules.categories import Category, catalogue, limits_as_json, limits_of
from backend.cases.rules.category_tables import CategoryVersion
from backend.cases.rules.routing import ANY
from backend.http.problems import Conflict, Invalid, NotFound, Problem
from backend.http.reading import row, rows
from backend.http.versions import require_match
from backend.ledger.record import record
from backend.people.tables import Department

MOST = {"urgent_hours": 24 * 31, "work_hours": 7 * 60, "workdays": 250}
"""The longest limit of each unit."""
RESERVED = frozenset((ANY, "parent"))
"""What stands in place of a category's code, and so can be none."""

_department = select(Department.code).where(
    Department.code == bindparam("code"), Department.town_code == bindparam("town"), Department.closed_at.is_(None)
)
_history = (
    select(*CategoryVersion.__table__.c)
    .where(
        CategoryVersion.town_code == bindparam("town"),
        CategoryVersion.code == bindparam("code"),
        CategoryVersion.version < bindparam("before", type_=CategoryVersion.version.type),
    )
    .order_by(CategoryVersion.version.desc())
    .limit(bindparam("most", type_=CategoryVersion.version.type))
)


class CategoryExists(Conflict):
    """A code that a category has, or had before it was retired."""

    zh = "类别代码“{category}”已被使用（停用的类别也保留其代码），请换一个。"
    en = "There is a category {category} already, or was one that is retired now; take another code."


class ReservedCode(Problem):
    """A code that means something else where a category is named."""

    status, code = 422, "reserved_code"
    zh = "代码“{reserved}”另有含义（如派遣规则中代表全部类别），请换一个。"
    en = "The code {reserved} means something else where a category is named; take another one."


def kept_category(town: str, code: str) -> Category:
    """A category of a town, a retired one too. Raises NotFound."""
    kind = catalogue(town).get(code)
    if kind is None:
        raise NotFound
    return kind


def add_category(session: Session, town: str, given: Mapping[str, Any], actor: uuid.UUID, now: datetime) -> Category:
    """Add a category. Raises ReservedCode, Invalid and CategoryExists; of two at once the second fails on the key."""
    kind = Category(**_told(given) | {"limits": limits_of(given["limits"])})
    if catalogue(town).get(kind.code) is not None:
        raise CategoryExists(category=kind.code)
    return _keep(session, town, kind, given["reason"], actor, now)


def change_category(
    session: Session, town: str, code: str, given: Mapping[str, Any], actor: uuid.UUID, now: datetime
) -> Category:
    """Change a category as If-Match names it. Raises NotFound, ReservedCode, Invalid and what `require_match` does."""
    held = kept_category(town, code)
    require_match(held.version)
    limits = {**held.limits, **limits_of(given.get("limits", {}))}
    return _keep(session, town, replace(held, **_told(given) | {"limits": limits}), given["reason"], actor, now)


def versions(town: str, code: str, before: int, most: int) -> Sequence[Any]:
    """Up to `most` versions of a category, newest first; what ships has none."""
    return rows(_history, town=town, code=code, before=before, most=most)


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: given[name] for name in given if name != "reason"}
    return told | ({"hand_in_photos": tuple(dict.fromkeys(told["hand_in_photos"]))} if "hand_in_photos" in told else {})


def _keep(session: Session, town: str, kind: Category, reason: str, actor: uuid.UUID, now: datetime) -> Category:
    _check(town, kind)
    kind = replace(kind, version=kind.version + 1, set_at=now)
    names = ("code", "version", "zh", "en", "parent", "parent_zh", "department", "public", "needs_photo", "retired")
    told = {name: getattr(kind, name) for name in names} | {"limits": limits_as_json(kind.limits)}
    told["hand_in_photos"] = list(kind.hand_in_photos)
    session.execute(
        insert(CategoryVersion), told | {"town_code": town, "reason": reason, "set_by": actor, "set_at": now}
    )
    record(
        session,
        town=town,
        actor=actor,
        action="change_category",
        thing=("category", f"{town} {kind.code}"),
        version=kind.version,
        occurred_at=now,
        details=told | {"reason": reason},
    )
    return kind


def _check(town: str, kind: Category) -> None:
    for name, code in (("code", kind.code), ("parent", kind.parent)):
        if code in RESERVED:
            raise ReservedCode({name: [(f"“{code}”不能用作代码。", f"{code} cannot be a code.")]}, reserved=code)
    errors: dict[str, Any] = {}
    if not kind.retired and row(_department, code=kind.department, town=town) is None:
        errors["department"] = [("本镇没有这个部门。", "There is no such department in your town.")]
    parents = {one.parent: one.parent_zh for one in catalogue(town).present.values() if one.code != kind.code}
    if parents.get(kind.parent, kind.parent_zh) != kind.parent_zh:
        errors["parent_name"] = [
            (f"这个大类叫“{parents[kind.parent]}”。", f"This branch is called {parents[kind.parent]}.")
        ]
    wrong = {
        step: [(f"不能超过 {MOST[limit.unit]}。", f"At most {MOST[limit.unit]}.")]
        for step, limit in kind.limits.items()
        if limit.amount > MOST[limit.unit]
    }
    if wrong:
        errors["limits"] = wrong
    if errors:
        raise Invalid(errors)
