"""`flask people …`: the people and departments of a real town, and the check before a start."""

import re
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import IntegrityError

from backend.config import Config
from backend.http import clock
from backend.http.table_files import SourceFile
from backend.http.work import unit_of_work
from backend.people.access import ROLES
from backend.people.access_page import with_access_table
from backend.people.accounts import NewAccount, create_account, exposed_demonstration, has_demonstration
from backend.people.appointing import Unfit, add_role, check_place, known_account
from backend.people.departments import DepartmentExists, open_department
from backend.people.passwords import LEAST_PASSWORD, hash_password
from backend.people.phones import normal_phone
from backend.people.roster_import import Plan, RosterRefused, UnreadableRoster, import_roster
from backend.people.tables import DEPARTMENT_CODE_SHAPE

people = AppGroup("people", help="Accounts, roles and departments.")
EXPOSED = (
    "拒绝启动：数据库里有演示账号，而 HOST={host} 不是本机地址。演示账号只能在本机使用；"
    "正式使用请另设 INSTANCE（或 DATABASE_URL）指向空的目录（数据库），再运行 flask --app wsgi people create-admin。\n"
    "Refusing to start: the database holds demo accounts and HOST={host} is not a loopback address. "
    "For a real town name an empty INSTANCE (or DATABASE_URL) of its own."
)
HAS_DEMONSTRATION = (
    "数据库里有演示账号，不能用作正式城镇；请另设 INSTANCE 或 DATABASE_URL。\n"
    "The database holds demo accounts and cannot become a real town: name another INSTANCE or DATABASE_URL."
)


def _number(phone: str) -> str:
    number = normal_phone(phone)
    if number is None:
        raise click.BadParameter(f"{phone} is not a phone number", param_hint="--phone")
    return number


def _hash(password: str) -> str:
    if len(password) < LEAST_PASSWORD:
        raise click.BadParameter(f"at least {LEAST_PASSWORD} characters", param_hint="--password")
    return hash_password(password)


@people.command("create-admin")
@click.option("--phone", prompt=True)
@click.option("--name", prompt=True)
@click.password_option()
def create_admin(phone: str, name: str, password: str) -> None:
    """Start a real town: make an admin account."""
    config: Config = current_app.config["TOWN_CONFIG"]
    if has_demonstration():
        raise click.ClickException(HAS_DEMONSTRATION)
    number, hashed = _number(phone), _hash(password)
    try:
        with unit_of_work() as session:
            create_account(session, NewAccount(number, name, "admin", config.TOWN), hashed, clock.now())
    except IntegrityError:
        raise click.ClickException(f"{number} has an account already") from None
    click.echo(f"{name} ({number}) is admin of {config.TOWN}.")


@people.command("add")
@click.option("--phone", prompt=True)
@click.option("--name", prompt=True)
@click.option("--role", prompt=True, type=click.Choice(ROLES))
@click.option("--area", prompt=True, help="Code of the town, village or grid the role is for.")
@click.option("--department", help="Code of a handler's department.")
@click.option("--password", help="Asked for when the phone has no account yet.")
def add(phone: str, name: str, role: str, area: str, department: str | None, password: str | None) -> None:
    """Give somebody a role; a phone that has no account yet gets one."""
    number = _number(phone)
    try:
        person = NewAccount(number, name, role, area, check_place(role, area, department))
        account = known_account(number)
        if account is None:
            hashed = _hash(password or click.prompt("Password", hide_input=True, confirmation_prompt=True))
            with unit_of_work() as session:
                create_account(session, person, hashed, clock.now())
        else:
            with unit_of_work() as session:
                add_role(session, account, person, clock.now())
    except Unfit as error:
        raise click.ClickException(str(error)) from None
    kept = "" if account is None else " The account was there already: its name and password stay."
    click.echo(f"{number} is {role} of {area}.{kept}")


@people.command("add-department")
@click.option("--code", prompt=True)
@click.option("--name", prompt=True)
def add_department(code: str, name: str) -> None:
    """Add a department that handles cases to the town. A village is one already, under its own code."""
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    shape, (_, told) = DEPARTMENT_CODE_SHAPE
    if not re.match(shape, code):
        raise click.ClickException(told)
    if not 0 < len(name) <= 100:
        raise click.ClickException("a name has 1 to 100 characters")
    try:
        with unit_of_work() as session:
            open_department(session, town, code, name, None, clock.now())
    except (IntegrityError, DepartmentExists):
        raise click.ClickException(DepartmentExists.en.format(department=code)) from None
    click.echo(f"{code} ({name}) is a department of {town}.")


@people.command("import-roster")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, write nothing.")
@click.option("--good-only", is_flag=True, help="Write the lines without a fault, leave out the rest.")
def import_file(file: Path, dry_run: bool, good_only: bool) -> None:
    """Import the roster (XLSX or CSV: person, phone, role, area or department, from, to); exit 1 for faulty lines."""
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    try:
        with unit_of_work() as session:
            plan = import_roster(
                session, SourceFile(file), town, actor=None, now=clock.now(), good_only=good_only, dry_run=dry_run
            )
    except RosterRefused as refused:
        plan = Plan(faults=refused.all_faults)
    except UnreadableRoster as problem:
        raise click.ClickException(problem.en.format(**problem.params)) from None
    for at_fault in plan.faults:
        fault = at_fault.fault
        click.echo(f"{at_fault.line}: {fault.column}: {fault.error}: {fault.zh} {fault.en}", err=True)
    if plan.ignored:
        click.echo(f"not read: {', '.join(plan.ignored)}")
    click.echo(
        f"{'would be ' if dry_run else ''}given: {plan.count('new')} roles, {plan.new_accounts} new accounts; "
        f"dates changed: {plan.count('dates')}; as it was: {plan.count('none')}; lines with a fault: {len(plan.faults)}"
    )
    sys.exit(1 if plan.faults else 0)


@people.command("check-exposure")
def check_exposure() -> None:
    """Exit 1 when demo accounts would be reachable from other machines."""
    host = current_app.config["TOWN_CONFIG"].HOST
    if exposed_demonstration(host):
        click.echo(EXPOSED.format(host=host), err=True)
        sys.exit(1)


@people.command("access-page")
@click.argument("page", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def access_page(page: Path) -> None:
    """Write the access table into a page, in place of the one it shows."""
    try:
        page.write_text(with_access_table(page.read_text()))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
