"""Finding a door: by name in characters, pinyin and initials, open now or at a time, and what is at a place."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from backend.evidence.attaching import discard_unattached
from backend.evidence.tables import Evidence
from backend.http import clock
from backend.http.pages import write_cursor
from backend.http.reading import rows
from backend.partymap import points
from backend.partymap.finding_routes import AtSchema, NearestSchema
from backend.partymap.nearest import DETOUR
from backend.people.tables import Account
from tests.evidence import photos
from tests.partymap.conftest import EVENINGS, FIRST, OFFICE, SECOND, SHANGHAI, MapTown, point_row


def found(town: MapTown, text: str, **query: Any) -> list[str]:
    return [item["name"] for item in town.items(text=text, **query)]


def test_a_point_is_found_by_any_part_of_its_name_its_pinyin_or_the_initials(town: MapTown) -> None:
    town.keep(
        point_row(name="敦根社区党群服务点"),
        point_row(name="长者饭堂（A座）", area_code=SECOND, kind="point", services=["elderly"]),
        point_row(name="重阳党群服务点", active=False),
    )
    for text in ("敦根", "党群服务", "dunGen", "DGSQ", "dqfw", "服务点", "dangqunfuwudian", "敦 根"):
        assert found(town, text) == ["敦根社区党群服务点"], text
    for text in ("zhangzhe", "zzft", "ａ座", "azuo", "饭堂(A"):
        assert found(town, text) == ["长者饭堂（A座）"], text
    for text in ("changzhe", "根敦", "（", "不在", "敦根社区党群服务点x", "%", "_"):
        assert found(town, text) == [], text
    assert found(town, "chongyang", active="false") == ["重阳党群服务点"]
    assert found(town, "党", area=SECOND) == found(town, "zzft", service="library") == []
    assert found(town, "zzft", service="elderly", kind="point", area=SECOND) == ["长者饭堂（A座）"]


def test_what_fits_a_name_most_nearly_comes_first_each_once_page_by_page(town: MapTown) -> None:
    names = ["榕树头榕树头点", "榕树头", "大榕树头", "榕树头党群服务点"]
    town.keep(*(point_row(name=name) for name in names))
    order = found(town, "榕树头")
    assert (set(order[:2]), order[2:]) == ({"榕树头", "大榕树头"}, ["榕树头党群服务点", "榕树头榕树头点"])
    paged, cursor = [], None
    while True:
        page = town.get(text="榕树头", limit=1, **({"cursor": cursor} if cursor else {})).json
        paged += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == order
    assert town.get(text="榕树头", cursor=town.get(limit=1).json["next_cursor"]).json["code"] == "bad_cursor"
    broken = write_cursor("a\0", FIRST, uuid.UUID(int=0))
    assert town.get(text="榕树头", cursor=broken).json["code"] == "bad_cursor"


def test_a_renamed_or_given_up_point_is_found_by_what_it_is_now(town: MapTown) -> None:
    desk = town.sign_in("dispatcher")
    point = town.enter(desk, name="旧名点", services=["library"]).json["id"]
    town.change(desk, point, 1, name="新名点", services=["children"])
    assert (found(town, "旧"), found(town, "xmd")) == ([], ["新名点"])
    assert (town.items(service="library"), len(town.items(service="children"))) == ([], 1)
    town.change(desk, point, 2, active=False)
    assert (found(town, "新名"), town.items(service="children")) == ([], [])


def test_a_page_that_had_to_look_too_long_for_an_open_door_says_where_to_look_on(
    town: MapTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points, "BATCH", 4)
    monkeypatch.setattr(points.look_through, "__kwdefaults__", points.look_through.__kwdefaults__ | {"looks": 8})
    town.keep(*(point_row(name=f"{number}", opening_hours=EVENINGS) for number in range(20)), point_row(name="开"))
    seen, pages, cursor = [], 0, None
    while cursor is not None or not pages:
        page = town.get(open_now="true", limit=2, **({"cursor": cursor} if cursor else {})).json
        seen += [item["name"] for item in page["items"]]
        pages, cursor = pages + 1, page["next_cursor"]
    assert (seen, pages) == (["开"], 3)


def test_the_nearest_open_ones_are_told_with_the_walk_to_them(town: MapTown) -> None:
    town.keep(
        point_row(name="夜间", opening_hours=EVENINGS, services=["children"]),
        *(point_row(name=f"办公{n}", lon=113.005 + n / 1000, opening_hours=OFFICE) for n in range(1, 60)),
    )
    place = {"lon": 113.005, "lat": 22.865, "crs": "wgs84"}
    answered = town.get("/nearest", **place, k=2, open="now").json
    NearestSchema().load(answered)
    assert [item["name"] for item in answered["items"]] == ["办公1", "办公2"]
    first = answered["items"][0]
    assert first["distance_m"] == pytest.approx(102.6, abs=0.2)
    assert (first["walking_m"], first["walking_minutes"]) == (130, 2)
    assert first["walking_m"] == pytest.approx(first["distance_m"] * DETOUR, abs=5)
    friday = town.get("/nearest", **place, k=50, open="2026-11-28T00:30:00+08:00").json["items"]
    assert [item["name"] for item in friday] == ["夜间"]
    assert [item["name"] for item in town.get("/nearest", **place, service="children").json["items"]] == ["夜间"]
    assert town.get("/nearest", **place, service="children", open="now").json["items"] == []
    assert town.get("/nearest", **place, open="later").json["errors"].keys() == {"open"}


def test_what_is_at_a_place_tells_of_its_worker_what_is_entered_for_the_public_and_nothing_else(town: MapTown) -> None:
    town.keep(point_row(name="近处"))
    town.sign_in("grid_worker", f"{FIRST}001")

    def at(**query: Any) -> Any:
        return town.client.get(
            "/api/v1/partymap/at", query_string={"lon": 113.005, "lat": 22.8655, "crs": "wgs84"} | query
        )

    told = at().json
    AtSchema().load(told)
    assert (told["grid"]["code"], told["village"]["code"], told["inside"]) == (f"{FIRST}001", FIRST, True)
    assert told["nearest_point"]["name"] == "近处"
    assert told["grid_worker"] is None
    with town.app.app_context():
        (worker,) = rows(select(Account.id, Account.phone).where(Account.name == "grid_worker"))
    admin, contact = town.sign_in("admin"), "村委会 0757-00000000"
    path = f"/api/v1/accounts/{worker.id}/office-contact"
    for told, version, status in (("", 1, 422), (contact, 2, 412), (contact, 1, 200)):
        match = {"If-Match": f'"{version}"'}
        answered = town.client.put(path, json={"contact": told}, headers=admin | match)
        assert answered.status_code == status, answered.json
    assert answered.json["office_contact"] == contact
    answered = at()
    assert answered.json["grid_worker"] == {"contact": contact, "acting_as": "grid_worker"}
    assert worker.phone.encode() not in answered.data and str(worker.id).encode() not in answered.data
    assert at(lat=22.9).json["code"] == "outside_town"
    assert at(lon=113.0105, crs="gcj02").json["grid"]["code"] == f"{FIRST}001"
    assert "crs" in town.client.get("/api/v1/partymap/at?lon=113&lat=22.8").json["errors"]


def test_a_photo_of_a_point_is_for_everybody_until_it_is_taken_away(
    town: MapTown, travel: Callable[[datetime], None]
) -> None:
    (point,) = town.keep(point_row())
    officer, other = town.sign_in("village_officer", FIRST), town.sign_in("dispatcher")

    def send(who: dict[str, str]) -> str:
        form = {"file": (io.BytesIO(photos.jpeg(exif=photos.exif())), "门.jpg")}
        return str(town.client.post("/api/v1/evidence", data=form, headers=who).json["id"])

    mine, theirs = send(officer), send(other)
    assert town.get(f"/{point}/photos/{mine}").status_code == 404
    assert town.change(officer, point, 1, photos=[theirs]).json["code"] == "unknown_evidence"
    assert town.change(officer, point, 1, photos=[mine]).json["photos"] == [mine]
    for path in ("", "/thumbnail"):
        looked = town.get(f"/{point}/photos/{mine}{path}")
        assert (looked.status_code, looked.content_type) == (200, "image/jpeg")
        assert b"Exif" not in looked.data
    (elsewhere,) = town.keep(point_row())
    assert town.get(f"/{elsewhere}/photos/{mine}").status_code == 404
    assert town.change(other, elsewhere, 1, photos=[mine]).status_code == 422
    travel(datetime(2026, 11, 26, 10, tzinfo=SHANGHAI))
    with town.app.app_context():
        discard_unattached(clock.now())
        assert [row.id for row in rows(select(Evidence.id))] == [uuid.UUID(mine)]
    assert town.change(town.sign_in("dispatcher"), point, 2, photos=[]).json["photos"] == []
    assert town.get(f"/{point}/photos/{mine}").status_code == 404


@pytest.mark.prove
def test_the_table_of_readings_is_what_pypinyin_has() -> None:
    from tests.partymap.pinyin_from_pypinyin import FILE, content

    assert FILE.read_text(encoding="utf-8") == content()
