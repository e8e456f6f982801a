"""The people in charge of a service point: accounts, known to who keeps points.

The public reads `phone` and `in_charge`, which are words about the office.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select
from sqlalchemy.orm import Session

from backend.http.problems import Problem
from backend.http.reading import rows
from backend.partymap.tables import PersonInCharge, ServicePoint
from backend.people.access import Caller
from backend.people.tables import Account, RoleAssignment
from backend.territory.codes import prefix_bounds

MOST = 10
"""People in charge of one point."""

_people = (
    select(Account.id, Account.name)
    .join(PersonInCharge, PersonInCharge.account_id == Account.id)
    .where(PersonInCharge.point_id == bindparam("point"))
    .order_by(Account.id)
)
_mine = (
    select(*ServicePoint.__table__.c)
    .join(PersonInCharge, PersonInCharge.point_id == ServicePoint.id)
    .where(PersonInCharge.account_id == bindparam("account"), ServicePoint.active)
    .order_by(ServicePoint.area_code, ServicePoint.id)
)
_is_mine = select(PersonInCharge.point_id).where(
    PersonInCharge.point_id == bindparam("point"), PersonInCharge.account_id == bindparam("account")
)


class NotOfTheTown(Problem):
    """Somebody who cannot be in charge: not an account in use with a role in the town beyond that of a resident."""

    status, code = 422, "not_of_the_town"
    zh = "负责人应为在本镇担任职务（含党员）且在用的账号，请核对。"
    en = "Who is in charge has an account in use and a role in this town beyond a resident's; check the ids."


def put_in_charge(session: Session, point: ServicePoint, people: Collection[uuid.UUID], today: date) -> None:
    """Put these people, and nobody else, in charge of a point. Raises NotOfTheTown. Commits nothing."""
    low, high = prefix_bounds(point.area_code[:9])
    fitting = (
        select(Account.id)
        .join(RoleAssignment, RoleAssignment.account_id == Account.id)
        .where(
            Account.id.in_(people),
            Account.active,
            RoleAssignment.role != "resident",
            RoleAssignment.area_code >= low,
            RoleAssignment.area_code < high,
            RoleAssignment.ended_at.is_(None),
            RoleAssignment.valid_from <= today,
            or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= today),
        )
    )
    if set(session.execute(fitting).scalars()) != set(people):
        raise NotOfTheTown({"people": [(NotOfTheTown.zh, NotOfTheTown.en)]})
    session.flush()
    session.execute(delete(PersonInCharge).where(PersonInCharge.point_id == point.id))
    if people:
        session.execute(insert(PersonInCharge), [{"point_id": point.id, "account_id": one} for one in people])


def people_in_charge(point: uuid.UUID) -> Sequence[Row[Any]]:
    """Id and name of the people in charge of a point."""
    return rows(_people, point=point)


def points_of(account: uuid.UUID) -> Sequence[Row[Any]]:
    """The points in use that an account is in charge of, by area and id."""
    return rows(_mine, account=account)


def is_in_charge(account: uuid.UUID, point: uuid.UUID) -> bool:
    """Whether an account is in charge of a point."""
    return bool(rows(_is_mine, point=point, account=account))


def data_of(caller: Caller) -> dict[str, Any]:
    """What is kept of a person here: the points they are in charge of."""
    return {"service_points": [{"id": one.id, "name": one.name} for one in points_of(caller.account_id)]}


def forget_person(session: Session, account: uuid.UUID, _words: Sequence[str], _now: datetime) -> None:
    """Have nobody remember that a person was in charge."""
    session.execute(delete(PersonInCharge).where(PersonInCharge.account_id == account))
