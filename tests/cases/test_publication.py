"""The public face, and what is taken out of texts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask

from backend.cases.public.pinning import keep_pins
from backend.cases.reporter.redaction import MARK, redact
from backend.config import TOWN_ZONE
from backend.http import clock, registry
from tests.cases.test_pins import GRID_CENTRE, around
from tests.town import VILLAGE, People, carry, report

NOON = datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)


def published(people: People, query: str = "") -> dict[str, object]:
    answer = people.client.get(f"/api/v1/public/cases{query}")
    assert answer.status_code == 200
    return answer.json


def test_a_case_is_public_one_to_three_days_after_it_was_accepted_and_by_day_and_grid_only(people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        case = people["resident"].file()
        people["resident"].file()  # never accepted
        people["resident"].file(category="neighbours")
        carry(people, case["id"], "accept")
        frozen.move_to(NOON + timedelta(hours=23, minutes=59))
        assert published(people)["items"] == []
        frozen.move_to(NOON + timedelta(hours=72, minutes=1))
        (item,) = published(people)["items"]
    assert item["village"] == {"code": VILLAGE, "name": "敦根社区"} and item["day"] == "2026-11-25"
    assert (item["lon"], item["lat"]) != (case["location"]["lon"], case["location"]["lat"])
    text = str(item)
    assert not any(secret in text for secret in (case["id"], case["number"], case["description"], "12:00"))


def test_the_pages_of_published_cases_hold_each_once_and_neither_id_nor_instant(people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        ids = [people["resident"].file()["id"] for _ in range(5)]
        for case in ids:
            carry(people, case, "accept")
        frozen.move_to(NOON + timedelta(days=4))
        first = published(people, "?limit=3")
        second = published(people, f"?limit=3&cursor={first['next_cursor']}")
        assert published(people, "?limit=3")["next_cursor"] == first["next_cursor"]
    seen = [item["id"] for listed in (first, second) for item in listed["items"]]  # type: ignore[attr-defined]
    assert len(set(seen)) == 5
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (3, 2, None)
    import base64

    told = base64.urlsafe_b64decode(str(first["next_cursor"]) + "==").decode()
    assert not any(case in told for case in ids) and "2026" not in told and len(told) == len(f'["{ids[0]}"]')
    made_up = base64.urlsafe_b64encode(f'["{ids[0]}"]'.encode()).decode().rstrip("=")
    instant = base64.urlsafe_b64encode(b'["2026-11-27T12:00:00Z"]').decode().rstrip("=")
    for cursor in (made_up, instant):
        refused = people.client.get(f"/api/v1/public/cases?cursor={cursor}")
        assert (refused.status_code, refused.json["code"]) == (422, "bad_cursor")


def test_a_withdrawn_case_is_not_public(people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        case = people["resident"].post("/cases", report()).json["id"]
        carry(people, case, "accept")
        people["resident"].act(case, "withdraw")
        frozen.move_to(NOON + timedelta(days=4))
        assert published(people)["items"] == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("联系13812345678谢谢", f"联系{MARK}谢谢"),
        ("电话 138-1234-5678。", f"电话 {MARK}。"),
        ("身份证44060519900101123X", f"身份证{MARK}"),
        ("粤E12345占道", f"{MARK}占道"),
        ("写信 someone@example.com 吧", f"写信 {MARK} 吧"),
        ("电话１３９１２３４５６７８，139.1234.5678", f"电话{MARK}，{MARK}"),
        ("身份证440682 19900101 1234", f"身份证{MARK}"),
        ("４４０６８２－１９９００１０１－１２３Ｘ", MARK),
        ("粤Ｅ12345，粤Ｅ·１２３４５", f"{MARK}，{MARK}"),
        ("（ＡＢ）写信 ａ＠example.com", f"（ＡＢ）写信 {MARK}"),
        ("宽３．５米，２０２６－０３－０１，113.0055", "宽３．５米，２０２６－０３－０１，113.0055"),
        ("幸福路12号，2026年3月，共1380元", "幸福路12号，2026年3月，共1380元"),
        ("DN200阀门", "DN200阀门"),
    ],
)
def test_numbers_of_people_are_taken_out_and_other_numbers_stay(text: str, kept: str) -> None:
    assert redact(text) == kept


def test_published_cases_are_found_by_an_element_page_by_page(app: Flask, people: People) -> None:
    with time_machine.travel(NOON, tick=False) as frozen:
        ids = [people["grid_worker"].file(tags=tags)["id"] for tags in (["8.1"], ["8.1", "2.2"], [], ["8.1"])]
        for case in ids:
            carry(people, case, "accept")
        frozen.move_to(NOON + timedelta(days=4))
        every, other = published(people)["items"], published(people, "?element=2.2")["items"]
        first = published(people, "?element=8.1&limit=2")
        second = published(people, f"?element=8.1&limit=2&cursor={first['next_cursor']}")
        found = [*first["items"], *second["items"]]  # type: ignore[misc]
        assert len(found) == 3 and second["next_cursor"] is None
        assert found == [item for item in every if item in found] and other == [item for item in found if item in other]  # type: ignore[attr-defined]
        assert len(other) == 1 and published(people, "?element=8.9")["items"] == []  # type: ignore[arg-type]
        assert people.client.get("/api/v1/public/cases?element=9.9").status_code == 422
        with app.app_context():
            layer = registry.layers()["public_cases"]
            assert (len(layer.features()), len(layer.features(element="2.2"))) == (4, 1)


def test_another_category_or_element_shows_as_late_as_a_step(app: Flask, people: People) -> None:
    def categories() -> list[str]:
        (listed,) = published(people)["items"]  # type: ignore[misc]
        whole = people.client.get(f"/api/v1/public/cases/{listed['id']}").json
        feed = people.client.get(f"/api/v1/public/areas/{VILLAGE}/feed.atom").text
        with app.app_context():
            keep_pins(clock.now())
            layer = registry.layers()["public_cases"]
            tile = layer.tile(around(GRID_CENTRE["lon"], GRID_CENTRE["lat"], 16), frozenset(), layer.points_from)
            (pin,), (feature,) = tile.told["category"], list(layer.features())
        assert listed["category"]["name"] in feed
        return [listed["category"]["code"], whole["category"]["code"], pin, feature["properties"]["category"]["code"]]

    def found(element: str) -> int:
        return len(published(people, f"?element={element}")["items"])  # type: ignore[arg-type]

    with time_machine.travel(NOON, tick=False) as frozen:
        case = people["grid_worker"].file(tags=["8.1"])
        carry(people, case["id"], "accept")
        frozen.move_to(NOON + timedelta(days=4))
        people.clear()
        before = categories()[0]
        assert before != "street_light"
        corrected = {"category": "street_light", "reason": "实为路灯"}
        assert people["dispatcher"].act(case["id"], "correct_category", **corrected).status_code == 200
        assert people["dispatcher"].act(case["id"], "tag", tags=["8.1", "2.2"]).status_code == 200
        for later in (timedelta(), timedelta(hours=35, minutes=59)):
            frozen.move_to(NOON + timedelta(days=4) + later)
            people.clear()
            assert (categories(), found("8.1"), found("2.2")) == ([before] * 4, 1, 0)
        frozen.move_to(NOON + timedelta(days=5, hours=12, minutes=1))
        people.clear()
        assert (categories(), found("8.1"), found("2.2")) == (["street_light"] * 4, 1, 1)
