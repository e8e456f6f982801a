"""How many cases of a month the town took up, for everybody: by village, by kind and by element, small numbers hidden.

They also count what is never published, so they are made once for a fixed month and stay: a number that changed would
tell of the case that changed it. A number is shown where it is five or more and where what is left of it without the
published cases, which anybody can count, is none or five or more; of an element also only where the cases without it,
which the total tells with it, are none or could be shown. Where one is hidden, a second one is, and as many
more as it takes for the hidden ones together to be a number that could be shown: no subtraction brings one back.
Protected reports, tasks and parts count nowhere.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import and_, bindparam, case, func, insert, select

from backend.cases.public.public_text_tables import PublicFigures
from backend.cases.public.publication import ORDINARY
from backend.cases.rules.categories import catalogue
from backend.cases.rules.tag_tables import CaseTag
from backend.cases.tables import Case
from backend.config import TOWN_ZONE
from backend.extensions import UtcDateTime
from backend.http.reading import AnyRow, row, rows
from backend.http.work import unit_of_work
from backend.territory.governance_model import Model, governance_model
from backend.territory.hiding import hidden_each, small
from backend.territory.location import territory

SETTLED = timedelta(days=7)
"""After the end of a month: what was filed in it is taken up by then, and what will be published is."""
MONTHS_BACK = 12


class Number(NamedTuple):
    """A number of cases, and how many of them nobody but the town knows of."""

    cases: int
    unpublished: int

    @property
    def shown(self) -> bool:
        """Whether everybody may know it."""
        return not self.small()

    def small(self, none_too: bool = True) -> bool:
        """Whether it, or what is left of it without the published ones, could be somebody; `none_too`: or is none."""
        return small(self.cases, none_too) or small(self.unpublished, none_too=False)


_counted = and_(
    Case.town_code == bindparam("town"),
    Case.occurred_at >= bindparam("since", type_=UtcDateTime),
    Case.occurred_at < bindparam("until", type_=UtcDateTime),
    Case.accepted_at.is_not(None),
    Case.reporting.in_(ORDINARY),
)
_unpublished = func.sum(case((Case.public_at.is_(None), 1), (Case.status == "withdrawn", 1), else_=0))
_by_village_and_category = (
    select(Case.village_code, Case.category, func.count().label("cases"), _unpublished.label("unpublished"))
    .where(_counted)
    .group_by(Case.village_code, Case.category)
)
_by_element = (
    select(CaseTag.element, func.count().label("cases"), _unpublished.label("unpublished"))
    .join(Case, Case.id == CaseTag.case_id)
    .where(_counted)
    .group_by(CaseTag.element)
)
_first = (
    select(Case.occurred_at)
    .where(Case.town_code == bindparam("town"), Case.accepted_at.is_not(None), Case.reporting.in_(ORDINARY))
    .order_by(Case.occurred_at)
    .limit(1)
)
_kept = select(PublicFigures.month, PublicFigures.figures).where(PublicFigures.town_code == bindparam("town"))
_page = (
    _kept.where(PublicFigures.month < bindparam("before"))
    .order_by(PublicFigures.month.desc())
    .limit(bindparam("limit", type_=Case.rating.type))
)
_one = _kept.where(PublicFigures.month == bindparam("month"))


def without_small(numbers: Mapping[str, Number]) -> tuple[dict[str, int | None], bool]:
    """Numbers that add up to a total, those hidden (None) that must be; and whether the total can be shown."""
    hidden = {name for name, number in numbers.items() if not number.shown}
    ascending = sorted(numbers.keys() - hidden, key=lambda name: (numbers[name].cases, name))
    together = _together(numbers[name] for name in hidden)
    decoys = 0
    while hidden and ascending and (decoys == 0 or not together.shown):
        name = ascending.pop(0)
        hidden.add(name)
        decoys, together = decoys + 1, _together((together, numbers[name]))
    shown = {name: None if name in hidden else number.cases for name, number in numbers.items()}
    return shown, together.shown or not hidden


def _together(numbers: Any) -> Number:
    each = list(numbers)
    return Number(sum(one.cases for one in each), sum(one.unpublished for one in each))


def figures(town: str, since: datetime, until: datetime) -> dict[str, Any]:
    """The figures of a town's cases filed from an instant to another, as everybody may know them."""
    span = {"town": town, "since": since, "until": until}
    known_kinds = catalogue(town)
    kinds = {kind.parent: Number(0, 0) for kind in known_kinds.present.values()}
    known = [area.code for area in territory().areas.values() if area.kind not in ("town", "grid")]
    villages = dict.fromkeys((code for code in known if code.startswith(town)), Number(0, 0))
    for found in rows(_by_village_and_category, **span):
        number, kind = Number(found.cases, int(found.unpublished)), known_kinds.get(found.category)
        branch = kind.parent if kind else "other"
        villages[found.village_code] = _together((villages.get(found.village_code, Number(0, 0)), number))
        kinds[branch] = _together((kinds.get(branch, Number(0, 0)), number))
    by_village, village_total = without_small(villages)
    by_kind, kind_total = without_small(kinds)
    tagged = {found.element: Number(found.cases, int(found.unpublished)) for found in rows(_by_element, **span)}
    total = _together(kinds.values())
    elements = {code: tagged.get(code, Number(0, 0)) for code in governance_model(town).elements}
    few = hidden_each(
        elements, lambda one: Number(total.cases - one.cases, total.unpublished - one.unpublished), Number.small
    )
    return {
        "total": total.cases if village_total and kind_total and not small(total.cases) else None,
        "villages": by_village,
        "kinds": by_kind,
        # A case has as many elements as fit it, so these add up to nothing.
        "elements": {code: None if code in few else number.cases for code, number in elements.items()},
    }


def make_public_figures(now: datetime) -> None:
    """Make the figures of each month of the last year that is settled and has none yet. Done again it changes none."""
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    first = row(_first, town=town)
    if first is None:
        return
    for since, until in _months(now):
        month = f"{since:%Y-%m}"
        if until > first.occurred_at and until + SETTLED <= now and row(_one, town=town, month=month) is None:
            kept = {"town_code": town, "month": month, "figures": figures(town, since, until), "made_at": now}
            with unit_of_work() as session:
                session.execute(insert(PublicFigures), kept)


def _months(now: datetime) -> list[tuple[datetime, datetime]]:
    here = now.astimezone(TOWN_ZONE)
    ends = [divmod(here.year * 12 + here.month - 1 - back, 12) for back in range(MONTHS_BACK + 1)]
    starts = [datetime(year, month + 1, 1, tzinfo=TOWN_ZONE) for year, month in ends]
    return list(zip(starts[1:], starts, strict=False))


def published_figures(town: str, before: str, limit: int) -> Sequence[AnyRow]:
    """Up to `limit` months of a town with their figures, the newest first, before a month."""
    return rows(_page, town=town, before=before, limit=limit)


def show_figures(town: str, month: AnyRow, model: Model) -> dict[str, Any]:
    """The figures of a month as JSON, each with its name; None: hidden. `model`: the town's governance model."""
    told = month.figures
    areas, names = territory().areas, {kind.parent: kind.parent_zh for kind in catalogue(town).present.values()}
    return {
        "month": month.month,
        "total": told["total"],
        "villages": [
            {"code": code, "name": areas[code].name if code in areas else code, "cases": cases}
            for code, cases in sorted(told["villages"].items())
        ],
        "kinds": [
            {"code": code, "name": names.get(code, code), "cases": cases} for code, cases in told["kinds"].items()
        ],
        "elements": [
            {"code": code, "name": model.marked(code), "cases": cases} for code, cases in told["elements"].items()
        ],
    }
