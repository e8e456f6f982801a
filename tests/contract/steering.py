"""What a caller who knows the town would send: Schemathesis draws a request, and its key parts become real ones.

Everything else stays as drawn: descriptions, notes, names, numbers, limits.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from schemathesis import Case

from backend.partymap.events.routes import EXAMPLE as EVENT
from backend.partymap.routes import EXAMPLE
from backend.people.codes import PURPOSES
from backend.people.consent import present
from tests.access import trusted
from tests.contract.filled_town import AREAS, PERIODS, FilledTown
from tests.evidence import photos
from tests.town import ELSEWHERE, HOME, PASSWORD, TOWN, VILLAGE, Person, phone, proof

Body = dict[str, Any]
NEEDS = {
    "decline": "reason",
    "send_back": "reason",
    "rework": "reason",
    "reopen": "reason",
    "hand_in": "note",
    "dispatch": "department",
    "rate": "score",
    "refuse": "reason",
    "note": "note",
    "assign": "person",
    "entrust": "person",
    "unmerge": "reason",
    "answer": "answer",
    "ask": "note",
    "reply": "note",
    "drop_public_text": "reason",
    "unpublish": "reason",
    "conclude": "note",
    "ask_decline": "reason",
    "drop_task": "reason",
    "ask_lowering": "reason",
}
ACTORS = ("resident", "dispatcher", "village_officer", "handler", "inspector", "grid_worker", "party_member")


class Steering:
    """Makes drawn requests meant ones. `role` is who sends it; it may be changed to one who may act."""

    def __init__(self, town: FilledTown, dice: random.Random) -> None:
        self.town, self.dice = town, dice

    def steer(self, case: Case, role: str) -> str:
        """Put what exists into a request, and answer who had best send it."""
        for name in case.path_parameters or {}:
            case.path_parameters[name] = self.dice.choice(self._ids(name) or ("",))
        self._query(case, role)
        if "Idempotency-Key" in (case.headers or {}):
            case.headers["Idempotency-Key"] = str(uuid.UUID(int=self.dice.getrandbits(128)))
        role = self._sighted(case, role)
        steer = self._bodies().get(case.operation.label)
        if steer is not None:
            role = steer(case, role) or role
        return role

    def _sighted(self, case: Case, role: str) -> str:
        """Somebody who sees what a path names."""
        seers = {"photo": ("resident", "dispatcher"), "run_id": ("committee",), "case_id": ("dispatcher", "inspector")}
        for name in seers.keys() & (case.path_parameters or {}).keys():
            return self.dice.choice((*seers[name], role))
        return role

    def _ids(self, name: str) -> tuple[str, ...] | list[str]:
        town = self.town
        known: Mapping[str, tuple[str, ...] | list[str]] = {
            "code": AREAS,
            "filter_id": (),
            "public_case": town.public_cases,
            "number": ("1",),
            "case_id": town.cases,
            "photo": town.photos,
            "point_id": town.points,
            "room_id": (town.gatherings.room,),
            "booking_id": (),
            "event_id": (town.gatherings.event,),
            "run_id": town.runs,
            "clearing_id": (trusted.clearing(town.app, TOWN),) if name == "clearing_id" else (),
            "conflict_id": (trusted.conflict(town.app, VILLAGE),) if name == "conflict_id" else (),
            "request_id": (trusted.request(town.app, self.dice.choice(town.cases)),) if name == "request_id" else (),
            "webhook_id": (trusted.webhook(town.app, TOWN),) if name == "webhook_id" else (),
            "version": (trusted.suggestions(town.app, TOWN),) if name == "version" else (),
            "notice_id": (str(uuid.uuid4()),),
            "sign_in_id": (str(uuid.uuid4()),),
            "account_id": (),
            "role_id": (),
            "absence_id": (),
            "proposal_id": town.proposals,
            "redrawing_id": (),
            "shift_id": (),
            "name": ("working_hours", "protected_channel"),
            "category": ("litter", "facilities", "any"),
            "area": AREAS,
            "template": ("case_update", "code_file"),
            "language": ("zh", "en"),
            "day": ("2026-12-24",),
            "layer": ("grids", "villages", "service_points", "public_cases"),
            "z": ("9",),
            "x": ("416",),
            "y": ("222",),
        }
        return known[name]

    def _query(self, case: Case, role: str) -> None:
        query = case.query
        if "saved" in query:
            query["saved"] = self.town.filter(role)
        if "cursor" in query:
            cursor = self.town.cursor(role, case.formatted_path.removeprefix("/api/v1"))
            query["cursor"] = cursor
            if cursor is None:
                del query["cursor"]
        known = {
            "area": self.dice.choice(AREAS),
            "parent": self.dice.choice((TOWN, VILLAGE)),
            "town": TOWN,
            "bbox": "112.9,22.8,113.1,22.95",
            "lon": f"{113 + self.dice.uniform(-0.02, 0.02):.6f}",
            "lat": f"{22.86 + self.dice.uniform(-0.02, 0.02):.6f}",
            "filed_from": "2026-01-01T00:00:00+08:00",
            "filed_to": "2027-12-31T00:00:00Z",
            "text": self.dice.choice(("路灯", "垃圾", "盏")),
            "category": "litter",
            "area_code": VILLAGE,
            "at": "2026-11-23T23:00:00+08:00",
            "since": "2026-11-23",
            "period": self.dice.choice(PERIODS),
        }
        query.update({name: known[name] for name in known.keys() & query.keys()})

    def _bodies(self) -> Mapping[str, Callable[[Case, str], str | None]]:
        return {
            "POST /api/v1/auth/login": self._login,
            "POST /api/v1/auth/refresh": self._refresh,
            "POST /api/v1/auth/codes": self._code_wanted,
            "POST /api/v1/auth/register": self._newcomer,
            "POST /api/v1/auth/code-login": lambda case, _role: self._proves(case, self.town.member, "sign_in"),
            "POST /api/v1/auth/password": lambda case, _role: self._proves(case, self.town.member, "password"),
            "POST /api/v1/auth/wechat": self._wechat,
            "POST /api/v1/me/consent": self._consent,
            "POST /api/v1/me/phone": lambda case, role: self._proves(case, phone(role), "phone"),
            "POST /api/v1/me/password": self._password,
            "DELETE /api/v1/me": self._forget,
            "DELETE /api/v1/me/sign-ins/{sign_in_id}": self._sign_in,
            "PATCH /api/v1/me/notices/preferences": self._preferences,
            "POST /api/v1/me/notices/email": self._email,
            "POST /api/v1/me/notices/email/proof": self._email_proof,
            "POST /api/v1/me/notices/{notice_id}/read": self._notice,
            "POST /api/v1/webhooks": self._webhook,
            "POST /api/v1/webhooks/{webhook_id}/confirm": self._decided_webhook,
            "POST /api/v1/webhooks/{webhook_id}/end": self._decided_webhook,
            "POST /api/v1/clearings": self._clearing,
            "POST /api/v1/clearings/{clearing_id}/revoke": self._because,
            "POST /api/v1/conflicts": self._conflict,
            "POST /api/v1/cases/{case_id}/identity-requests": self._because,
            "POST /api/v1/identity-requests/{request_id}/approve": lambda _case, _role: "dispatcher",
            "POST /api/v1/identity-requests/{request_id}/hold": self._because,
            "GET /api/v1/cases/{case_id}/identity": self._identity,
            "POST /api/v1/areas/import": self._boundaries,
            "POST /api/v1/cases": self._report,
            "POST /api/v1/cases/on-the-spot": self._on_the_spot,
            "GET /api/v1/cases/{case_id}/candidates": lambda _case, _role: "dispatcher",
            "POST /api/v1/cases/{case_id}/actions": self._action,
            "POST /api/v1/cases/similar": self._about_to_file,
            "PUT /api/v1/suggestion-versions/choice": self._chooses,
            "DELETE /api/v1/suggestion-versions/choice": self._chooses,
            "POST /api/v1/cases/support": self._joins,
            "GET /api/v1/cases/supported": lambda _case, _role: "resident",
            "POST /api/v1/saved-filters": self._saves,
            "DELETE /api/v1/saved-filters/{filter_id}": self._drops,
            "POST /api/v1/tasks": self._task,
            "POST /api/v1/evidence": self._photo,
            "POST /api/v1/evidence/{photo}/original": self._because,
            "POST /api/v1/filings": self._filing,
            "POST /api/v1/filings/evidence": self._filing_photo,
            "GET /api/v1/receipt": self._by_receipt,
            "GET /api/v1/receipt/timeline": self._by_receipt,
            "GET /api/v1/receipt/accesses": self._by_receipt,
            "GET /api/v1/receipt/evidence/{photo}": self._by_receipt,
            "POST /api/v1/receipt/actions": self._receipt_action,
            "POST /api/v1/partymap/points": self._new_point,
            "PATCH /api/v1/partymap/points/{point_id}": self._changed_point,
            "GET /api/v1/partymap/rooms": self._rooms,
            "GET /api/v1/partymap/rooms/{room_id}/free": self._free_day,
            "GET /api/v1/partymap/rooms/{room_id}/bookings": lambda _case, _role: "dispatcher",
            "POST /api/v1/partymap/points/{point_id}/rooms": self._shared_room,
            "PATCH /api/v1/partymap/rooms/{room_id}": self._changed_room,
            "POST /api/v1/partymap/rooms/{room_id}/bookings": self._wanted,
            "POST /api/v1/partymap/rooms/{room_id}/series": self._wanted,
            "GET /api/v1/partymap/bookings/{booking_id}": self._booking,
            "POST /api/v1/partymap/bookings/{booking_id}/cancel": self._booking,
            "POST /api/v1/partymap/bookings/{booking_id}/no-show": self._began,
            "GET /api/v1/partymap/events": self._events,
            "POST /api/v1/partymap/events/{event_id}/sign-up": self._signs_up,
            "POST /api/v1/partymap/events": self._new_event,
            "PATCH /api/v1/partymap/events/{event_id}": self._changed_event,
            "GET /api/v1/partymap/events/{event_id}/code": lambda _case, _role: "dispatcher",
            "POST /api/v1/partymap/events/{event_id}/check-in": self._comes,
            "DELETE /api/v1/partymap/events/{event_id}/sign-up": self._stays_away,
            "GET /api/v1/partymap/events/{event_id}/turnout": self._turnout,
            "POST /api/v1/partymap/points/{point_id}/confirm": self._confirmed_point,
            "GET /api/v1/partymap/points/{point_id}/photos/{photo}": self._point_photo,
            "GET /api/v1/partymap/points/{point_id}/photos/{photo}/thumbnail": self._point_photo,
            "POST /api/v1/partymap/points/import": self._points,
            "POST /api/v1/rewards/runs": self._run,
            "GET /api/v1/accounts": self._search,
            "GET /api/v1/accounts/{account_id}": self._account,
            "GET /api/v1/accounts/{account_id}/trail": self._account_for_auditor,
            "POST /api/v1/accounts": self._new_account,
            "PATCH /api/v1/accounts/{account_id}": self._account,
            "POST /api/v1/accounts/{account_id}/roles": self._role,
            "POST /api/v1/accounts/{account_id}/roles/{role_id}/end": self._account,
            "POST /api/v1/accounts/{account_id}/leave": self._account,
            "PUT /api/v1/accounts/{account_id}/office-contact": self._account,
            "POST /api/v1/accounts/{account_id}/absences": self._leave,
            "POST /api/v1/accounts/{account_id}/absences/{absence_id}/end": self._account,
            "POST /api/v1/me/absences": self._leave,
            "POST /api/v1/me/absences/{absence_id}/end": self._back,
            "POST /api/v1/roster/import": self._roster,
            "POST /api/v1/roster/proposals": self._proposal,
            "POST /api/v1/roster/proposals/{proposal_id}/decision": self._decision,
            "GET /api/v1/categories/{code}": self._category,
            "GET /api/v1/categories/{code}/history": self._category,
            "POST /api/v1/categories": self._new_category,
            "PATCH /api/v1/categories/{code}": self._category,
            "POST /api/v1/duty/shifts": self._shift,
            "POST /api/v1/duty/shifts/{shift_id}/end": self._ended_shift,
            "PATCH /api/v1/areas/{code}": self._area,
            "POST /api/v1/areas/redrawings": self._redrawing,
            "POST /api/v1/areas/redrawings/{redrawing_id}/cancel": self._redrawing,
            "PATCH /api/v1/settings/{name}": self._setting,
            "PUT /api/v1/routing-rules/{category}/{area}": self._routing_rule,
            "DELETE /api/v1/routing-rules/{category}/{area}": self._routing_rule,
            "PUT /api/v1/governance-model": self._model,
            "PUT /api/v1/standard-answers/{code}": self._standard_answer,
            "DELETE /api/v1/standard-answers/{code}": self._standard_answer,
            "GET /api/v1/standard-answers/{code}/history": self._standard_answer,
            "PATCH /api/v1/notice-texts/{template}/{language}": self._notice_text,
            "PUT /api/v1/partymap/layers/{layer}": self._layer,
            "DELETE /api/v1/partymap/layers/{layer}": self._layer,
            "GET /api/v1/partymap/layers/{layer}/history": lambda _case, _role: "admin",
            "GET /api/v1/cases/{case_id}/routing": lambda _case, _role: "dispatcher",
            "GET /api/v1/departments/{code}": self._department,
            "GET /api/v1/departments/{code}/history": self._department,
            "POST /api/v1/departments": self._new_department,
            "PATCH /api/v1/departments/{code}": self._department,
            "POST /api/v1/departments/{code}/close": self._department,
        }

    def _drawn(self, case: Case) -> Body:
        case.media_type = "application/json"
        case.body = dict(case.body) if isinstance(case.body, dict) else {}
        body: Body = case.body
        return body

    def _login(self, case: Case, _role: str) -> None:
        self._drawn(case).update(phone=f"138000000{self.dice.randint(1, 11):02d}", password=PASSWORD)

    def _refresh(self, case: Case, _role: str) -> None:
        self._drawn(case).update(
            refresh_token=Person(self.town.people.client, phone("party_member")).tokens["refresh_token"]
        )
        case.body.pop("device_id", None)

    def _code_wanted(self, case: Case, _role: str) -> None:
        self._drawn(case).update(phone=f"137{self.dice.randrange(10**8):08d}", purpose=self.dice.choice(PURPOSES))

    def _proves(self, case: Case, number: str, purpose: str) -> None:
        self._drawn(case).update(proof(self.town.app, number, purpose))
        case.body.pop("wechat_code", None)

    def _newcomer(self, case: Case, _role: str) -> None:
        number = self.dice.choice((self.town.member, f"136{self.dice.randrange(10**8):08d}"))
        self._proves(case, number, "register")
        case.body.update(name="新来的", consent=present()["version"])

    def _wechat(self, case: Case, _role: str) -> None:
        self._drawn(case)["wechat_code"] = "member"

    def _consent(self, case: Case, _role: str) -> None:
        self._drawn(case)["version"] = present()["version"]

    def _forget(self, case: Case, _role: str) -> None:
        case.media_type, case.body = "application/json", {"password": PASSWORD}

    def _password(self, case: Case, _role: str) -> None:
        self._drawn(case).update(current=PASSWORD, password=PASSWORD)

    def _sign_in(self, case: Case, _role: str) -> str:
        case.path_parameters["sign_in_id"] = self.town.sign_in("auditor")
        return "auditor"

    def _clearing(self, case: Case, _role: str) -> None:
        account, _ = trusted.dispatcher(self.town.app, TOWN)
        self._drawn(case).update(account_id=str(account), role="dispatcher", area_code=TOWN)

    def _conflict(self, case: Case, _role: str) -> None:
        account = trusted.somebody(self.town.app)
        self._drawn(case).update(account_id=str(account), area_code=VILLAGE, reason="亲属")

    def _because(self, case: Case, _role: str) -> None:
        self._drawn(case)["reason"] = "需当面核实现场情况"

    def _preferences(self, case: Case, _role: str) -> str:
        self._as_read(case, "/me/notices/preferences")
        return "admin"

    def _email(self, case: Case, _role: str) -> None:
        self._drawn(case)["email"] = f"a{self.dice.getrandbits(40)}@example.org"

    def _email_proof(self, case: Case, _role: str) -> str:
        held = proof(self.town.app, "a@example.org", f"email of {self._admin()}")
        held["email"] = held.pop("phone")
        self._drawn(case).update(held)
        return "admin"

    def _notice(self, case: Case, _role: str) -> str:
        case.path_parameters["notice_id"] = trusted.notice(self.town.app, self._admin())
        return "admin"

    def _admin(self) -> uuid.UUID:
        return uuid.UUID(self.town.people["admin"].get("/me").json["id"])

    def _webhook(self, case: Case, _role: str) -> str:
        self._drawn(case)["url"] = f"https://example.org/{self.dice.getrandbits(20)}"
        return "admin"

    def _decided_webhook(self, case: Case, _role: str) -> str:
        case.headers = {**(case.headers or {}), "If-Match": '"1"'}
        return "admin"

    def _boundaries(self, case: Case, _role: str) -> None:
        properties = {"code": VILLAGE, "name": "敦根社区", "kind": "community", "urban_rural_class": "121"}
        feature = {"type": "Feature", "properties": properties, "geometry": None}
        self._drawn(case).update(type="FeatureCollection", features=[feature])
        case.query["crs"] = self.dice.choice(("wgs84", "cgcs2000", "gcj02", "bd09"))

    def _report(self, case: Case, _role: str) -> str:
        body = self._drawn(case)
        body.update(category=self.dice.choice(("litter", "street_light")), location=self.dice.choice((HOME, ELSEWHERE)))
        for name in ("area_code", "caller", "tags"):
            body.pop(name, None)
        if "id" in body:
            body["id"] = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
        if "evidence" in body:
            body["evidence"] = [self.town.upload()]
        return "resident"

    def _on_the_spot(self, case: Case, role: str) -> str:
        self._report(case, role)
        case.body |= {"location": HOME, "before": [self.town.upload("grid_worker")]}
        case.body |= {"after": [self.town.upload("grid_worker")], "note": "当场清理"}
        return "grid_worker"

    def _about_to_file(self, case: Case, _role: str) -> str:
        body = self._drawn(case)
        body["location"] = self.dice.choice((HOME, ELSEWHERE))
        if "category" in body:
            body["category"] = self.dice.choice(("litter", "street_light"))
        return "resident"

    def _joins(self, case: Case, _role: str) -> str:
        self._drawn(case)["offer"] = self.town.offer()
        return "party_member"

    def _chooses(self, case: Case, _role: str) -> str:
        version = int(trusted.suggestions(self.town.app, TOWN))
        admin = self.town.people["admin"]
        stands = admin.get("/suggestion-versions").json["choice_version"]
        if not stands and case.method.upper() == "DELETE":
            admin.client.put("/api/v1/suggestion-versions/choice", json={"version": version}, headers=admin.headers)
            stands = admin.get("/suggestion-versions").json["choice_version"]
        if stands:
            case.headers = dict(case.headers or {}) | {"If-Match": f'"{stands}"'}
        if case.method.upper() == "PUT":
            self._drawn(case)["version"] = version
        return "admin"

    def _saves(self, case: Case, _role: str) -> None:
        body = self._drawn(case)
        body["name"] = self.dice.choice(("漏水", "我的", "逾期"))
        body["query"] = (
            {"text": "漏水", "bbox": "112.9,22.8,113.1,22.95"} if self.dice.random() < 0.5 else {"area": VILLAGE}
        )

    def _drops(self, case: Case, _role: str) -> str:
        case.path_parameters["filter_id"] = self.town.filter("resident")
        return "resident"

    def _task(self, case: Case, _role: str) -> str:
        until = (datetime.now(UTC) + timedelta(days=60)).isoformat()
        words = f"请核查第 {self.dice.randrange(99)} 处"
        self._drawn(case).update(category="litter", words=words, department=VILLAGE, until=until)
        return "dispatcher"

    def _action(self, case: Case, role: str) -> str | None:
        drawn = self._drawn(case)
        for actor in self.dice.sample(ACTORS, len(ACTORS)):
            actions, etag = self.town.allowed(actor, case.path_parameters["case_id"])
            if actions:
                role = actor
                break
        else:  # this one has come to its end
            self.town.cases.append(self.town.people["resident"].file()["id"])
            return role
        name = self.dice.choice(actions)
        drawn = {field: value for field, value in drawn.items() if field == "note" and name in ("accept", "start")}
        drawn["action"] = name
        words = {"reason": "请重新核实", "note": "已清理", "department": VILLAGE, "score": self.dice.randint(1, 5)}
        if NEEDS.get(name) == "person":
            can = self.town.people[role].get(f"/cases/{case.path_parameters['case_id']}/candidates").json["items"]
            words["person"] = self.dice.choice(can)["id"] if can else str(uuid.uuid4())
        words["answer"] = "arrived"
        if name in NEEDS:
            drawn[NEEDS[name]] = words[NEEDS[name]]
        if name == "verify":
            drawn |= {"finding": "true", "note": "属实"}
        if name == "resolve":
            drawn |= {"note": "当场清理", "evidence": [self.town.upload(role)]}
        if name == "correct_category":
            drawn |= {"category": self.dice.choice(("river", "road", "litter")), "reason": "登记时选错"}
        if name in ("draft_task", "reword_task"):
            drawn |= {"department": VILLAGE, "note": f"请核查第 {self.dice.randrange(99)} 处"}
        if name in ("ask_extension", "ask_suspension", "supervise", "draft_task", "reword_task"):
            until = (datetime.now(UTC) + timedelta(days=60)).isoformat()
            drawn |= {"leader": "李委员"} if name == "supervise" else {"reason": "等待材料"} if "ask" in name else {}
            drawn["until"] = until
        drawn |= self._besides(name)
        case.body = drawn
        case.headers["If-Match"] = etag
        return role

    def _besides(self, action: str) -> Body:
        """What the actions need that reach beyond a case."""
        part = {"description": "清运", "category": "litter", "department": "sanitation"}
        known = {
            "dispatch": {"department": self.dice.choice((VILLAGE, "sanitation", "water")), "note": "转办"},
            "ask_transfer": {"reason": "属水利所", "department": "water"},
            "merge": {"into": self.dice.choice(self.town.cases)},
            "split": {"parts": [part, part]},
            "correct_place": {"reason": "来电人说明", "location": self.dice.choice((HOME, ELSEWHERE))},
            "whistle": {"departments": ["water"], "reason": "请到场"},
            "tag": {"tags": ["8.1", "5.3"]},
            "draft_public_text": {"public_text": "垃圾已列入清运"},
        }
        return known.get(action, {})

    def _photo(self, case: Case, _role: str) -> None:
        case.media_type, case.body = "multipart/form-data", {"file": photos.jpeg()}

    def _filing(self, case: Case, _role: str) -> None:
        case.headers["Idempotency-Key"] = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
        body = self._drawn(case)
        body.update(category="litter", location=self.dice.choice((HOME, ELSEWHERE)), evidence=[])
        if "reporter" in body:
            number = f"135{self.dice.randrange(10**8):08d}"
            body["reporter"] = proof(self.town.app, number, "file") | {
                "name": "新来的",
                "consent": present()["version"],
            }

    def _filing_photo(self, case: Case, role: str) -> None:
        self._photo(case, role)
        case.headers = {"Filing-Key": str(uuid.UUID(int=self.dice.getrandbits(128), version=4))}

    def _by_receipt(self, case: Case, _role: str) -> None:
        case.headers = dict(case.headers or {}) | {"Receipt": self.town.receipt}
        if "photo" in (case.path_parameters or {}):
            case.path_parameters["photo"] = self.town.receipt_photo

    def _receipt_action(self, case: Case, role: str) -> None:
        self._by_receipt(case, role)
        seen = self.town.people.client.get("/api/v1/receipt", headers={"Receipt": self.town.receipt})
        case.headers |= {"If-Match": seen.headers["ETag"], "Idempotency-Key": str(uuid.uuid4())}
        case.media_type, case.body = (
            "application/json",
            {"action": self.dice.choice(("note", "reply")), "note": "补充"},
        )

    def _point(self, case: Case) -> Body:
        body = self._drawn(case)
        for unknown in ("area_code", "photos", "people"):
            body.pop(unknown, None)
        if "location" in body:
            body["location"] = self.dice.choice((HOME, ELSEWHERE))
        if "opening_hours" in body and self.dice.random() < 0.7:
            body["opening_hours"] = EXAMPLE["opening_hours"]
        return body

    def _new_point(self, case: Case, _role: str) -> str:
        self._point(case).update({"location": HOME, "kind": "point"})
        return "dispatcher"

    def _changed_point(self, case: Case, _role: str) -> str:
        self._point(case)
        point = self.town.people["dispatcher"].get(f"/partymap/points/{case.path_parameters['point_id']}")
        case.headers["If-Match"] = point.headers["ETag"]
        return "dispatcher"

    def _identity(self, case: Case, _role: str) -> str:
        case.path_parameters["case_id"] = self.dice.choice(self.town.cases[:24])  # the resident's own
        return self.dice.choice(("resident", "resident", "dispatcher"))

    def _rooms(self, case: Case, _role: str) -> None:
        if "point" in case.query:
            case.query["point"] = self.town.gatherings.point

    def _free_day(self, case: Case, _role: str) -> None:
        case.query.update(day=datetime.now(UTC).date().isoformat(), minutes=60)

    def _shared_room(self, case: Case, _role: str) -> str:
        body = self._drawn(case)
        body |= {"name": "议事厅"} | ({"longest_minutes": 1440} if "shortest_minutes" in body else {})
        return "dispatcher"

    def _changed_room(self, case: Case, _role: str) -> str:
        room = self.town.people["dispatcher"].get(f"/partymap/rooms/{case.path_parameters['room_id']}")
        case.headers["If-Match"] = room.headers["ETag"]
        body = self._drawn(case)
        case.body = {name: body[name] for name in body.keys() & {"bar_days", "most_to_come"}}  # it is to be booked on
        return "dispatcher"

    def _wanted(self, case: Case, _role: str) -> str:
        wanted = self.town.gatherings.series()
        self._drawn(case).update({name: wanted[name] for name in wanted.keys() & {*case.body, "begins_at", "ends_at"}})
        case.body.update(purpose="议事", people=2)
        return "dispatcher"

    def _booking(self, case: Case, _role: str) -> str:
        case.path_parameters["booking_id"] = self.town.gatherings.booking("dispatcher", anew=True)
        return "dispatcher"

    def _began(self, case: Case, _role: str) -> str:
        case.path_parameters["booking_id"] = trusted.begun_booking(self.town.app, self.town.gatherings.room)
        self._drawn(case)["missed"] = True
        return "dispatcher"

    def _events(self, case: Case, _role: str) -> None:
        if "point" in case.query:
            case.query["point"] = self.town.gatherings.point

    def _new_event(self, case: Case, _role: str) -> str:
        drawn = self._drawn(case)
        case.body = EVENT | {name: drawn[name] for name in drawn.keys() & {"check_in_metres", "credit_minutes"}}
        return "dispatcher"

    def _changed_event(self, case: Case, _role: str) -> str:
        case.path_parameters["event_id"] = self.town.gatherings.announced()
        drawn = self._drawn(case)
        case.body = {name: drawn[name] for name in drawn.keys() & {"places", "kind", "credit_minutes", "status"}}
        case.headers["If-Match"] = '"1"'
        return "dispatcher"

    def _comes(self, case: Case, _role: str) -> None:
        self._drawn(case).update(self.town.gatherings.check_in())

    def _signs_up(self, case: Case, _role: str) -> None:
        case.path_parameters["event_id"] = self.town.gatherings.announced()
        self.town.gatherings.publish(case.path_parameters["event_id"])

    def _stays_away(self, case: Case, _role: str) -> str:
        case.path_parameters["event_id"] = self.town.gatherings.announced()
        self.town.gatherings.publish(case.path_parameters["event_id"])
        self.town.people["resident"].post(f"/partymap/events/{case.path_parameters['event_id']}/sign-up", None)
        return "resident"

    def _turnout(self, case: Case, _role: str) -> str:
        case.path_parameters["event_id"] = trusted.past_event(self.town.app, self.town.gatherings.event)
        return "committee"

    def _confirmed_point(self, case: Case, _role: str) -> str:
        case.media_type, case.body = "application/json", {}
        point = self.town.people["dispatcher"].get(f"/partymap/points/{case.path_parameters['point_id']}")
        case.headers["If-Match"] = point.headers["ETag"]
        return "dispatcher"

    def _point_photo(self, case: Case, _role: str) -> None:
        case.path_parameters.update(self.town.point_photo)

    def _points(self, case: Case, _role: str) -> str:
        case.media_type = "multipart/form-data"
        line = f"点{self.dice.randrange(10**6)},党群服务点,113.0002,22.8694,示范路,工作日 9:00-17:00\n"
        case.body = {"file": f"名称,类别,经度,纬度,地址,开放时间\n{line}".encode()}
        case.query["crs"] = "wgs84"
        return "dispatcher"

    def _run(self, case: Case, _role: str) -> None:
        body = self._drawn(case)
        body["period"] = self.dice.choice(PERIODS)
        if "town" in body:
            body["town"] = TOWN

    def _search(self, case: Case, _role: str) -> None:
        if "phone" in case.query:
            case.query["phone"] = "13800000001"

    def _account(self, case: Case, _role: str) -> str:
        """An account of its own for each call, as the admin sees it now."""
        account, role, absence = self.town.kept_account(self.dice.randrange(10**7))
        known = {"account_id": account, "role_id": role, "absence_id": absence}
        case.path_parameters.update({name: known[name] for name in known.keys() & case.path_parameters.keys()})
        etag = self.town.people["admin"].get(f"/accounts/{account}").headers["ETag"]
        case.headers = dict(case.headers or {}) | {"If-Match": etag}
        return "admin"

    def _account_for_auditor(self, case: Case, role: str) -> str:
        self._account(case, role)
        return "auditor"

    def _role(self, case: Case, role: str) -> str:
        wanted = {"role": self.dice.choice(("inspector", "resident", "grid_worker", "grid_substitute"))}
        case.media_type, case.body = "application/json", wanted | {"area_code": f"{VILLAGE}001"}
        if wanted["role"] in ("inspector", "resident"):
            case.body["area_code"] = TOWN
        return self._account(case, role)

    def _new_account(self, case: Case, role: str) -> str:
        self._role(case, role)
        case.body |= {"phone": f"1371{self.dice.randrange(10**7):07d}", "name": "新来的"}
        del case.headers["If-Match"]
        return "admin"

    def _leave(self, case: Case, role: str) -> str:
        year = self.dice.randrange(2030, 2999)
        hour = f"{year}-{self.dice.randrange(1, 13):02d}-{self.dice.randrange(1, 29):02d}T{self.dice.randrange(24):02d}"
        case.media_type = "application/json"
        case.body = {"begins_at": f"{hour}:00:00Z", "ends_at": f"{hour}:59:00+00:00"}
        return self._account(case, role) if "account_id" in (case.path_parameters or {}) else role

    def _back(self, case: Case, _role: str) -> str:
        case.path_parameters["absence_id"] = self.town.leave()
        return "resident"

    def _roster(self, case: Case, _role: str) -> str:
        line = f"新来的,1372{self.dice.randrange(10**7):07d},网格员,{VILLAGE}001\n"
        case.media_type = "multipart/form-data"
        case.body = {"file": f"姓名,手机,角色,网格\n{line}".encode()}
        return "admin"

    def _proposal(self, case: Case, _role: str) -> str:
        case.media_type = "application/json"
        case.body = {"phone": "13700000000", "name": "新来的", "role": "grid_worker", "area_code": f"{VILLAGE}002"}
        return "village_officer"

    def _decision(self, case: Case, _role: str) -> str:
        case.path_parameters["proposal_id"] = self.town.propose()
        case.media_type, case.body = "application/json", {"confirm": self.dice.random() < 0.2}
        case.headers["If-Match"] = '"1"'
        return "admin"

    def _new_department(self, case: Case, _role: str) -> None:
        self._drawn(case)["code"] = f"works_{self.dice.randrange(10**9)}"

    def _department(self, case: Case, _role: str) -> str:
        case.path_parameters["code"] = code = self.town.department(self.dice.randrange(10**9))
        etag = self.town.people["admin"].get(f"/departments/{code}").headers["ETag"]
        case.headers = dict(case.headers or {}) | {"If-Match": etag}
        return "admin"

    def _new_category(self, case: Case, _role: str) -> None:
        self._drawn(case).update(self.town.category_body(self.dice.randrange(10**9)))

    def _category(self, case: Case, _role: str) -> str:
        case.path_parameters["code"] = code = self.town.category(self.dice.randrange(10**9))
        if case.method == "PATCH":
            body = self._drawn(case)
            for name in body.keys() & {"limits", "parent", "parent_name"}:
                del body[name]
            body.update(department="sanitation", reason="镇里要求")
        return self._as_read(case, f"/categories/{code}")

    def _shift(self, case: Case, _role: str) -> str:
        case.media_type, case.body = "application/json", self.town.shift_body(self.dice.randrange(1, 300))
        return "admin"

    def _ended_shift(self, case: Case, _role: str) -> str:
        body = self.town.shift_body(self.dice.randrange(1, 300))
        case.path_parameters["shift_id"] = self.town.people["admin"].post("/duty/shifts", body).json["id"]
        case.headers = dict(case.headers or {}) | {"If-Match": '"1"'}
        return "admin"

    def _as_read(self, case: Case, path: str) -> str:
        """A change by the admin of what a path shows now."""
        etag = self.town.people["admin"].get(path).headers["ETag"]
        case.headers = dict(case.headers or {}) | {"If-Match": etag}
        return "admin"

    def _area(self, case: Case, _role: str) -> str:
        return self._as_read(case, f"/areas/{case.path_parameters['code']}")

    def _setting(self, case: Case, _role: str) -> str:
        case.path_parameters["name"] = "protected_channel"
        return self._as_read(case, "/settings/protected_channel")

    def _kept(self, case: Case, path: str, like: Body) -> str:
        """A change by the admin of a rule that is kept under a path."""
        admin = self.town.people["admin"]
        kept = admin.client.put(f"/api/v1{path}", json=like, headers=admin.headers)
        if kept.status_code == 428:
            items = admin.get(f"{path}/history").json["items"]
            version = items[0]["version"]
        else:
            version = kept.json["version"]
        case.headers = dict(case.headers or {}) | {"If-Match": f'"{version}"'}
        if case.method.upper() == "PUT":
            case.media_type, case.body = "application/json", like
        return "admin"

    def _routing_rule(self, case: Case, _role: str) -> str:
        named = case.path_parameters
        path = f"/routing-rules/{named['category']}/{named['area']}"
        return self._kept(case, path, {"department": self.dice.choice(("water", VILLAGE))})

    def _standard_answer(self, case: Case, _role: str) -> str:
        case.path_parameters["code"] = code = self.dice.choice(("not_ours", "done"))
        like = {"title": "不属本镇", "text": "案件 {number} 不属本镇管辖。", "actions": ["decline", "hand_in"]}
        return self._kept(case, f"/standard-answers/{code}", like)

    def _model(self, case: Case, _role: str) -> str:
        model = dict(self.town.people["admin"].get("/governance-model").json)
        body = {name: model[name] for name in ("zh", "en", "groups")}
        case.media_type, case.body = "application/json", body
        body["groups"][3]["elements"][0]["zh"] = self.dice.choice(("人居环境", "水乡人居"))
        return self._as_read(case, "/governance-model")

    def _layer(self, case: Case, _role: str) -> str:
        layer = case.path_parameters["layer"]
        return self._kept(case, f"/partymap/layers/{layer}", {"title_zh": "一张图", "colour": "#0f766e", "order": 5})

    def _notice_text(self, case: Case, _role: str) -> str:
        case.media_type, case.body = "application/json", {"text": None}
        if case.path_parameters["template"] == "case_update" and self.dice.random() < 0.8:
            case.body = {"text": "您有新消息，请登录查看。"}
        named = case.path_parameters
        return self._as_read(case, f"/notice-texts/{named['template']}/{named['language']}")

    def _redrawing(self, case: Case, _role: str) -> str:
        feature = {"type": "Feature", "properties": {"code": VILLAGE, "name": "敦根社区", "kind": "community"}}
        document = {"type": "FeatureCollection", "features": [feature | {"geometry": None}]}
        if "redrawing_id" in (case.path_parameters or {}):
            path = "/areas/redrawings?crs=wgs84&source=t&effective_on=2090-01-01"
            case.path_parameters["redrawing_id"] = self.town.people["admin"].post(path, document).json["id"]
            case.headers = dict(case.headers or {}) | {"If-Match": '"1"'}
        else:
            case.media_type, case.body = "application/json", document
            case.query.update(crs="wgs84", source="测绘", effective_on="2090-01-01")
        return "admin"
