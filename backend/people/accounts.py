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


def create_account(
    session: Session,
    person: NewAccount,
    password_hash: str | None,
    now: datetime,
    since: date | None = None,
    until: date | None = None,
    actor: uuid.UUID | None = None,
) -> uuid.UUID:
    """Add an account with its first role, from today on if not said otherwise; answers its id.

    The phone must be new: the database refuses a second one. Without a password it is signed in to by codes.
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
    give_role(session, account, person, since or now.date(), until)
    thing = ("account", str(account))
    details = {"role": person.role, "area_code": person.area_code, "department": person.department}
    record(
        session,
        town=SYSTEM,
        actor=actor,
        action="create_account",
        thing=thing,
        version=1,
        occurred_at=now,
        details=details,
    )
    return account


def give_role(
    session: Session, account: uuid.UUID, person: NewAccount, since: date, until: date | None = None
) -> uuid.UUID:
    """Let an account hold a role from a day to a day (both included); answers the role's id."""
    made = new_id()
    session.execute(
        insert(RoleAssignment),
        {
            "id": made,
            "account_id": account,
            "role": person.role,
            "area_code": person.area_code,
            "department": person.department,
            "valid_from": since,
            "valid_to": until,
        },
    )
    return made


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
