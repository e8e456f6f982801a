"""Writing areas: one way in for imports, other towns' data and the demonstration."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.orm import Session

from backend.ledger.record import record
from backend.territory.outlines import bounds, read_outline
from backend.territory.tables import Area, AreaPopulation, AreaRevision

_first_revision = text("INSERT INTO area_revisions (id, revision) VALUES (1, 0) ON CONFLICT DO NOTHING")
_next_revision = update(AreaRevision).where(AreaRevision.id == 1).values(revision=AreaRevision.revision + 1)
_COLUMNS = tuple(column.name for column in Area.__table__.columns)


def lock_areas(session: Session) -> int:
    """Count one more change of areas and keep other writers of areas away until this unit of work ends.

    Whoever decides by what areas there are takes the lock before reading them. Answers the new revision.
    """
    session.execute(_first_revision)
    session.execute(_next_revision)
    return session.execute(select(AreaRevision.revision).where(AreaRevision.id == 1)).scalar_one()


def put_areas(
    session: Session,
    areas: Sequence[Mapping[str, Any]],
    populations: Iterable[Mapping[str, Any]] = (),
    *,
    revision: int,
    actor: UUID | None,
    now: datetime,
    source: str,
) -> None:
    """Add areas, or overwrite those of the same code, and record it town by town.

    `areas` have the columns of the table, less the box, which is taken from the outline; a column not given is left
    as it is. `populations` replace those of the same area and day. `revision` is the answer of `lock_areas`.
    """
    known = set(session.scalars(select(Area.code)))
    # Parents first: their codes are the shorter ones.
    ordered = sorted((_with_box(area) for area in areas), key=lambda area: (len(area["code"]), area["code"]))
    new = [dict.fromkeys(_COLUMNS) | {"demonstration": False} | area for area in ordered if area["code"] not in known]
    if new:
        session.execute(insert(Area), new)
    for area in ordered:
        if area["code"] in known:
            session.execute(update(Area).where(Area.code == area["code"]).values(**area))
    counted = list(populations)
    if counted:
        session.connection().execute(
            delete(AreaPopulation).where(
                AreaPopulation.area_code == bindparam("of_area"), AreaPopulation.as_of == bindparam("of_day")
            ),
            [{"of_area": row["area_code"], "of_day": row["as_of"]} for row in counted],
        )
        session.execute(insert(AreaPopulation), counted)
    _record(session, ordered, known, revision, actor, now, source)


def rename_area(session: Session, code: str, name: str, *, revision: int, actor: UUID, now: datetime) -> None:
    """Give an area another name, and record it. `revision` is the answer of `lock_areas`."""
    session.execute(update(Area).where(Area.code == code).values(name=name))
    record(
        session,
        town=code[:9],
        actor=actor,
        action="rename_area",
        thing=("area", code),
        version=revision,
        occurred_at=now,
        details={"name": name},
    )


def _record(
    session: Session,
    areas: Sequence[Mapping[str, Any]],
    known: Collection[str],
    revision: int,
    actor: UUID | None,
    now: datetime,
    source: str,
) -> None:
    for town in sorted({area["code"][:9] for area in areas}):
        codes = [area["code"] for area in areas if area["code"].startswith(town)]
        record(
            session,
            town=town,
            actor=actor,
            action="import_areas",
            thing=("areas", town),
            version=revision,
            occurred_at=now,
            details={"source": source, "areas": len(codes), "changed": sum(code in known for code in codes)},
        )


def _with_box(area: Mapping[str, Any]) -> dict[str, Any]:
    row = {name: value for name, value in area.items() if name in _COLUMNS}
    if row.get("outline"):
        row |= zip(("west", "south", "east", "north"), bounds(read_outline(row["outline"])), strict=True)
    return row
