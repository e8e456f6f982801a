"""Finding cases by words: newest first, the best of the newest on top.

The planner alone takes the wrong way for a rare or for a common word: it walks all cases for the one and sorts all hits
of the other. So the newest few hundred of each way are looked through first, where a common word fills a page. If it
does not, their number of hits tells how far back a page will reach, and the index is asked for that many days alone
(each text has its day among its tokens), for more of them while the page is not full, and at last for all.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Select, bindparam, literal_column, select

from backend.cases.case_row import ListedCase
from backend.cases.listing import Question, question
from backend.cases.rendering import written_as_seen
from backend.cases.search.marking import Marked, mark
from backend.cases.search.search import by_index, by_reading, days_named, values_of, words_of
from backend.cases.tables import Case
from backend.extensions import UtcDateTime
from backend.people.access import Caller

WALKED = 140
"""Newest cases of each way that are looked through before the index is asked."""
MOST_DAYS = 640
"""Days that the index is asked for by name; what has its page further back is rare, and asked for as a whole."""
_FARTHER = 8


@dataclass(frozen=True)
class _Newest:
    """Those of the newest cases that have words of these lengths."""

    walked: int
    lengths: tuple[int, ...]

    def __call__(self, page: Select[Any], masked: bool) -> Select[Any]:
        walked = page.add_columns(Case.occurred_at).limit(self.walked).subquery().c
        hits = select(walked.id).where(by_reading(walked.id, self.lengths, masked))
        return hits.order_by(walked.occurred_at.desc(), walked.id.desc())


@dataclass(frozen=True)
class _Last:
    """The last of so many cases."""

    walked: int

    def __call__(self, page: Select[Any], masked: bool) -> Select[Any]:
        return page.offset(literal_column(str(self.walked - 1), Case.version.type))


@dataclass(frozen=True)
class _Indexed:
    """Those of the cases since an instant that have words of these lengths, by the index."""

    lengths: tuple[int, ...]

    def __call__(self, page: Select[Any], masked: bool) -> Select[Any]:
        return page.where(Case.occurred_at >= bindparam("since", type_=UtcDateTime), by_index(self.lengths, masked))


def find_cases(
    caller: Caller,
    filters: Mapping[str, Any],
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    now: datetime,
    kinds: Sequence[str] | None = None,
) -> list[ListedCase]:
    """Up to `limit` cases the caller sees whose text has all words of `filters["text"]`, newest first.

    The other filters, and `kinds`, as in `list_cases`. A masked reader's words are looked for in the redacted text.
    """
    words, asked = words_of(filters["text"]), question(caller, filters, after, kinds)
    if not words:
        return asked.answers(limit)
    asked, until = asked.knowing(values_of(words)), min(after[0], now) if after else now
    lengths = tuple(map(len, words))
    found = {case.id: case for way in asked.ways for case in _by_way(asked.by(way), lengths, until, limit)}
    newest_first = sorted(found.values(), key=lambda case: (case.occurred_at, case.id), reverse=True)
    return newest_first[:limit]


def _by_way(asked: Question, lengths: tuple[int, ...], until: datetime, limit: int) -> list[ListedCase]:
    hits = asked.answers(limit, _Newest(WALKED, lengths))
    if len(hits) >= limit:
        return hits
    farthest = asked.answers(1, _Last(WALKED))
    if not farthest:
        return hits  # there are no more cases than that
    # Four times as far as the hits among the newest make expect: a second question costs more than the hits too many.
    back = (until - farthest[0].occurred_at) * (4 * limit / max(len(hits), 1))
    while math.ceil(back / timedelta(days=1)) <= MOST_DAYS:
        since = until - back
        lately = asked.knowing({"since": since, "days": days_named(since, until)})
        hits = lately.answers(limit, _Indexed(lengths))
        if len(hits) >= limit:
            return hits
        back = max(back, timedelta(days=1)) * (_FARTHER * limit / max(len(hits), 1))
    return asked.knowing({"since": _EVER, "days": ""}).answers(limit, _Indexed(lengths))


_EVER = datetime(1900, 1, 1, tzinfo=UTC)
BEST = 3
"""Of the newest hits so many stand on top that are more about the words than others."""


def show_found(
    caller: Caller, found: Sequence[ListedCase], crs: str, text: str, best_on_top: bool
) -> list[orjson.Fragment]:
    """Found cases as JSON, as far as the caller sees them, with where the words stand in the text they see."""
    written = written_as_seen(caller, found, crs).values()
    # Reading it again takes less than showing it again.
    shown = [(case, mark(orjson.loads(case)["description"], text)) for case in written]
    newest, best = range(len(shown)), list[int]()
    if best_on_top and shown:
        least = min(marked.weight for _, marked in shown)
        best = sorted((one for one in newest if shown[one][1].weight > least), key=lambda one: -shown[one][1].weight)
    best = best[:BEST]
    return [_found(*shown[one], one in best) for one in (*best, *(one for one in newest if one not in best))]


def _found(written: bytes, marked: Marked, best: bool) -> orjson.Fragment:
    told = {"best": best, "snippet": [{"text": part, "hit": hit} for part, hit in marked.parts]}
    return orjson.Fragment(written[:-1] + b',"found":' + orjson.dumps(told) + b"}")
