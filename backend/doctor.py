"""`flask doctor`: what a town still needs before people can rely on it, and what to do about each; zh and en."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from backend.config import Config
from backend.http import clock
from backend.http.health import LONGEST_SILENCE, migrations_at_head
from backend.http.identity_role import readable
from backend.http.reading import connection, row, rows
from backend.ledger.checking import last_check
from backend.ledger.job_runs import heartbeat
from backend.outbox.sending import given_up, oldest_unsent_seconds
from backend.people.accounts import exposed_demonstration
from backend.people.clearing import CLEARABLE, cleared_for
from backend.people.roster import grids_of, read_roster
from backend.people.tables import Account, RoleAssignment
from backend.territory.settings_tables import Redrawing

LONG_UNSENT_SECONDS = 600.0
LEAST_SECRET = 32
"""Bytes of a key that nobody guesses."""


@dataclass(frozen=True)
class Finding:
    """Something to be done: what is amiss and what to do, in both languages."""

    name: str
    zh: str
    en: str


Check = Callable[[Config], Iterator[Finding]]


def _migrations(_config: Config) -> Iterator[Finding]:
    if not migrations_at_head():
        yield Finding(
            "migrations",
            "数据库结构不是本版本的：请运行 flask --app wsgi db upgrade。",
            "The database is not of this release: run flask --app wsgi db upgrade.",
        )


def _admin(config: Config) -> Iterator[Finding]:
    today = clock.now().date()
    held = (
        select(Account.id)
        .join(RoleAssignment, RoleAssignment.account_id == Account.id)
        .where(
            RoleAssignment.role == "admin",
            RoleAssignment.area_code == config.TOWN,
            RoleAssignment.ended_at.is_(None),
            RoleAssignment.valid_from <= today,
            func.coalesce(RoleAssignment.valid_to, today) >= today,
            Account.active,
        )
    )
    if row(held.limit(1)) is None:
        yield Finding(
            "admin",
            f"{config.TOWN} 没有管理员：请运行 flask --app wsgi people create-admin。",
            f"{config.TOWN} has no admin: run flask --app wsgi people create-admin.",
        )


def _cleared(config: Config) -> Iterator[Finding]:
    # Of no village in particular, and for nobody's report.
    village, today = f"{config.TOWN}000", clock.now().date()
    if not cleared_for(village, today):
        yield Finding(
            "cleared_dispatcher",
            "没有经两人授权的派遣员，保密举报会被拒收：请由管理员和镇委各签一次（POST /clearings）。",
            "No dispatcher is cleared, so protected reports are refused: an admin and a committee member each sign "
            "(POST /clearings).",
        )
    elif len(cleared_for(village, today, CLEARABLE)) < 2:
        yield Finding(
            "second_cleared",
            "只有一人有保密授权，保密举报不能办结，也不能不予受理：请再为一名派遣员或督查员授权（POST /clearings）。",
            "One person alone is cleared, so no protected report can be concluded or declined: have another dispatcher "
            "or inspector cleared (POST /clearings).",
        )


def _grids(config: Config) -> Iterator[Finding]:
    grids, roster = grids_of(config.TOWN), read_roster(config.TOWN, clock.now())
    if not grids:
        yield Finding(
            "boundaries",
            "还没有网格边界：请运行 flask --app wsgi territory import。",
            "There are no grids yet: run flask --app wsgi territory import.",
        )
    bare = [grid for grid in grids if (roster.holder(grid) or (None, ""))[1] != "grid_worker"]
    if bare:
        some = ", ".join(bare[:5]) + (" …" if len(bare) > 5 else "")
        yield Finding(
            "grids_without_worker",
            f"{len(bare)} 个网格目前没有网格员（{some}）：请导入名册（flask --app wsgi people import-roster 文件）。",
            f"{len(bare)} grids have no worker now ({some}): import the roster "
            "(flask --app wsgi people import-roster FILE).",
        )


def _secrets(config: Config) -> Iterator[Finding]:
    if len(current_app.config["JWT_SECRET_KEY"]) < LEAST_SECRET:
        yield Finding(
            "secrets",
            "令牌密钥太短：请删除 INSTANCE 中的 jwt.key，重启后会生成新的（所有人需重新登录）。",
            "The key of the tokens is short: delete jwt.key in INSTANCE; a new one is made at the next start "
            "(everybody signs in again).",
        )
    for path in sorted({*config.INSTANCE.glob("*.key"), *config.INSTANCE.glob("*.json"), config.identity_keys}):
        if path.is_file() and path.stat().st_mode & 0o077:
            yield Finding(
                "key_file",
                f"{path} 可被其他用户读取：请运行 chmod 600 {path}。",
                f"{path} can be read by others: run chmod 600 {path}.",
            )
    if config.INSTANCE.stat().st_mode & 0o007:
        yield Finding(
            "instance",
            f"{config.INSTANCE} 对所有用户开放：请运行 chmod 700 {config.INSTANCE}。",
            f"{config.INSTANCE} is open to everybody: run chmod 700 {config.INSTANCE}.",
        )


def _demonstration(config: Config) -> Iterator[Finding]:
    if exposed_demonstration(config.HOST):
        yield Finding(
            "demonstration",
            f"有演示账号，而 HOST={config.HOST} 不是本机地址：正式使用请换空的 INSTANCE 或 DATABASE_URL。",
            f"There are demo accounts while HOST={config.HOST} is not this machine only: "
            "name an empty INSTANCE or DATABASE_URL.",
        )


def _scheduler(_config: Config) -> Iterator[Finding]:
    seen = heartbeat()
    if seen is None or clock.now() - seen > LONGEST_SILENCE:
        yield Finding(
            "scheduler",
            "调度进程没有动静，期限、短信和排名都不会走：请启动 python -m backend.scheduler。",
            "The scheduler is not seen, so no deadline, message or ranking moves: start python -m backend.scheduler.",
        )


def _outbox(_config: Config) -> Iterator[Finding]:
    waited, dead = oldest_unsent_seconds(clock.now()), len(given_up(100))
    if waited > LONG_UNSENT_SECONDS or dead:
        yield Finding(
            "outbox",
            f"最早一条消息已等待 {round(waited)} 秒，{dead} 条已放弃发送：请看 flask --app wsgi outbox status"
            " 和 outbox dead，修好通道后运行 outbox retry。",
            f"The oldest message has waited {round(waited)} s and {dead} were given up: see flask --app wsgi outbox "
            "status and outbox dead; mend the gateway, then run outbox retry.",
        )


def _redrawings(config: Config) -> Iterator[Finding]:
    for plan in rows(select(Redrawing).where(Redrawing.town_code == config.TOWN, Redrawing.status == "refused")):
        yield Finding(
            "redrawing",
            f"{plan.effective_on} 生效的边界（{plan.source}）已与现状不符，没有执行：请修改后重新计划。",
            f"The boundaries for {plan.effective_on} ({plan.source}) no longer fitted and were not drawn: "
            "correct them and plan anew.",
        )


def _identity_role(config: Config) -> Iterator[Finding]:
    open_tables = readable(connection()) if config.IDENTITY_DATABASE_URL else []
    if open_tables:
        names = ", ".join(open_tables)
        yield Finding(
            "identity_role",
            f"设置了 IDENTITY_DATABASE_URL，但 DATABASE_URL 的角色仍可读取 {names}：请按 docs/identity.md 收回其权限。",
            f"IDENTITY_DATABASE_URL is set, and DATABASE_URL's role may still read {names}: take that right "
            "from it as docs/identity.md says.",
        )


def _ledger(_config: Config) -> Iterator[Finding]:
    found = last_check()
    if found is not None and found.faults:
        yield Finding(
            "ledger",
            f"{found.at:%Y-%m-%d %H:%M} 核验账本发现 {len(found.faults)} 处问题："
            "请运行 flask --app wsgi ledger verify，并通知审计员。",
            f"The check of the ledger on {found.at:%Y-%m-%d %H:%M} found {len(found.faults)} faults: "
            "run flask --app wsgi ledger verify, and tell the auditor.",
        )


CHECKS: tuple[Check, ...] = (
    _migrations,
    _admin,
    _cleared,
    _grids,
    _secrets,
    _demonstration,
    _scheduler,
    _outbox,
    _redrawings,
    _ledger,
    _identity_role,
)


def examine(config: Config) -> list[Finding]:
    """All that is amiss. Tables that are not there yet are told of by the first finding, and end the search."""
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found += check(config)
        except SQLAlchemyError:
            found += [] if found else [_no_database()]
            return found
        if found and check is _migrations:
            return found
    return found


def _no_database() -> Finding:
    return Finding(
        "database",
        "数据库无法使用：请检查 DATABASE_URL，并运行 flask --app wsgi db upgrade。",
        "The database cannot be used: check DATABASE_URL and run flask --app wsgi db upgrade.",
    )


@click.command("doctor")
@click.option("--lang", type=click.Choice(("zh", "en", "both")), default="both")
@with_appcontext
def doctor(lang: str) -> None:
    """Tell what the town still needs, each with what to do; exit 1 when something must be done."""
    found = examine(current_app.config["TOWN_CONFIG"])
    for finding in found:
        words = [word for name, word in (("zh", finding.zh), ("en", finding.en)) if lang in (name, "both")]
        click.echo(f"[{finding.name}] " + "\n    ".join(words))
    if not found:
        click.echo("一切就绪。 All is well." if lang == "both" else "一切就绪。" if lang == "zh" else "All is well.")
    sys.exit(1 if found else 0)
