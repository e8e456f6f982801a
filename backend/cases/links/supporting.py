"""Joining in somebody else's report (附议): once per person, told of what becomes of it, and nobody learns who.

A case is joined in by an offer, which is given for a similar case and names it to nobody: the public face has no ids.
Who joined stands sealed beside a tag, as who reported does, and gets no other sight of the case than before.
"""

import base64
import binascii
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy import bindparam, delete, func, insert, literal_column, select, tuple_, update
from sqlalchemy.orm import Session

from backend.cases.links.courses import status_for_reporter
from backend.cases.links.support_tables import CaseSupporter, SupporterIdentity
from backend.cases.protection.protected import PROTECTED, TASK
from backend.cases.public.publication import show_published
from backend.cases.reporter.reporters import is_mine, tag_of
from backend.cases.tables import Case
from backend.cases.viewing import read_case
from backend.cases.workflow import STEP
from backend.extensions import UtcDateTime
from backend.http.envelope import CannotOpen, envelope
from backend.http.logs import described
from backend.http.problems import NotFound, Problem
from backend.http.reading import identity_rows, row, rows
from backend.http.tags import tag
from backend.http.work import unit_of_work
from backend.ledger.record import record
from backend.outbox.messages import NOTICE, SUPPORTER, messages_to, post
from backend.people.access import Caller
from backend.territory.tables import Area

OFFERED = timedelta(hours=24)
"""How long an offer can be taken."""
HIDDEN_BELOW = 5
"""Fewer supporters than that are told only to who sees the case whole."""
BATCH = 200
log = structlog.get_logger()

_open = [literal_column(f"'{status}'", Case.status.type) for status in STEP if status != "apart"]
_ended = [literal_column(f"'{status}'", Case.status.type) for status in ("closed", "declined", "withdrawn")]
_published = Case.public_at < bindparam("now", type_=UtcDateTime)
_case = (
    select(
        Case.id,
        Case.town_code,
        Case.category,
        status_for_reporter.label("status"),
        Case.village_code,
        Area.name,
        Case.occurred_at,
        Case.coarse_lon,
        Case.coarse_lat,
    )
    .join(Area, Area.code == Case.village_code)
    .where(Case.reporting.not_in((PROTECTED, TASK, "part")))
)
_one = _case.add_columns(_published.label("published"), is_mine.label("mine")).where(
    Case.id == bindparam("id"), Case.status.in_(_open)
)
_mine = (
    _case.join(CaseSupporter, CaseSupporter.case_id == Case.id)
    .add_columns(CaseSupporter.id.label("supporter"), CaseSupporter.supported_at)
    .where(CaseSupporter.tag == bindparam("my_tag"))
    .order_by(CaseSupporter.supported_at.desc(), CaseSupporter.id.desc())
)
_supporters = select(CaseSupporter.id).where(CaseSupporter.tag == bindparam("my_tag"))
_earlier = tuple_(CaseSupporter.supported_at, CaseSupporter.id) < tuple_(
    bindparam("at", type_=UtcDateTime), bindparam("id", type_=CaseSupporter.id.type)
)
_joined = select(CaseSupporter.id, CaseSupporter.supported_at).where(
    CaseSupporter.case_id == bindparam("case"), CaseSupporter.tag == bindparam("my_tag")
)
_counts = (
    select(CaseSupporter.case_id, func.count().label("supporters"))
    .where(CaseSupporter.case_id.in_(bindparam("cases", expanding=True)))
    .group_by(CaseSupporter.case_id)
)
_sealed = select(SupporterIdentity.supporter_id, SupporterIdentity.sealed).where(
    SupporterIdentity.supporter_id.in_(bindparam("supporters", expanding=True))
)
# Walks the index of those whose case has not come to an end, and so does not grow with what has.
_untold = (
    select(CaseSupporter.id, status_for_reporter.label("status"))
    .join(Case, Case.id == CaseSupporter.case_id)
    .where(
        CaseSupporter.told_status.not_in(_ended),
        CaseSupporter.id > bindparam("after", type_=CaseSupporter.id.type),
        status_for_reporter != CaseSupporter.told_status,
        Case.reporting != PROTECTED,
    )
    .order_by(CaseSupporter.id)
    .limit(BATCH)
)


class BadOffer(Problem):
    """An offer that is not the caller's, is too old, or whose case has ended or is no longer to be seen."""

    status, code = 422, "bad_offer"
    zh = "这条提示已失效，请重新查询相似案件，或直接上报。"
    en = "This offer no longer holds; look for similar cases again, or file a report."


class OwnCase(Problem):
    """Joining in one's own report."""

    status, code = 409, "own_case"
    zh, en = "这是您自己上报的案件，无需附议。", "This is your own report; there is no need to join in it."


def offer(caller: Caller, case_id: uuid.UUID, now: datetime) -> str:
    """What the caller joins in a case with: it tells nothing, and holds for them and for a day only."""
    content = orjson.dumps([str(case_id), (now + OFFERED).timestamp()])
    return base64.urlsafe_b64encode(envelope().seal(content, _offered_to(caller.account_id))).decode().rstrip("=")


def support(session: Session, caller: Caller, offered: str, now: datetime) -> dict[str, Any]:
    """Join in the offered case; whoever joined before gets the same answer. Commits nothing.

    Raises BadOffer and OwnCase.
    """
    case = row(_one, id=_case_of(caller, offered, now), now=now, my_tag=tag_of(caller.account_id))
    if case is None or not (case.mine or case.published or _sees(caller, case.id)):
        raise BadOffer
    if case.mine:
        raise OwnCase
    my_tag = _tag_of(caller.account_id)
    joined = session.execute(_joined, {"case": case.id, "my_tag": my_tag}).first()
    if joined is not None:
        return show_supported(case, joined.supported_at)
    supporter = uuid.uuid4()
    kept = {"id": supporter, "case_id": case.id, "tag": my_tag, "told_status": case.status, "supported_at": now}
    session.execute(insert(CaseSupporter), kept)
    sealed = envelope().seal(orjson.dumps({"account": str(caller.account_id)}), _context(supporter))
    session.execute(insert(SupporterIdentity), {"supporter_id": supporter, "sealed": sealed})
    record(
        session,
        town=case.town_code,
        actor=supporter,
        action="support",
        thing=("support", str(supporter)),
        version=1,
        occurred_at=now,
        details={"case": str(case.id)},
    )
    return show_supported(case, now)


def supported_by(caller: Caller, after: tuple[datetime, uuid.UUID] | None, limit: int) -> list[Any]:
    """Up to `limit` cases the caller joined in, newest first: as the public face has them, whatever it shows."""
    asked, values = _mine, dict[str, Any](my_tag=_tag_of(caller.account_id))
    if after is not None:
        asked, values = asked.where(_earlier), values | {"at": after[0], "id": after[1]}
    return list(rows(asked.limit(limit), **values))


def support_counts(cases: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many joined in each of these cases; none: 0."""
    counted = {found.case_id: found.supporters for found in rows(_counts, cases=list(cases))} if cases else {}
    return {case: counted.get(case, 0) for case in cases}


def told_count(count: int, masked: bool) -> int | None:
    """How many joined, as it is told: of few, nothing to who does not see the case whole."""
    return None if masked and count < HIDDEN_BELOW else count


def tell_supporters(now: datetime) -> None:
    """Tell who joined in a case that it has moved on, until it has come to an end, once for each status seen."""
    after = uuid.UUID(int=0)
    while batch := rows(_untold, after=after):
        with unit_of_work() as session:
            for one in batch:
                post(session, NOTICE, supporter_address(one.id), "case_update")
                told = update(CaseSupporter).where(CaseSupporter.id == one.id).values(told_status=one.status)
                session.execute(told, execution_options={"synchronize_session": False})
        after = batch[-1].id


def supporter_address(supporter: uuid.UUID) -> str:
    """The address of a message to whoever joined in under this pseudonym: it tells nobody who that is."""
    return f"{SUPPORTER}:{supporter}"


def who_joined(supporters: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """The account that joined in under each pseudonym, for the sender of messages to them; where there is nobody to
    tell, it is left out."""
    told: dict[uuid.UUID, uuid.UUID] = {}
    for kept in identity_rows(_sealed, supporters=list(supporters)):
        try:
            opened = orjson.loads(envelope().open(kept.sealed, _context(kept.supporter_id)))
        except CannotOpen as error:  # damaged: the case goes on, though its supporter does not hear of it
            log.error("identity_does_not_open", **described(error))
        else:
            told[kept.supporter_id] = uuid.UUID(opened["account"])
    return told


def support_of(account: uuid.UUID) -> list[dict[str, Any]]:
    """What an account joined in, with the messages it got, for the copy of their data."""
    joined = rows(_mine, my_tag=_tag_of(account))
    return [
        show_supported(case, case.supported_at) | {"messages": messages_to(supporter_address(case.supporter))}
        for case in joined
    ]


def forget_supporter(session: Session, account: uuid.UUID) -> list[str]:
    """Take a person out of all they joined in: the number of supporters stays. Answers their messages' addresses."""
    supporters = [found.id for found in rows(_supporters, my_tag=_tag_of(account))]
    for supporter in supporters:
        _take_out(session, supporter)
    return [supporter_address(supporter) for supporter in supporters]


def forget_supporters(session: Session, case_id: uuid.UUID) -> None:
    """Delete who joined in a case: how many they were stays."""
    joined = select(CaseSupporter.id).where(CaseSupporter.case_id == case_id)
    for supporter in session.execute(joined).scalars().all():
        _take_out(session, supporter)


def show_supported(case: Any, supported_at: datetime) -> dict[str, Any]:
    """A case that somebody joined in, as the public face has it."""
    return show_published(case) | {"supported_at": supported_at}


def _take_out(session: Session, supporter: uuid.UUID) -> None:
    session.connection().execute(delete(SupporterIdentity).where(SupporterIdentity.supporter_id == supporter))
    nobody = update(CaseSupporter).where(CaseSupporter.id == supporter).values(tag=uuid.uuid4(), told_status="closed")
    session.connection().execute(nobody)


def _sees(caller: Caller, case_id: uuid.UUID) -> bool:
    try:
        read_case(caller, case_id)
    except NotFound:
        return False
    return True


def _case_of(caller: Caller, offered: str, now: datetime) -> uuid.UUID:
    try:
        sealed = base64.b64decode(offered + "=" * (-len(offered) % 4), altchars=b"-_", validate=True)
        case_id, until = orjson.loads(envelope().open(sealed, _offered_to(caller.account_id)))
    except (binascii.Error, ValueError, CannotOpen) as error:
        raise BadOffer from error
    if now.timestamp() > until:
        raise BadOffer
    return uuid.UUID(case_id)


def _tag_of(account: uuid.UUID) -> uuid.UUID:
    return tag("supporter", account.bytes)


def _offered_to(account: uuid.UUID) -> str:
    return f"offer to {account}"


def _context(supporter: uuid.UUID) -> str:
    return f"supporter {supporter}"
