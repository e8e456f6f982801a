"""The columns of a table of service points: how each is headed, written into a cell and read out of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from backend.http.fields import unturned
from backend.http.sent_tables import Fault, require_whole
from backend.http.table_writing import Value
from backend.partymap.hours_as_text import UnreadableHours, hours_text, read_hours_text
from backend.partymap.offers import KINDS, SERVICES
from backend.territory.coordinates import CRS, from_wgs84

_YES = frozenset(("是", "有", "yes", "true", "y", "1"))
_NO = frozenset(("否", "无", "no", "false", "n", "0"))
_APART = re.compile(r"[、,，;；\n]")


@dataclass(frozen=True)
class Column:
    """A column: its name in bodies, its headings (the first is what is written), its cell from a value and back.

    `read` takes a text without blanks at its ends and raises Fault.
    """

    name: str
    headings: tuple[str, ...]
    write: Callable[[Any], Value]
    read: Callable[[str], Any]


def values_of(point: Any, crs: str) -> dict[str, Any]:
    """A point's values by column, as JSON has them; its place in `crs`: the very numbers it was given with where it was
    given so."""
    lon, lat = point.original_lon, point.original_lat
    if point.original_crs != crs:
        lon, lat = (round(number, 7) for number in from_wgs84(point.lon, point.lat, crs))
    place = {"lon": lon, "lat": lat, "crs": crs}
    return {"id": str(point.id), **{name: getattr(point, name) for name in KEPT}, **place}


def as_cell(value: Any) -> Value:
    """A value that is a cell as it is."""
    return value  # type: ignore[no-any-return]  # a text, a number or nothing


def _text(cell: str) -> str | None:
    return cell or None


def _area(cell: str) -> str | None:
    require_whole("area_code", cell)
    return cell or None


def _whole(name: str) -> Callable[[str], int | None]:
    def read(cell: str) -> int | None:
        if cell and not re.fullmatch("[0-9]{1,9}", cell):
            raise Fault(name, "not_a_number", f"“{cell[:40]}”不是整数。", f"“{cell[:40]}” is no whole number.")
        return int(cell) if cell else None

    return read


def _degrees(name: str) -> Callable[[str], float | None]:
    def read(cell: str) -> float | None:
        try:
            # Python would also take １１３ and 1_13 for numbers.
            return float(cell if cell.isascii() and "_" not in cell else "no") if cell else None
        except ValueError:
            raise Fault(name, "not_a_number", f"“{cell[:40]}”不是经纬度。", f"“{cell[:40]}” is no degree.") from None

    return read


def _crs(cell: str) -> str | None:
    name = re.sub(r"[\s_-]", "", cell).lower()
    if cell and name not in CRS:
        known = ", ".join(CRS)
        raise Fault(
            "crs", "bad_crs", f"没有坐标系“{cell[:40]}”，可填：{known}。", f"There is no such crs; name {known}."
        )
    return name or None


def _coded(name: str, codes: Mapping[str, tuple[str, str]], cell: str) -> str:
    for code, names in codes.items():
        if cell.lower() in (code, names[0], names[1].lower()):
            return code
    known_zh, known_en = "、".join(zh for zh, _ in codes.values()), ", ".join(codes)
    raise Fault(name, "unknown_code", f"没有“{cell[:40]}”，可填：{known_zh}。", f"No such code; there are {known_en}.")


def _written_kind(code: str) -> str:
    return KINDS[code][0]


def _kind(cell: str) -> str | None:
    return _coded("kind", KINDS, cell) if cell else None


def _list(cell: str) -> Any:
    if cell.startswith("["):
        try:
            return orjson.loads(cell)
        except ValueError:
            pass
    return [part for part in (part.strip() for part in _APART.split(cell)) if part]


def _written_services(codes: list[str]) -> str:
    return "、".join(SERVICES[code][0] for code in codes if code in SERVICES)


def _services(cell: str) -> list[str]:
    return [_coded("services", SERVICES, part) for part in map(str, _list(cell))]


def _written_list(names: list[str]) -> str:
    plain = "、".join(names)
    return plain if _list(plain) == names else orjson.dumps(names).decode()


def _written_yes(value: bool) -> str:
    return "是" if value else "否"


def _yes(name: str) -> Callable[[str], bool | None]:
    def read(cell: str) -> bool | None:
        if cell.lower() in _YES | _NO:
            return cell.lower() in _YES
        if cell:
            raise Fault(name, "not_yes_or_no", f"“{cell[:40]}”应为“是”或“否”。", "Write yes or no.")
        return None

    return read


def _hours(cell: str) -> Any:
    try:
        return read_hours_text(cell) if cell else None
    except UnreadableHours as error:
        zh = f"看不懂“{error}”；请写成：工作日 08:30-12:00 14:00-17:30；周六 09:00-12:00；春节 休息。"
        en = f"“{error}” is not understood; write: workdays 08:30-12:00 14:00-17:30; sat 09:00-12:00."
        raise Fault("opening_hours", "unreadable_hours", zh, en) from error


COLUMNS = (
    Column("id", ("编号", "id"), as_cell, _text),
    Column("name", ("名称", "服务点名称", "服务点", "name"), as_cell, _text),
    Column("kind", ("类别", "类型", "kind"), _written_kind, _kind),
    Column("area_code", ("区域代码", "网格代码", "村社区代码", "areacode", "area"), as_cell, _area),
    Column("lon", ("经度", "lon", "longitude", "lng"), as_cell, _degrees("lon")),
    Column("lat", ("纬度", "lat", "latitude"), as_cell, _degrees("lat")),
    Column("crs", ("坐标系", "crs"), as_cell, _crs),
    Column("address", ("地址", "address"), as_cell, _text),
    Column("phone", ("电话", "联系电话", "phone"), as_cell, _text),
    Column("in_charge", ("负责人", "联系人", "incharge"), as_cell, _text),
    Column("services", ("服务项目", "服务", "services"), _written_services, _services),
    Column("facilities", ("设施", "设备", "facilities"), _written_list, _list),
    Column("elements", ("治理要素", "要素", "elements"), _written_list, _list),
    Column("capacity", ("容纳人数", "容量", "capacity"), as_cell, _whole("capacity")),
    Column("star", ("星级", "star"), as_cell, _whole("star")),
    Column("accessible", ("无障碍", "无障碍出入口", "accessible"), _written_yes, _yes("accessible")),
    Column("opening_hours", ("开放时间", "openinghours", "hours"), hours_text, _hours),
    Column("active", ("在用", "active"), _written_yes, _yes("active")),
)
KEPT = tuple(column.name for column in COLUMNS if column.name not in ("id", "lon", "lat", "crs"))
BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}
_BY_HEADING = {heading: column.name for column in COLUMNS for heading in column.headings}
NEEDED = ("name", "kind", "lon", "lat", "address", "opening_hours")
"""What a new point cannot do without."""


def meaning(heading: str) -> str | None:
    """Which column a heading means."""
    return _BY_HEADING.get(re.sub(r"[\s（）()、/_]+", "", unturned(heading)).lower())
