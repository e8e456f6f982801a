"""Two lives of one town, the same to the last id: one with protected reports in it, one without; and all that anybody
can ask of either.

Clock, ids and randomness are frozen: each phase draws from a seed of its own, so that what is drawn for the reports
takes nothing from what comes after. Nothing is normalised before the two are compared.
"""

from __future__ import annotations

import io
import json
import os
import random
import sqlite3
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from flask import Flask
from PIL import ExifTags
from sqlalchemy import inspect, text

from backend.config import TOWN_ZONE
from backend.extensions import db
from backend.http import clock
from backend.http.reading import rows
from backend.scheduler import JOBS
from tests.access.trying import SAME_FOR_ALL, address, routes
from tests.access.verdicts import ROUTES
from tests.access.world import EVERYBODY, NOBODY, World
from tests.evidence import photos, recordings
from tests.town import ELSEWHERE, HOME, TOWN, VILLAGE, People, Person, carry

FILED = datetime(2026, 11, 23, 10, tzinfo=TOWN_ZONE)
ASKED = FILED + timedelta(days=5)
"""Later than anything that is published is delayed."""
STEMS = ("卞鹭", "1470000", "44068119990101", "粤EZZ", "翠鹭巷")
"""How all tokens of a kind begin: a name, a phone, an identity number, a number plate, a house."""
WRITTEN = tuple(
    {
        form
        for stem in STEMS
        for form in (stem, quote(stem), json.dumps(stem)[1:-1], stem.encode("utf-16-le").decode("latin-1"))
    }
    | {f"{ord(one):x}x{ord(two):x}" for stem in ("卞鹭", "鹭巷") for one, two in pairwise(stem)}
)
"""The same as it may stand in a body, an address, JSON, or an index of words."""
CLEARED = {"cleared dispatcher": "dispatcher", "cleared inspector": "inspector"}
Answer = tuple[int, bytes, list[tuple[str, str]]]
Seen = dict[tuple[str, str, str], Answer]
Hidden = Mapping[str, Sequence[str]]


def tokens(number: int) -> tuple[str, ...]:
    """The words by which one report, and nothing else in the town, is known."""
    return tuple(f"{stem}{number:04d}" for stem in STEMS)


def report_id(number: int) -> str:
    """The id that the client gives a report, so that the other town can be asked for it, too."""
    return str(uuid.UUID(int=random.Random(f"report {number}").getrandbits(128), version=4))


@contextmanager
def chance(seed: str) -> Iterator[None]:
    """All that is drawn at random, drawn from a seed, for each module that draws from one of its own: how often one has
    to make a key, which depends on what it sealed before, moves nothing for the others."""
    drawn: dict[str, random.Random] = {}

    def of_caller() -> random.Random:
        frame = sys._getframe(2)
        while frame.f_back and frame.f_globals["__name__"] in ("random", "secrets", "uuid", "backend.http.ids"):
            frame = frame.f_back
        name = str(frame.f_globals["__name__"])
        return drawn.setdefault(name, random.Random(f"{seed} {name}"))

    def urandom(size: int) -> bytes:
        return of_caller().randbytes(size)

    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=of_caller().getrandbits(128), version=4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "urandom", urandom)
        patch.setattr(random, "_urandom", urandom)
        patch.setattr(uuid, "uuid4", uuid4)
        yield


@dataclass
class Town:
    """A town at the moment when it is asked, and who is cleared in it."""

    world: World
    cleared: Mapping[str, Person]
    reporter: Person
    evidence: Sequence[str]

    def hidden(self, most: int) -> Hidden:
        """The ids of some of the reports and of what was sent with them, by the names that routes have for them."""
        return {"case_id": [report_id(number) for number in range(most)], "photo": self.evidence[:most]}


def lived(app: Flask, count: int) -> Town:
    """A town in which so many protected reports were made, kept, worked on and raised, and life went on."""
    with time_machine.travel(FILED, tick=False):
        with chance("world"):
            world = World(app)
            _all_sign_in(world)
            reporter = world.newcomer("resident")
            cleared = {name: world.newcomer(role) for name, role in CLEARED.items()}
            phones = {name: _phone(person) for name, person in {"reporter": reporter, **cleared}.items()}
            for name, person in cleared.items():
                body = {"account_id": str(world.account(person)), "role": CLEARED[name], "area_code": TOWN}
                signed = [world.people[signer].post("/clearings", body) for signer in ("admin", "committee")]
                assert signed[1].json["cleared"], signed[1].json
        with chance("reports"):
            sent = [report(world.people, reporter, cleared, number) for number in range(count)]
            _work(app)
        with chance("life"):
            _live(world)
    with time_machine.travel(ASKED, tick=False), chance("later"):
        world.people.clear()  # their tokens have expired
        _all_sign_in(world)
        again = {name: Person(world.client, phone) for name, phone in phones.items()}
        reporter = again.pop("reporter")
        town = Town(world, again, reporter, [one for one in sent if one])
        _work(app)
        run = world.people["committee"].post("/rewards/runs", {"period": "2026-11"})
        assert run.status_code == 201, run.json
    return town


def _work(app: Flask) -> None:
    """All that the scheduler does: what it sends goes into a folder."""
    with app.app_context():
        for job in JOBS:
            job.work(clock.now())


def report(people: People, reporter: Person, cleared: Mapping[str, Person], number: int) -> str | None:
    """A protected report, or one by name whose secrecy is raised; as far on its way as its number says. Answers the id
    of the photo or the voice note with it, if there is one."""
    desk, inspector = cleared.values()
    name, phone, identity, plate, house = tokens(number)
    said = f"村主任{name}挪用公款，电话{phone}，身份证{identity}，车牌{plate}"
    course = number % 6
    body = {"id": report_id(number), "category": "litter", "description": said, "address": house}
    body |= {"location": ELSEWHERE if number % 4 == 3 else HOME, "reporting": "named" if course > 3 else "protected"}
    evidence = _send(reporter, number)
    body |= {"evidence": [evidence]} if evidence else {}
    filed = reporter.post("/cases", body)
    assert filed.status_code == 201, filed.json
    case, later = report_id(number), (clock.now() + timedelta(days=30)).isoformat()
    words = {"department": VILLAGE, "until": later, "note": f"请说明工程收支（{STEMS[0]}）"}
    steps: list[tuple[Person, str, dict[str, str]]] = [(desk, "accept", {"note": f"已收到{name}"})]
    if course > 3:
        steps = []
        if course == 5:
            carry(people, case, "hand_in")
            steps = [(people["inspector"], "rework", {"reason": f"{house}未清净"})]
        steps.append((reporter, "raise_secrecy", {"reason": f"{name}会报复"}))
    if course == 1:
        steps += [
            (desk, "ask", {"note": f"{house}在哪里？"}),
            (reporter, "reply", {"note": f"{name}知道，车牌{plate}"}),
        ]
    if course in (2, 3):
        steps += [(desk, "draft_task", words), (inspector, "reword_task", words)]
    if course == 3:
        steps += [(desk, "drop_task", {"reason": f"仍有{name}"}), (reporter, "note", {"note": f"补充：{plate}"})]
    for person, action, fields in steps[: None if course else 0]:
        answer = person.act(case, action, **fields)
        assert answer.status_code == 200, (number, action, answer.json)
    return evidence


def _send(reporter: Person, number: int) -> str | None:
    """Send a photo or a voice note that tells the tokens, in its content and by its name, with some of the reports."""
    if number % 4:
        return None
    name, house = tokens(number)[0], tokens(number)[-1]
    if number % 24 == 8:
        file = (io.BytesIO(recordings.sound(title=name, comment=house)), f"{name}.m4a", "audio/mp4")
    else:
        told = photos.exif()
        told[ExifTags.Base.ImageDescription] = f"{name} {house}".encode()
        picture = photos.scene(number, (64, 48))  # unlike any other
        file = (io.BytesIO(photos.jpeg(picture, exif=told)), f"{name}.jpg", "image/jpeg")
    answer = reporter.client.post("/api/v1/evidence", data={"file": file}, headers=reporter.headers)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def _all_sign_in(world: World) -> None:
    for role in EVERYBODY[1:]:
        _ = world.people[role]


def _live(world: World) -> None:
    """What goes on in the village afterwards: cases at every step."""
    for upto in ("", "accept", "dispatch", "hand_in", "close"):
        case = str(world.people["resident"].file(description=f"村口路灯 {upto}")["id"])
        if upto:
            carry(world.people, case, upto)


def _phone(person: Person) -> str:
    return str(person.get("/me").json["phone"]).removeprefix("+86")


SEARCHES = (
    "?limit=1",
    "?limit=100",
    f"?area={VILLAGE}",
    "?status=reported",
    "?status=accepted",
    "?status=drafted",
    "?category=litter",
    "?overdue=true",
    "?mine=true",
    "?bbox=112.9,22.8,113.1,22.95&crs=wgs84",
    "?filed_from=2026-01-01T00:00:00%2B08:00",
    *(f"?text={quote(word)}" for word in ("挪用", "卞", "翠鹭巷", "1470000", "车牌")),
)

TILES = ("9/416/222", "15/26669/14244")
"""Of the whole town, and around the place of the reports, where points stand alone."""


def crawl(
    town: Town, hidden: Hidden, turn: str, everybody: Sequence[str] = EVERYBODY, rooms: Sequence[str] = ()
) -> Seen:
    """All that `everybody`, none of them the reporter or cleared, gets: every route, method and page, searches, errors.

    `hidden`: the ids for which each address is asked, too. `turn`: another for each time a town is asked, and the same
    for both. `rooms`: only routes of these.
    """
    seen: Seen = {}
    world = town.world
    with time_machine.travel(ASKED, tick=False), chance(turn):
        for who in everybody:
            headers = {} if who == NOBODY else world.people[who].headers
            environ = {"REMOTE_ADDR": f"127.0.1.{EVERYBODY.index(who)}"}  # so that none is slowed down for another

            def ask(
                method: str,
                path: str,
                who: str = who,
                headers: Mapping[str, str] = headers,
                environ: dict[str, str] = environ,
                **sent: Any,
            ) -> dict[str, Any]:
                given = dict(sent.pop("headers", {}))
                answer = world.client.open(
                    path, method=method, headers=given | headers, environ_overrides=environ, **sent
                )
                assert answer.status_code < 500, (who, method, path)
                told = sorted((name, value) for name, value in answer.headers if name not in SAME_FOR_ALL)
                seen[who, method, path] = (answer.status_code, answer.data, told)
                body = answer.json if answer.is_json else None
                return body if isinstance(body, dict) else {}

            def pages(path: str) -> None:
                at = path
                while at:
                    cursor = ask("GET", at).get("next_cursor")
                    at = f"{path}{'&' if '?' in path else '?'}cursor={cursor}" if cursor else ""

            for name, method, rule in routes(world.app):
                if method == "HEAD" or ROUTES[name].fresh or (rooms and rule.endpoint.split(".")[0] not in rooms):
                    continue
                for inside in (True, False) if method == "GET" else ():
                    pages(address(world, rule, who, inside) + ROUTES[name].query)
                if method != "GET":
                    bad = {"data": b'{"a": ', "content_type": "application/json"}
                    ask(method, address(world, rule, who), **bad)
                for argument, one in [(name, one) for name in rule.arguments for one in hidden.get(name, ())]:
                    others = {name: world.id(name, who, True) for name in rule.arguments if name != argument}
                    path = world.app.url_map.bind("localhost").build(rule.endpoint, {**others, argument: one}, method)
                    sent = {} if method == "GET" else ROUTES[name].send(world, who, True)
                    ask(method, path, **sent)
            for path in (*(f"/api/v1/cases{query}" for query in SEARCHES), *_tiles(world, rooms)):
                pages(path)
            about = {"location": HOME, "category": "litter", "description": "村主任挪用公款，请查账目"}
            ask("POST", "/api/v1/cases/similar", json=about)
    return seen


def _tiles(world: World, rooms: Sequence[str]) -> list[str]:
    layers = world.app.extensions["registry"].layers if not rooms else ()
    return [f"/api/v1/partymap/tiles/{layer}/{at}.mvt" for layer in layers for at in TILES]


def leaks(seen: Seen) -> list[tuple[str, str, str]]:
    """The answers that hold a token."""
    marks = [mark.encode() for mark in WRITTEN]
    return [
        key
        for key, (_, body, headers) in seen.items()
        if any(mark in body or mark in repr(headers).encode() for mark in marks)
    ]


def differences(one: Seen, other: Seen) -> list[tuple[str, str, str]]:
    """What was answered differently in the two towns, or asked in one only; but for the auditor's trail, which has the
    entries of all that happened, without content or place."""
    return [key for key in {**one, **other} if one.get(key) != other.get(key) and not _of_trail(*key)]


def _of_trail(who: str, _method: str, path: str) -> bool:
    return who == "auditor" and path.partition("?")[0] == "/api/v1/audit-trail"


def kept(app: Flask) -> list[str]:
    """Where on disk and in the database a token stands: files of the instance, what was sent among them, tables."""
    marks = [mark.encode() for mark in WRITTEN]
    config = app.config["TOWN_CONFIG"]
    with app.app_context():
        file = db.engine.url.database if db.engine.dialect.name == "sqlite" else None
    if file:  # what was open before it was raised lies in free pages until then
        with closing(sqlite3.connect(file)) as held:
            held.executescript("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
    files = [path for path in config.INSTANCE.rglob("*") if path.is_file()]
    found = [str(path) for path in files if any(mark in path.read_bytes() for mark in marks)]
    with app.app_context():
        # SQLite's index of words is no table to read; it goes with case_texts, and with the file.
        for table in [name for name in inspect(db.engine).get_table_names() if not name.startswith("case_tokens")]:
            told = b"".join(_bytes(value) for row in rows(text(f'SELECT * FROM "{table}"')) for value in row)
            if any(mark in told for mark in marks):
                found.append(table)
    return found


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def found_by(person: Person) -> set[int]:
    """The numbers of the reports of which somebody sees every token, in their list and one by one."""
    with time_machine.travel(ASKED, tick=False):
        listed, path = dict[str, str](), "/cases?limit=100"
        while path:
            page = person.get(path).json
            listed |= {item["id"]: json.dumps(item, ensure_ascii=False) for item in page["items"]}
            path = f"/cases?limit=100&cursor={page['next_cursor']}" if page["next_cursor"] else ""
        numbers = {report_id(number): number for number in range(1000)}
        return {
            numbers[case]
            for case, told in listed.items()
            if case in numbers
            and all(token in told and token in person.get(f"/cases/{case}").text for token in tokens(numbers[case]))
        }
