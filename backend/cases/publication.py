"""The public face: what everybody sees of accepted cases, after a random delay.

Neither text nor photo, no place nearer than the grid, times by day.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select

from backend.cases.categories import catalogue
from backend.cases.tables import Case
from backend.cases.workflow import STATUSES
from backend.extensions import UtcDateTime
from backend.http.reading import rows
from backend.territory.tables import Area

_chance = random.SystemRandom()
_DELAY_HOURS = (24, 72)
_statement = (
    select(
        Case.category,
        Case.status,
        Case.village_code,
        Area.name,
        Case.occurred_at,
        Case.public_at,
        Case.coarse_lon,
        Case.coarse_lat,
    )
    .join(Area, Area.code == Case.village_code)
    .where(
        Case.town_code == bindparam("town"),
        Case.public_at < bindparam("before", type_=UtcDateTime),
        Case.status != "withdrawn",
        Case.reporting != "protected",
    )
    .order_by(Case.public_at.desc())
    .limit(bindparam("limit", type_=Case.rating.type))
)


def public_from(now: datetime) -> datetime:
    """When a case becomes public that might be now: later by chance, so that its time does not tell who was seen doing
    what."""
    return now + timedelta(hours=_chance.uniform(*_DELAY_HOURS))


def published_cases(town: str, before: datetime, limit: int) -> Sequence[Row[Any]]:
    """Up to `limit` cases of a town published before an instant, the newest publication first.

    The instant of publication is random to the microsecond, so it alone orders the pages: a cursor must not hold the
    case's id, in which the time of filing can be read.
    """
    return rows(_statement, town=town, before=before, limit=limit)


def show_published(case: Row[Any]) -> dict[str, Any]:
    """A published case as JSON: what, where roughly, on which day, how far it is. It has no id and no number."""
    kind = catalogue(case.village_code[:9]).get(case.category)
    return {
        "category": {"code": case.category, "name": kind.zh if kind else case.category},
        "status": case.status,
        "status_name": STATUSES[case.status][0],
        "village": {"code": case.village_code, "name": case.name},
        "day": case.occurred_at.date(),
        "lon": case.coarse_lon,
        "lat": case.coarse_lat,
    }
