"""The cases of a list as JSON, each written once for as long as its row stands.

The newest cases are asked for again and again, by everybody whose desk shows them. A worker keeps the JSON of some
hundreds, under the version of the row and under how much of it is shown; a case that changed in any way has another
version. What a protected report says is never kept.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import orjson
from flask import current_app
from sqlalchemy import Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from backend.cases.case_row import CaseRow, ListedCase
from backend.cases.links.courses import courses, follows, on_course
from backend.cases.protection.protected import PROTECTED
from backend.cases.reporter.reporters import tag_of
from backend.cases.rules.categories import catalogue
from backend.cases.sight import Sight, sight
from backend.cases.tables import Case
from backend.cases.viewing import columns, show
from backend.http.reading import Prepared, connection, render, rows
from backend.people.access import Caller

KEPT = 400
"""Cases whose JSON a worker keeps: a megabyte with texts as they are."""

Slot = list[bytes]
"""Where the JSON of a case is put once it is written."""

_some = Prepared(select(*columns).where(Case.id == any_(bindparam("ids", type_=ARRAY(Uuid())))), CaseRow)


def show_seen(caller: Caller, listed: Sequence[ListedCase], crs: str) -> dict[uuid.UUID, orjson.Fragment]:
    """Those of the cases that the caller sees, as far as they see them, as JSON by their id and in their order."""
    return {case_id: orjson.Fragment(written) for case_id, written in written_as_seen(caller, listed, crs).items()}


def written_as_seen(caller: Caller, listed: Sequence[ListedCase], crs: str) -> dict[uuid.UUID, bytes]:
    """The same, as the bytes that stand in the answer."""
    slots, kept, named = list[tuple[ListedCase, Sight, Slot]](), _slots(), dict[str, int]()
    for case, seen in seen_by(caller, listed):
        keep = case.written is not None and case.reporting != PROTECTED
        town = case.area_code[:9]
        if town not in named:
            named[town] = catalogue(town).revision  # a category may be called otherwise by now
        slot = kept(case.id, case.written, seen, case.mine, crs, named[town]) if keep else Slot()
        slots.append((case, seen, slot))
    whole = whole_cases(caller, [case.id for case, _, slot in slots if not slot])
    # A merged case is shown to its reporter where its head is, which is another matter than its row: it is not kept.
    elsewhere = courses([case.id for case in whole.values() if follows(caller, case)])
    written = dict[uuid.UUID, bytes]()
    for case, seen, slot in slots:
        if not slot and case.id in whole:
            row = on_course(whole[case.id], elsewhere.get(case.id))
            written[case.id] = render(show(row, seen, crs))
            if not (row.mine and whole[case.id].status == "merged"):
                slot.append(written[case.id])
    return {case.id: slot[0] if slot else written[case.id] for case, _, slot in slots if slot or case.id in written}


def seen_by(caller: Caller, listed: Sequence[ListedCase]) -> Iterator[tuple[ListedCase, Sight]]:
    """Those of the cases that the caller sees, each with how much of it."""
    known = dict[tuple[object, ...], Sight | None]()
    for case in listed:
        # All that `sight` looks at: the cases of a list are much alike.
        alike = (case.mine, case.accepted_at is None, case.reporting, case.area_code, case.holder, case.assignee)
        if alike not in known:
            known[alike] = sight(caller, case, case.mine)
        seen = known[alike]
        if seen is not None:
            yield case, seen


def whole_cases(caller: Caller, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CaseRow]:
    """Cases with these ids, whoever may see them, as a list shows them."""
    if not ids:
        return {}
    tag = tag_of(caller.account_id)
    if connection().dialect.name == "postgresql":
        return {case.id: case for case in _some.all(ids=ids, my_tag=tag)}
    found = rows(select(*columns).where(Case.id.in_(ids)), my_tag=tag)
    return {case.id: case for case in (CaseRow(*row) for row in found)}


def _slots() -> Callable[..., Slot]:
    """The slots of this app, by what tells one JSON of a case from another."""
    if "rendered_cases" not in current_app.extensions:
        current_app.extensions["rendered_cases"] = lru_cache(maxsize=KEPT)(lambda *_key: Slot())
    kept: Callable[..., Slot] = current_app.extensions["rendered_cases"]
    return kept
