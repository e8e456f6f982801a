"""Making accounts and giving roles."""

import ipaddress
import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.reading import row
from backend.ledger.record import SYSTEM, record
from backend.people.tables import Account, RoleAssignment


@dataclass(frozen=True)
class NewAccount:
    """A person to be: phone in E.164, first role for an area and (handlers) a department."""

    phone: str
    name: str
    role: str
    area_code: str
    department: str | None = None
    demonstration: bool = False


def create_account(session: Session, person: NewAccount, password_hash: str | None, now: datetime) -> uuid.UUID:
    """Add an account with its first role; answers its id. Without a password it is signed in to by codes.

    The phone must be new: the database refuses a second one.
    """
    account = new_id()
    session.execute(
        insert(Account),
        {
            "id": account,
            "phone": person.phone,
            "password_hash": password_hash,
            "name": person.name,
            "active": True,
            "demonstration": person.demonstration,
            "created_at": now,
        },
    )
    give_role(session, account, person, now.date())
    thing = ("account", str(account))
    record(session, town=SYSTEM, actor=None, action="create_account", thing=thing, version=1, occurred_at=now)
    return account


def give_role(session: Session, account: uuid.UUID, person: NewAccount, since: date) -> None:
    """Let an account hold a role from a day on."""
    session.execute(
        insert(RoleAssignment),
        {
            "id": new_id(),
            "account_id": account,
            "role": person.role,
            "area_code": person.area_code,
            "department": person.department,
            "valid_from": since,
        },
    )


def has_demonstration() -> bool:
    """Whether the database holds demo accounts."""
    return row(select(Account.id).where(Account.demonstration).limit(1)) is not None


def is_loopback(host: str) -> bool:
    """Whether a server listening there is reached from this machine only. A name other than localhost may lead away."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def exposed_demonstration(host: str) -> bool:
    """Whether demo accounts exist while the server would listen beyond this machine."""
    return not is_loopback(host) and has_demonstration()
