"""The public contact of who holds an office: what the town has entered for everybody to read, and nothing else.

An account's own name and number are never taken for it.
"""

import uuid
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from backend.http.reading import row
from backend.people.roster_tables import OfficeContact

_contact = select(OfficeContact.contact).where(OfficeContact.account_id == bindparam("account"))


def office_contact(account: uuid.UUID, session: Session | None = None) -> str | None:
    """The public contact of a person's office; None where none is entered."""
    values: dict[str, Any] = {"account": account}
    found = session.execute(_contact, values).first() if session else row(_contact, **values)
    return found.contact if found else None


def enter_contact(session: Session, account: uuid.UUID, contact: str | None) -> None:
    """Enter the public contact of a person's office, or (None) take it back. Commits nothing."""
    session.execute(delete(OfficeContact).where(OfficeContact.account_id == account))
    if contact is not None:
        session.execute(insert(OfficeContact), {"account_id": account, "contact": contact})
