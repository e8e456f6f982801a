"""The case file (案件办理单): a case on one page of A4, as far as who prints it sees it.

Never, apart from what the text itself says, who reported it, whoever asks, and no internal note: paper is handed on.
The page says which text it has, and that of a protected report what it is. What does not fit is shortened visibly.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.evidence_sight import PHOTO
from backend.cases.protection.later_words import still_apart
from backend.cases.protection.protected import PROTECTED
from backend.cases.protection.sealed_notes import said_in
from backend.cases.reporter.reporters import reporter_known_by
from backend.cases.sight import Sight
from backend.cases.timeline import events, show_event
from backend.cases.viewing import show_one
from backend.cases.workflow import STATUSES
from backend.evidence.originals import original_of
from backend.evidence.photo_store import photo_store
from backend.evidence.sealing import OpenedFile
from backend.evidence.tables import Evidence
from backend.http.envelope import CannotOpen
from backend.http.logs import described
from backend.http.papers import write_pdf
from backend.http.reading import rows
from backend.ledger.record import record
from backend.people.access import Caller
from backend.people.appointing import ROLE_TITLES
from backend.people.tables import Department
from backend.territory.tables import Area

TEMPLATE = Path(__file__).with_name("case_file.typ")
TEXT, NOTE, LEADER, FIRST, LAST, PHOTOS = 480, 30, 40, 4, 14, 4
"""Characters of the text and of a note, events at the beginning and at the end, and photos that a page has room for."""
READ = 500
"""Events of a case that are looked at."""
_SLOTS = {"before": "处置前", "during": "处置中", "after": "处置后", None: "现场"}
_ROLES = {**ROLE_TITLES, "reporter": "上报人", "system": "系统", "import": "导入"}
_WARNINGS = {
    True: "不另列上报人身份；内容为原文，可能含个人信息",
    False: "不另列上报人身份；内容已作隐去处理",
}
"""What a page says of its text: as written (True), or redacted."""
_photos = (
    select(Evidence.id, Evidence.sealed, Evidence.slot)
    .where(Evidence.id.in_(bindparam("ids", expanding=True)), Evidence.media == PHOTO)
    .order_by(Evidence.created_at, Evidence.id)
)
_areas = select(Area.code, Area.name).where(Area.code.in_(bindparam("codes", expanding=True)))
_departments = select(Department.code, Department.name).where(Department.code.in_(bindparam("codes", expanding=True)))
log = structlog.get_logger()


def write_case_file(path: Path, caller: Caller, case: CaseRow, seen: Sight, now: datetime) -> None:
    """Write the page of a case that was read for a caller. Raises TooManyPapers or PaperFailed."""
    shown = show_one(caller, case, seen)
    follows = case.mine and not caller.may("merge")
    me = (caller.account_id, case.pseudonym)
    said, known = said_in(case), () if seen.text else reporter_known_by(case)
    found = events(case.id, 0, READ)
    apart = still_apart(case, found)  # paper is handed on: what waits for the desk's look is not on it
    history = [show_event(event, me, seen, said, follows, known, apart, looks=case.mine) for event in found]
    pictures, photos = _pictures(shown["evidence"])
    told = _told(shown, history, now) | {"photos": photos, "warning": _WARNINGS[seen.text]}
    told["secrecy"] = "保密举报" if case.reporting == PROTECTED else ""
    write_pdf(path, TEMPLATE, told, pictures)


def record_printing(session: Session, caller: Caller, case: CaseRow, now: datetime) -> None:
    """Record that a case was printed; not of whoever reported it, whom the entry would name."""
    if not case.mine:
        record(
            session,
            town=case.town_code,
            actor=caller.account_id,
            action="print_case",
            thing=("case_file", str(case.id)),
            version=0,
            occurred_at=now,
            details={"version": case.version},
        )


def _told(shown: Mapping[str, Any], history: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    area: str = shown["area_code"]
    departments = {event["department"] for event in history} | {shown["holder"]} - {None}
    names = _names({area[:9], area[:12], area} | {code for code in departments if code})
    place = [names.get(area[:12], area[:12]), names.get(area, area) if len(area) > 12 else None, shown["address"]]
    holder = shown["holder"]
    return {
        "town": names.get(area[:9], ""),
        "number": shown["number"],
        "status": shown["status_name"],
        "facts": [
            ["类别", shown["category_name"]],
            ["地点", " · ".join(_short(part, TEXT // 8) for part in place if part)],
            ["上报时间", _moment(shown["occurred_at"])],
            ["立案时间", _moment(shown["accepted_at"])],
            ["承办", names.get(holder, holder) if holder else "—"],
            ["本环节期限", _moment(shown["due_at"])],
            ["全案期限", _moment(shown["case_due_at"])],
            ["结案时间", _moment(shown["closed_at"])],
            ["督办", _short(shown["supervision"]["leader"], LEADER) if shown["supervision"] else "—"],
            ["评价", f"{shown['rating']} 分（满分 5 分）" if shown["rating"] is not None else "—"],
        ],
        "text": _short(shown["description"], TEXT),
        "events": [_line(event, names) for event in _chosen(history)],
        "printed": _moment(now),
    }


def _chosen(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | int]:
    """The first and the last events, and in between the number of those left out."""
    if len(history) <= FIRST + LAST:
        return list(history)
    return [*history[:FIRST], len(history) - FIRST - LAST, *history[-LAST:]]


def _line(event: Mapping[str, Any] | int, names: Mapping[str, str]) -> list[str]:
    if isinstance(event, int):
        return ["", "……", "", f"（此处省略 {event} 条记录，详见系统）"]
    said = [names.get(event["department"], event["department"]), event["note"]]
    to = event["to_status"]
    return [
        _moment(event["occurred_at"]),
        event["action_name"] + (f" → {STATUSES[to][0]}" if to != event["from_status"] and to in STATUSES else ""),
        _ROLES.get(event["actor"]["role"], event["actor"]["role"]),
        _short("；".join(part for part in said if part), NOTE),
    ]


def _names(codes: set[str]) -> dict[str, str]:
    found = (*rows(_areas, codes=codes), *rows(_departments, codes=codes))
    return {one.code: one.name for one in found}


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "—"


def _short(text: str | None, most: int) -> str:
    """A text in one paragraph, and at most so long."""
    line = " ".join((text or "").split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _pictures(ids: Sequence[str]) -> tuple[dict[str, bytes], list[list[str]]]:
    """The first and the last of the photos as files, and what stands under each."""
    found = rows(_photos, ids=[uuid.UUID(one) for one in ids]) if ids else []
    if len(found) > PHOTOS:
        found = [*found[: PHOTOS // 2], *found[-(PHOTOS // 2) :]]
    files, told = dict[str, bytes](), list[list[str]]()
    for number, photo in enumerate(found):
        try:
            key = original_of(photo.id, photo.sealed).key
            content = OpenedFile(photo_store(), "thumbnail", photo.id, key).read()
        except (FileNotFoundError, CannotOpen) as error:  # lost, as on the screen
            log.error("evidence_does_not_open", **described(error))
            continue
        files[f"{number}.jpg"] = content
        told.append([f"{number}.jpg", _SLOTS.get(photo.slot, "现场")])
    return files, told
