"""Importing areas and their boundaries: what fits together, and what keeps a feature out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely
from flask import has_request_context
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http.problems import Problem, language
from backend.territory.areas import lock_areas, put_areas
from backend.territory.codes import parent_of
from backend.territory.features import BadCrs, Draft, Fault, converter, read_feature
from backend.territory.outlines import read_outline, square_metres
from backend.territory.tables import Area

TOLERANCE = 1.0
"""Square metres by which areas may overlap or stick out: drawing is not exact."""

_STANDARDS = {
    "urn:ogc:def:crs:OGC:1.3:CRS84": "wgs84",
    "urn:ogc:def:crs:OGC::CRS84": "wgs84",
    "urn:ogc:def:crs:EPSG::4326": "wgs84",
    "urn:ogc:def:crs:EPSG::4490": "cgcs2000",
}


class BoundariesRefused(Problem):
    """An import of which nothing was kept, with every fault by feature."""

    status, code = 422, "boundaries_refused"
    zh = "导入未执行：{count} 个要素有问题，请按列表修改后重新导入。"
    en = "Nothing was imported: {count} features have faults; correct them as listed and import again."

    def __init__(self, faults: Sequence["FeatureFault"]) -> None:
        lang = language() if has_request_context() else "zh"
        super().__init__(count=len(faults), faults=[fault.told(lang) for fault in faults])
        self.all_faults = list(faults)


@dataclass(frozen=True)
class FeatureFault:
    """A fault of the `number`-th feature, counted from 1."""

    number: int
    code: str | None
    fault: Fault

    def told(self, lang: str) -> dict[str, Any]:
        """The fault as it is answered, in Chinese (`zh`) or English."""
        message = self.fault.zh if lang == "zh" else self.fault.en
        return {"feature": self.number, "code": self.code, "error": self.fault.error, "message": message}


@dataclass(frozen=True)
class Known:
    """An area that exists already."""

    code: str
    name: str
    kind: str
    outline: str | None


@dataclass(frozen=True)
class Examined:
    """What an import would do."""

    accepted: list[Draft]
    faults: list[FeatureFault]


def examine(document: Mapping[str, Any], crs: str, known: Iterable[Known], scopes: Iterable[str] = ("",)) -> Examined:
    """Judge every feature of a GeoJSON collection by itself, against its parent, and against its neighbours.

    `scopes` are the code prefixes that may be written. Raises `BadCrs`.
    """
    _check_crs(document, crs)
    existing = {area.code: area for area in known}
    drafts, faults = _read(document, crs, existing, tuple(scopes))
    while True:
        atlas = _Atlas(existing, drafts, refused={fault.code for fault in faults})
        refused = atlas.admit_all()
        if not refused:
            return Examined(atlas.accepted, sorted(faults, key=lambda fault: fault.number))
        faults += refused
        # What is refused stays as it was: the others are judged once more, beside that.
        for fault in refused:
            drafts.pop(fault.code or "", None)


def _read(
    document: Mapping[str, Any], crs: str, existing: Mapping[str, Known], scopes: tuple[str, ...]
) -> tuple[dict[str, Draft], list[FeatureFault]]:
    kinds = {code: area.kind for code, area in existing.items()}
    drafts: dict[str, Draft] = {}
    faults = []
    for number, feature in enumerate(document.get("features") or (), 1):
        try:
            draft = read_feature(number, feature, crs, kinds)
            _admit(draft, drafts, scopes)
            drafts[draft.code] = draft
        except Fault as fault:
            faults.append(FeatureFault(number, _named(feature), fault))
    return drafts, faults


def import_boundaries(
    session: Session,
    document: Mapping[str, Any],
    crs: str,
    *,
    source: str,
    actor: UUID | None,
    now: datetime,
    scopes: Iterable[str] = ("",),
    good_only: bool = False,
    dry_run: bool = False,
) -> Examined:
    """Examine a collection and, unless `dry_run`, write it: all of it or, with `good_only`, what has no fault.

    Raises `BadCrs`, and `BoundariesRefused` when a fault keeps everything out. Commits nothing.
    """
    revision = 0 if dry_run else lock_areas(session)
    found = session.execute(select(Area.code, Area.name, Area.kind, Area.outline))
    examined = examine(document, crs, (Known(*row) for row in found), scopes)
    if dry_run:
        return examined
    if examined.faults and not good_only:
        raise BoundariesRefused(examined.faults)
    put_areas(
        session,
        [draft.row(source, demonstration=False) for draft in examined.accepted],
        [{**draft.population, "source": source} for draft in examined.accepted if draft.population],
        revision=revision,
        actor=actor,
        now=now,
        source=source,
    )
    return examined


def _check_crs(document: Mapping[str, Any], crs: str) -> None:
    converter(crs)
    member = document.get("crs")
    properties = member.get("properties") if isinstance(member, dict) else None
    stated = properties.get("name") if isinstance(properties, dict) else None
    if stated is None:
        return
    name = _STANDARDS.get(str(stated), str(stated).lower().replace("urn:ogc:def:crs:epsg::", "epsg:"))
    # Tools write CRS84 over any degrees, shifted ones too; metres against degrees cannot both be right.
    degrees = ("wgs84", "cgcs2000", "gcj02", "bd09", "epsg:4326", "epsg:4490")
    if name != crs.lower() and not (name in degrees and crs.lower() in degrees):
        raise BadCrs(crs=f"{crs[:40]} ({str(stated)[:60]})")


def _named(feature: Any) -> str | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code") if isinstance(properties, dict) else None
    return str(code)[:20] if isinstance(code, str | int) else None


def _admit(draft: Draft, drafts: Mapping[str, Draft], scopes: tuple[str, ...]) -> None:
    if draft.code in drafts:
        first = drafts[draft.code].number
        raise Fault("duplicate", f"代码与第 {first} 个要素重复。", f"Feature {first} has the same code.")
    if not draft.code.startswith(scopes):
        raise Fault("outside_your_area", "不在您管理的镇内。", "This area is not in the town you keep.")


class _Atlas:
    """The areas as they would be: those that exist, less those redrawn, plus those accepted so far."""

    def __init__(
        self, existing: Mapping[str, Known], drafts: Mapping[str, Draft], refused: Collection[str | None]
    ) -> None:
        self.accepted: list[Draft] = []
        self._drafts = sorted(drafts.values(), key=lambda draft: (len(draft.code), draft.number))
        self._refused = refused
        self._codes = set(existing)
        redrawn = {draft.code: draft.outline for draft in self._drafts if draft.outline is not None}
        self._outlines = {
            code: read_outline(area.outline) for code, area in existing.items() if area.outline and code not in redrawn
        }
        every = self._outlines | redrawn
        self._parts: dict[str | None, list[str]] = {}
        for code in every:
            self._parts.setdefault(parent_of(code), []).append(code)
        self._names, self._tree = list(every), shapely.STRtree(list(every.values()))

    def admit_all(self) -> list[FeatureFault]:
        """Accept, parents first, all drafts that fit; the faults of the others."""
        faults = []
        for draft in self._drafts:
            try:
                self._admit(draft)
            except Fault as fault:
                faults.append(FeatureFault(draft.number, draft.code, fault))
        return faults

    def _admit(self, draft: Draft) -> None:
        parent = parent_of(draft.code)
        if parent is not None and parent not in self._codes:
            if parent in self._refused or any(other.code == parent for other in self._drafts):
                raise Fault(
                    "parent_refused", f"上级区域 {parent} 本身有误。", f"Its parent {parent} has a fault itself."
                )
            raise Fault("unknown_parent", f"上级区域 {parent} 不存在。", f"There is no area {parent} above it.")
        if draft.outline is not None:
            self._check_parent(draft.outline, parent)
            self._check_children(draft.code, draft.outline)
            self._check_siblings(draft.code, draft.outline)
            self._outlines[draft.code] = draft.outline
        self._codes.add(draft.code)
        self.accepted.append(draft)

    def _check_parent(self, outline: shapely.Geometry, parent: str | None) -> None:
        around = self._outlines.get(parent or "")
        outside = square_metres(shapely.difference(outline, around)) if around is not None else 0.0
        if outside > TOLERANCE:
            raise Fault(
                "outside_parent",
                f"超出上级区域 {parent} {outside:,.0f} 平方米。",
                f"It sticks out of {parent} by {outside:,.0f} m².",
            )

    def _check_children(self, code: str, outline: shapely.Geometry) -> None:
        for child in self._parts.get(code, ()):
            drawn = self._outlines.get(child)
            outside = square_metres(shapely.difference(drawn, outline)) if drawn is not None else 0.0
            if outside > TOLERANCE:
                raise Fault(
                    "leaves_out_child",
                    f"下级区域 {child} 有 {outside:,.0f} 平方米在新边界之外。",
                    f"{outside:,.0f} m² of {child} below it would lie outside.",
                )

    def _check_siblings(self, code: str, outline: shapely.Geometry) -> None:
        """Against all areas of the level: a grid may not reach into the next village either."""
        for number in sorted(self._tree.query(outline, predicate="intersects").tolist()):
            other = self._names[number]
            if other == code or len(other) != len(code) or other not in self._outlines:
                continue
            shared = square_metres(shapely.intersection(outline, self._outlines[other]))
            if shared > TOLERANCE:
                raise Fault(
                    "overlaps_sibling",
                    f"与 {other} 重叠 {shared:,.0f} 平方米。",
                    f"It overlaps {other} by {shared:,.0f} m².",
                )
