"""Reading a file of service points: a table or GeoJSON, row by row, nothing decided yet.

A row can tell each of its values, and whether it says the same as a point that is there: by the cell that a table of it
would have, so that what was written and is read again, by whatever spreadsheet, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import orjson

from backend.http.fields import is_number, unturned
from backend.http.problems import Problem
from backend.http.sent_tables import Fault, LineFault, check_size, sent_table
from backend.http.table_files import SourceRow, UnreadableFile
from backend.http.table_writing import as_meant, safe
from backend.partymap.exchange.columns import BY_NAME, NEEDED, meaning
from backend.territory.coordinates import CRS
from backend.territory.decoding import UnreadableText, text_of

MOST_ROWS = 10_000
MOST_GEOJSON_BYTES = 10_000_000
_CRS_URNS = {
    "urn:ogc:def:crs:ogc:1.3:crs84": "wgs84",
    "urn:ogc:def:crs:ogc::crs84": "wgs84",
    "urn:ogc:def:crs:epsg::4326": "wgs84",
    "epsg:4326": "wgs84",
    "urn:ogc:def:crs:epsg::4490": "cgcs2000",
    "epsg:4490": "cgcs2000",
}


class UnreadablePoints(Problem):
    """A file that is neither a table nor GeoJSON of points."""

    status, code = 422, "unreadable_points"
    zh = "无法读取这份服务点文件：{why_zh}。"
    en = "This file of service points cannot be read: {why_en}."


class Incoming(Protocol):
    """A row of a file."""

    @property
    def line(self) -> int:
        """Where it stands."""

    @property
    def says(self) -> frozenset[str]:
        """The columns it has."""

    def value(self, name: str) -> Any:
        """What it says, as JSON has it; None for nothing. Raises Fault."""

    def same(self, name: str, held: Mapping[str, Any]) -> bool:
        """Whether it says what a point has, whose values these are."""


@dataclass
class Read:
    """The rows of a file, what could not be read by line, the system its coordinates are in if it says so itself, and
    the columns that nobody knows."""

    rows: list[Incoming] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    crs: str | None = None
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Cells:
    line: int
    cells: Mapping[str, str]

    @property
    def says(self) -> frozenset[str]:
        return frozenset(self.cells)

    def value(self, name: str) -> Any:
        return BY_NAME[name].read(self.cells[name]) if name in self.cells else None

    def same(self, name: str, held: Mapping[str, Any]) -> bool:
        value = BY_NAME[name].write(held[name]) if held[name] is not None else None
        return _plain("" if value is None else as_meant(safe(str(value)))) == self.cells[name]


@dataclass(frozen=True)
class _Members:
    line: int
    members: Mapping[str, Any]

    @property
    def says(self) -> frozenset[str]:
        return frozenset(self.members)

    def value(self, name: str) -> Any:
        return self.members.get(name)

    def same(self, name: str, held: Mapping[str, Any]) -> bool:
        return bool(self.members[name] == held[name])


def read_points(content: bytes) -> Read:
    """The rows of a file as it was sent: XLSX, GeoJSON, or else CSV. Raises UnreadablePoints."""
    if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return _geojson(content)
    with _refusing(), sent_table("points", content) as file:
        check_size(file)
        read, headings = Read(), file.columns()
        columns: dict[str, str] = {}
        for heading in headings:
            name = meaning(heading)
            if name is None or name in columns:
                read.ignored.append(heading)
            else:
                columns[name] = heading
        missing = [name for name in ("name",) if name not in columns and "id" not in columns]
        if missing:
            wanted = "、".join(BY_NAME[name].headings[0] for name in NEEDED)
            zh, en = f"第一行没有列名（如 {wanted}）", f"its first line names no columns ({', '.join(NEEDED)})"
            raise UnreadablePoints(why_zh=zh, why_en=en)
        for row in islice(file.rows(), MOST_ROWS + 1):
            _take(read, row, columns)
        return _not_too_many(read)


def _take(read: Read, row: SourceRow, columns: Mapping[str, str]) -> None:
    if row.fault is not None:
        zh = "这一行无法读取：单元格多于标题，或引号不成对；请对照第一行检查。"
        read.faults.append(LineFault(row.line, Fault("line", "unreadable", zh, f"This line: {row.fault}.")))
        return
    read.rows.append(_Cells(row.line, {name: _plain(str(row.values.get(head, ""))) for name, head in columns.items()}))


def _plain(text: str) -> str:
    return unturned(text).strip()


def _geojson(content: bytes) -> Read:
    if len(content) > MOST_GEOJSON_BYTES:
        most = f"{MOST_GEOJSON_BYTES // 1_000_000} MB"
        raise UnreadablePoints(why_zh=f"超过 {most}，请分成几份", why_en=f"it has more than {most}; split it")
    try:
        document = orjson.loads(text_of(content).encode("utf-8", "replace"))
    except (UnreadableText, ValueError) as error:
        raise UnreadablePoints(why_zh="不是有效的 JSON", why_en="it is no valid JSON") from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise UnreadablePoints(why_zh="不是 GeoJSON FeatureCollection", why_en="it is no GeoJSON FeatureCollection")
    read = Read(crs=_told_crs(document))
    for number, feature in enumerate(features[: MOST_ROWS + 1], start=1):
        try:
            read.rows.append(_Members(number, _members(feature)))
        except Fault as fault:
            read.faults.append(LineFault(number, fault))
    return _not_too_many(read)


def _told_crs(document: Mapping[str, Any]) -> str | None:
    """The system that a document names: in our own member, or in GeoJSON's former one. Raises UnreadablePoints."""
    told, former = document.get("coordinates_in"), document.get("crs")
    if told is None and isinstance(former, dict) and isinstance(former.get("properties"), dict):
        named = str(former["properties"].get("name", "")).lower()
        told = _CRS_URNS.get(named, named)
    if told is not None and told not in CRS:
        known = ", ".join(CRS)
        raise UnreadablePoints(why_zh=f"文件注明的坐标系不可用，应为 {known}", why_en=f"its own crs is none of {known}")
    return None if told is None else str(told)


def _members(feature: Any) -> dict[str, Any]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise Fault("feature", "not_a_feature", "不是 GeoJSON 要素（Feature）。", "This is no GeoJSON Feature.")
    given = feature.get("properties")
    members = {name: value for name, value in (given if isinstance(given, dict) else {}).items() if name in BY_NAME}
    geometry = feature.get("geometry")
    if geometry is not None:
        members |= _place(geometry)
    if isinstance(feature.get("id"), str):  # other programs count their features there
        members["id"] = feature["id"]
    if members.get("crs", "wgs84") not in CRS:
        raise Fault(
            "crs", "bad_crs", f"坐标系应为 {'、'.join(CRS)} 之一。", f"The crs must be one of {', '.join(CRS)}."
        )
    return members


def _place(geometry: Any) -> dict[str, float]:
    place = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    if not isinstance(place, list) or len(place) < 2 or not all(map(is_number, place[:2])):
        zh = "图形应为点（Point），坐标为经度、纬度两个数。"
        raise Fault("geometry", "not_a_point", zh, "The geometry must be a Point of longitude and latitude.")
    return {"lon": place[0], "lat": place[1]}


def _not_too_many(read: Read) -> Read:
    if len(read.rows) + len(read.faults) > MOST_ROWS:
        raise UnreadablePoints(
            why_zh=f"超过 {MOST_ROWS} 行，请分成几份导入", why_en=f"it has more than {MOST_ROWS} rows; split it"
        )
    return read


@contextmanager
def _refusing() -> Any:
    try:
        yield
    except UnreadableFile as error:
        raise UnreadablePoints(why_zh=error.zh, why_en=str(error)) from error
    except (OSError, ValueError) as error:
        zh, en = "请另存为 XLSX 或 UTF-8 的 CSV", "save it anew as XLSX or as CSV in UTF-8"
        raise UnreadablePoints(why_zh=zh, why_en=en) from error
