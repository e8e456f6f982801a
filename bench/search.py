"""Searching and work lists in a large town: as multiples of the plain list, and as a share of the yardstick."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import cycle, pairwise
from urllib.parse import quote

from sqlalchemy import text

from backend.cases.search.folding import searchable, tokens
from bench.figures import ROUNDS, SECONDS, measured, print_rates
from bench.filling import POOL
from bench.load import drive, request
from bench.requests import Stream, headers_of, lists, work_lists
from bench.servers import Town, large_town, yardstick
from bench.texts import texts

AT_MOST = 5.0
INSERTS = 500


def search() -> None:
    """Print the work lists' share of the yardstick, what searches take beside the plain list, and the index's cost."""
    town = large_town()
    print(f"Work lists and search with {town.cases:,} cases with texts of real length:")
    with yardstick() as bare:
        streams = {"work list of 50": work_lists(town), "work list, holder": work_lists(town, "village_officer")}
        print_rates(list(measured(town, bare, streams)))
    _searches(town)
    _index(town)


def _searches(town: Town) -> None:
    plain = lists(town)
    asked = {name: _stream(town, word) for name, (word, _) in _words().items()}
    times: dict[str, list[float]] = {name: [] for name in asked}
    for stream in (plain, *asked.values()):
        drive(town.port, stream.requests, most=20, connections=1)
    for _ in range(ROUNDS):
        for name, stream in asked.items():
            own = _seconds(town, stream)
            times[name].append(own / _seconds(town, plain))
    for name, (word, hits) in _words().items():
        ratio = statistics.median(times[name])
        verdict = "met" if ratio <= AT_MOST else "MISSED"
        spread = f"({min(times[name]):.2f} to {max(times[name]):.2f})"
        print(f"  {name:<22} {ratio:.2f} times the plain list {spread}, wanted {AT_MOST:.0f}: {verdict}", end="")
        print(f"  ({word}, in about {hits * town.cases // POOL:,} cases)", flush=True)


def _words() -> Mapping[str, tuple[str, int]]:
    """Words of two characters and in how many of the pool's texts they are: rare, 1 in 200, common; and one in none."""
    counted = Counter(pair for said in texts(POOL) for pair in {"".join(pair) for pair in pairwise(said)})
    found = {word: count for word, count in counted.items() if not set(word) & set("，。；")}
    wanted = {"a rare word": 1, "a middling word": POOL // 200, "a common word": POOL // 2}
    nearest = {name: min(found, key=lambda word: (abs(found[word] - count), word)) for name, count in wanted.items()}
    return {name: (word, found[word]) for name, word in nearest.items()} | {"a word of no case": ("㐀㐁", 0)}


def _stream(town: Town, word: str) -> Stream:
    return Stream(cycle([request("GET", f"/api/v1/cases?text={quote(word)}", headers_of(town, "dispatcher"))]), 200)


def _seconds(town: Town, stream: Stream) -> float:
    """Seconds of a request, one after the other."""
    outcome = drive(town.port, stream.requests, SECONDS / 5, connections=1)
    assert set(outcome.statuses) == {200}, outcome.refusals
    return outcome.seconds / outcome.statuses.total()


def _index(town: Town) -> None:
    size = (
        "SELECT pg_size_pretty(pg_relation_size('ix_case_texts_tokens')), pg_size_pretty(pg_total_relation_size(:all))"
    )
    with town.engine.connect() as connection:
        index, whole = connection.execute(text(size), {"all": "case_texts"}).one()
    print(f"  the index takes {index}, with the texts {whole}")
    without, with_tokens = (statistics.median(_inserts(town, tokens)) * 1000 for tokens in (False, True))
    print(f"  a text's insert takes {with_tokens:.2f} ms, without its tokens {without:.2f} ms", flush=True)


def _inserts(town: Town, with_tokens: bool) -> Iterator[float]:
    kept = "CAST(:tokens AS tsvector)" if with_tokens else "NULL"
    insert = text(f"INSERT INTO case_texts (case_id, folded, tokens) VALUES (:id, :folded, {kept})")
    with town.engine.connect() as connection:
        free = text("DELETE FROM case_texts WHERE case_id IN (SELECT id FROM cases LIMIT :most) RETURNING case_id")
        ids = [row.case_id for row in connection.execute(free, {"most": INSERTS})]
        connection.commit()
        for case, said in zip(ids, texts(INSERTS, seed=9), strict=False):
            folded = searchable(said)
            values = {"id": case, "folded": folded} | ({"tokens": " ".join(tokens(folded))} if with_tokens else {})
            started = time.perf_counter()
            connection.execute(insert, values)
            connection.commit()
            yield time.perf_counter() - started
