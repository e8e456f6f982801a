"""Reading a roster as towns keep it: a row's cells become a person, a role, an area and dates, or a fault by line."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

import phonenumbers

from backend.http.fields import blank, unturned
from backend.http.sent_tables import Fault, require_whole
from backend.http.table_files import SourceRow, Value
from backend.people.access import ROLES, SUBSTITUTE
from backend.people.appointing import ROLE_TITLES, Unfit, check_place
from backend.people.phones import normal_phone
from backend.territory.codes import level_of
from backend.territory.location import territory

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "name": ("姓名", "人员", "人员姓名", "网格员", "name", "person"),
    "phone": ("手机", "手机号", "手机号码", "电话", "电话号码", "联系电话", "phone", "mobile", "telephone"),
    "role": ("角色", "职务", "岗位", "身份", "role"),
    "area": ("区域", "区域代码", "区划代码", "网格", "网格代码", "村社区", "area", "areacode", "grid"),
    "department": ("部门", "部门代码", "单位", "department"),
    "from": ("开始", "开始日期", "起始日期", "起", "自", "from", "start", "validfrom"),
    "to": ("结束", "结束日期", "截止日期", "止", "至", "to", "until", "end", "validto"),
}
NEEDED = ("name", "phone", "role")

ROLE_NAMES: Mapping[str, str] = {
    **{role: role for role in (*ROLES, SUBSTITUTE)},
    "居民": "resident",
    "党员": "party_member",
    "网格员": "grid_worker",
    "专职网格员": "grid_worker",
    "a角": "grid_worker",
    "b角": SUBSTITUTE,
    "网格员b角": SUBSTITUTE,
    "替补网格员": SUBSTITUTE,
    "substitute": SUBSTITUTE,
    "村干部": "village_officer",
    "社区干部": "village_officer",
    "村居干部": "village_officer",
    "经办人": "handler",
    "处置员": "handler",
    "派遣员": "dispatcher",
    "调度员": "dispatcher",
    "督查员": "inspector",
    "镇委": "committee",
    "管理员": "admin",
    "系统管理员": "admin",
    "审计员": "auditor",
}
ROLES_ZH = "、".join(ROLE_TITLES.values())
ROLES_EN = ", ".join(dict.fromkeys(ROLE_NAMES.values()))
_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T]0{1,2}:00(?::00)?)?")


@dataclass(frozen=True)
class RosterRow:
    """A row of a roster: who (E.164), as what, where, and from which day to which (None: not said)."""

    line: int
    name: str
    phone: str
    role: str
    area_code: str
    department: str | None
    since: date | None
    until: date | None


def columns_of(header: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Which column of a file is which, and the columns that are not read. Raises Fault where one is missing."""
    found: dict[str, str] = {}
    ignored = []
    for heading in header:
        name = _meaning(heading)
        if name is None or name in found:
            ignored.append(heading)
        else:
            found[name] = heading
    missing = [name for name in NEEDED if name not in found]
    if missing:
        wanted_zh = "、".join(HEADINGS[name][0] for name in missing)
        raise Fault(
            "header", "missing_column", f"缺少列：{wanted_zh}。", f"There is no column for: {', '.join(missing)}."
        )
    return found, ignored


@cache
def _meaning(heading: str) -> str | None:
    plain = re.sub(r"[\s（）()、/_]+", "", heading).lower() or None
    return next((name for name, known in HEADINGS.items() if plain in known), None)


def read_row(source: SourceRow, columns: Mapping[str, str], town: str, departments: Mapping[str, str]) -> RosterRow:
    """What a row says. `departments` are the town's by code and by name. Raises Fault."""
    if source.fault is not None:
        zh = "这一行无法读取：单元格多于标题，或引号不成对；请对照第一行检查。"
        raise Fault("line", "unreadable", zh, f"This line: {source.fault}.")
    cells = {name: source.values.get(heading, "") for name, heading in columns.items()}
    texts = {name: "" if isinstance(cell, datetime) else unturned(cell.strip()) for name, cell in cells.items()}
    name = texts["name"]
    if (
        blank(name)
        or len(name) > 100
        or any(ord(character) < 32 or "\ud800" <= character < "\ue000" for character in name)
    ):
        raise Fault("name", "bad_name", "姓名应为 1 到 100 个字。", "A name has 1 to 100 characters.")
    role = ROLE_NAMES.get(texts["role"].replace(" ", "").lower())
    if role is None:
        raise Fault(
            "role",
            "unknown_role",
            f"没有角色“{texts['role']}”，可填：{ROLES_ZH}。",
            f"There is no role “{texts['role']}”; there are: {ROLES_EN}.",
        )
    since, until = _day("from", cells.get("from", "")), _day("to", cells.get("to", ""))
    if since and until and until < since:
        raise Fault("to", "dates_reversed", "结束日期早于开始日期。", "The last day is before the first.")
    phone, area = _phone(texts["phone"]), _area(texts.get("area", ""), role, town)
    department = _department(texts.get("department", ""), departments)
    if role == "village_officer":
        department = None  # what is written there is the village once more
    try:
        fitting = check_place(role, area, department)
    except Unfit as unfit:
        column = "department" if role == "handler" else "area"
        raise Fault(column, "unfit_place", unfit.zh, _sentence(unfit.en)) from unfit
    return RosterRow(source.line, name, phone, role, area, fitting, since, until)


def claim_of(source: SourceRow, columns: Mapping[str, str]) -> tuple[str, str] | None:
    """Whose number a row says it is, as phone (E.164) and name, whatever else is at fault in it; None: it says none."""
    name, phone = (source.values.get(columns[column], "") for column in ("name", "phone"))
    number = normal_phone(phone) if isinstance(phone, str) else None
    return (number, unturned(name.strip())) if number and isinstance(name, str) and not blank(name) else None


def _phone(text: str) -> str:
    require_whole("phone", text)
    phone = normal_phone(text)
    if phone is None or not phonenumbers.is_valid_number(phonenumbers.parse(phone)):
        raise Fault("phone", "bad_phone", f"“{text}”不是手机号码。", f"“{text}” is not a phone number.")
    return phone


def _area(text: str, role: str, town: str) -> str:
    if not text:
        if role in ("grid_worker", SUBSTITUTE, "village_officer"):
            raise Fault("area", "area_missing", "需要填写区域。", "This role needs an area.")
        return town
    require_whole("area", text)
    if level_of(text) is not None:
        code = text
    else:
        named = [code for code, area in territory().areas.items() if area.name == text and code.startswith(town)]
        if len(named) > 1:
            raise Fault(
                "area", "area_not_unique", f"有 {len(named)} 个区域叫“{text}”，请填写代码。", f"{text} is not one area."
            )
        code = named[0] if named else ""
    if not code.startswith(town) or (territory().areas and code not in territory().areas):
        raise Fault("area", "unknown_area", f"镇内没有区域“{text}”。", f"There is no area “{text}” in the town.")
    return code


def _department(text: str, departments: Mapping[str, str]) -> str | None:
    if not text:
        return None
    if text not in departments:
        raise Fault("department", "unknown_department", f"没有部门“{text}”。", f"There is no department “{text}”.")
    return departments[text]


def _day(column: str, cell: Value) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    text = cell.strip()
    if text in ("", "-", "至今", "长期"):
        return None
    found = _DATE.fullmatch(text)
    try:
        day = date(*map(int, found.groups())) if found else None
    except ValueError:
        day = None
    if day is None or not 1900 < day.year < 3000:
        raise Fault(
            column,
            "bad_date",
            f"“{text}”不是日期，请写成 2026-01-31。",
            f"“{text}” is no date; write it as 2026-01-31.",
        )
    return day


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
