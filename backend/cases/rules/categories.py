"""What a case can be about, with its time limits: the tree that ships (`categories.json`), as a town has changed it.

The tree is shaped on GB/T 30428.2 (events and components of urban management) and rural practice; its limits are this
product's defaults. A town's admin adds, changes and retires categories; every version is kept, and a step keeps the
limits that held when it began.
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, func, select

from backend.cases.rules.category_tables import CategoryVersion
from backend.cases.timing.deadlines import Limit
from backend.http.problems import Problem
from backend.http.reading import row, rows

FRESH = 1.0
"""Seconds after which a process looks whether a town's categories have changed."""


@dataclass(frozen=True)
class Category:
    """A leaf of the tree: what one can file under. `limits` has one limit for each step and one for the `case`;
    `hand_in_photos` are the slots (before, during, after) that must be filled when the work is handed in.

    `version` is 0, and `set_at` empty, of what ships. Nothing is filed under a retired one any more.
    """

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
    retired: bool = False
    version: int = 0
    set_at: datetime | None = None


class UnknownCategory(Problem):
    """A category one cannot file under."""

    status, code = 422, "unknown_category"
    zh, en = (
        "没有“{category}”这个类别，请从类别列表中选择。",
        "There is no category {category}; choose one of the list.",
    )


class Catalogue:
    """A town's categories in all their versions. `revision` is another after each change."""

    def __init__(self, changed: Sequence[Category] = ()) -> None:
        self.revision = len(changed)
        self._versions: dict[str, list[Category]] = {code: [kind] for code, kind in shipped().items()}
        for kind in changed:
            self._versions.setdefault(kind.code, []).append(kind)
        self.present = {code: kinds[-1] for code, kinds in self._versions.items() if not kinds[-1].retired}
        """Those that one can file under, by code, in the order of the tree."""

    def ever(self) -> Iterable[Category]:
        """All there are and were, as they are now, in the order of the tree."""
        return [kinds[-1] for kinds in self._versions.values()]

    def get(self, code: str) -> Category | None:
        """A category as it is now, a retired one too; None where there never was one."""
        kinds = self._versions.get(code)
        return kinds[-1] if kinds else None

    def at(self, code: str, moment: datetime | None) -> Category | None:
        """A category as it was at a moment: its limits are those of a step that began then. Of one made later, the
        first version."""
        kinds = self._versions.get(code)
        if not kinds:
            return None
        held = [kind for kind in kinds if kind.set_at is None or moment is None or kind.set_at <= moment]
        return held[-1] if held else kinds[0]

    def require(self, code: str) -> Category:
        """A category that one can file under. Raises UnknownCategory."""
        kind = self.present.get(code)
        if kind is None:
            raise UnknownCategory(category=code)
        return kind


@cache
def shipped() -> Mapping[str, Category]:
    """All leaves that ship, by code, in the order of the file."""
    tree = json.loads(Path(__file__).with_name("categories.json").read_text(encoding="utf-8"))
    return {leaf["code"]: _leaf(branch, leaf) for branch in tree for leaf in branch["leaves"]}


def limits_of(written: Mapping[str, Any]) -> dict[str, Limit]:
    """Limits from their JSON."""
    return {step: Limit(**limit) for step, limit in written.items()}


def limits_as_json(limits: Mapping[str, Limit]) -> dict[str, Any]:
    """Limits as they are kept and answered."""
    return {step: asdict(limit) for step, limit in limits.items()}


_NAMES = [name for name in Category.__dataclass_fields__ if name not in ("limits", "hand_in_photos")]
_revision = select(func.count()).where(CategoryVersion.town_code == bindparam("town"))
_changed = (
    select(*(getattr(CategoryVersion, name) for name in _NAMES), CategoryVersion.limits, CategoryVersion.hand_in_photos)
    .where(CategoryVersion.town_code == bindparam("town"))
    .order_by(CategoryVersion.code, CategoryVersion.version)
)


class _Memory:
    """The catalogues of one app's towns, each with the moment it was last compared with the table."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.catalogues: dict[str, tuple[float, Catalogue]] = {}


def catalogue(town: str) -> Catalogue:
    """The categories of a town, at most `FRESH` seconds old. Needs an app context."""
    memory = _memory()
    held = memory.catalogues.get(town)
    if held is not None and time.monotonic() - held[0] < FRESH:
        return held[1]
    with memory.lock:
        counted = row(_revision, town=town)
        known = memory.catalogues.get(town)
        if known is not None and counted is not None and counted[0] == known[1].revision:
            found = known[1]
        else:
            found = Catalogue([_as_kept(kept) for kept in rows(_changed, town=town)])
        memory.catalogues[town] = (time.monotonic(), found)
        return found


def forget_catalogue(town: str) -> None:
    """Have this process look anew: after a change it made itself."""
    _memory().catalogues.pop(town, None)


def _memory() -> _Memory:
    memory: _Memory = current_app.extensions.setdefault("categories", _Memory())
    return memory


def _as_kept(kept: Any) -> Category:
    told = {name: getattr(kept, name) for name in _NAMES}
    return Category(**told, limits=limits_of(kept.limits), hand_in_photos=tuple(kept.hand_in_photos))


def _leaf(branch: Mapping[str, str], leaf: Mapping[str, Any]) -> Category:
    rest = {key: leaf[key] for key in ("code", "zh", "en", "department", "public", "needs_photo")}
    rest |= {"parent": branch["code"], "parent_zh": branch["zh"], "limits": limits_of(leaf["limits"])}
    return Category(**rest, hand_in_photos=tuple(leaf.get("hand_in_photos", ())))
