"""What the admin keeps: names, boundaries with a date, settings with their history, days on and off."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from backend.config import TOWN_ZONE
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.territory.location import forget, locate
from backend.territory.redrawing import redraw_due
from backend.territory.work_calendar import work_calendar
from tests.town import HOME, TOWN, VILLAGE, People, Person

TODAY = datetime(2026, 11, 25, 10, tzinfo=TOWN_ZONE)
DAY = date(2026, 12, 1)


def patch(person: Person, path: str, body: Any, etag: str | None) -> TestResponse:
    headers = person.headers | ({"If-Match": etag} if etag else {})
    return person.client.patch(f"/api/v1{path}", json=body, headers=headers)


def swapped(people: People, village: str) -> tuple[list[dict[str, Any]], str, str]:
    """Two grids of a village, each with the other one's outline; the codes."""
    drawn = people["admin"].get(f"/areas.geojson?parent={village}&crs=wgs84").json["features"]
    home = people["resident"].get("/locate?lon=113.0055&lat=22.8667&crs=gcj02").json["grid"]["code"]
    first = next(grid for grid in drawn if grid["id"] == home)
    second = next(grid for grid in drawn if grid["id"] != home)
    told = [
        {
            "type": "Feature",
            "properties": {"code": one["id"], "name": one["properties"]["name"], "kind": "grid"},
            "geometry": other["geometry"],
        }
        for one, other in ((first, second), (second, first))
    ]
    return told, first["id"], second["id"]


def planned(people: People, features: list[dict[str, Any]], day: date = DAY) -> TestResponse:
    body = {"type": "FeatureCollection", "features": features}
    return people["admin"].post(f"/areas/redrawings?crs=wgs84&source=测绘&effective_on={day}", body)


def test_from_its_day_on_a_redrawn_grid_is_where_points_fall_and_old_cases_keep_theirs(
    app: Flask, people: People
) -> None:
    with time_machine.travel(TODAY, tick=False):
        features, old, new = swapped(people, VILLAGE)
        before = people["resident"].file()
        plan = planned(people, features)
        assert (plan.status_code, plan.json["status"], plan.json["features"]) == (201, "planned", 2), plan.json
        with app.app_context():
            last = datetime.combine(DAY, datetime.min.time(), TOWN_ZONE) - timedelta(seconds=1)
            assert redraw_due(last) == 0
            forget()
            assert locate(**HOME).area_code == old
            assert redraw_due(last + timedelta(seconds=1)) == 1 and redraw_due(last + timedelta(days=3)) == 0
            assert locate(**HOME).area_code == new
        assert people["resident"].file()["area_code"] == new
        assert people["resident"].get(f"/cases/{before['id']}").json["area_code"] == old
        assert [one["status"] for one in people["admin"].get("/areas/redrawings").json["items"]] == ["applied"]


def test_a_redrawing_is_examined_when_it_is_planned_and_for_a_day_ahead(people: People) -> None:
    with time_machine.travel(TODAY, tick=False):
        features, *_ = swapped(people, VILLAGE)
        overlapping = planned(people, features[:1])
        assert (overlapping.status_code, overlapping.json["code"]) == (422, "boundaries_refused")
        assert planned(people, features, TODAY.date()).status_code == 422
        assert people["admin"].get("/areas/redrawings").json["items"] == []


def test_a_cancelled_redrawing_never_comes(app: Flask, people: People) -> None:
    with time_machine.travel(TODAY, tick=False):
        features, *_ = swapped(people, VILLAGE)
        plan = planned(people, features)
        path = f"/areas/redrawings/{plan.json['id']}/cancel"
        done = people["admin"].post(path, {}, If_Match=plan.headers["ETag"])
        assert done.json["status"] == "cancelled"
        assert people["admin"].post(path, {}, If_Match=done.headers["ETag"]).status_code == 409
        with app.app_context():
            assert redraw_due(TODAY + timedelta(days=30)) == 0


def test_what_no_longer_fits_on_its_day_is_refused_and_nothing_of_it_drawn(app: Flask, people: People) -> None:
    with time_machine.travel(TODAY, tick=False):
        features, old, _ = swapped(people, VILLAGE)
        planned(people, features)
        drawn = people["admin"].get(f"/areas.geojson?parent={VILLAGE}&crs=wgs84").json["features"]
        third = next(one for one in drawn if one["id"] not in {grid["properties"]["code"] for grid in features})
        wide = {"code": third["id"], "name": third["properties"]["name"], "kind": "grid"}
        # Another grid has taken the place of one of the two by then.
        gone = [
            {"type": "Feature", "properties": features[1]["properties"], "geometry": third["geometry"]},
            {"type": "Feature", "properties": wide, "geometry": features[0]["geometry"]},
        ]
        body = {"type": "FeatureCollection", "features": gone}
        assert people["admin"].post("/areas/import?crs=wgs84&source=x", body).status_code == 200
        with app.app_context():
            assert redraw_due(TODAY + timedelta(days=30)) == 1
            forget()
            assert locate(**HOME).area_code == old
        assert [one["status"] for one in people["admin"].get("/areas/redrawings").json["items"]] == ["refused"]


def test_an_area_is_renamed_on_the_version_that_was_read(people: People) -> None:
    admin = people["admin"]
    etag = admin.get(f"/areas/{VILLAGE}").headers["ETag"]
    assert patch(admin, f"/areas/{VILLAGE}", {"name": "新名"}, None).status_code == 428
    assert patch(admin, f"/areas/{VILLAGE}", {"name": "新名"}, etag).status_code == 200
    assert admin.get(f"/areas/{VILLAGE}").json["name"] == "新名"
    assert patch(admin, f"/areas/{VILLAGE}", {"name": "旧名"}, etag).status_code == 412
    assert patch(people["dispatcher"], f"/areas/{VILLAGE}", {"name": "x"}, etag).status_code == 404


def test_working_hours_change_without_a_restart_and_every_version_is_kept(app: Flask, people: People) -> None:
    admin, path = people["admin"], "/settings/working_hours"
    first = admin.get(path)
    assert (first.json["version"], first.json["value"], first.headers["ETag"]) == (0, first.json["default"], '"0"')
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=TOWN_ZONE)
    with app.app_context():
        assert work_calendar(TOWN).add_work_minutes(monday, 1).hour == 8
    assert patch(admin, path, {"value": "10:00-12:00"}, '"0"').status_code == 200
    with app.app_context():
        app.extensions.pop("work_calendar")
        assert work_calendar(TOWN).add_work_minutes(monday, 1).hour == 10
    assert patch(admin, path, {"value": "10:00-12:00"}, '"0"').status_code == 412
    assert patch(admin, path, {"value": None}, '"1"').status_code == 200
    assert admin.get(path).json["value"] == first.json["default"]
    history = people["auditor"].get(f"{path}/history").json["items"]
    assert [(one["version"], one["value"]) for one in history] == [(2, None), (1, "10:00-12:00")]
    assert history[0]["set_by"] == admin.get("/me").json["id"]
    with app.app_context(), unit_of_work() as session:
        kept = session.execute(select(LedgerEntry.payload).where(LedgerEntry.action == "change_setting")).scalars()
        assert [orjson.loads(payload)["details"]["value"] for payload in kept] == ["10:00-12:00", None]


def test_hours_that_are_none_are_refused_and_nothing_is_kept(people: People) -> None:
    admin, path = people["admin"], "/settings/working_hours"
    for value in ("", "foo", "25:00-26:00", "12:00-10:00", "08:00-12:00,11:00-13:00"):
        assert patch(admin, path, {"value": value}, '"0"').status_code == 422, value
        told = patch(admin, path, {"value": value}, '"0"').json["errors"]["value"]
        assert not value or told == ["应写作如 08:30-12:00,14:00-17:30，各段按先后排列、互不重叠。"]
    assert admin.get(path).json["version"] == 0
    assert admin.get("/settings/no_such").status_code == 404
    names = {one["name"] for one in admin.get("/settings").json["items"]}
    assert names >= {"working_hours", "protected_channel", "low_rating", "similar_metres"}


def test_a_setting_that_is_a_number_is_to_be_sent_as_text(people: People) -> None:
    refused = people["admin"].patch("/settings/close_after_workdays", {"value": 50}, If_Match='"0"')
    assert refused.json["errors"]["value"] == ['请以文字提交，数字加引号，如 "50"。']
    assert people["admin"].patch("/settings/close_after_workdays", {"value": "50"}, If_Match='"0"').status_code == 200


def test_a_day_is_declared_changed_on_the_version_that_was_read_and_told_with_its_history(
    app: Flask, people: People
) -> None:
    admin, day = people["admin"], {"day": "2026-11-27", "workday": False, "reason": "台风"}
    declared = admin.post("/calendar/days", day)
    assert (declared.json, declared.headers["ETag"]) == (day | {"version": 1}, '"1"')
    assert people["auditor"].get("/calendar/days").json["items"] == [day | {"version": 1}]
    assert people["auditor"].post("/calendar/days", day).status_code == 404
    with app.app_context():
        assert not work_calendar(TOWN).is_workday(date(2026, 11, 27))
    passed = day | {"workday": None, "reason": "台风转向"}
    assert admin.post("/calendar/days", passed).status_code == 428
    assert admin.post("/calendar/days", passed, If_Match='"1"').json == passed | {"version": 2}
    assert admin.post("/calendar/days", day, If_Match='"1"').status_code == 412
    with app.app_context():
        app.extensions.pop("work_calendar")
        assert work_calendar(TOWN).is_workday(date(2026, 11, 27))
    history = people["auditor"].get("/calendar/days/2026-11-27/history").json["items"]
    told = [{"workday": None, "reason": "台风转向"}, {"workday": False, "reason": "台风"}]
    assert [(one["version"], one["value"]) for one in history] == [(2, told[0]), (1, told[1])]
    assert history[0]["set_by"] == admin.get("/me").json["id"]
    assert admin.get("/calendar/days/1/history").status_code == 404


@pytest.mark.parametrize(
    ("lang", "day", "moment"),
    [
        (
            "zh",
            "日期格式不正确，应写作如 2026-10-01。",
            "时间格式不正确，应写作如 2026-10-01T08:30:00+08:00（带时区）。",
        ),
        (
            "en",
            "Not a valid date: write it as 2026-10-01.",
            "Not a valid time: write it as 2026-10-01T08:30:00+08:00, with its offset.",
        ),
    ],
)
def test_a_day_or_a_time_that_is_none_is_told_how_to_write_it(people: People, lang: str, day: str, moment: str) -> None:
    admin, spoilt = people["admin"], {"day": "2026-11-27T00:00:00+08:00", "workday": False, "reason": "台风"}
    assert admin.post("/calendar/days", spoilt, Accept_Language=lang).json["errors"] == {"day": [day]}
    absence = {"begins_at": "2026-11-27"}
    assert admin.post("/me/absences", absence, Accept_Language=lang).json["errors"] == {"begins_at": [moment]}
