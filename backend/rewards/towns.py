"""Whom a run ranks: the villages and communities of a town, and the clock its periods go by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from sqlalchemy import bindparam, select

from backend.config import TOWN_ZONE
from backend.http.problems import NotFound
from backend.http.reading import rows
from backend.territory.tables import Area

_town_codes = select(Area.parent_code).where(Area.kind.in_(["village", "community"])).distinct().order_by("parent_code")
_villages = (
    select(Area.code, Area.name)
    .where(Area.parent_code == bindparam("town"), Area.kind.in_(["village", "community"]))
    .order_by(Area.code)
)


@dataclass(frozen=True, slots=True)
class Town:
    """A town's nine-digit code, the zone of its clock, and its villages' names by code."""

    code: str
    zone: tzinfo
    villages: Mapping[str, str]


def read_town(code: str) -> Town:
    """The town with a code; NotFound where there is none, or none with a village."""
    villages = {row.code: row.name for row in rows(_villages, town=code)}
    if not villages:
        raise NotFound
    return Town(code, TOWN_ZONE, villages)


def town_codes() -> list[str]:
    """The codes of all towns that have a village."""
    return [row.parent_code for row in rows(_town_codes)]
