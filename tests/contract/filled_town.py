"""A town with something of everything: what a caller needs to know so that an operation can succeed."""

from __future__ import annotations

import io
import uuid
from datetime import datetime, timedelta
from typing import Any

import time_machine
from flask import Flask

from backend.cases.rules.category_routes import STEPS as LIMITED
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.work import unit_of_work
from backend.ledger.job_runs import HEARTBEAT, mark_done
from backend.people.consent import present
from tests.evidence import photos
from tests.gatherings import Gatherings
from tests.people.wechat_server import WechatServer
from tests.town import (
    ELSEWHERE,
    HOME,
    PASSWORD,
    TOWN,
    VILLAGE,
    People,
    Person,
    carry,
    clear,
    proof,
    rank_somebody,
    sign_in,
)

AREAS = (TOWN, VILLAGE, "440605121201", f"{VILLAGE}001")
STEPS = ("accept", "dispatch", "start", "hand_in", "pass_check", "close")
PERIODS = ("2025", "2026", "2026-Q2", "2026-Q3", *(f"2026-{month:02d}" for month in range(1, 11)))


class FilledTown:
    """The ids of cases in every state, photos, service points and runs, and the town's people."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._phones = iter(range(13922000000, 13922999999))
        self.people = People(app.test_client())
        self.second_member = Person(self.people.client, "13800000011")
        resident = self.people["resident"]
        self.cases = [resident.file(description=f"路灯第 {number} 盏不亮")["id"] for number in range(24)]
        self.cases += [self.people["party_member"].file(location=ELSEWHERE)["id"] for _ in range(4)]
        for number, step in enumerate(STEPS):
            for case in self.cases[number * 3 : number * 3 + 3]:
                carry(self.people, case, step, holder=VILLAGE if number % 2 else "sanitation")
        for role in ("dispatcher", "inspector"):
            clear(self.people, role)
        self.cases += [resident.file(reporting="protected")["id"] for _ in range(3)]
        self.photos = [self.upload() for _ in range(3)]
        resident.file(evidence=self.photos)
        key = {"Filing-Key": str(uuid.uuid4())}
        self.receipt_photo = self.upload_to("filings/evidence", key)
        self.receipt = self.file_without_account(key["Filing-Key"])
        self.points = [point["id"] for point in resident.get("/partymap/points?limit=20").json["items"]]
        self.gatherings = Gatherings(self.people)
        self.point_photo = self.photograph(self.points[0])
        self.runs = [rank_somebody(app, self.run(period)) for period in ("2026-06", "2026-Q2", "2026-08")]
        assert self.people["committee"].post(f"/rewards/runs/{self.runs[2]}/publish", {}).status_code == 202
        assert self.second_member.post(f"/rewards/runs/{self.runs[2]}/publish", {}).status_code == 200
        self.public_cases = self.publish_cases()
        self.wechat = WechatServer()
        self.wechat.serve(app)
        self.member = "13955550001"
        """A member who joined by phone, for what ends or changes an account; linked to a WeChat user."""
        joined = proof(app, self.member, "register") | {"name": "新来的", "consent": present()["version"]}
        answer = self.people.client.post("/api/v1/auth/register", json=joined | {"wechat_code": "member"})
        assert answer.status_code == 201, answer.json
        self.proposals = [self.propose() for _ in range(3)]

    def upload(self, role: str = "resident") -> str:
        """A photo of somebody's that belongs to no case yet."""
        return self.upload_to("evidence", self.people[role].headers)

    def photograph(self, point: str) -> dict[str, str]:
        """A point and the photo it now has."""
        desk, photo = self.people["dispatcher"], self.upload("dispatcher")
        etag = desk.get(f"/partymap/points/{point}").headers["ETag"]
        changed = desk.patch(f"/partymap/points/{point}", {"photos": [photo]}, If_Match=etag)
        assert changed.status_code == 200, changed.json
        return {"point_id": point, "photo": photo}

    def upload_to(self, path: str, headers: dict[str, str]) -> str:
        """A photo sent under a path with headers."""
        form = {"file": (io.BytesIO(photos.jpeg()), "a.jpg")}
        answer = self.people.client.post(f"/api/v1/{path}", data=form, headers=headers)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def file_without_account(self, key: str) -> str:
        """The receipt of a report that somebody without an account filed under a key, with a photo."""
        body = {
            "category": "litter",
            "description": "路边垃圾",
            "location": ELSEWHERE,
            "evidence": [self.receipt_photo],
        }
        answer = self.people.client.post("/api/v1/filings", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.json
        return str(answer.json["receipt"])

    def sign_in(self, role: str) -> str:
        """The id of one more sign-in of a role's person."""
        another = sign_in(self.people.client, role)
        return next(str(one["id"]) for one in another.get("/me/sign-ins").json["items"] if one["this_one"])

    def kept_account(self, number: int) -> tuple[str, str, str]:
        """An account that is new, or was, the id of its role, and of its leave."""
        admin, begins = self.people["admin"], datetime.now(TOWN_ZONE) + timedelta(days=1)
        body = {"phone": f"1370{number:07d}", "name": "新来的", "role": "party_member", "area_code": TOWN}
        made = admin.post("/accounts", body)
        account = made.json["id"] if made.status_code == 201 else made.json["account"]
        etag = admin.get(f"/accounts/{account}").headers["ETag"]
        leave = {"begins_at": begins.isoformat(), "ends_at": (begins + timedelta(days=1)).isoformat()}
        admin.post(f"/accounts/{account}/absences", leave, If_Match=etag)
        shown = admin.get(f"/accounts/{account}").json
        return account, shown["roles"][-1]["id"], shown["absences"][0]["id"]

    def leave(self) -> str:
        """Leave of the resident's, to come."""
        resident, begins = self.people["resident"], datetime.now(TOWN_ZONE) + timedelta(days=1)
        resident.post("/me/absences", {"begins_at": begins.isoformat()})
        return str(resident.get("/me/roster").json["absences"][0]["id"])

    def propose(self) -> str:
        """A proposal that nobody has decided on."""
        body = {"phone": "13700000000", "name": "新来的", "role": "grid_worker", "area_code": f"{VILLAGE}001"}
        return str(self.people["village_officer"].post("/roster/proposals", body).json["id"])

    def department(self, number: int) -> str:
        """A department that is open."""
        code = f"works_{number}"
        self.people["admin"].post("/departments", {"code": code, "name": "公用办"})
        return code

    def category_body(self, number: int) -> dict[str, Any]:
        """A category of the town's own."""
        told = {"code": f"own_{number}", "name": "其他", "name_en": "other", "parent": "own", "parent_name": "本镇类别"}
        told |= {"department": "sanitation", "public": True, "needs_photo": False, "reason": "本镇需要"}
        return told | {"limits": {step: {"unit": "workdays", "amount": 2} for step in LIMITED}}

    def category(self, number: int) -> str:
        """The code of a category that one may change."""
        body = self.category_body(number)
        self.people["admin"].post("/categories", body)
        return str(body["code"])

    def shift_body(self, days: int) -> dict[str, Any]:
        """Somebody on duty so many days from now."""
        day = (datetime.now(TOWN_ZONE) + timedelta(days=days)).date().isoformat()
        told = {"account_id": self.people["handler"].get("/me").json["id"], "begins": "17:30", "ends": "08:30"}
        return told | {"first_day": day, "last_day": day}

    def run(self, period: str) -> str:
        """A run of a period."""
        return str(self.people["committee"].post("/rewards/runs", {"period": period}).json["id"])

    def publish_cases(self) -> list[str]:
        """Have some cases pass their delay, with words and a photo, so that the public sees them; their public ids."""
        past = datetime.now(TOWN_ZONE) - timedelta(days=5)
        with time_machine.travel(past):
            people = People(self.app.test_client())
            for _ in range(3):
                case = people["resident"].file()["id"]
                carry(people, case, "start")
                work = self.upload_to("evidence", people["village_officer"].headers)
                people["village_officer"].act(case, "hand_in", note="已清", evidence=[work])
                people["dispatcher"].act(case, "draft_public_text", public_text="已清运", public_photos=[work])
                assert people["inspector"].act(case, "release_public_text").status_code == 200
        return [one["id"] for one in self.people.client.get("/api/v1/public/cases").json["items"]]

    def offer(self) -> str:
        """What the party member joins in a published case of the resident's with."""
        about = {"location": HOME, "category": "litter"}
        found = self.people["party_member"].post("/cases/similar", about).json["items"]
        return str(next(one["offer"] for one in found if one["offer"]))

    def filter(self, role: str) -> str:
        """A filter that a role's person keeps; of who lists no cases, one that nobody does."""
        kept = self.people[role].post("/saved-filters", {"name": "漏水", "query": {"text": "漏水"}})
        return str((kept.json or {}).get("id", uuid.uuid4()))

    def newcomer(self) -> Person:
        """A resident whom nobody will miss."""
        phone = str(next(self._phones))
        told = proof(self.app, phone, "register") | {"name": "新来的", "consent": present()["version"]}
        answer = self.people.client.post("/api/v1/auth/register", json=told | {"password": PASSWORD})
        assert answer.status_code == 201, answer.json
        return Person(self.people.client, phone)

    def show_life(self) -> None:
        """Let the scheduler have shown itself just now."""
        with self.app.app_context(), unit_of_work() as session:
            mark_done(session, HEARTBEAT, clock.now())

    def allowed(self, role: str, case: str) -> tuple[list[str], str]:
        """What a role may do with a case now, and its ETag; nothing where it does not see it."""
        answer = self.people[role].get(f"/cases/{case}")
        return (answer.json or {}).get("allowed_actions", []), answer.headers.get("ETag", "*")

    def cursor(self, role: str, path: str) -> Any:
        """A cursor that a list gave, or None where it has one page."""
        return (self.people[role].get(f"{path}?limit=1").json or {}).get("next_cursor")
