"""The demo town's people: one account for each role, and a second committee member, for what takes two."""

import secrets
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from backend.people.tables import Account, Department

TOWN = "440605121"
VILLAGE = "440605121012"
KEPT = "demo_password.key"
"""File of the instance folder that holds the password of the demo accounts."""

DEPARTMENTS = {
    "governance_centre": "镇综治网格中心",
    "sanitation": "镇环卫所",
    "water": "镇水利所",
    "rural_revitalization": "镇乡村振兴办",
    "public_works": "镇公用事业办",
    "urban_management": "镇城管办",
    "emergency": "镇应急管理办",
    "justice": "镇司法所",
    "labour_office": "镇人社所",
    "civil_affairs": "镇民政办",
}

_TITLES = {
    "resident": "居民 关小梅",
    "party_member": "党员 黄志强",
    "grid_worker": "敦根网格员 岑丽华",
    "village_officer": "敦根社区干部 冯国栋",
    "handler": "镇环卫所 吴建业",
    "dispatcher": "镇网格中心 朱敏",
    "inspector": "督查员 梁海",
    "committee": "镇委 曾文",
    "admin": "系统管理员 陈伟",
    "auditor": "审计员 李洁",
}
SECOND_MEMBER = "镇委 邓佳"


def people(grid: str) -> list[NewAccount]:
    """The accounts in the order of the access table's columns, the grid worker for `grid`; phones from 13800000001."""
    areas = {"grid_worker": grid, "village_officer": VILLAGE}
    departments = {"handler": "sanitation", "village_officer": VILLAGE}
    rows = [*_TITLES.items(), ("committee", SECOND_MEMBER)]
    return [
        NewAccount(
            f"+86138000000{number:02d}", name, role, areas.get(role, TOWN), departments.get(role), demonstration=True
        )
        for number, (role, name) in enumerate(rows, 1)
    ]


def load_people(session: Session, grid: str, password: str, now: datetime) -> None:
    """Add the demo town's departments and accounts, all with one password."""
    rows = [{"code": code, "town_code": TOWN, "name": name} for code, name in DEPARTMENTS.items()]
    session.execute(insert(Department), rows)
    hashed = hash_password(password)
    for person in people(grid):
        create_account(session, person, hashed, now)


def demo_password(given: str, instance: Path) -> tuple[str, bool]:
    """The demo accounts' password: the one given, or else the one kept in the instance folder, or else a new one; and
    whether it is the one kept there."""
    path = instance / KEPT
    kept = path.read_text() if path.exists() else ""
    password = given or kept or f"jiujiang-{secrets.token_hex(4)}"
    return password, password == kept


def keep_demo_password(password: str, instance: Path) -> None:
    """Keep the password in the instance folder, where only the server's own user can read it."""
    path = instance / KEPT
    path.touch(mode=0o600)
    path.write_text(password)


def set_demo_password(session: Session, password: str) -> None:
    """Give all demo accounts this password."""
    session.execute(update(Account).where(Account.demonstration).values(password_hash=hash_password(password)))
