"""A foreign case gets a history that our workflow could have made, with the times of its source."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.imports.import_history import History, Place, case_id, history
from backend.cases.imports.import_mappings import END_STATUSES, FIELDS, mapping_of
from backend.cases.imports.import_rows import Refused, understand
from backend.cases.rules.categories import shipped
from backend.cases.timing.deadlines import due
from backend.cases.workflow import ACTIONS, STEP
from backend.http.table_files import SourceRow
from backend.territory.calendar import WorkCalendar

VILLAGE = "440605121012"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
MAPPING = mapping_of(
    {
        "source": "other",
        "town": {"code": "440605121"},
        "columns": {name: name for name in FIELDS},
        "crs": "wgs84",
        "category": {"otherwise": "litter"},
        "status": {"values": {status: status for status in END_STATUSES}},
        "area": {"by": "seed", "seed": "x"},
    }
)


def foreign(status: str, **more: str) -> History:
    values = {
        "external_id": "1",
        "description": "x",
        "status": status,
        "filed_at": "2026-03-02 09:00",
        "handled_at": "2026-03-04 09:00",
        "closed_at": "2026-03-05 09:00",
    }
    case = understand(SourceRow(2, values | more), MAPPING, NOW)
    return history(case, shipped()[case.category], "other", Place(VILLAGE, (113.0, 22.8)), WorkCalendar(), None, NOW)


@pytest.mark.parametrize("status", END_STATUSES)
def test_every_history_follows_the_workflow_to_its_end(status: str) -> None:
    made = foreign(status, rating="4", due_at="2026-03-03 09:00")
    assert made.case["status"] == status
    assert [event["version"] for event in made.events] == list(range(1, made.case["version"] + 1))
    before: dict[str, Any] | None = None
    for event_ in made.events:
        if before is None:
            assert (event_["action"], event_["from_status"], event_["to_status"]) == ("report", None, "reported")
        else:
            action = ACTIONS[event_["action"]]
            assert event_["from_status"] == before["to_status"] and event_["from_status"] in action.from_
            assert event_["to_status"] == (action.to or event_["from_status"])
            assert event_["occurred_at"] >= before["occurred_at"]
            ended = (
                STEP.get(event_["from_status"])
                if action.to and STEP.get(action.to) != STEP.get(event_["from_status"])
                else None
            )
            assert event_["step"] == ended and (event_["step_due_at"] is None) == (ended is None)
        before = event_
    waits = STEP.get(status)
    assert (made.case["due_at"] is None) == (made.case["step_started_at"] is None) == (waits is None)
    assert made.case["rating"] == (4 if status == "closed" else None)
    assert (made.case["holder"] == VILLAGE) == (status not in ("reported", "accepted", "declined", "withdrawn"))


def test_a_deadline_is_the_one_of_the_source_or_follows_from_the_category() -> None:
    limits, calendar = shipped()["litter"].limits, WorkCalendar()
    filed = datetime(2026, 3, 2, 1, tzinfo=UTC)
    given, computed = foreign("dispatched", due_at="2026-03-03 09:00"), foreign("dispatched")
    assert given.case["due_at"] == given.case["case_due_at"] == datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert computed.case["due_at"] == due(filed, limits["handle"], calendar)
    assert computed.case["case_due_at"] == due(filed, limits["case"], calendar)


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        ("closed", {"closed_at": ""}, "is closed without a time"),
        ("handled", {"handled_at": "", "closed_at": ""}, "is handled without a time"),
        ("closed", {"closed_at": "2026-03-03 09:00"}, "closed before it was handled"),
        ("closed", {"rating": "6"}, "rating '6' is not 1 to 5"),
        ("closed", {"filed_at": "1969-12-31 09:00"}, "before 1970"),
    ],
)
def test_a_history_that_cannot_be_is_refused(status: str, more: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        foreign(status, **more)


@given(st.text(), st.text())
def test_a_foreign_case_has_one_id_for_ever(source: str, external_id: str) -> None:
    assert case_id(source, external_id) == case_id(source, external_id) != case_id(source + "x", external_id)


def test_of_an_hour_that_a_clock_change_repeats_the_one_counts_that_comes_after_what_it_followed() -> None:
    mapping = dataclasses.replace(MAPPING, zone=ZoneInfo("America/New_York"))
    times = {"filed_at": "2025-11-02 01:50", "handled_at": "2025-11-02 01:10", "closed_at": "2025-11-02 01:20"}
    case = understand(SourceRow(2, {"external_id": "1", "description": "x", "status": "closed"} | times), mapping, NOW)
    told = [f"{moment:%H:%M}" for moment in (case.filed_at, case.handled_at, case.closed_at) if moment]
    assert told == ["05:50", "06:10", "06:20"]


@pytest.mark.parametrize("lat", ["22,8667", "30.27,", "1_3.1", "２２．８", "nan", "1e400", "57983", "true"])
def test_a_latitude_that_is_none_is_refused_with_its_row(lat: str) -> None:
    with pytest.raises(Refused, match="lat"):
        foreign("closed", lon="113.0", lat=lat)
