"""What the party map tells the score."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backend.http.reading import rows
from backend.http.registry import facts
from backend.partymap.facts import OPEN_SERVICE_POINTS
from tests.partymap.conftest import FIRST, OFFICE, SECOND, SHANGHAI, TOWN, MapTown, point_row

SHORT = {"weekly": {"sat": [{"opens": "09:00", "closes": "12:00"}]}}
LONG = {"weekly": {"workdays": [{"opens": "08:00", "closes": "16:00"}]}}
OCTOBER = {
    "town_start": TOWN,
    "town_end": "440605122",
    "period_start": datetime(2026, 10, 1, tzinfo=SHANGHAI),
    "period_end": datetime(2026, 11, 1, tzinfo=SHANGHAI),
}


def counted(town: MapTown, **other: Any) -> dict[str, tuple[int, int]]:
    with town.app.app_context():
        found = rows(OPEN_SERVICE_POINTS.select, **{**OCTOBER, **other})
    return {row.village: (row.numerator, row.exposure) for row in found}


def test_a_point_of_forty_regular_hours_counts_as_open(town: MapTown) -> None:
    town.keep(
        point_row(opening_hours=LONG),
        point_row(opening_hours=OFFICE, area_code=FIRST),
        point_row(opening_hours=SHORT),
        point_row(opening_hours=SHORT, area_code=f"{SECOND}001"),
        point_row(opening_hours=LONG, area_code="440605122001001"),
        point_row(opening_hours=LONG, area_code=TOWN),
    )
    assert counted(town) == {FIRST: (2, 3), SECOND: (0, 1)}
    assert facts_are_published(town)


def facts_are_published(town: MapTown) -> bool:
    with town.app.app_context():
        return facts()["open_service_points"] is OPEN_SERVICE_POINTS


def test_a_point_counts_in_the_periods_at_whose_end_it_was_in_service(town: MapTown) -> None:
    november = datetime(2026, 11, 1, tzinfo=SHANGHAI)
    town.keep(
        point_row(active=False, closed_at=datetime(2026, 10, 20, tzinfo=SHANGHAI)),
        point_row(active=False, closed_at=november),
        point_row(opened_at=november),
        point_row(opened_at=datetime(2026, 10, 31, 23, 59, 59, tzinfo=SHANGHAI)),
    )
    assert counted(town) == {FIRST: (2, 2)}


def test_the_points_behind_a_figure_are_named(town: MapTown) -> None:
    first, second = point_row(), point_row(opening_hours=SHORT, area_code=f"{SECOND}001")
    town.keep(first, second, point_row(opened_at=datetime(2026, 11, 2, tzinfo=SHANGHAI)))
    with town.app.app_context():
        behind = [tuple(row) for row in rows(OPEN_SERVICE_POINTS.behind, **OCTOBER)]
    assert behind == [(FIRST, first["id"]), (SECOND, second["id"])]
