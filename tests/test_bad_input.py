"""Bad input, whatever it is, is refused with a message that helps, in both languages, and leaves nothing behind."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from backend.extensions import Base
from backend.http import clock
from backend.http.reading import rows
from tests.evidence import photos
from tests.gatherings import Gatherings
from tests.town import ELSEWHERE, HOME, TOWN, VILLAGE, People, report, unknown_id

CHINESE = re.compile("[\u4e00-\u9fff]")
QUOTED = re.compile("九江镇|佛山市南海区纪委监委.*")
"""Chinese names that an English message may quote."""
THROTTLED = {"throttles"}
"""A try at signing in is counted, whether it succeeds or not."""


@dataclass
class Town:
    """The town all tests here share: nothing they send may change it."""

    app: Flask
    people: People
    case: str
    """Reported, at home, still in version 1."""
    accepted: str
    """In another village, accepted."""
    run: str
    point: str
    receipt: str
    gatherings: Gatherings

    def path(self, path: str) -> str:
        """A path with the ids of the town's things."""
        return path.format(case=self.case, accepted=self.accepted, run=self.run, point=self.point, TOWN=TOWN)

    def state(self) -> dict[str, Any]:
        """How many rows each table has, and which version each case and service point."""
        tables = {name: table for name, table in Base.metadata.tables.items() if name not in THROTTLED}
        with self.app.app_context():
            counts: dict[str, Any] = {
                name: rows(select(func.count()).select_from(table))[0][0] for name, table in tables.items()
            }
            for name in ("cases", "service_points", "runs"):
                found = rows(select(tables[name].c.id, tables[name].c.version))
                counts[f"{name} by version"] = sorted((str(row.id), row.version) for row in found)
        return counts

    def send(self, role: str, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a body as it is if it is bytes, or as careless JSON (with NaN, infinities, lone surrogates)."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Receipt": self.receipt} | {
            name.replace("_", "-"): v for name, v in headers.items()
        }
        signed = self.people[role].headers if role else {}
        return self.people.client.open(
            f"/api/v1{self.path(path)}", method=method, data=data, headers={**signed, **sent}
        )


@pytest.fixture(scope="module")
def town(shared_app: Flask) -> Town:
    people = People(shared_app.test_client())
    accepted = people["resident"].file(location=ELSEWHERE)["id"]
    assert people["dispatcher"].act(accepted, "accept").status_code == 200
    case = people["resident"].file()["id"]
    run = people["committee"].post("/rewards/runs", {"period": "2026-06"}).json["id"]
    point = people["dispatcher"].get("/partymap/points").json["items"][0]["id"]
    for role in ("grid_worker", "village_officer", "handler", "inspector", "admin", "party_member", "auditor"):
        assert people[role].headers
    receipt = people["resident"].post("/cases", report(reporting="anonymous")).json["receipt"]
    return Town(shared_app, people, case, accepted, run, point, receipt, Gatherings(people))


def told(value: Any) -> Iterator[str]:
    """All messages in a problem's field errors."""
    if isinstance(value, dict):
        for part in value.values():
            yield from told(part)
    elif isinstance(value, list):
        for part in value:
            yield from told(part)
    else:
        yield str(value)


def check(town: Town, status: int, code: str, field: str | None, *request: Any, **headers: str) -> dict[str, Any]:
    """Send a request in both languages, see it refused as told, and nothing changed. Answers the Chinese problem."""
    before = town.state()
    key = {"Idempotency-Key": unknown_id()} if "Idempotency_Key" not in headers else {}
    answers = [
        town.send(*request, **{**headers, **key, **language}) for language in ({}, {"Accept-Language": "en-GB,en"})
    ]
    for answer in answers:
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
        assert (answer.json["status"], answer.json["code"]) == (status, code), answer.text
    chinese, english = (answer.json for answer in answers)
    assert [answer.headers["Content-Language"] for answer in answers] == ["zh-CN", "en"]
    assert CHINESE.search(chinese["detail"]) and not CHINESE.search(QUOTED.sub("", english["detail"]))
    for message in told(chinese.get("errors", {})):
        assert CHINESE.search(message), message
    for message in told(english.get("errors", {})):
        assert re.search("[a-z]{2}", message) and not CHINESE.search(message), message
    if field is not None:
        assert field in json.dumps(chinese["errors"], ensure_ascii=False), chinese
    assert town.state() == before
    for path in ("/cases", "/partymap/points", "/rewards/runs", "/public/cases"):
        assert town.people["dispatcher"].get(path).status_code == 200, path
    return dict(chinese)


def at(**changes: Any) -> dict[str, Any]:
    """A report at another place."""
    return report(location={name: value for name, value in (HOME | changes).items() if value is not None})


def raw(old: str, new: str) -> bytes:
    """A report with a piece of its JSON replaced."""
    text = json.dumps(report(), ensure_ascii=False)
    assert old in text
    return text.replace(old, new).encode("utf-8", "surrogatepass")


NEST = 100_000

BODIES: dict[str, tuple[Any, int, str, str | None]] = {
    "cut off": (b'{"category": "litter", ', 400, "malformed_body", None),
    "single quotes": (b"{'category': 'litter'}", 400, "malformed_body", None),
    "a comma too many": (raw('"}', '",}'), 400, "malformed_body", None),
    "two documents": (b"{}{}", 400, "malformed_body", None),
    "no UTF-8": (b'{"category": "\xff\xfe"}', 400, "malformed_body", None),
    "a surrogate in bytes": (raw("litter", "\ud800"), 400, "malformed_body", None),
    "a number of 5,000 digits": (raw("113.0055", "1" * 5000), 400, "malformed_body", None),
    "lists nested 100,000 deep": (b"[" * NEST + b"]" * NEST, 400, "malformed_body", None),
    "objects nested 100,000 deep": (b'{"location":' * NEST + b"1" + b"}" * NEST, 413, "too_large", None),
    "objects nested 50,000 deep": (b'{"location":' * 50_000 + b"1" + b"}" * 50_000, 400, "malformed_body", None),
    "two megabytes": (report(description="垃圾" * 500_000), 413, "too_large", None),
    "nothing": (b"", 422, "invalid", "category"),
    "null": (None, 422, "invalid", "category"),
    "a list": ([], 422, "invalid", "_schema"),
    "a text": ("litter", 422, "invalid", "_schema"),
    "a number": (7, 422, "invalid", "_schema"),
    "an unknown field": (report(urgent=True), 422, "invalid", "urgent"),
    "an unknown field with a lone surrogate": ({**report(), "\ud800": 1}, 422, "invalid", "?"),
    "an unknown field with NUL": ({**report(), "a\0b": 1}, 422, "invalid", "a"),
    "an unknown field of the location": (at(height=3), 422, "invalid", "height"),
    "a description that is a number": (report(description=5), 422, "invalid", "description"),
    "a description that is a list": (report(description=["垃圾"]), 422, "invalid", "description"),
    "a description that is null": ({**report(), "description": None}, 422, "invalid", "description"),
    "a blank description": (report(description=" \t　"), 422, "invalid", "description"),
    "a description too long": (report(description="字" * 10_001), 422, "invalid", "description"),
    "NUL in the description": (report(description="垃圾\0堆放"), 422, "invalid", "description"),
    "a lone surrogate in the description": (report(description="垃圾\ud83d"), 422, "invalid", "description"),
    "a lone surrogate in the address": (report(address="\udc00路"), 422, "invalid", "address"),
    "NUL in the category": (report(category="litter\0"), 422, "invalid", "category"),
    "an unknown category": (report(category="nothing"), 422, "unknown_category", None),
    "an id that is none": (report(id="7"), 422, "invalid", "id"),
    "an id that is a number": (report(id=2**63), 422, "invalid", "id"),
    "a way of reporting that is none": (report(reporting="secret"), 422, "invalid", "reporting"),
    "a location that is a list": (report(location=[113.0, 22.8]), 422, "invalid", "location"),
    "a location that is null": ({**report(), "location": None}, 422, "invalid", "location"),
    "no location": (report(location=None), 422, "place_needed", "location"),
    "longitude and latitude swapped": (at(lon=22.8667, lat=113.0055), 422, "invalid", "填反"),
    "NaN": (at(lon=float("nan")), 422, "invalid", "lon"),
    "an infinite latitude": (at(lat=float("inf")), 422, "invalid", "lat"),
    "1e400": (raw("113.0055", "1e400"), 422, "invalid", "lon"),
    "a whole number beyond any float": (raw("113.0055", "1" * 400), 422, "invalid", "lon"),
    "true as a number": (at(lon=True), 422, "invalid", "lon"),
    "true as a latitude": (at(lat=True), 422, "invalid", "lat"),
    "a latitude with a comma": (at(lat="30.27,"), 422, "invalid", "lat"),
    "a number as text": (at(lon="113.0055"), 422, "invalid", "lon"),
    "latitude 57983": (at(lat=57983), 422, "invalid", "lat"),
    "longitude 180.0000001": (at(lon=180.0000001), 422, "invalid", "lon"),
    "no longitude": (at(lon=None), 422, "invalid", "lon"),
    "no crs": (at(crs=None), 422, "invalid", "crs"),
    "an unknown crs": (at(crs="epsg:4326"), 422, "invalid", "crs"),
    "a crs that is a number": (at(crs=4326), 422, "invalid", "crs"),
    "a case 500 km away": (at(lon=108.3, lat=22.8, crs="wgs84"), 422, "outside_town", None),
    "a case at the pole": (at(lon=0, lat=90, crs="wgs84"), 422, "outside_town", None),
    "an area code of full-width digits": (report(area_code="４４０６０５１２１０１２"), 422, "invalid", "area_code"),
    "an area code with a line break": (report(area_code=f"{VILLAGE}\n"), 422, "invalid", "area_code"),
    "an area code of 13 digits": (report(area_code=f"{VILLAGE}0"), 422, "invalid", "area_code"),
    "ten photos": (report(evidence=[unknown_id() for _ in range(10)]), 422, "invalid", "evidence"),
    "a photo that is null": (report(evidence=[None]), 422, "invalid", "evidence"),
    "photos that are no list": (report(evidence={"0": unknown_id()}), 422, "invalid", "evidence"),
    "a photo that nobody sent": (report(evidence=[unknown_id()]), 422, "unknown_evidence", "evidence"),
    "a protected report": (report(reporting="protected"), 422, "no_cleared_dispatcher", None),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_report_that_does_not_fit_is_refused(town: Town, body: tuple[Any, int, str, str | None]) -> None:
    sent, status, code, field = body
    check(town, status, code, field, "resident", "POST", "/cases", sent)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "", "application/x-www-form-urlencoded", "text/json", "json"]
)
def test_a_body_of_another_content_type_is_refused(town: Town, content_type: str) -> None:
    check(town, 415, "unsupported_media_type", None, "resident", "POST", "/cases", report(), Content_Type=content_type)


ACTIONS: dict[str, tuple[Any, int, str, str | None]] = {
    "no action": ({}, 422, "invalid", "action"),
    "an action there is none of": ({"action": "burn"}, 422, "invalid", "action"),
    "an action that is a list": ({"action": ["accept"]}, 422, "invalid", "action"),
    "a field the action does not take": ({"action": "accept", "score": 5}, 422, "invalid", "score"),
    "an unknown field": ({"action": "accept", "force": True}, 422, "invalid", "force"),
    "a decision without its reason": ({"action": "decline"}, 422, "invalid", "reason"),
    "a blank reason": ({"action": "decline", "reason": "  "}, 422, "invalid", "reason"),
    "NUL in a note": ({"action": "accept", "note": "\0"}, 422, "invalid", "note"),
    "a reason that shows nothing": ({"action": "decline", "reason": "\u200b"}, 422, "invalid", "reason"),
    "a lone surrogate in a note": ({"action": "accept", "note": "\udfff"}, 422, "invalid", "note"),
    "a score of six": ({"action": "rate", "score": 6}, 422, "invalid", "score"),
    "a score that is true": ({"action": "rate", "score": True}, 422, "invalid", "score"),
    "a score beyond 64 bits": ({"action": "rate", "score": 2**63}, 422, "invalid", "score"),
    "a score of 5.0": ({"action": "rate", "score": 5.0}, 422, "invalid", "score"),
    "an action out of turn": ({"action": "close"}, 409, "not_in_state", None),
    "an action of another role": ({"action": "rate", "score": 5}, 403, "action_not_permitted", None),
}


@pytest.mark.parametrize("body", ACTIONS.values(), ids=ACTIONS)
def test_an_action_that_does_not_fit_is_refused(town: Town, body: tuple[Any, int, str, str | None]) -> None:
    sent, status, code, field = body
    check(town, status, code, field, "dispatcher", "POST", "/cases/{case}/actions", sent, If_Match='"1"')


def test_a_change_decided_on_an_old_version_is_refused(town: Town) -> None:
    to = ("dispatcher", "POST", "/cases/{accepted}/actions", {"action": "dispatch", "department": "sanitation"})
    check(town, 412, "stale_version", None, *to, If_Match='"1"')
    check(town, 412, "stale_version", None, *to, If_Match=f'"{2**64}"')
    check(town, 412, "stale_version", None, *to, If_Match='W/"1"')
    check(town, 412, "stale_version", None, "dispatcher", "PATCH", "/partymap/points/{point}", {}, If_Match='"0"')


@pytest.mark.parametrize("headers", [{}, {"If_Match": ""}, {"If_Match": "*"}], ids=["none", "empty", "any"])
def test_a_change_without_a_version_is_refused(town: Town, headers: dict[str, str]) -> None:
    to = ("dispatcher", "POST", "/cases/{accepted}/actions", {"action": "dispatch", "department": "sanitation"})
    check(town, 428, "version_required", None, *to, **headers)
    check(town, 428, "version_required", None, "dispatcher", "PATCH", "/partymap/points/{point}", {}, **headers)


@pytest.mark.parametrize("key", ["", "two words", "k" * 129, "钥"])
def test_an_idempotency_key_that_is_none_is_refused(town: Town, key: str) -> None:
    headers = {"Idempotency_Key": key.encode().decode("latin-1")}
    check(town, 422, "bad_key", None, "resident", "POST", "/cases", report(), **headers)


def test_what_another_village_has_looks_like_what_nobody_has(town: Town) -> None:
    sent = {"action": "start"}
    for role in ("village_officer", "grid_worker", "party_member", "handler"):
        for there, nowhere in ((town.accepted, unknown_id()), (town.case.upper(), "7"), (town.accepted, str(2**70))):
            if role in ("village_officer", "grid_worker") and there != town.accepted:
                continue
            for path, method, body in (("", "GET", None), ("/timeline", "GET", None), ("/actions", "POST", sent)):
                seen, unseen = (
                    town.send(role, method, f"/cases/{case}{path}", body, If_Match='"2"') for case in (there, nowhere)
                )
                assert (seen.status_code, seen.data) == (404, unseen.data), (role, path)
                assert dict(seen.headers) == dict(unseen.headers)
    check(town, 404, "not_found", None, "village_officer", "POST", "/cases/{accepted}/actions", sent, If_Match='"2"')


def test_an_expired_token_is_refused(town: Town) -> None:
    with time_machine.travel(clock.now() + timedelta(hours=12)):
        before = town.state()
        for language, word in (("", "登录"), ("en", "token")):
            answer = town.send("resident", "POST", "/cases", report(), Accept_Language=language)
            assert (answer.status_code, answer.json["code"]) == (401, "token_expired")
            assert answer.content_type == "application/problem+json"
            assert answer.headers["WWW-Authenticate"] == "Bearer" and word in answer.json["detail"]
        assert town.state() == before


TOKENS = {
    "none": ("", "not_signed_in"),
    "another scheme": ("Basic cmVzaWRlbnQ6cGFzc3dvcmQ=", "not_signed_in"),
    "no token": ("Bearer ", "not_signed_in"),
    "no JWT": ("Bearer x", "token_invalid"),
    "three words": ("Bearer a b c", "token_invalid"),
    "beyond ASCII": ("Bearer \xff\xfe", "token_invalid"),
    "eight kilobytes": ("Bearer " + "x" * 8000, "token_invalid"),
    "one without a signature": ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "token_invalid"),
}


@pytest.mark.parametrize(("header", "code"), TOKENS.values(), ids=TOKENS)
def test_a_token_that_is_none_of_ours_is_refused(town: Town, header: str, code: str) -> None:
    check(town, 401, code, None, "", "POST", "/cases", report(), Authorization=header)


def test_a_refresh_token_opens_nothing(town: Town) -> None:
    token = town.people["resident"].tokens["refresh_token"]
    check(town, 401, "token_invalid", None, "", "POST", "/cases", report(), Authorization=f"Bearer {token}")


def cursor(content: Any) -> str:
    """A cursor as a forger would write it."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def test_a_forged_cursor_is_refused_by_every_list(town: Town) -> None:
    now, id_ = "2026-11-27T12:00:00+08:00", unknown_id()
    forged = {
        "no base64": "%25%25%25",
        "half a byte": "A",
        "empty": "",
        "Chinese": "%E4%B8%AD",
        "NUL": "%00",
        "a broken character": "%ED%A0%80",
        "no JSON": cursor(b"no json"),
        "an object": cursor({}),
        "too many parts": cursor([now, id_, 1, 2]),
        "no part": cursor([]),
        "NUL inside": cursor(["a\0b"]),
        "NUL inside a pair": cursor(["44060512\0", id_]),
        "a lone surrogate inside": cursor(["\ud800"]),
        "digits of another script": cursor(["٤٤٠٦٠٥١٢١"]),
        "a naive time": cursor(["2026-11-27T12:00:00"]),
        "a naive time in a pair": cursor(["2026-11-27T12:00:00", id_]),
        "a time before all times": cursor(["0001-01-01T00:00:00+14:00"]),
        "a time after all times, in a pair": cursor(["9999-12-31T23:59:59-14:00", id_]),
        "a number above 64 bits": cursor([2**70]),
        "the largest of 64 bits": cursor([2**63 - 1]),
        "the smallest of 64 bits": cursor([-(2**63)]),
        "a number in a pair": cursor([440605121, id_]),
        "true": cursor([True]),
        "null": cursor([None]),
        "nulls": cursor([None, None]),
        "a list": cursor([[]]),
        "deep lists": cursor(b"[" * 300 + b"]" * 300),
        "a long one": "A" * 501,
    }
    lists = [path for path, operations in paged(town) if operations]
    assert len(lists) == 44
    readers = {path: reader(town, path) for path in lists}
    before = town.state()
    taken = []
    for path in lists:
        for what, value in forged.items():
            for language in ("zh", "en"):
                answer = town.send(readers[path], "GET", f"{path}?cursor={value}", Accept_Language=language)
                problem = (answer.status_code, answer.content_type, (answer.json or {}).get("code"))
                long = "invalid" if len(value) > 500 else "bad_cursor"
                if problem != (422, "application/problem+json", long):
                    taken.append((path, what, *problem))
    assert taken == []
    assert town.state() == before


def reader(town: Town, path: str) -> str:
    """A role that may read a list."""
    return next(
        role
        for role in ("dispatcher", "admin", "resident", "auditor")
        if town.send(role, "GET", path).status_code == 200
    )


def paged(town: Town) -> Iterator[tuple[str, bool]]:
    """The lists that page, as the description tells them."""
    description = town.people.client.get("/api/v1/openapi.json").json
    somebody = town.people["dispatcher"].get("/me").json["id"]
    for path, operations in description["paths"].items():
        parameters = operations.get("get", {}).get("parameters", ())
        names = {"{case_id}": "{case}", "{run_id}": "{run}", "{name}": "working_hours", "{code}": "sanitation"}
        names |= {"{template}": "case_update", "{language}": "zh", "{category}": "litter", "{area}": TOWN}
        names |= {"{day}": "2026-12-24", "{account_id}": somebody, "{point_id}": "{point}", "{layer}": "grids"}
        names |= {"{room_id}": town.gatherings.room, "{event_id}": town.gatherings.event}
        filled = path.removeprefix("/api/v1").replace("/categories/{code}", "/categories/litter")
        for name, value in names.items():
            filled = filled.replace(name, value)
        yield filled, any(parameter.get("name") == "cursor" for parameter in parameters)


QUERIES: dict[str, str] = {
    "/cases?limit=9223372036854775808": "limit",
    "/cases?limit=-9223372036854775809": "limit",
    "/cases?limit=0": "limit",
    "/cases?limit=101": "limit",
    "/cases?limit=1e400": "limit",
    "/cases?limit=true": "limit",
    "/cases?limit=%00": "limit",
    "/cases?text=%00": "text",
    "/cases?text=%20%E3%80%80": "text",
    "/cases?text=": "text",
    "/cases?category=%00": "category",
    "/cases?status=lost": "status",
    "/cases?statsu=closed": "statsu",
    "/cases?area=44060512101": "area",
    "/cases?area=%D9%A4%D9%A4%D9%A0%D9%A6%D9%A0%D9%A5%D9%A1%D9%A2%D9%A1": "area",
    "/cases?mine=perhaps": "mine",
    "/cases?bbox=1,2,3": "bbox",
    "/cases?bbox=nan,1,2,3": "bbox",
    "/cases?bbox=22.8,112.9,22.95,113.1": "bbox",
    "/cases?bbox=113,22,112,23": "bbox",
    "/cases?bbox=0,0,1e400,1": "bbox",
    "/cases?crs=epsg:4326": "crs",
    "/cases?filed_from=2026-11-01T00:00:00": "filed_from",
    "/cases?filed_from=yesterday": "filed_from",
    "/cases?filed_from=0001-01-01T00:00:00%2B14:00": "filed_from",
    "/cases?filed_to=9999-12-31T23:59:59-14:00": "filed_to",
    "/cases/{case}?crs=x": "crs",
    "/areas?parent=99999999999999999999": "parent",
    "/areas.geojson?parent=%00": "parent",
    "/areas.geojson?level=street": "level",
    "/locate?lon=22.8667&lat=113.0055&crs=wgs84": "lat",
    "/locate?lon=113.0055&lat=22.8667": "crs",
    "/locate?lon=113.0055&lat=22.8667&crs=wgs72": "crs",
    "/locate?lon=nan&lat=22.8667&crs=wgs84": "lon",
    "/locate?lon=1e400&lat=22.8667&crs=wgs84": "lon",
    "/locate?lon=1_1_3&lat=22.8667&crs=wgs84": "lon",
    "/locate?lon=113,0055&lat=22.8667&crs=wgs84": "lon",
    "/locate?lon=180.0000001&lat=0&crs=wgs84": "lon",
    "/locate?lon=113&lat=57983&crs=wgs84": "lat",
    "/partymap/points?area=4406051219999": "area",
    "/partymap/points?service=bank": "service",
    "/partymap/points.geojson?bbox=inf,0,1,1": "bbox",
    "/partymap/points/nearest?lon=113&lat=22.8&crs=wgs84&k=9223372036854775808": "k",
    "/partymap/points/nearest?lon=113&lat=22.8": "crs",
    "/rewards/runs?town=%00": "town",
    "/rewards/runs/latest/ranking?town=440605121012": "town",
    "/rewards/runs/{run}/ranking?limit=none": "limit",
}


@pytest.mark.parametrize(("query", "field"), QUERIES.items(), ids=QUERIES)
def test_a_question_that_does_not_fit_is_refused(town: Town, query: str, field: str) -> None:
    check(town, 422, "invalid", field, "dispatcher", "GET", query)


def test_no_route_takes_a_parameter_that_it_does_not_know(town: Town) -> None:
    asked = 0
    for path, _ in paged(town):
        path = re.sub(r"\{(?!case\}|run\})[a-z_]+\}", unknown_id(), path)
        for role in ("dispatcher", "admin", "resident"):
            answer = town.send(role, "GET", f"{path}?no_such=1")
            assert answer.status_code in (404, 405, 422), (path, answer.text)
            if answer.status_code == 422:
                assert answer.json["code"] == "invalid" and "no_such" in answer.json["errors"], path
                asked += 1
    assert asked > 100
    check(town, 422, "invalid", "no_such", "resident", "POST", "/cases?no_such=1", report())
    assert town.people.client.get("/?from=a-poster").status_code == 200  # a page is no route of the API


ADDRESSES = [
    "/nowhere",
    "/cases/",
    "/cases/9223372036854775808",
    "/cases/%00",
    "/cases/%ED%A0%80/timeline",
    "/areas/9223372036854775808",
    "/areas/%00",
    "/areas/440605121%00",
    "/areas/440605121%0A/outline",
    "/areas/%ED%A0%80/outline",
    "/areas/４４０６０５１２１",
    "/partymap/points/-1",
    "/rewards/runs/18446744073709551616/ranking",
    "/evidence/../../etc/passwd",
    f"/evidence/{'0' * 32}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_where_nothing_is_says_so(town: Town, address: str) -> None:
    check(town, 404, "not_found", None, "dispatcher", "GET", address)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "TRACE", "PROPFIND"])
def test_a_method_that_an_address_does_not_take_is_refused(town: Town, method: str) -> None:
    check(town, 405, "method_not_allowed", None, "dispatcher", method, "/cases")


HOURS = {"weekly": {"mon": [{"opens": "08:00", "closes": "12:00"}]}}
POINT = {"name": "服务点", "kind": "point", "location": HOME, "address": "榕树头", "opening_hours": HOURS}


def holiday(**changes: Any) -> dict[str, Any]:
    """Opening hours with one dated exception."""
    return {"weekly": {}, "exceptions": [{"date": "2026-10-01", "hours": [], **changes}]}


def week(opens: Any, closes: Any = "12:00") -> dict[str, Any]:
    """Opening hours of Mondays."""
    return {"weekly": {"mon": [{"opens": opens, "closes": closes}]}}


POINTS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"colour": "red"}, "colour"),
    "NUL in the name": ({"name": "a\0"}, "name"),
    "a blank name": ({"name": "　"}, "name"),
    "a lone surrogate in the address": ({"address": "\ud800"}, "address"),
    "a capacity that is true": ({"capacity": True}, "capacity"),
    "a capacity beyond 64 bits": ({"capacity": 2**64}, "capacity"),
    "a capacity of 1.5": ({"capacity": 1.5}, "capacity"),
    "six stars": ({"star": 6}, "star"),
    "yes": ({"accessible": "yes"}, "accessible"),
    "a service twice": ({"services": ["library", "library"]}, "services"),
    "an unknown service": ({"services": ["bank"]}, "services"),
    "a service that is an object": ({"services": [{}]}, "services"),
    "NUL in a facility": ({"facilities": ["\0"]}, "facilities"),
    "hours that are a number": ({"opening_hours": 8}, "opening_hours"),
    "hours nested deeply": ({"opening_hours": {"weekly": {"mon": [[[[[[]]]]]]}}}, "opening_hours"),
    "a clock that is none": ({"opening_hours": week("25:00")}, "opening_hours"),
    "a clock with a lone surrogate": ({"opening_hours": week("\ud800")}, "opening_hours"),
    "a clock that is a number": ({"opening_hours": week(2**70)}, "opening_hours"),
    "a date that is none": ({"opening_hours": holiday(date="2026-02-30")}, "opening_hours"),
    "NUL in a note on the hours": ({"opening_hours": holiday(note="\0")}, "opening_hours"),
    "a latitude of 113": ({"location": {**HOME, "lon": 22.9, "lat": 113.0}}, "lat"),
}


@pytest.mark.parametrize(("changes", "field"), POINTS.values(), ids=POINTS)
def test_a_service_point_that_does_not_fit_is_refused(town: Town, changes: dict[str, Any], field: str) -> None:
    check(town, 422, "invalid", field, "dispatcher", "POST", "/partymap/points", POINT | changes)
    check(town, 422, "invalid", field, "dispatcher", "PATCH", "/partymap/points/{point}", changes, If_Match='"0"')


PERIODS = ["2026-13", "0000", "9999-Q4", "２０２６", "2026-Q5", "26-10", "2026-1"]


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_that_is_none_is_refused(town: Town, period: str) -> None:
    check(town, 422, "bad_period", "period", "committee", "POST", "/rewards/runs", {"period": period})


def test_a_run_for_another_town_is_not_there(town: Town) -> None:
    body = {"period": "2026", "town": "440605122"}
    check(town, 404, "not_found", None, "committee", "POST", "/rewards/runs", body)


SIGN_INS: dict[str, tuple[Any, int, str, str | None]] = {
    "no phone": ({"password": "x"}, 422, "invalid", "phone"),
    "a phone that is none": ({"phone": "my number", "password": "x"}, 422, "invalid", "phone"),
    "a phone that is a number": ({"phone": 13800000001, "password": "x"}, 422, "invalid", "phone"),
    "a phone with NUL": ({"phone": "13800000001\0", "password": "x"}, 422, "invalid", "phone"),
    "a phone with a lone surrogate": ({"phone": "\ud800", "password": "x"}, 422, "invalid", "phone"),
    "a password with NUL": ({"phone": "13800000001", "password": "\0"}, 422, "invalid", "password"),
    "an endless password": ({"phone": "13800000001", "password": "x" * 201}, 422, "invalid", "password"),
    "a wrong password": ({"phone": "13900000001", "password": "wrong"}, 401, "wrong_credentials", None),
}


@pytest.mark.parametrize("body", SIGN_INS.values(), ids=SIGN_INS)
def test_a_sign_in_that_does_not_fit_is_refused(town: Town, body: tuple[Any, int, str, str | None]) -> None:
    sent, status, code, field = body
    check(town, status, code, field, "", "POST", "/auth/login", sent)


@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_a_refresh_token_that_is_none_is_refused(town: Town, token: str) -> None:
    check(town, 401, "token_invalid", None, "", "POST", "/auth/refresh", {"refresh_token": token})


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    nested: Any = 1.0
    for _ in range(levels):
        nested = [nested]
    return nested


def features(geometry: Any, **properties: Any) -> dict[str, Any]:
    """A file with one area."""
    told_ = {"code": VILLAGE, "name": "敦根社区", "kind": "community"} | properties
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": told_, "geometry": geometry}],
    }


IMPORTS: dict[str, Any] = {
    "coordinates nested deeply": features({"type": "Polygon", "coordinates": deep(sys.getrecursionlimit() - 400)}),
    "true as a coordinate": features({"type": "Polygon", "coordinates": [[[113, 22], [True, 23], [114, 23]]]}),
    "NaN as a coordinate": features({"type": "Polygon", "coordinates": [[[float("nan"), 22], [113, 23], [114, 23]]]}),
    "coordinates beyond all floats": features({"type": "Polygon", "coordinates": [[[10**400, 1], [2, 2], [3, 1]]]}),
    "a point": features({"type": "Point", "coordinates": [113, 22.8]}),
    "NUL in the name": features(None, name="\0"),
    "a lone surrogate in the name": features(None, name="\ud800"),
    "a lone surrogate in the code": features(None, code="\ud800"),
    "a code that is a list": features(None, code=[1]),
    "features that are none": {"type": "FeatureCollection", "features": [5, None, "x", [], {}]},
}


@pytest.mark.parametrize("body", IMPORTS.values(), ids=IMPORTS)
def test_boundaries_that_do_not_fit_are_refused(town: Town, body: Any) -> None:
    check(town, 422, "boundaries_refused", None, "admin", "POST", "/areas/import?crs=wgs84&source=x", body)


FILES: dict[str, tuple[bytes, int, str]] = {
    "a page named jpg": (photos.NOT_A_PHOTO["a page named jpg"], 422, "not_a_photo"),
    "50,000 pixels wide": (photos.png(50_000, 10), 422, "too_many_pixels"),
    "more than 20 MB": (photos.jpeg() + bytes(20_000_000), 413, "file_too_large"),
}


@pytest.mark.parametrize(("file", "status", "code"), FILES.values(), ids=FILES)
def test_a_photo_that_is_none_is_refused(town: Town, file: bytes, status: int, code: str) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    form = head + file + b"\r\n--b--\r\n"
    to = ("resident", "POST", "/evidence", form)
    check(town, status, code, None, *to, Content_Type="multipart/form-data; boundary=b")
