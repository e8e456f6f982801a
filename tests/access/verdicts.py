"""The verdict on every cell: route × method × who, for ids inside and outside their scope. One line a route.

A new route without a line here fails the tests, under its name. Who gets in is read from the row of docs/access.md that
the line names ("public": everybody; "signed_in": everybody but nobody): 401 for nobody, 404 for a role with "–", else
`ok`, and `outside` for what lies outside the caller's scope. `but` and `outside_but` are the exceptions, by who.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.cases.rules.category_routes import STEPS
from backend.http import clock
from backend.partymap.bookings.routes import EXAMPLE as ROOM
from backend.partymap.events.routes import EXAMPLE as EVENT
from backend.partymap.routes import EXAMPLE
from backend.people.consent import present
from backend.territory.governance_model import shipped
from tests.access import trusted
from tests.access.world import ANSWER, BEIJING, EVERYBODY, LATER, NOBODY, OTHER_TOWN, OTHER_VILLAGE, World, filed, place
from tests.town import HOME, PASSWORD, ROLES, TOWN, VILLAGE, proof

Send = Callable[[World, str, bool], dict[str, Any]]
"""What a caller sends for a thing inside (True) or outside of their scope: `json`, `data`, `headers`, as a client takes
them. `token` in place of them all is another token than the caller's own."""

PAGE = Path(__file__).parent.parent.parent / "docs" / "access.md"


def _nothing(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Route:
    """The verdicts of a route: `row` of the access page, the status for who gets in, and for ids outside."""

    row: str
    ok: int = 200
    outside: int | None = None
    but: Mapping[str, int] = field(default_factory=dict)
    outside_but: Mapping[str, int] = field(default_factory=dict)
    send: Send = _nothing
    query: str = ""
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What a path calls differently from other routes: inside, outside."""
    fresh: bool = False
    """Each cell needs a person of its own, because the request ends their sign-in or account."""

    def verdict(self, who: str, inside: bool) -> int:
        """The status that a caller gets."""
        if who not in admitted(self.row):
            refused = 401 if who == NOBODY else 404
            return self.but.get(who, refused) if inside else self.outside_but.get(who, refused)
        if inside:
            return self.but.get(who, self.ok)
        return self.outside_but.get(who, self.outside or 404)


def letters() -> dict[str, dict[str, str]]:
    """The table of docs/access.md: permission → role → scope letters, "–" for never."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    head, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert head == ["permission", *ROLES], "the page has another table, or other columns"
    return {row[0]: dict(zip(ROLES, row[1:], strict=True)) for row in rows if re.fullmatch("[a-z_]+", row[0])}


_LETTERS = letters()


def admitted(row: str) -> frozenset[str]:
    """Who gets past the gate of a row."""
    if row == "public":
        return frozenset(EVERYBODY)
    if row == "signed_in":
        return frozenset(ROLES)
    return frozenset(role for role, scope in _LETTERS[row].items() if scope != "–")


def _stale(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"action": "withdraw"}, "headers": {"If-Match": '"999"'}}


def _confirms(world: World, who: str, inside: bool) -> dict[str, Any]:
    point = world.id("point_id", who, inside)
    etag = world.client.get(f"/api/v1/partymap/points/{point}").headers.get("ETag", '"1"')
    return {"json": {}, "headers": {"If-Match": etag}}


def _new_point(_world: World, who: str, inside: bool) -> dict[str, Any]:
    return {"json": EXAMPLE | {"location": place(who, inside)}}


def _boundaries(_world: World, _who: str, inside: bool) -> dict[str, Any]:
    properties = {"code": VILLAGE if inside else f"{OTHER_TOWN}001", "name": "敦根社区", "kind": "community"}
    feature = {"type": "Feature", "properties": properties | {"urban_rural_class": "121"}, "geometry": None}
    return {"json": {"type": "FeatureCollection", "features": [feature]}}


def _photo(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    import io

    from tests.evidence import photos

    return {"data": {"file": (io.BytesIO(photos.jpeg()), "a.jpg")}}


def _on_the_spot(world: World, who: str, inside: bool) -> dict[str, Any]:
    shown = {"before": [], "after": []}
    if who == "grid_worker":
        shown = {name: [world.photo(world.people[who])] for name in shown}
    return {"json": filed(who, inside) | shown | {"note": "当场清理"}}


def _sign_in(_world: World, who: str, _inside: bool) -> dict[str, Any]:
    number = 1 if who == NOBODY else ROLES.index(who) + 1
    return {"json": {"phone": f"138000000{number:02d}", "password": PASSWORD}}


def _code_wanted(world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"phone": world.new_phone(), "purpose": "sign_in"}}


def _newcomer(world: World, _who: str, _inside: bool) -> dict[str, Any]:
    told = {"name": "新来的", "consent": present()["version"]}
    return {"json": proof(world.app, world.new_phone(), "register") | told}


def _proves(purpose: str, **more: str) -> Send:
    def send(world: World, _who: str, _inside: bool) -> dict[str, Any]:
        return {"json": proof(world.app, world.new_phone(), purpose) | more}

    return send


def _another_password(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"current": PASSWORD, "password": "another password"}}


def _refresh(world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"refresh_token": world.newcomer("resident").tokens["refresh_token"]}}


def _run(_world: World, _who: str, inside: bool) -> dict[str, Any]:
    return {"json": {"period": "2026-06", "town": TOWN if inside else OTHER_TOWN}}


def _clearing(world: World, _who: str, inside: bool) -> dict[str, Any]:
    account, _ = trusted.dispatcher(world.app, TOWN)
    return {"json": {"account_id": str(account), "role": "dispatcher", "area_code": TOWN if inside else OTHER_TOWN}}


def _conflict(world: World, _who: str, inside: bool) -> dict[str, Any]:
    village = VILLAGE if inside else f"{OTHER_TOWN}001"
    return {"json": {"account_id": str(trusted.somebody(world.app)), "area_code": village, "reason": "亲属"}}


def _task(_world: World, _who: str, inside: bool) -> dict[str, Any]:
    department = VILLAGE if inside else f"{OTHER_TOWN}001"
    return {"json": {"category": "litter", "words": "请核查", "department": department, "until": LATER}}


def _because(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"reason": "需当面核实现场情况"}}


def _random_key(name: str) -> dict[str, str]:
    return {name: str(uuid.uuid4())}


def _filing(_world: World, _who: str, inside: bool) -> dict[str, Any]:
    said = {"category": "litter", "description": "村口垃圾堆放多日", "location": HOME if inside else BEIJING}
    return {"json": said, "headers": _random_key("Idempotency-Key")}


def _photo_for_filing(world: World, who: str, inside: bool) -> dict[str, Any]:
    return _photo(world, who, inside) | {"headers": _random_key("Filing-Key")}


_NOT_FILING = dict.fromkeys(("handler", "committee", "admin", "auditor"), 404)
"""Without an account one may look for what one is about to file; signed in, who may file."""

NOT_THEIRS = dict.fromkeys(("resident", "party_member", "grid_worker"), 404)
"""Who reports reads who they are themselves, and nothing of what others ask."""

NOT_IN_CHARGE = dict.fromkeys(("party_member", "handler", "inspector", "committee"), 404)
"""Who confirms only those points that they are in charge of by name."""


def _old(**body: Any) -> Send:
    """A change decided on a version that never was."""
    return lambda _world, _who, _inside: {"json": body, "headers": {"If-Match": '"999"'}}


def _account(world: World, _who: str, inside: bool) -> dict[str, Any]:
    area = TOWN if inside else OTHER_TOWN
    return {"json": {"phone": world.phone(), "name": "新来的", "role": "inspector", "area_code": area}}


def _roster(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    import io

    return {"data": {"file": (io.BytesIO("姓名,手机,角色\n新来的,13900000088,督查员\n".encode()), "a.csv")}}


def _points(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    import io

    return {"data": {"file": (io.BytesIO("名称,经度,纬度\n".encode()), "a.csv")}}


def _proposal(world: World, _who: str, inside: bool) -> dict[str, Any]:
    area = f"{VILLAGE if inside else OTHER_VILLAGE}001"
    return {"json": {"phone": world.phone(), "name": "新来的", "role": "grid_worker", "area_code": area}}


def _leave(world: World, who: str, _inside: bool) -> dict[str, Any]:
    number = 60 + EVERYBODY.index(who)
    return {"json": {"begins_at": f"20{number}-01-01T00:00:00Z", "ends_at": f"20{number}-01-02T00:00:00Z"}}


def _department(world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"code": f"works_{world.phone()}", "name": "新部门"}}


def _day(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"day": "2026-12-24", "workday": None, "reason": "试"}}


def _email_wanted(world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"email": f"{world.phone()}@example.org"}}


def _email_proof(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"email": "a@example.org", "code_id": "01930000-0000-7000-8000-000000000001", "code": "000000"}}


def _webhook(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"url": "https://example.org/in", "purpose": "试"}}


def _filter(_world: World, _who: str, _inside: bool) -> dict[str, Any]:
    return {"json": {"name": "漏水", "query": {"text": "漏水"}}}


def _about_to_file(_world: World, who: str, inside: bool) -> dict[str, Any]:
    return {"json": {"location": HOME if inside else BEIJING, "category": "litter"}}


def _joins(world: World, who: str, inside: bool) -> dict[str, Any]:
    return {"json": {"offer": world.offer(who, inside)}}


def _category(world: World, _who: str, _inside: bool) -> dict[str, Any]:
    limits = {step: {"unit": "workdays", "amount": 2} for step in STEPS}
    told = {"code": f"own_{world.phone()}", "name": "其他", "name_en": "other", "parent": "own", "parent_name": "本镇"}
    told |= {"department": "sanitation", "public": True, "needs_photo": False, "reason": "本镇需要"}
    return {"json": told | {"limits": limits}}


def _shift(world: World, _who: str, inside: bool) -> dict[str, Any]:
    day = clock.now().date().isoformat()
    told = {"account_id": world.our_account[0] if inside else world.their_account[0], "first_day": day, "last_day": day}
    return {"json": told | {"begins": "17:30", "ends": "08:30"}}


def _room_as_read(world: World, who: str, inside: bool) -> dict[str, Any]:
    etag = world.client.get(f"/api/v1/partymap/rooms/{world.id('room_id', who, inside)}").headers.get("ETag", '"1"')
    return {"json": {}, "headers": {"If-Match": etag}}


def _event_as_read(world: World, who: str, inside: bool) -> dict[str, Any]:
    etag = world.client.get(f"/api/v1/partymap/events/{world.id('event_id', who, inside)}").headers.get("ETag", '"1"')
    return {"json": {}, "headers": {"If-Match": etag}}


_SETTING = {"name": ("protected_channel", "no_such_setting")}
_CATEGORY = {"code": ("litter", "no_such_category")}
_DEPARTMENT = {"code": ("sanitation", "their_works")}
_TEXT = {"template": ("case_update", "title"), "language": ("zh", "zh")}
_RULE = {"category": ("litter", "litter"), "area": (VILLAGE, f"{OTHER_TOWN}001")}
_MODEL = {name: shipped().written[name] for name in ("zh", "en", "groups")}
_ANSWER = {"code": ("not_ours", "no_such")}
_LAYER = {"layer": ("grids", "no_such_layer")}
_TILE = {"z": ("9", "40"), "x": ("416", "416"), "y": ("222", "222")}
_ROLE = {"role": "inspector", "area_code": TOWN}

ROUTES: Mapping[str, Route] = {
    "GET api-docs.openapi_json": Route("public"),
    "GET documentation.show": Route("public"),
    "GET documentation.start": Route("public"),
    "GET documentation.part": Route("public", names={"name": ("swagger-ui.css", "no-such-file")}),
    "GET front_page.show": Route("public"),
    "GET front_page.part": Route("public", names={"name": ("start.js", "no-such-file")}),
    "GET health.healthz": Route("public"),
    "GET health.readyz": Route("public"),
    "POST joining.login": Route("public", send=_sign_in),
    "POST joining.refresh_tokens": Route("public", send=_refresh),
    "POST joining.logout": Route("signed_in", ok=204, fresh=True),
    "POST joining.codes": Route("public", ok=202, send=_code_wanted),
    "POST joining.register": Route("public", ok=201, send=_newcomer),
    "POST joining.code_login": Route("public", ok=409, send=_proves("sign_in")),  # a number without an account
    "POST joining.new_password": Route("public", ok=409, send=_proves("password", password="twelve signs")),
    "POST joining.wechat_login": Route("public", ok=409, send=lambda *_: {"json": {"wechat_code": "x"}}),  # off
    "GET joining.consent_text": Route("public"),
    "POST joining.agree": Route("signed_in", ok=204, send=lambda *_: {"json": {"version": present()["version"]}}),
    "DELETE joining.disagree": Route("signed_in", ok=204),
    "POST joining.phone": Route("signed_in", ok=204, send=_proves("phone"), fresh=True),
    "POST joining.password": Route("signed_in", ok=204, send=_another_password, fresh=True),
    "GET joining.sign_ins": Route("signed_in"),
    "DELETE joining.sign_out_others": Route("signed_in", ok=204, fresh=True),
    "DELETE joining.sign_out_one": Route("signed_in", ok=204),
    "GET people.me": Route("signed_in"),
    "GET people.my_accesses": Route("signed_in"),
    "GET notices.my_notices": Route("signed_in"),
    "POST notices.read_notice": Route("signed_in", ok=204),
    "POST notices.read_notices": Route("signed_in", ok=204, send=lambda *_: {"json": {"until": LATER}}),
    "GET notices.my_preferences": Route("signed_in"),
    "PATCH notices.changed_preferences": Route("signed_in", ok=412, send=_old(language="en")),
    "POST notices.wanted_email": Route("signed_in", ok=202, send=_email_wanted),
    "POST notices.proved_email": Route("signed_in", ok=401, send=_email_proof),  # no such code
    "DELETE notices.dropped_email": Route("signed_in", ok=204),
    "GET webhooks.list_webhooks": Route("read_webhooks"),
    "POST webhooks.new_webhook": Route("keep_webhooks", ok=201, send=_webhook),
    "POST webhooks.confirmed_webhook": Route("keep_webhooks", ok=412, send=_old()),
    "POST webhooks.ended_webhook": Route("keep_webhooks", ok=412, send=_old()),
    "GET trust.list_clearings": Route("read_clearings"),
    "POST trust.sign_clearing": Route("clear", outside=422, send=_clearing),
    "POST trust.revoke_clearing": Route("clear", send=_because),
    "GET trust.list_conflicts": Route("keep_conflicts"),
    "POST trust.enter_conflict": Route("keep_conflicts", ok=201, outside=422, send=_conflict),
    "POST trust.end_conflict": Route("keep_conflicts", ok=204),
    "GET own_data.copy": Route("signed_in"),
    "DELETE own_data.forget": Route(
        "signed_in",
        ok=204,
        but=dict.fromkeys(ROLES[2:], 409),  # who holds an office hands it over first
        send=lambda *_: {"json": {"password": PASSWORD}},
        fresh=True,
    ),
    "GET people.departments": Route("read_departments"),
    "GET departments.one_department": Route("read_departments", names=_DEPARTMENT),
    "GET departments.department_history": Route("read_settings", names=_DEPARTMENT),
    "POST departments.new_department": Route("keep_departments", ok=201, send=_department),
    "PATCH departments.changed_department": Route(
        "keep_departments", ok=412, names=_DEPARTMENT, send=_old(name="环卫")
    ),
    "POST departments.closed_department": Route("keep_departments", ok=412, names=_DEPARTMENT, send=_old()),
    "GET accounts.list_accounts": Route("read_accounts"),
    "GET accounts.one_account": Route("read_accounts"),
    "POST accounts.new_account": Route("keep_accounts", ok=201, outside=422, send=_account),
    "PATCH accounts.changed_account": Route("keep_accounts", ok=412, send=_old(name="改名")),
    "POST accounts.given_role": Route("keep_accounts", ok=412, send=_old(**_ROLE)),
    "POST accounts.ended_role": Route("keep_accounts", ok=412, send=_old()),
    "POST accounts.left": Route("keep_accounts", ok=412, send=_old()),
    "POST accounts.new_absence": Route("keep_roster", ok=412, send=_old(begins_at="2040-01-01T00:00:00Z")),
    "PUT accounts.entered_contact": Route("keep_roster", ok=412, send=_old(contact="0757-00000000")),
    "POST accounts.ended_absence": Route("keep_roster", ok=412, send=_old()),
    "GET roster.grids": Route("read_roster"),
    "POST roster.import_file": Route("keep_roster", send=_roster, query="?dry_run=true"),
    "GET roster.list_proposals": Route("read_roster"),
    "POST roster.new_proposal": Route("propose_roster", ok=201, outside=422, send=_proposal),
    "POST roster.decided": Route("keep_roster", ok=412, send=_old(confirm=True)),
    "GET roster.my_roster": Route("signed_in"),
    "POST roster.my_absence": Route("signed_in", ok=201, send=_leave),
    "POST roster.my_return": Route("signed_in", send=lambda *_: {"json": {}}),
    "GET duty.on_duty": Route("read_duty"),
    "GET duty.list_shifts": Route("read_duty"),
    "POST duty.new_shift": Route("keep_duty", ok=201, outside=422, send=_shift),
    "POST duty.ended_shift": Route("keep_duty", ok=412, send=_old()),
    "GET territory.areas": Route("read_areas", query=f"?parent={TOWN}"),
    "GET territory.area": Route("read_areas"),
    "GET territory.outline": Route("public"),
    "GET territory.outlines": Route("public"),
    "GET territory.locate_point": Route("read_areas", query="?lon=113.0055&lat=22.8667&crs=gcj02"),
    "PATCH keeping.renamed_area": Route("import_areas", ok=412, send=_old(name="改名")),
    "POST keeping.new_redrawing": Route(
        "import_areas", ok=201, outside=422, send=_boundaries, query="?source=t&crs=wgs84&effective_on=2090-01-01"
    ),
    "GET keeping.list_redrawings": Route("import_areas"),
    "POST keeping.cancelled_redrawing": Route("import_areas", ok=412, send=_old()),
    "GET keeping.list_settings": Route("read_settings"),
    "GET keeping.one_setting": Route("read_settings", names=_SETTING),
    "PATCH keeping.changed_setting": Route("keep_settings", ok=412, names=_SETTING, send=_old(value="x")),
    "GET keeping.setting_history": Route("read_settings", names=_SETTING),
    "GET keeping.declared_days": Route("read_settings"),
    "POST keeping.declared_day": Route("keep_settings", send=_day),
    "GET keeping.day_history": Route("read_settings", names={"day": ("2026-12-24", "today")}),
    "GET notice_texts.list_notice_texts": Route("read_settings"),
    "GET notice_texts.one_notice_text": Route("read_settings", names=_TEXT),
    "PATCH notice_texts.changed_notice_text": Route("keep_settings", ok=412, names=_TEXT, send=_old(text="x")),
    "GET notice_texts.notice_text_history": Route("read_settings", names=_TEXT),
    "GET rules.list_routing_rules": Route("read_settings"),
    "PUT rules.set_routing_rule": Route(
        "keep_settings", ok=412, outside=412, names=_RULE, send=_old(department="water")
    ),
    "DELETE rules.take_back_routing_rule": Route("keep_settings", ok=412, names=_RULE, send=_old()),
    "GET rules.routing_rule_history": Route("read_settings", outside=200, names=_RULE),  # nothing was ever set
    "GET rules.case_routing": Route("dispatch"),
    "GET rules.list_standard_answers": Route("read_settings"),
    "PUT rules.set_standard_answer": Route("keep_settings", ok=412, outside=412, names=_ANSWER, send=_old(**ANSWER)),
    "DELETE rules.take_back_standard_answer": Route("keep_settings", ok=412, names=_ANSWER, send=_old()),
    "GET rules.standard_answer_history": Route("read_settings", outside=200, names=_ANSWER),
    "GET rules.case_standard_answers": Route("read_case"),
    "POST territory.import_areas": Route("import_areas", outside=422, send=_boundaries, query="?source=t&crs=wgs84"),
    "POST cases.file": Route(
        "file_case",
        ok=201,
        outside=422,
        outside_but={"grid_worker": 403, "village_officer": 403},
        send=lambda world, who, inside: {"json": filed(who, inside)},
    ),
    "POST cases.resolve_on_the_spot": Route("resolve", ok=201, outside=403, send=_on_the_spot),
    "GET cases.list_candidates": Route("assign"),
    "POST tasks.give_task": Route("give_task", ok=201, outside=422, send=_task),
    "GET cases.list_": Route("read_case"),
    "GET work_lists.to_do": Route("read_case"),
    "GET work_lists.list_saved_filters": Route("read_case"),
    "POST work_lists.save": Route("read_case", send=_filter),
    "DELETE work_lists.delete": Route("read_case", ok=204),
    "POST similar.look_for_similar": Route(
        "public", outside=422, send=_about_to_file, but=_NOT_FILING, outside_but=_NOT_FILING
    ),
    "POST similar.join": Route("support_case", outside=422, send=_joins),
    "GET similar.supported": Route("support_case"),
    "GET similar.supporters": Route("read_case"),
    "POST suggestions.suggest_for": Route("public", send=lambda *_: {"json": {"description": "路灯不亮"}}),
    "GET suggestions.list_versions": Route("read_settings"),
    "PUT suggestions.set_choice": Route("keep_settings", ok=412, send=_old(version=0)),
    "DELETE suggestions.take_back_choice": Route("keep_settings", ok=404, send=_old()),  # none stands
    "POST suggestions.withdrawn": Route("keep_settings"),
    "GET cases.detail": Route("read_case"),
    "GET cases.timeline": Route("read_case"),
    "POST cases.do_action": Route("read_case", ok=412, send=_stale),  # each action has cells of its own
    "GET cases.list_low_ratings": Route("read_low_ratings"),
    "GET categories.list_categories": Route("public"),
    "GET categories.one_category": Route("read_settings", names=_CATEGORY),
    "POST categories.new_category": Route("keep_categories", ok=201, send=_category),
    "PATCH categories.changed_category": Route(
        "keep_categories", ok=412, names=_CATEGORY, send=_old(name="垃圾", reason="改短")
    ),
    "GET categories.category_history": Route("read_settings", names=_CATEGORY),
    "GET cases.workflow_": Route("public"),
    "GET public_face.list_published": Route("public"),
    "GET public_face.one_published": Route("public", outside=404),
    "GET public_face.published_photo": Route("public", outside=404),
    "GET public_face.feed": Route("public", outside=404),
    "GET public_face.list_figures": Route("public"),
    "GET public_face.list_waiting": Route("release_public_text"),
    "GET public_face.list_texts": Route("release_public_text"),
    "GET governance.model": Route("public"),
    "PUT governance.set_model": Route("keep_settings", ok=412, send=_old(**_MODEL)),
    "GET governance.model_history": Route("read_settings"),
    "GET governance.counts": Route("read_case"),
    "GET governance.tags": Route("read_case"),
    "GET reports.figures_of_cases": Route("read_figures", query="?period=2026-06"),
    "GET reports.file_of_figures": Route("read_figures", query="?period=2026-06&format=csv"),
    "GET reports.file_of_cases": Route("export_cases"),
    "GET reports.case_file": Route("read_case"),
    "GET related.related_cases": Route("read_case"),
    "GET related.whistles": Route("read_whistles"),
    "POST identities.ask_identity": Route("read_identity", ok=201, but=NOT_THEIRS, send=_because),
    "GET identities.list_identity_requests": Route("read_identity", but=NOT_THEIRS),
    "POST identities.approve_identity": Route("read_identity", but=NOT_THEIRS),
    # Of the dispatcher nobody has allowed it.
    "GET identities.identity": Route("read_identity", but={"grid_worker": 404, "dispatcher": 403}),
    "GET identities.waiting_identity_requests": Route("read_identity"),
    "GET identities.audit_identity_requests": Route("hold_identity_notice"),
    "POST identities.hold_identity_notice": Route("hold_identity_notice", send=_because),
    "GET audit.list_trail": Route("read_audit_trail"),
    "GET audit.account_trail": Route("read_audit_trail"),
    "GET audit.newest_check": Route("read_audit_trail"),
    "POST evidence.upload": Route("upload_evidence", ok=201, send=_photo),
    "GET evidence.look_at": Route("read_evidence"),
    "GET evidence.look_at_thumbnail": Route("read_evidence"),
    "GET case_evidence.list_evidence": Route("read_case"),
    # What the resident and the grid worker look at was sent by who handled the case.
    "POST case_evidence.original": Route("read_original", but={"resident": 404, "grid_worker": 404}, send=_because),
    "POST without_account.file": Route("public", ok=201, outside=422, send=_filing),
    "POST evidence.upload_without_account": Route("public", ok=201, send=_photo_for_filing),
    # Without a receipt, or with a wrong one, there is nothing there for anybody.
    "GET without_account.look": Route("public", ok=404),
    "GET without_account.timeline": Route("public", ok=404),
    "GET without_account.accesses": Route("public", ok=404),
    "POST without_account.do_action": Route("public", ok=404, send=_stale),
    "GET evidence.look_at_by_receipt": Route("public", ok=404),
    "GET partymap.list_points": Route("public"),
    "GET partymap.one_point": Route("public", outside=200),  # the whole map is for everybody
    "GET partymap.offers": Route("public"),
    "GET partymap.look_at_photo": Route("public", ok=404),  # what was sent for a case is no point's
    "GET partymap.look_at_small_photo": Route("public", ok=404),
    "GET partymap_finding.nearest_points": Route("public", query="?lon=113&lat=22.8&crs=wgs84"),
    "GET partymap_finding.at_place": Route("public", query="?lon=113.0002&lat=22.8694&crs=wgs84"),
    "GET partymap.points_geojson": Route("public"),
    "GET partymap.counts_by_element": Route("public"),
    "POST partymap.new_point": Route("keep_service_points", ok=201, outside=422, send=_new_point),
    "PATCH partymap.changed_point": Route("keep_service_points", send=_confirms),
    "GET shared_rooms.list_rooms": Route("public"),
    "GET shared_rooms.one_room": Route("public", outside=200),  # what is shared is for everybody to see
    "GET shared_rooms.free_times": Route("public", outside=200, query="?day=2026-12-01&minutes=60"),
    "GET shared_rooms.calendar_feed": Route("public", outside=200),
    "POST shared_rooms.new_room": Route("keep_service_points", ok=201, send=lambda *_: {"json": ROOM}),
    "PATCH shared_rooms.changed_room": Route("keep_service_points", send=_room_as_read),
    # A room of another town is there to be seen, and open to that town's people.
    "POST bookings.new_booking": Route(
        "book_room", ok=201, outside=403, send=lambda world, *_: {"json": world.gatherings.wanted()}
    ),
    "POST bookings.new_series": Route(
        "book_room", ok=201, outside=403, send=lambda world, *_: {"json": world.gatherings.series()}
    ),
    "GET bookings.bookings_of_room": Route("keep_service_points"),
    "GET bookings.my_bookings": Route("book_room"),
    "GET bookings.one_booking": Route("book_room"),
    "POST bookings.cancelled_booking": Route("book_room", send=lambda *_: {"json": {}}),
    "POST bookings.marked_booking": Route("keep_service_points", ok=409, send=lambda *_: {"json": {"missed": True}}),
    "GET events.list_events": Route("public"),
    "GET events.one_event": Route("public"),  # the other town's is a draft
    "POST events.new_event": Route(
        "keep_events",
        ok=201,
        outside=422,
        send=lambda _w, who, inside: {"json": EVENT | {"location": place(who, inside)}},
    ),
    "PATCH events.changed_event": Route("keep_events", send=_event_as_read),
    "POST events.signed_up": Route("join_events"),
    "DELETE events.given_back": Route("join_events"),
    "GET events.door_code": Route("keep_events"),
    "POST events.checked_in": Route("join_events", send=lambda world, *_: {"json": world.gatherings.check_in()}),
    "GET events.my_sign_ups": Route("join_events"),
    "GET events.turnout": Route("read_turnout", ok=409),  # not over yet
    "GET map_layers.list_layers": Route("public"),
    "GET map_layers.tile_json_of": Route("public", names=_LAYER),
    "GET map_layers.style": Route("public"),
    "GET map_layers.tile": Route("public", names=_LAYER | _TILE),
    "PUT map_layers.set_layer": Route("keep_settings", ok=412, names=_LAYER, send=_old(colour="#123456")),
    "DELETE map_layers.take_back_layer": Route("keep_settings", names=_LAYER, ok=404),  # nothing was laid down
    "GET map_layers.layer_history": Route("read_settings", names=_LAYER),
    "POST partymap.confirmed_point": Route("confirm_service_points", but=NOT_IN_CHARGE, send=_confirms),
    "GET partymap.people": Route("keep_service_points"),
    "GET partymap_files.file_of_points": Route("keep_service_points", query="?format=csv"),
    "POST partymap_files.import_file": Route("keep_service_points", send=_points, query="?crs=wgs84"),
    "GET partymap_to_do.to_do": Route("confirm_service_points"),
    "GET rewards.list_runs": Route("public"),
    "GET rewards.latest_ranking": Route("public"),
    "GET rewards.one_run": Route("public"),
    "GET rewards.run_ranking": Route("public"),
    "POST rewards.start_run": Route("start_run", outside=404, send=_run),
    "POST rewards.publish_run": Route("publish_ranking", ok=409),  # published already
}

# Sees a case but has no part in the action: 403. Outside of what one sees, every action is 404.
ACTIONS: Mapping[str, tuple[str, frozenset[str]]] = {
    # action: (the action before it, who may)
    "accept": ("", frozenset({"dispatcher"})),
    "decline": ("", frozenset({"dispatcher"})),
    "assign": ("", frozenset({"dispatcher"})),
    "verify": ("assign", frozenset({"party_member"})),
    "excuse": ("assign", frozenset({"party_member"})),
    "resolve": ("", frozenset()),  # of what somebody else reported
    "entrust": ("accept", frozenset({"dispatcher"})),
    "dispatch": ("accept", frozenset({"dispatcher"})),
    "start": ("dispatch", frozenset({"handler"})),
    "send_back": ("dispatch", frozenset({"handler"})),
    "hand_in": ("start", frozenset({"handler"})),
    "rework": ("hand_in", frozenset({"grid_worker", "inspector"})),
    "pass_check": ("hand_in", frozenset({"grid_worker", "inspector"})),
    "close": ("pass_check", frozenset({"dispatcher"})),
    "rate": ("close", frozenset({"resident"})),
    "reopen": ("close", frozenset({"resident", "dispatcher"})),
    "withdraw": ("accept", frozenset({"resident"})),
    "ask_extension": ("start", frozenset({"handler"})),
    "ask_suspension": ("start", frozenset({"handler"})),
    "extend": ("ask_extension", frozenset({"dispatcher"})),
    "suspend": ("ask_suspension", frozenset({"dispatcher"})),
    "refuse": ("ask_extension", frozenset({"dispatcher"})),
    "resume": ("suspend", frozenset({"dispatcher"})),
    "correct_category": ("start", frozenset({"dispatcher"})),
    "urge": ("start", frozenset({"resident", "dispatcher"})),
    "supervise": ("start", frozenset({"dispatcher", "committee"})),
    "note": ("start", frozenset({"resident", "grid_worker", "handler", "dispatcher", "inspector"})),
    "ask_transfer": ("start", frozenset({"handler"})),
    "merge": ("start", frozenset({"dispatcher"})),
    "unmerge": ("merge", frozenset({"dispatcher"})),
    "split": ("start", frozenset({"dispatcher"})),
    "correct_place": ("start", frozenset({"dispatcher"})),
    "whistle": ("start", frozenset({"grid_worker", "dispatcher"})),
    "answer": ("whistle", frozenset({"village_officer"})),
    "tag": ("start", frozenset({"grid_worker", "village_officer", "dispatcher"})),
    "draft_public_text": ("start", frozenset({"dispatcher"})),
    "release_public_text": ("draft_public_text", frozenset({"inspector"})),  # the dispatcher worded it
    "drop_public_text": ("draft_public_text", frozenset({"inspector"})),
    "unpublish": ("start", frozenset({"dispatcher", "inspector"})),
    "ask": ("start", frozenset({"grid_worker", "handler", "dispatcher", "inspector"})),
    "reply": ("start", frozenset({"resident"})),
    "let_through": ("reply", frozenset({"dispatcher"})),
    "raise_secrecy": ("accept", frozenset({"resident", "dispatcher", "inspector"})),
}
"""A resident's case in the village, held by the town's handler from `dispatch` on; `assign` is to the party member."""
TASK_WORDS = {"department": "sanitation", "until": LATER, "note": "请核查该处"}
NEEDS = {
    "decline": {"reason": "重复"},
    "dispatch": {"department": "sanitation"},
    "verify": {"finding": "true", "note": "属实"},
    "resolve": {"note": "已清运", "evidence": ["00000000-0000-4000-8000-000000000000"]},
    "send_back": {"reason": "不属本部门"},
    "hand_in": {"note": "已清运"},
    "rework": {"reason": "未清净"},
    "rate": {"score": 5},
    "reopen": {"reason": "又堆了"},
    "ask_extension": {"reason": "等待材料", "until": LATER},
    "ask_suspension": {"reason": "等待拆迁", "until": LATER},
    "refuse": {"reason": "请抓紧办理"},
    "correct_category": {"category": "river", "reason": "登记时选错"},
    "supervise": {"leader": "李委员", "until": LATER},
    "note": {"note": "已联系施工方"},
    "ask_transfer": {"department": "water", "reason": "属水利"},
    "unmerge": {"reason": "是另一处"},
    "split": {"parts": [{"description": "清运", "category": "litter", "department": "water"}] * 2},
    "correct_place": {"reason": "来电人说明", "location": HOME},
    "whistle": {"departments": [VILLAGE], "reason": "请到场"},
    "answer": {"answer": "arrived"},
    "tag": {"tags": ["8.1"]},
    "draft_public_text": {"public_text": "垃圾已列入清运"},
    "drop_public_text": {"reason": "写得太细"},
    "unpublish": {"reason": "有人被认出"},
    "ask": {"note": "是哪一栋？"},
    "reply": {"note": "3 栋"},
    "draft_task": TASK_WORDS,
    "reword_task": TASK_WORDS,
    "drop_task": {"reason": "仍可看出是谁"},
    "conclude": {"note": "已转有关部门"},
    "ask_lowering": {"reason": "不涉及干部"},
    "ask_decline": {"reason": "不属本镇"},
}
PROTECTED_ACTIONS: Mapping[str, tuple[str, frozenset[str]]] = {
    "draft_task": ("accept", frozenset({"dispatcher"})),
    "reword_task": ("draft_task", frozenset({"dispatcher", "inspector"})),
    "drop_task": ("draft_task", frozenset({"dispatcher", "inspector"})),
    "release_task": ("draft_task", frozenset({"inspector"})),  # the dispatcher worded it
    "conclude": ("accept", frozenset({"inspector"})),  # the dispatcher took it up
    "ask_decline": ("", frozenset({"dispatcher", "inspector"})),
    "ask_lowering": ("accept", frozenset({"dispatcher"})),
    "lower_secrecy": ("ask_lowering", frozenset()),  # the dispatcher asked
    "keep_secrecy": ("ask_lowering", frozenset({"dispatcher"})),
}
"""Done on protected reports only: a resident'"'"'s, which the cleared dispatcher and inspector see and nobody else."""
SECOND = frozenset({("release_task", "dispatcher"), ("lower_secrecy", "dispatcher"), ("conclude", "dispatcher")})
"""Who would be second to themselves: 409."""
BEFORE_ACCEPTED = frozenset({"resident", "dispatcher"})
"""Who sees a resident's case that nobody has accepted."""
AFTER_ACCEPTED = frozenset({"resident", "grid_worker", "village_officer", "dispatcher", "inspector", "committee"})
"""Who sees it afterwards; the handler when it is dispatched to their department."""


def sees(who: str, before: str) -> bool:
    """Whether somebody sees a resident's case that has gone as far as an action."""
    if before in ("", "assign"):
        return who in BEFORE_ACCEPTED or (before == "assign" and who == "party_member")
    return who in AFTER_ACCEPTED or (who == "handler" and before not in ("accept", "merge"))


def action_verdict(who: str, action: str) -> int:
    """The status for doing an action on the resident's case in the village."""
    before, may = ACTIONS[action]
    if who == NOBODY:
        return 401
    if not sees(who, before):
        return 404
    return 200 if who in may else 403


def protected_verdict(who: str, action: str) -> int:
    """The status for doing an action on the resident's protected report."""
    if who == NOBODY:
        return 401
    if who not in ("resident", "dispatcher", "inspector"):
        return 404
    if (action, who) in SECOND:
        return 409
    return 200 if who in PROTECTED_ACTIONS[action][1] else 403
