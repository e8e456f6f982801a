"""Finding cases by words of their text, by an index on both databases and for words of any length.

The index finds the cases that have all tokens of the words, pairs of characters; whether these stand in order
is then seen in the folded text itself, so that hits are exact: the words as substrings, nothing else.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Text,
    and_,
    bindparam,
    delete,
    func,
    literal,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType

from backend.cases.search.folding import asked_tokens, fold, searchable, tokens
from backend.cases.search.search_tables import CaseText
from backend.cases.tables import Case
from backend.extensions import db
from backend.http.work import add, unit_of_work, write_added

Searched = tuple[uuid.UUID, str, str | None, datetime]
"""A case's id, its text, its redacted text where that differs, and when it happened."""

_EPOCH = date(1970, 1, 1).toordinal()

_add_tokens = text(
    "INSERT INTO case_tokens (rowid, tokens) SELECT id, :token_list FROM case_texts WHERE case_id = :case"
)
_add_tokens = _add_tokens.bindparams(bindparam("case", type_=CaseText.case_id.type))
_merge = text("INSERT INTO case_tokens (case_tokens, rank) VALUES ('merge', :pages)")
_changes = text("SELECT total_changes()")
MERGED_PAGES = 64
"""Pages of the index that one step merges: some milliseconds."""
_drop_tokens = text("INSERT INTO case_tokens (case_tokens, rowid, tokens) VALUES ('delete', :id, :token_list)")


def index(session: Session, cases: Sequence[Searched]) -> None:
    """Make the texts of new cases findable. Belongs in the unit of work that adds them, after the cases."""
    rows = [_row(*case[:3]) for case in cases]
    if session.get_bind().dialect.name == "postgresql":
        for row, case in zip(rows, cases, strict=True):
            add(session, CaseText, row | {"tokens": f"{row['tokens']} {day_tokens(case[3])}"})
        return
    for row in rows:
        add(session, CaseText, row | {"tokens": None})
    for row in rows:
        add(session, _add_tokens, {"case": row["case_id"], "token_list": row["tokens"]})


def drop(session: Session, case_id: uuid.UUID) -> None:
    """Make a case's text unfindable at once, as when it is deleted or anonymised."""
    write_added(session)
    connection = session.connection()
    found = connection.execute(select(CaseText.id, CaseText.folded).where(CaseText.case_id == case_id)).first()
    if found is None:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_drop_tokens, {"id": found.id, "token_list": " ".join(sorted(tokens(found.folded)))})
    connection.execute(delete(CaseText).where(CaseText.id == found.id))


def forget_dropped() -> Iterator[None]:
    """Have SQLite's index forget the tokens of dropped texts, a little in each step; PostgreSQL's vacuum does so there.

    A dropped text is only marked in the index until the parts that hold it are merged with the mark.
    """
    pages = -MERGED_PAGES  # negative: whatever the parts' age
    while db.engine.dialect.name == "sqlite":
        with unit_of_work() as session:
            connection = session.connection()
            before = connection.execute(_changes).scalar_one()
            connection.execute(_merge, {"pages": pages})
            changed = connection.execute(_changes).scalar_one() - before
        if changed < 2:  # as FTS5 documents its end
            return
        pages = MERGED_PAGES
        yield


_sorted_in = text(
    "SELECT gin_clean_pending_list(oid) FROM pg_class"
    " WHERE oid = CAST('ix_case_texts_tokens' AS regclass) AND pg_has_role(relowner, 'USAGE')"
)


def tidy(_now: datetime) -> None:
    """Sort the texts that were added of late into PostgreSQL's index; SQLite sorts each in when it is added.

    Only the table's owner may; for another role autovacuum does it, later.
    """
    with unit_of_work() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(_sorted_in)


def reindex(session: Session, case: Searched) -> None:
    """Have a case found by its present text only. Belongs in the unit of work that changes the text."""
    drop(session, case[0])
    index(session, [case])


def rewrite(session: Session, text_id: int, folded: str, case: Searched) -> bool:
    """Index a text anew where it stands; whether it still stood there as it was read, as `folded`.

    Whoever changed the case meanwhile has dropped that row, or waits for it and drops it then.
    """
    row, connection = _row(*case[:3]), session.connection()
    token_list, in_place = row.pop("tokens"), update(CaseText).where(CaseText.id == text_id, CaseText.folded == folded)
    if connection.dialect.name == "postgresql":
        row["tokens"] = f"{token_list} {day_tokens(case[3])}"
    if connection.execute(in_place.values(row)).rowcount != 1:
        return False
    if connection.dialect.name == "sqlite":
        connection.execute(_drop_tokens, {"id": text_id, "token_list": " ".join(sorted(tokens(folded)))})
        connection.execute(_add_tokens, {"case": case[0], "token_list": token_list})
    return True


def _row(case_id: uuid.UUID, description: str, redacted: str | None) -> dict[str, Any]:
    folded = searchable(description)
    return {
        "case_id": case_id,
        "folded": folded,
        "folded_redacted": None if redacted is None else searchable(redacted),
        "tokens": " ".join(sorted(tokens(folded))),
    }


_SPANS = {"d": 1, "e": 8, "f": 64}
"""Days that a token of a text's day names: that day, the eight it is among, the sixty-four."""
_NAMED = 4
"""At most so many tokens name a time, unless the longest spans are too short for it: each is asked for at every hit."""


def day_tokens(at: datetime) -> str:
    """The tokens of the day (of UTC) of an instant: a letter and the spans of its length since 1970."""
    return " ".join(f"{letter}{_day(at) // days}" for letter, days in _SPANS.items())


def _day(at: datetime) -> int:
    return at.astimezone(UTC).toordinal() - _EPOCH


Bind = Callable[[str], ColumnElement[str]]
"""What stands in a statement for one of a query's values."""


def words_of(query: str) -> list[str]:
    """The words of a query, folded."""
    return fold(query).split()


def values_of(words: Sequence[str]) -> dict[str, str]:
    """The values of the statements that look for these words: their tokens, and each word."""
    return {"tokens": " ".join(sorted(asked_tokens(list(words))))} | {f"word_{n}": word for n, word in enumerate(words)}


def days_named(first: datetime, last: datetime) -> str:
    """The days from one instant to another as `by_index` takes them, and some around them: a few tokens name them."""
    spans: list[str] = []
    for letter, days in _SPANS.items():
        spans = [f"{letter}{span}" for span in range(_day(first) // days, _day(last) // days + 1)]
        if len(spans) <= _NAMED:
            break
    return f" & ({'|'.join(spans)})"


def bound(name: str) -> ColumnElement[str]:
    """A value that is given when the statement is executed."""
    return bindparam(name, type_=Text())


def by_index(lengths: Sequence[int], masked: bool, bind: Bind = bound) -> ColumnElement[bool]:
    """Whether a case's text holds all words of these lengths, as the index finds it.

    `masked`: looked for in the redacted text, so that a reader cannot find out what was taken from it. The value `days`
    is empty, or names the days of which cases are wanted: PostgreSQL's index is then asked for them alone, and the
    caller leaves out the others.
    """
    hits = select(CaseText.case_id).where(_HasTokens(CaseText.id, CaseText.tokens, bind("tokens"), bind("days")))
    # Of a word of one or two characters the index tells the whole truth about the text as written.
    holds = _holding(lengths, masked, 1 if masked else 3, bind)
    return _Among(Case.id, hits.where(*holds).scalar_subquery())


def by_reading(
    case_id: ColumnElement[uuid.UUID], lengths: Sequence[int], masked: bool, bind: Bind = bound
) -> ColumnElement[bool]:
    """The same of the case with this id, seen by reading its text: for the newest few hundred, where a common word
    has far more hits than a page has room for."""
    # A scalar, because PostgreSQL turns an EXISTS into a join and then reads the texts of all cases.
    texts = select(and_(*_holding(lengths, masked, 1, bind))).where(CaseText.case_id == case_id)
    return texts.scalar_subquery()


def matching(query: str, masked: bool = False) -> ColumnElement[bool]:
    """Whether a case's text holds all words of a query, with the values in it; of a query without a word, true."""
    words = words_of(query)
    values = values_of(words) | {"days": ""}
    return by_index([*map(len, words)], masked, lambda name: literal(values[name], Text)) if words else true()


def _holding(lengths: Sequence[int], masked: bool, shortest: int, bind: Bind) -> list[ColumnElement[bool]]:
    looked_in = func.coalesce(CaseText.folded_redacted, CaseText.folded) if masked else CaseText.folded
    wanted = [bind(f"word_{number}") for number, length in enumerate(lengths) if length >= shortest]
    return [_Holds(looked_in, word) for word in wanted]


class _Question(FunctionElement[bool]):
    """A condition that each database is asked in its own words."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:
        # Left alone, SQLAlchemy compares it with 1 on SQLite, which then uses no index for it.
        return self


class _Holds(_Question):
    """Whether a text has another in it. LIKE, which reads character by character, takes three times as long."""

    inherit_cache = True


@compiles(_Holds, "sqlite")
def _by_instr(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    text, word = (compiler.process(part, **options) for part in element.clauses)
    return f"instr({text}, {word}) > 0"


@compiles(_Holds, "postgresql")
def _by_strpos(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    text, word = (compiler.process(part, **options) for part in element.clauses)
    return f"strpos({text}, {word}) > 0"


class _HasTokens(_Question):
    """Whether a row of case_texts (its id, its tokens) has all tokens of a text with blanks between them, and one of
    the days in another text, which SQLite does not look at: its index has none."""

    inherit_cache = True


@compiles(_HasTokens, "sqlite")
def _by_fts5(element: _HasTokens, compiler: SQLCompiler, **options: Any) -> str:
    number, _, asked, _ = (compiler.process(part, **options) for part in element.clauses)
    return f"{number} IN (SELECT rowid FROM case_tokens WHERE case_tokens MATCH {asked})"


@compiles(_HasTokens, "postgresql")
def _by_gin(element: _HasTokens, compiler: SQLCompiler, **options: Any) -> str:
    _, vector, asked, days = (compiler.process(part, **options) for part in element.clauses)
    return f"{vector} @@ CAST(replace(replace({asked}, '*', ':*'), ' ', ' & ') || {days} AS tsquery)"


class _Among(_Question):
    """Whether a value is one of those a subquery gives."""

    inherit_cache = True


@compiles(_Among, "sqlite")
def _in(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    value, hits = (compiler.process(part, **options) for part in element.clauses)
    return f"{value} IN {hits}"


@compiles(_Among, "postgresql")
def _any_of(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    # The hits are taken from the index first, whatever the planner thinks of walking all cases and looking at each.
    value, hits = (compiler.process(part, **options) for part in element.clauses)
    return f"{value} = ANY (ARRAY{hits})"
