"""Two villages and a second town with something of everything, and for everybody an id inside and one outside."""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Table, insert, select, update

from backend.config import TOWN_ZONE
from backend.evidence.photo_store import photo_store
from backend.evidence.store import KINDS
from backend.evidence.tables import Evidence
from backend.extensions import Base
from backend.http import clock
from backend.http.work import unit_of_work
from backend.ledger.job_runs import HEARTBEAT, mark_done
from backend.partymap.routes import EXAMPLE
from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from backend.territory.tables import Area
from tests.access import trusted
from tests.evidence import photos
from tests.gatherings import Gatherings
from tests.town import (
    ELSEWHERE,
    HOME,
    PASSWORD,
    ROLES,
    TOWN,
    VILLAGE,
    People,
    Person,
    carry,
    clear,
    rank_somebody,
    report,
    sign_in,
)

NOBODY = "nobody"
EVERYBODY = (NOBODY, *ROLES)
OTHER_VILLAGE, OTHER_TOWN = "440605121201", "440605122"
TOWN_WIDE = ("dispatcher", "inspector", "committee", "admin", "auditor")
BEIJING = {"lon": 116.39, "lat": 39.91, "crs": "wgs84"}


LATER = (datetime.now(TOWN_ZONE) + timedelta(days=100)).isoformat()
_ASK = {"reason": "等待材料", "until": LATER}
_ASIDE: Mapping[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "assign": (("dispatcher", "assign", {}),),
    "ask_extension": (("handler", "ask_extension", _ASK),),
    "ask_suspension": (("handler", "ask_suspension", _ASK),),
    "suspend": (("handler", "ask_suspension", _ASK), ("dispatcher", "suspend", {})),
    "merge": (("dispatcher", "merge", {}),),
    "draft_public_text": (("dispatcher", "draft_public_text", {"public_text": "垃圾已列入清运"}),),
    "whistle": (("grid_worker", "whistle", {"departments": [VILLAGE], "reason": "请到场"}),),
    "reply": (("resident", "reply", {"note": "书记收了红包"}),),
}
"""What leads beside the main line, from where the handler has started; to be asked by name, from the report."""

ANSWER = {"title": "不属本镇", "text": "案件 {number} 不属本镇管辖。", "actions": ["decline"]}
"""A standard answer."""


class World:
    """A town with a village A (the town's people are of it), a village B beside it, and a town that is not theirs."""

    def __init__(self, app: Flask) -> None:
        self.app, self.client = app, app.test_client()
        self.people = People(self.client)
        self.cleared = False
        self._phones = iter(range(13911000000, 13911999999))
        self._hashed = hash_password(PASSWORD)
        self.water = self.newcomer("handler", department="water")
        self.second_member = self.newcomer("committee")
        self._found_other_town()
        self._file_cases()
        self._keep_points()
        self._share_rooms()
        self._start_runs()
        self._keep_roster()
        self._lay_down_rules()
        self.suggestions = trusted.suggestions(app, TOWN)
        self._things = self._known_things()
        with app.app_context(), unit_of_work() as session:
            mark_done(session, HEARTBEAT, clock.now() + timedelta(hours=1))  # however long the tests take

    # --- people -------------------------------------------------------------------------------------------------

    def newcomer(self, role: str, area: str = TOWN, department: str | None = None) -> Person:
        """Somebody new with a role, signed in; for what ends a sign-in or an account."""
        phone = self.new_phone()
        with self.app.app_context(), unit_of_work() as session:
            person = NewAccount(f"+86{phone}", f"新来的{role}", role, area, department)
            create_account(session, person, self._hashed, datetime(2026, 1, 1, tzinfo=TOWN_ZONE))
        return Person(self.client, phone)

    def new_phone(self) -> str:
        """A number that nobody has."""
        return str(next(self._phones))

    def sign_in(self, who: str) -> str:
        """The id of one more sign-in of the town's person of a role."""
        another = sign_in(self.client, "resident" if who == NOBODY else who)
        return next(str(one["id"]) for one in another.get("/me/sign-ins").json["items"] if one["this_one"])

    def like(self, who: str) -> Person:
        """A newcomer with the role, area and department that the town's person of the role has."""
        worker = self.people["resident"].get(f"/cases/{self.home}").json["area_code"]
        areas = {"village_officer": VILLAGE, "grid_worker": worker}
        departments = {"village_officer": VILLAGE, "handler": "sanitation"}
        return self.newcomer(who, areas.get(who, TOWN), departments.get(who))

    def account(self, person: Person) -> uuid.UUID:
        """The id of somebody's account."""
        return uuid.UUID(person.get("/me").json["id"])

    # --- things -------------------------------------------------------------------------------------------------

    def id(self, name: str, who: str, inside: bool) -> str:
        """What a path calls `name`: a thing inside a caller's scope, or outside it. KeyError for an unknown name."""
        return str(self._things[name](who, inside))

    def photo(self, person: Person) -> str:
        """A photo of somebody's that belongs to no case yet."""
        form = {"file": (io.BytesIO(photos.jpeg()), "a.jpg")}
        answer = self.client.post("/api/v1/evidence", data=form, headers=person.headers)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def case_at(self, upto: str, reporter: str = "resident", **changes: Any) -> str:
        """A new case, carried as far as and with an action; "" for one just filed. Held by the town's handler."""
        case = str(self.people[reporter].file(**changes)["id"])
        aside = _ASIDE.get(upto, ())
        if upto not in ("", "assign"):
            carry(self.people, case, "start" if aside else upto, holder="sanitation")
        for who, action, fields in aside:
            into = {"into": self.away} if action == "merge" else {}
            answer = self.people[who].act(case, action, **fields | self.person(action) | into)
            assert answer.status_code == 200, answer.json
        return case

    def person(self, action: str) -> dict[str, str]:
        """Whom an action asks by name."""
        return {"person": str(self.account(self.people["party_member"]))} if action in ("assign", "entrust") else {}

    def clear(self) -> None:
        """Have the desk and the inspector cleared for protected reports, once."""
        if not self.cleared:
            clear(self.people, "dispatcher")
            clear(self.people, "inspector")
            self.cleared = True

    def protected_at(self, upto: str) -> str:
        """A new protected report of the resident's, gone as far as an action; desk and inspector are cleared."""
        self.clear()
        case = str(self.people["resident"].file(reporting="protected")["id"])
        words = {"note": "请核查该处", "department": "sanitation", "until": LATER}
        steps = {"accept": {}, "draft_task": words, "ask_lowering": {"reason": "不涉及干部"}}
        for action in dict.fromkeys(("accept", upto)) if upto else ():
            answer = self.people["dispatcher"].act(case, action, **steps[action])
            assert answer.status_code == 200, answer.json
        return case

    def copy(self, kind: type[Base], id: str, **changes: Any) -> str:
        """A row of the same kind under a new id; `changes` replace columns."""
        table: Table = Base.metadata.tables[kind.__tablename__]
        new = uuid.uuid4()
        with self.app.app_context(), unit_of_work() as session:
            held = dict(session.execute(select(table).where(table.c.id == uuid.UUID(id))).one()._mapping)
            session.execute(insert(table), held | {"id": new} | changes)
        return str(new)

    def offer(self, who: str, inside: bool) -> str:
        """The offer of a published case of somebody else's: made to a caller, or to another."""
        from backend.cases.links.supporting import offer
        from backend.people.access import Caller

        person = self.people["resident" if who == NOBODY else who]
        to = self.account(person) if inside else uuid.uuid4()
        with self.app.app_context():
            return offer(Caller(to, uuid.uuid4(), "", None, ()), uuid.UUID(self.published_case), clock.now())

    def filter(self, who: str, inside: bool) -> str:
        """A filter that a caller keeps, or that somebody else does."""
        owner = who if inside and who != NOBODY else "dispatcher" if who == "resident" else "resident"
        if owner in ("admin", "auditor"):
            owner = "resident"
        kept = self.people[owner].post("/saved-filters", {"name": "漏水", "query": {"text": "漏水"}})
        return str(kept.json["id"])

    def _found_other_town(self) -> None:
        with self.app.app_context(), unit_of_work() as session:
            table = Base.metadata.tables[Area.__tablename__]
            for old, code, parent in (
                (TOWN, OTHER_TOWN, None),
                (VILLAGE, f"{OTHER_TOWN}001", OTHER_TOWN),
                (f"{VILLAGE}001", f"{OTHER_TOWN}001001", f"{OTHER_TOWN}001"),
            ):
                held = dict(session.execute(select(table).where(table.c.code == old)).one()._mapping)
                session.execute(insert(table), held | {"code": code, "parent_code": parent})

    def _file_cases(self) -> None:
        resident, member, dispatcher = (self.people[role] for role in ("resident", "party_member", "dispatcher"))
        self.home_photo, self.away_photo = self.photo(resident), self.photo(member)
        self.home = str(resident.file(evidence=[self.home_photo])["id"])
        self.away = str(member.file(location=ELSEWHERE, evidence=[self.away_photo])["id"])
        for case, holder, handler in (
            (self.home, "sanitation", self.people["handler"]),
            (self.away, "water", self.water),
        ):
            assert dispatcher.act(case, "accept").status_code == 200
            assert dispatcher.act(case, "dispatch", department=holder).status_code == 200
            assert handler.act(case, "start").status_code == 200
        self.home_work = self.photo(self.people["handler"])
        answer = self.people["handler"].act(self.home, "hand_in", note="已清运", evidence=[self.home_work])
        assert answer.status_code == 200, answer.json
        self.foreign = self._foreign_case()
        self.foreign_photo = self._foreign_photo()
        self.published_case = str(self.people["village_officer"].file()["id"])
        assert dispatcher.act(self.published_case, "accept").status_code == 200
        self._publish(self.published_case)
        self._word_for_the_public()

    def _word_for_the_public(self) -> None:
        """A text for the public with a photo of the work, released for a published case so long ago that it shows."""
        dispatcher, officer, case = self.people["dispatcher"], self.people["village_officer"], self.published_case
        work, words = self.photo(officer), {"public_text": "垃圾已清运"}
        for person, action, fields in (
            (dispatcher, "dispatch", {"department": VILLAGE}),
            (officer, "start", {}),
            (officer, "hand_in", {"note": "已清运", "evidence": [work]}),
            (dispatcher, "draft_public_text", words | {"public_photos": [work]}),
            (self.people["inspector"], "release_public_text", {}),
        ):
            answer = person.act(case, action, **fields)
            assert answer.status_code == 200, (action, answer.json)
        from backend.cases.public.public_text_tables import PublicText

        with self.app.app_context(), unit_of_work() as session:  # long enough ago to show
            session.execute(update(PublicText).values(decided_at=clock.now() - timedelta(days=3)))

    def public_case(self, _who: str, inside: bool) -> str:
        """The public id of a case that is public, or of one that is not."""
        from backend.cases.public.publication import public_id

        with self.app.app_context():
            return str(public_id(uuid.UUID(self.published_case if inside else self.home)))

    def _publish(self, case: str) -> None:
        from backend.cases.tables import Case

        with self.app.app_context(), unit_of_work() as session:
            shown = update(Case).where(Case.id == uuid.UUID(case)).values(public_at=clock.now() - timedelta(days=1))
            session.execute(shown)

    def _foreign_case(self) -> str:
        from backend.cases.tables import Case

        where = {"town_code": OTHER_TOWN, "village_code": f"{OTHER_TOWN}001", "area_code": f"{OTHER_TOWN}001001"}
        return self.copy(Case, self.away, **where)

    def _foreign_photo(self) -> str:
        photo = self.copy(Evidence, self.away_photo, case_id=uuid.UUID(self.foreign), uploaded_by=uuid.uuid4())
        instance = self.app.config["TOWN_CONFIG"].INSTANCE
        with self.app.app_context(), tempfile.TemporaryDirectory(dir=instance) as folder:
            for kind in KINDS:
                file = Path(folder) / kind
                file.write_bytes(photo_store().read(kind, uuid.UUID(self.away_photo), 0, 10**9))
                photo_store().put(kind, uuid.UUID(photo), file)
        return photo

    def _keep_points(self) -> None:
        from backend.partymap.tables import ServicePoint

        keeper = self.people["dispatcher"]
        made = [keeper.post("/partymap/points", EXAMPLE | {"location": place}) for place in (HOME, ELSEWHERE)]
        assert [answer.status_code for answer in made] == [201, 201], made[0].json
        self.home_point, self.away_point = (answer.json["id"] for answer in made)
        self.foreign_point = self.copy(ServicePoint, self.away_point, area_code=f"{OTHER_TOWN}001001")

    def _share_rooms(self) -> None:
        from backend.partymap.bookings.tables import Booking, SharedRoom
        from backend.partymap.events.tables import Event

        self.gatherings = Gatherings(self.people)
        for role in ROLES:
            self.gatherings.booking(role)  # so that asking for one later changes nothing
        held = {"number": 1, "point_id": uuid.UUID(self.foreign_point)}
        self.foreign_room = self.copy(SharedRoom, self.gatherings.room, **held)
        self.foreign_booking = self.copy(Booking, self.gatherings.booking("inspector"), room_number=1)
        self.foreign_event = self.copy(Event, self.gatherings.event, area_code=f"{OTHER_TOWN}001001", status="draft")
        with self.app.app_context(), unit_of_work() as session:
            session.execute(
                update(Booking).where(Booking.id == uuid.UUID(self.foreign_booking)).values(account_id=None)
            )

    def _start_runs(self) -> None:
        from backend.rewards.tables import Run

        first, periods = self.people["committee"], ("2026-06", "2026-07")
        self.published, self.draft = (first.post("/rewards/runs", {"period": period}).json["id"] for period in periods)
        rank_somebody(self.app, self.published)
        for member in (first, self.second_member):
            assert member.post(f"/rewards/runs/{self.published}/publish", {}).status_code in (200, 202)
        self.foreign_run = self.copy(Run, self.draft, town=OTHER_TOWN)

    def _keep_roster(self) -> None:
        """An account of the town with a role and leave, one of the other town, and proposals of both."""
        from backend.people.roster_tables import RosterProposal
        from backend.people.tables import Department

        ours, theirs = self.newcomer("handler", department="water"), self.newcomer("dispatcher", OTHER_TOWN)
        self._leave = iter(range(1, 100_000))
        self.accounts = {person: self.rostered(person) for person in (ours, theirs)}
        self.our_account, self.their_account = self.accounts.values()
        officer = self.people["village_officer"]
        proposed = {"phone": "13900000077", "name": "岑大文", "role": "grid_worker", "area_code": f"{VILLAGE}001"}
        self.proposal = officer.post("/roster/proposals", proposed).json["id"]
        self.foreign_proposal = self.copy(RosterProposal, self.proposal, village_code=f"{OTHER_TOWN}001")
        from backend.territory.settings_tables import Redrawing

        feature = {"type": "Feature", "properties": {"code": VILLAGE, "name": "敦根社区", "kind": "community"}}
        document = {"type": "FeatureCollection", "features": [feature | {"geometry": None}]}
        planned = self.people["admin"].post("/areas/redrawings?crs=wgs84&source=t&effective_on=2090-01-01", document)
        self.redrawing = planned.json["id"]
        self.foreign_redrawing = self.copy(Redrawing, self.redrawing, town_code=OTHER_TOWN)
        from backend.people.duty_tables import DutyShift

        day = clock.now().date().isoformat()
        duty = {
            "account_id": self.our_account[0],
            "first_day": day,
            "last_day": day,
            "begins": "17:30",
            "ends": "08:30",
        }
        self.shift = self.people["admin"].post("/duty/shifts", duty).json["id"]
        self.foreign_shift = self.copy(DutyShift, self.shift, town_code=OTHER_TOWN, area_code=OTHER_TOWN)
        with self.app.app_context(), unit_of_work() as session:
            session.execute(insert(Department), {"code": "their_works", "town_code": OTHER_TOWN, "name": "邻镇公用办"})

    def _lay_down_rules(self) -> None:
        admin = self.people["admin"]
        for path, body in (
            (f"routing-rules/litter/{VILLAGE}", {"department": VILLAGE}),
            ("standard-answers/not_ours", ANSWER),
        ):
            answer = self.client.put(f"/api/v1/{path}", json=body, headers=admin.headers)
            assert answer.status_code == 200, answer.json

    def rostered(self, person: Person) -> tuple[str, str, str]:
        """Somebody's account, a role of it, and leave to come."""
        leave = self.leave(person)
        return str(self.account(person)), person.get("/me/roster").json["roles"][0]["id"], leave

    def leave(self, person: Person) -> str:
        """Leave of somebody's in a time of its own."""
        begins = datetime(2040, 1, 1, tzinfo=TOWN_ZONE) + timedelta(hours=2 * next(self._leave))
        body = {"begins_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=1)).isoformat()}
        return str(person.post("/me/absences", body).json["absences"][0]["id"])

    def notice(self, who: str) -> str:
        """A notice to somebody."""
        return trusted.notice(self.app, self.account(self.people["resident" if who == NOBODY else who]))

    def phone(self) -> str:
        """A number that nobody has."""
        return str(next(self._phones))

    def _known_things(self) -> Mapping[str, Callable[[str, bool], str]]:
        def pick(home: str, away: str, foreign: str) -> Callable[[str, bool], str]:
            # The party member lives in the village and reported in the other one.
            def chosen(who: str, inside: bool) -> str:
                if inside or who == NOBODY:
                    return away if who == "party_member" else home
                return home if who == "party_member" else foreign if who in TOWN_WIDE else away

            return chosen

        def work_photo(who: str, inside: bool) -> str:
            if inside:
                return self.away_photo if who == "party_member" else self.home_work
            return pick(self.home_photo, self.away_photo, self.foreign_photo)(who, inside)

        drafts = dict.fromkeys(("dispatcher", "committee", "auditor"), self.foreign_run)
        return {
            "case_id": pick(self.home, self.away, self.foreign),
            "filter_id": self.filter,
            "public_case": self.public_case,
            "number": lambda _who, _inside: "1",
            "photo": work_photo,
            "version": lambda _who, inside: self.suggestions if inside else 999,
            "point_id": pick(self.home_point, self.away_point, self.foreign_point),
            "room_id": lambda _, inside: self.gatherings.room if inside else self.foreign_room,
            "booking_id": lambda who, inside: self.gatherings.booking(who) if inside else self.foreign_booking,
            "event_id": lambda _, inside: self.gatherings.event if inside else self.foreign_event,
            "run_id": lambda who, inside: self.published if inside else drafts.get(who, self.draft),
            "sign_in_id": lambda who, inside: self.sign_in(
                who if inside else "resident" if who == "admin" else "admin"
            ),
            "clearing_id": lambda who, inside: trusted.clearing(self.app, TOWN if inside else OTHER_TOWN),
            "conflict_id": lambda who, inside: trusted.conflict(self.app, VILLAGE if inside else f"{OTHER_TOWN}001"),
            "webhook_id": lambda _, inside: trusted.webhook(self.app, TOWN if inside else OTHER_TOWN),
            "notice_id": lambda who, inside: self.notice(who if inside else "resident" if who == "admin" else "admin"),
            "request_id": lambda who, inside: trusted.request(self.app, self.home if inside else self.foreign),
            "code": lambda who, inside: VILLAGE if inside else "440699",
            "account_id": lambda _, inside: (self.our_account if inside else self.their_account)[0],
            "role_id": lambda _, inside: (self.our_account if inside else self.their_account)[1],
            "absence_id": lambda who, inside: (
                self.our_account[2] if not inside or who == NOBODY else self.leave(self.people[who])
            ),
            "shift_id": lambda _, inside: self.shift if inside else self.foreign_shift,
            "redrawing_id": lambda _, inside: self.redrawing if inside else self.foreign_redrawing,
            "proposal_id": lambda _, inside: self.proposal if inside else self.foreign_proposal,
            "name": lambda who, inside: "start.js" if inside else "no-such-file",
        }


def place(who: str, inside: bool) -> dict[str, Any]:
    """Where a caller may file or keep something, or where not."""
    if inside:
        return HOME
    return ELSEWHERE if who in ("grid_worker", "village_officer") else BEIJING


def filed(who: str, inside: bool) -> dict[str, Any]:
    """A report from such a place."""
    return report(location=place(who, inside))
