"""What the party map shows to the score."""

from sqlalchemy import ColumnElement, bindparam, case, func, literal_column, select

from backend.extensions import UtcDateTime
from backend.http.registry import Fact
from backend.partymap.tables import ServicePoint

ENOUGH_MINUTES = 40 * 60
"""Open minutes of a regular week from which a point counts as open."""

_village = func.substr(ServicePoint.area_code, literal_column("1"), literal_column("12")).label("village")
_enough = ServicePoint.weekly_open_minutes >= ENOUGH_MINUTES


def _in_service() -> ColumnElement[bool]:
    """Points of the town that were in service when the period ended (of a period still running: that are)."""
    end = bindparam("period_end", type_=UtcDateTime())
    return (
        (ServicePoint.area_code >= bindparam("town_start"))
        & (ServicePoint.area_code < bindparam("town_end"))
        & (func.length(ServicePoint.area_code) >= 12)
        & (ServicePoint.opened_at < end)
        & (ServicePoint.closed_at.is_(None) | (ServicePoint.closed_at >= end))
    )


OPEN_SERVICE_POINTS = Fact(
    name="open_service_points",
    room="partymap",
    # The village enters its own points and hours: a claim, until visits have found the doors open.
    channel="village",
    select=select(_village, func.sum(case((_enough, 1), else_=0)).label("numerator"), func.count().label("exposure"))
    .where(_in_service())
    .group_by(_village),
    behind=select(_village, ServicePoint.id.label("id")).where(_in_service()).order_by(_village, ServicePoint.id),
)

FACTS = (OPEN_SERVICE_POINTS,)
