"""The public face: what everybody sees of accepted cases, after a random delay.

What it is about, no place nearer than the grid, times by day, and how far it was the day before yesterday: whoever
watches the page does not see when somebody acted, and what shows at midnight tells no more than its day. As late show
another category and elements that a case was tagged with; and words and photos, only those that a second person
released (public_texts.py). What is taken off the public face, or from an element, goes at once. One rule, `PUBLIC`,
says which cases; all that the public asks goes by it.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, and_, bindparam, cast, exists, func, literal_column, or_, select
from sqlalchemy import case as sql_case

from backend.cases.case_row import CaseRow
from backend.cases.public.public_text_tables import PublicText
from backend.cases.rules.categories import catalogue
from backend.cases.rules.tag_tables import CaseTag
from backend.cases.tables import Case, CaseEvent
from backend.cases.workflow import STATUSES
from backend.config import TOWN_ZONE
from backend.extensions import UtcDateTime
from backend.http.disguises import disguised, disguised_all, undisguised
from backend.http.reading import row, rows
from backend.territory.tables import Area

_chance = random.SystemRandom()
_DELAY_HOURS = (24, 72)
ORDINARY = ("named", "anonymous")
"""How a case must have been reported to be public: neither protected nor a part nor whatever else comes to be."""
STAGES: Mapping[str, tuple[str, str, str]] = {
    "accepted": ("accepted", "已受理", "accepted"),
    **dict.fromkeys(
        ("dispatched", "handling", "split", "merged", "handled", "checked"), ("in_hand", "办理中", "in hand")
    ),
    "suspended": ("suspended", "暂缓办理", "suspended"),
    "closed": ("closed", "已办结", "done"),
    "reopened": ("reopened", "重新办理", "taken up again"),
}
"""How far a case is, as its public history tells it, by status: code and names."""
_NEWEST = 2_000
"""Newest public cases of a town among which those of one village are looked for."""
_LATELY = 50
"""Cases told of in the news of an area."""

PUBLIC: ColumnElement[bool] = and_(
    Case.town_code == bindparam("town"),
    Case.public_at < bindparam("before", type_=UtcDateTime),
    Case.status != "withdrawn",
    Case.reporting.in_([literal_column(f"'{kind}'", Case.reporting.type) for kind in ORDINARY]),
)
_until: Any = bindparam("until", type_=UtcDateTime)
"""Before which a step must lie to be shown."""


def _one_of(*statuses: str) -> ColumnElement[bool]:
    return Case.status.in_([literal_column(f"'{status}'", Case.status.type) for status in statuses])


# A status that begins with a step of its own, or is the end, stands as long as that: only of the others, and of those
# that changed lately, the history is asked.
_settled = or_(
    and_(_one_of("accepted", "dispatched", "handled", "checked", "reopened"), Case.step_started_at < _until),
    and_(_one_of("closed"), Case.closed_at < _until),
)
_status_then = (
    select(CaseEvent.to_status)
    .where(CaseEvent.case_id == Case.id, CaseEvent.occurred_at < _until)
    .order_by(CaseEvent.version.desc())
    .limit(literal_column("1", Case.version.type))
    .correlate(Case)
    .scalar_subquery()
)
# What the public saw of a case before it was changed, it sees until the change shows.
_not_shown_yet = and_(
    CaseEvent.case_id == Case.id, CaseEvent.occurred_at >= _until, CaseEvent.occurred_at >= Case.public_at
)
_category_then = (
    select(CaseEvent.details["old_category"].as_string())
    .where(_not_shown_yet, CaseEvent.action == literal_column("'correct_category'"))
    .order_by(CaseEvent.version)
    .limit(literal_column("1", Case.version.type))
    .correlate(Case)
    .scalar_subquery()
)
SHOWN_CATEGORY: ColumnElement[str] = func.coalesce(_category_then, Case.category).label("category")
"""The category of a public case, as it is shown; takes `until`, from `shown_until`."""
_released = and_(
    PublicText.case_id == Case.id,
    PublicText.state == literal_column("'released'"),
    PublicText.decided_at < _until,
)
_shown: Any = (
    select(
        Case.id,
        SHOWN_CATEGORY,
        sql_case((_settled, Case.status), else_=_status_then).label("status"),
        Case.village_code,
        Area.name,
        Case.occurred_at,
        Case.public_at,
        Case.coarse_lon,
        Case.coarse_lat,
        PublicText.text,
        PublicText.photos,
    )
    .join(Area, Area.code == Case.village_code)
    .outerjoin(PublicText, _released)
)
_newest_first = Case.public_at.desc()
_statement = _shown.where(PUBLIC).order_by(_newest_first).limit(bindparam("limit", type_=Case.rating.type))
_tagged = exists().where(CaseTag.case_id == Case.id, CaseTag.element == bindparam("element")).correlate(Case)
_were = func.coalesce(cast(CaseEvent.details["old_tags"], Text), literal_column("''"))
# A value, for PostgreSQL joins what exists, and might read all events for it.
_tagged_lately = (
    select(CaseEvent.version)
    .where(
        _not_shown_yet,
        CaseEvent.action == literal_column("'tag'"),
        _were.not_like(bindparam("bearing")),
    )
    .limit(literal_column("1", Case.version.type))
    .correlate(Case)
    .scalar_subquery()
)
_with_element = _statement.where(_tagged, _tagged_lately.is_(None))
_one = _shown.where(PUBLIC, Case.id == bindparam("id"))
_changed = (
    select(func.max(CaseEvent.occurred_at))
    .where(CaseEvent.case_id == Case.id, CaseEvent.from_status != CaseEvent.to_status, CaseEvent.occurred_at < _until)
    .correlate(Case)
    .scalar_subquery()
)
_places = (Case.id, Case.village_code, Case.public_at)
_lately = select(*_places).where(PUBLIC).order_by(_newest_first).limit(_NEWEST).subquery("lately").c
_chosen = (
    select(_lately.id)
    .where(_lately.village_code.startswith(bindparam("area"), autoescape=False))
    .order_by(_lately.public_at.desc())
    .limit(_LATELY)
    .subquery("chosen")
)
_of_area = (
    _shown.add_columns(PublicText.decided_at, _changed.label("changed_at"))
    .join(_chosen, _chosen.c.id == Case.id)
    .order_by(_newest_first)
)
_steps = (
    select(CaseEvent.to_status, CaseEvent.occurred_at)
    .where(CaseEvent.case_id == bindparam("case"), CaseEvent.from_status != CaseEvent.to_status)
    .order_by(CaseEvent.version)
)


def public_from(now: datetime) -> datetime:
    """When a case becomes public that might be now: later by chance, so that its time does not tell who was seen doing
    what."""
    return now + timedelta(hours=_chance.uniform(*_DELAY_HOURS))


def publication_of(case: CaseRow) -> frozenset[str]:
    """What is true of a case and the public: publishable (of a public kind, taken up, and not protected), public_draft
    (a text waits for its second look), public (shown to everybody, or about to be)."""
    kind = catalogue(case.town_code).get(case.category)
    ordinary = case.accepted_at is not None and case.reporting in ORDINARY
    true = {
        "publishable": ordinary and kind is not None and kind.public,
        "public_draft": ordinary and case.public_draft_by is not None,
        "public": ordinary and case.public_at is not None,
    }
    return frozenset(name for name, so in true.items() if so)


def public_id(case_id: uuid.UUID) -> uuid.UUID:
    """The id under which everybody knows a case: always the same, and it leads to no other."""
    return disguised("public case", case_id)


def public_ids(case_ids: Sequence[uuid.UUID]) -> list[str]:
    """The same of many cases at once, in their order, as they are written."""
    return disguised_all("public case", case_ids)


def shown_until(now: datetime) -> datetime:
    """Before which a step must lie to be shown at an instant: the beginning of yesterday, by the town's clock."""
    today = datetime.combine(now.astimezone(TOWN_ZONE).date(), time(), TOWN_ZONE)
    return today - timedelta(days=1)


def published_cases(
    town: str, now: datetime, limit: int, before: datetime | None = None, element: str | None = None
) -> Sequence[Row[Any]]:
    """Up to `limit` cases of a town published by now, and before an instant, the newest publication first; only those
    that bear on an element of the governance model, where one is named.

    The instant of publication is random to the microsecond, so it alone orders the pages. A cursor must hold neither
    the case's id, in which the time of filing can be read, nor this instant, which narrows when it was accepted.
    """
    values = {"town": town, "before": min(before or now, now), "until": shown_until(now), "limit": limit}
    if not element:
        return rows(_statement, **values)
    return rows(_with_element, **values, element=element, bearing=f'%"{element}"%')


def published_case(town: str, id: uuid.UUID, now: datetime) -> Row[Any] | None:
    """A published case of a town by its public id; None for any other."""
    return row(_one, town=town, before=now, until=shown_until(now), id=undisguised("public case", id))


def published_lately(town: str, area: str, now: datetime) -> Sequence[Row[Any]]:
    """The newest published cases of a town or one of its villages, with `decided_at` of their text and `changed_at` of
    their status; of those among the newest of the town, so that it costs the same however many there are."""
    return rows(_of_area, town=town, area=area, before=now, until=shown_until(now))


def show_published(case: Row[Any]) -> dict[str, Any]:
    """A published case as JSON: what, where roughly, on which day, how far it is. It has no id and no number."""
    kind = catalogue(case.village_code[:9]).get(case.category)
    # It is public because it was accepted, however lately.
    status = case.status if case.status in STAGES and case.status != "merged" else "accepted"
    return {
        "category": {"code": case.category, "name": kind.zh if kind else case.category},
        "status": status,
        "status_name": STATUSES[status][0],
        "village": {"code": case.village_code, "name": case.name},
        "day": case.occurred_at.date(),
        "lon": case.coarse_lon,
        "lat": case.coarse_lat,
    }


def show_public(case: Row[Any]) -> dict[str, Any]:
    """The same under its public id, with the text that was released, if there is one."""
    return {"id": public_id(case.id), **show_published(case), "text": case.text}


def show_public_whole(case: Row[Any], now: datetime) -> dict[str, Any]:
    """The same with its photos, by where they are, and its history: stages by day, nobody and no instant."""
    here = f"/api/v1/public/cases/{public_id(case.id)}/photos"
    photos = [f"{here}/{number}" for number, _ in enumerate(case.photos or (), 1)]
    return show_public(case) | {"photos": photos, "timeline": _timeline(case.id, shown_until(now))}


def _timeline(case_id: uuid.UUID, until: datetime) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for step in rows(_steps, case=case_id):
        if step.to_status not in STAGES or (step.occurred_at >= until and told):
            continue
        code, zh, en = STAGES[step.to_status if step.occurred_at < until else "accepted"]
        if not told or told[-1]["stage"] != code:
            day = step.occurred_at.astimezone(TOWN_ZONE).date()
            told.append({"stage": code, "stage_name": zh, "stage_name_en": en, "day": day})
    return told
