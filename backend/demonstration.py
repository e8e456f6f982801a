"""`flask demo load`: the demo town, from its map to one published month. Loaded once; the data is then left alone."""

import uuid
from datetime import datetime, timedelta

import click
import shapely
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import delete, select

from backend.cases.demonstration import Cast, load_cases
from backend.config import TOWN_ZONE, Config
from backend.http import clock
from backend.http.ids import new_id
from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from backend.ledger import job_runs
from backend.outbox.tables import OutboxMessage
from backend.partymap.bookings.demonstration import load_rooms
from backend.partymap.demonstration import demonstration_points
from backend.partymap.events.demonstration import load_events
from backend.partymap.keeping import put_points
from backend.people.access import Caller, Grant
from backend.people.accounts import is_loopback
from backend.people.clearing import CLEARABLE, sign
from backend.people.demonstration import (
    TOWN,
    demo_password,
    keep_demo_password,
    load_people,
    set_demo_password,
)
from backend.people.tables import Account, RoleAssignment
from backend.rewards.publishing import publish
from backend.rewards.rule_sets import load_rule_set
from backend.rewards.running import keep, work_out
from backend.rewards.towns import read_town
from backend.territory.demonstration import load_territory
from backend.territory.location import forget, territory
from backend.territory.periods import read_period
from backend.territory.tables import Area
from backend.territory.work_calendar import work_calendar

CASES = 330
LOADING = "load_demo_town"
"""Note that the demo town is being loaded: still there at the next start, it was broken off."""
HOME = (113.0002, 22.8694)
"""A point in 敦根社区 (WGS84 degrees): the demo grid worker's grid is the one that holds it."""

demo = AppGroup("demo", help="The demo town.")


@demo.command("load")
def load() -> None:
    """Load the demo town into an empty database, once; print the demo sign-ins. DEMO_PASSWORD changes their password.

    A database with an account or an area of its own is a real town and left alone, and so is any server that listens
    beyond this machine.
    """
    config: Config = current_app.config["TOWN_CONFIG"]
    if job_runs.done_at(LOADING):
        click.echo("上次载入演示城镇时中断，现在重新载入。 Loading the demo town was broken off; it is begun anew.")
        _empty()
    empty = row(select(Area.code).limit(1)) is None and row(select(Account.id).limit(1)) is None
    loaded = row(select(Account.id).where(Account.demonstration).limit(1)) is not None
    if not loaded and not (empty and is_loopback(config.HOST)):
        return  # a real town: begun with `flask people create-admin`, or open to other machines
    password, kept = demo_password(config.DEMO_PASSWORD, config.INSTANCE)
    if not loaded:
        click.echo("首次启动：正在载入演示城镇（约半分钟）… Loading the demo town, once.")
        _load(password, clock.now())
    elif not kept:
        with unit_of_work() as session:
            set_demo_password(session, password)
    if not kept:
        keep_demo_password(password, config.INSTANCE)
    _print_sign_ins(password)


def _print_sign_ins(password: str) -> None:
    people = rows(
        select(Account.phone, Account.name, RoleAssignment.role)
        .join(RoleAssignment)
        .where(Account.demonstration)
        .order_by(Account.phone)
    )
    click.echo(f"\n演示账号（密码 password: {password}）")
    for person in people:
        click.echo(f"  {person.phone.removeprefix('+86')}  {person.role:<16} {person.name}")


def _empty() -> None:
    """Take all out of a database in which nobody has done anything yet."""
    from flask_migrate import downgrade, upgrade

    downgrade(revision="base")
    upgrade()


def _load(password: str, now: datetime) -> None:
    with unit_of_work() as session:
        job_runs.mark_done(session, LOADING, now)
    with unit_of_work() as session:
        load_territory(session)
    forget()
    grid = territory().area_at(*HOME)
    with unit_of_work() as session:
        load_people(session, grid or TOWN, password, now)
        put_points(session, demonstration_points())
    _clear(now)
    first = (now.replace(day=1) - timedelta(days=1)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    load_cases(_cast(), work_calendar(TOWN), first - timedelta(days=20), now, CASES)
    with unit_of_work() as session:
        session.execute(delete(OutboxMessage))  # nobody is to be told of made-up news
    with unit_of_work() as session:
        people = [_caller(end) for end in ("01", "02", "03")]
        load_rooms(session, _caller("06"), people, now)
        load_events(session, _caller("06"), people, now)
    _publish(f"{first:%Y-%m}", now)
    with unit_of_work() as session:
        job_runs.unmark(session, LOADING)


_HELD = (RoleAssignment.role, RoleAssignment.area_code, RoleAssignment.department)


def _caller(phone_end: str) -> Caller:
    found = rows(
        select(
            Account.id,
            Account.name,
            Account.phone,
            RoleAssignment.role,
            RoleAssignment.area_code,
            RoleAssignment.department,
        )
        .join(RoleAssignment)
        .where(Account.phone == f"+86138000000{phone_end}")
    )
    grants = tuple(Grant(held.role, held.area_code, held.department) for held in found)
    return Caller(found[0].id, new_id(), found[0].name, found[0].phone, grants)


def _cast() -> Cast:
    spots: dict[str, list[tuple[float, float]]] = {}
    for area in territory().areas.values():
        if area.kind == "grid" and area.outline:
            inner = shapely.from_geojson(area.outline).representative_point()
            spots.setdefault(area.code[:12], []).append((inner.x, inner.y))
    officer = _caller("04")
    officers = {
        village: Caller(officer.account_id, officer.sign_in_id, "", "", (Grant("village_officer", village, village),))
        for village in spots
    }
    return Cast(_caller("01"), _caller("06"), _caller("07"), officers, spots)


def _clear(now: datetime) -> None:
    """Have the desk and the inspector cleared for protected reports, as the product has it: two sign for each."""
    for cleared, role in zip((_caller("06"), _caller("07")), CLEARABLE, strict=True):
        for signer in (_caller("09"), _caller("08")):
            with unit_of_work() as session:
                sign(session, signer, cleared.account_id, role, TOWN, now)


def _publish(period: str, now: datetime) -> None:
    town = read_town(TOWN)
    outcome = work_out(town, read_period(period, TOWN_ZONE), load_rule_set(), now)
    first, second = _caller("08"), _caller("11")
    with unit_of_work() as session:
        run_id, _ = keep(session, outcome, first.account_id)
    for member in (first, second):
        _publish_as(run_id, member, now)


def _publish_as(run_id: uuid.UUID, member: Caller, now: datetime) -> None:
    with unit_of_work() as session:
        publish(session, run_id, member.account_id, now)
