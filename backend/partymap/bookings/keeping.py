"""Sharing a room of a service point, and changing its rules. What was booked before stands."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import Invalid
from backend.ledger.record import record
from backend.partymap.bookings.tables import SharedRoom

_62_BITS = (1 << 62) - 1
_ORDER = ("最长时间不能短于最短时间。", "The longest booking is no shorter than the shortest.")


def share_room(
    session: Session, point_id: uuid.UUID, area: str, values: dict[str, Any], actor: uuid.UUID, now: datetime
) -> SharedRoom:
    """Share a room of a service point that lies in an area. Raises Invalid. Commits nothing."""
    id = new_id()
    # The random end of its id: unlike a counter it tells nothing.
    room = SharedRoom(id=id, number=id.int & _62_BITS, point_id=point_id, active=True, version=0, **values)
    _tell(session, room, area, "share_room", values, actor, now)
    return room


def change_room(
    session: Session, room: SharedRoom, area: str, changes: dict[str, Any], actor: uuid.UUID, now: datetime
) -> None:
    """Change a room, held by the caller, in the columns named. Raises Invalid. Commits nothing."""
    for name, value in changes.items():
        setattr(room, name, value)
    _tell(session, room, area, "change_room", changes, actor, now)


def _tell(
    session: Session,
    room: SharedRoom,
    area: str,
    action: str,
    values: dict[str, Any],
    actor: uuid.UUID,
    now: datetime,
) -> None:
    if room.longest_minutes < room.shortest_minutes:
        raise Invalid({"longest_minutes": [_ORDER]})
    room.version += 1
    session.add(room)
    record(
        session,
        town=area[:9],
        actor=actor,
        action=action,
        thing=("shared_room", str(room.id)),
        version=room.version,
        occurred_at=now,
        details={"area_code": area} | values,
    )
