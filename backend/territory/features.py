"""One GeoJSON feature of an import: its facts and outline read, or the fault that keeps it out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import shapely

from backend.http.fields import blank, is_number, unturned
from backend.http.problems import Problem
from backend.territory import gauss_kruger
from backend.territory.codes import level_of, parent_of
from backend.territory.coordinates import CRS, Point, to_wgs84
from backend.territory.outlines import bounds, moved, write_outline

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SAME = {"epsg:4326": "wgs84", "epsg:4490": "cgcs2000"}
_STEP = 50.0  # metres; straight lines of another system are laid over as many short ones, true to a millimetre
_WIDEST = 300_000.0  # metres
_BEYOND = 1e300  # of neither degrees nor metres; infinities and NaN are not below it, nor whole numbers no float holds
_METRES_A_DEGREE = 111_000.0


class BadCrs(Problem):
    """An import whose coordinate system is unknown, or contradicts the file's own `crs`."""

    status, code = 422, "bad_crs"
    zh = "坐标系 {crs} 不可用：应为 wgs84、cgcs2000、gcj02、bd09 或 epsg:4491 至 epsg:4554，且与文件中注明的一致。"
    en = "The crs {crs} will not do: name wgs84, cgcs2000, gcj02, bd09 or epsg:4491 to 4554, as the file itself does."


class Fault(Exception):
    """Why a feature is kept out: a stable name, and the sentence in Chinese and English."""

    def __init__(self, error: str, zh: str, en: str) -> None:
        super().__init__(error)
        self.error, self.zh, self.en = error, zh, en


@dataclass(frozen=True)
class Draft:
    """An area as a feature gives it. `outline` in WGS84 degrees; None leaves the outline there is."""

    number: int
    code: str
    outline: shapely.Geometry | None
    facts: dict[str, Any] = field(default_factory=dict)
    population: dict[str, Any] | None = None

    def row(self, source: str, demonstration: bool) -> dict[str, Any]:
        """The columns of `areas` that the feature gives."""
        if self.outline is None:
            return {"code": self.code, **self.facts}
        drawn = {"outline": write_outline(self.outline), "outline_source": source, "demonstration": demonstration}
        if "lon" not in self.facts:
            x, y = shapely.get_coordinates(shapely.point_on_surface(self.outline))[0].round(6).tolist()
            drawn |= {"lon": x, "lat": y}
        return {"code": self.code, **self.facts, **drawn}


def converter(crs: str) -> Callable[[float, float], Point]:
    """The function from a system of imports to WGS84 degrees: a system of degrees, or `epsg:` and a code.

    Raises `BadCrs`; the function raises the problems of `to_wgs84` and `gauss_kruger.degrees`.
    """
    name = _SAME.get(crs.lower(), crs.lower())
    if name in CRS:
        return lambda x, y: to_wgs84(x, y, name)
    code = int(name[5:]) if re.fullmatch(r"epsg:[0-9]{4,6}", name) else 0
    if gauss_kruger.zone_of(code) is None:
        raise BadCrs(crs=crs[:40])
    return lambda x, y: gauss_kruger.degrees(x, y, code)


def read_feature(number: int, feature: Any, crs: str, known: Mapping[str, str]) -> Draft:
    """The `number`-th feature as a draft. `known` has the kinds of areas that exist. Raises `Fault`."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise Fault("not_a_feature", "不是 GeoJSON 要素（Feature）。", "This is no GeoJSON Feature.")
    given = feature.get("properties")
    properties: dict[str, Any] = given if isinstance(given, dict) else {}
    code = _code(properties.get("code"))
    facts = _facts(code, properties, known)
    try:
        convert = converter(crs)
        outline = _outline(feature.get("geometry"), crs, convert)
        if properties.get("lon") is not None or properties.get("lat") is not None:
            facts["lon"], facts["lat"] = convert(*_position([properties.get("lon"), properties.get("lat")]))
    except Problem as problem:
        raise Fault(
            "bad_coordinates", problem.zh.format(**problem.params), problem.en.format(**problem.params)
        ) from None
    return Draft(number, code, outline, facts, _population(code, properties))


def _code(value: Any) -> str:
    code = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    # Statistics write a town with three zeros behind.
    code = code[:9] if len(code) == 12 and code.endswith("000") else code
    if level_of(code) is None:
        raise Fault(
            "bad_code",
            "属性 code 应为 9 位（镇）、12 位（村、社区）或 15 位（网格）数字。",
            "The property code must have 9 digits (town), 12 (village, community) or 15 (grid).",
        )
    return code


def _facts(code: str, properties: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    level, name = level_of(code), properties.get("name")
    facts: dict[str, Any] = {"parent_code": parent_of(code)}
    if isinstance(name, str) and not blank(name) and len(name.strip()) <= 100 and not _UNSTORABLE.search(name):
        facts["name"] = unturned(name.strip())
    elif name is not None or code not in known:
        raise Fault("bad_name", "属性 name 应为 1 到 100 个字。", "The property name must have 1 to 100 characters.")
    community = isinstance(name, str) and name.strip().endswith(("社区", "居委会"))
    kind = properties.get("kind") or known.get(code) or ("community" if community and level == "village" else level)
    if kind != level and (kind, level) != ("community", "village"):
        raise Fault("bad_kind", "属性 kind 与代码位数不符。", "The property kind does not fit the length of the code.")
    facts["kind"] = kind
    if (urban := properties.get("urban_rural_class")) is not None:
        if not re.fullmatch(r"[12][0-9]{2}", str(urban)):
            raise Fault("bad_class", "城乡分类代码应为三位数字。", "The urban_rural_class must have three digits.")
        facts["urban_rural_class"] = str(urban)
    return facts


def _population(code: str, properties: Mapping[str, Any]) -> dict[str, Any] | None:
    counts = {name: properties.get(name) for name in ("households", "population")}
    if all(value is None for value in counts.values()):
        return None
    try:
        as_of = date.fromisoformat(str(properties.get("as_of")))
    except ValueError:
        as_of = None
    whole = all(type(value) is int and 0 <= value < 1 << 31 for value in counts.values())
    if as_of is None or not whole:
        raise Fault(
            "bad_population",
            "户数 households、人口 population 应为整数，并注明日期 as_of（如 2026-01-01）。",
            "Give households and population as whole numbers, with their date as_of (such as 2026-01-01).",
        )
    return {"area_code": code, "as_of": as_of, **counts}


def _outline(geometry: Any, crs: str, convert: Callable[[float, float], Point]) -> shapely.Geometry | None:
    if geometry is None:
        return None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise Fault(
            "not_a_polygon", "图形应为 Polygon 或 MultiPolygon。", "The geometry must be a Polygon or MultiPolygon."
        )
    parts = [geometry.get("coordinates")] if kind == "Polygon" else geometry.get("coordinates")
    drawn = shapely.multipolygons([_polygon(part) for part in _list(parts)])
    if not shapely.is_valid(drawn):
        why = shapely.is_valid_reason(drawn)
        raise Fault(
            "self_crossing", f"边界自相交或不成形：{why}。", f"The outline crosses itself or has no shape: {why}."
        )
    metres = crs.lower().startswith("epsg:") and crs.lower() not in _SAME
    west, south, east, north = bounds(drawn)
    if max(east - west, north - south) > (_WIDEST if metres else _WIDEST / _METRES_A_DEGREE):
        raise Fault("too_large", "边界跨度过大，不像一个镇。", "The outline is far too wide for a town.")
    # Straight between vertices there is not straight here; degrees of wgs84 and cgcs2000 are the same lines.
    if metres or crs.lower() in ("gcj02", "bd09"):
        drawn = shapely.segmentize(drawn, _STEP if metres else _STEP / _METRES_A_DEGREE)
    outline = moved(drawn, convert)
    return shapely.get_geometry(outline, 0) if len(shapely.get_parts(outline)) == 1 else outline


def _polygon(rings: Any) -> shapely.Polygon:
    lines = [[_position(position) for position in _list(ring)] for ring in _list(rings)]
    if not lines or any(len(line) < 4 or line[0] != line[-1] for line in lines):
        raise Fault(
            "not_a_polygon",
            "每个环至少要有四个点，且首尾相同。",
            "Every ring needs at least four positions, the last equal to the first.",
        )
    return shapely.Polygon(lines[0], lines[1:])


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise Fault("not_a_polygon", "coordinates 的层次不对或为空。", "The coordinates are empty or nested wrongly.")
    return value


def _position(value: Any) -> tuple[float, float]:
    numbers = value[:2] if isinstance(value, list) and len(value) >= 2 else ()
    if not numbers or not all(is_number(number) and abs(number) < _BEYOND for number in numbers):
        raise Fault("bad_coordinates", "坐标应为两个数字。", "A position must have two finite numbers.")
    return float(numbers[0]), float(numbers[1])
