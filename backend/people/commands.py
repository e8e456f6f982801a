"""`flask people …`: the first admin of a real town, and the check before a start."""

import sys

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import IntegrityError

from backend.config import Config
from backend.http import clock
from backend.http.work import unit_of_work
from backend.people.accounts import NewAccount, create_account, exposed_demonstration
from backend.people.passwords import hash_password
from backend.people.phones import normal_phone

people = AppGroup("people", help="Accounts and roles.")
EXPOSED = (
    "拒绝启动：数据库里有演示账号，而 HOST={host} 不是本机地址。演示账号只能在本机使用；"
    "正式使用请换一个空的 DATABASE_URL，再运行 flask --app wsgi people create-admin。\n"
    "Refusing to start: the database holds demo accounts and HOST={host} is not a loopback address."
)


@people.command("create-admin")
@click.option("--phone", prompt=True)
@click.option("--name", prompt=True)
@click.password_option()
def create_admin(phone: str, name: str, password: str) -> None:
    """Start a real town: make its first admin account."""
    config: Config = current_app.config["TOWN_CONFIG"]
    number = normal_phone(phone)
    if number is None:
        raise click.BadParameter(f"{phone} is not a phone number", param_hint="--phone")
    if len(password) < 10:
        raise click.BadParameter("at least 10 characters", param_hint="--password")
    try:
        with unit_of_work() as session:
            person = NewAccount(number, name, "admin", config.TOWN)
            create_account(session, person, hash_password(password), clock.now())
    except IntegrityError:
        raise click.ClickException(f"{number} has an account already") from None
    click.echo(f"{name} ({number}) is admin of {config.TOWN}.")


@people.command("check-exposure")
def check_exposure() -> None:
    """Exit 1 when demo accounts would be reachable from other machines."""
    host = current_app.config["TOWN_CONFIG"].HOST
    if exposed_demonstration(host):
        click.echo(EXPOSED.format(host=host), err=True)
        sys.exit(1)
