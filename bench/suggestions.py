"""Suggesting a category beside the plain list, from the lexicon and from a table of weights as large as it may be."""

import random
import statistics
import struct
import uuid
from collections import Counter
from itertools import cycle

from sqlalchemy import insert, text

from backend.cases.rules.categories import shipped
from backend.cases.suggestions.learner.grams import grams
from backend.cases.suggestions.suggestion_tables import SuggestionVersion, SuggestionWeight
from backend.http import clock
from bench.figures import ROUNDS, SECONDS
from bench.load import drive, request
from bench.requests import Stream, headers_of, lists
from bench.servers import Town, filled_town
from bench.texts import texts
from tests.town import TOWN

CASES, WORDS, LENGTHS = 10_000, 20_000, (1, 2, 3)


def suggestions() -> None:
    """Print what a suggestion takes as a multiple of the plain list, for texts of real length."""
    print(f"Suggestions for texts of real length, beside the plain list of a town with {CASES:,} cases:")
    with filled_town(CASES) as town:
        _beside_the_list(town, "from the lexicon")
        _learn(town)
        _beside_the_list(town, f"from {WORDS:,} words")


def _beside_the_list(town: Town, name: str) -> None:
    said = texts(500, seed=11)
    headers = headers_of(town, "dispatcher")
    sent = (request("POST", "/api/v1/suggestions", headers, {"description": one}) for one in cycle(said))
    asked, plain = Stream(sent, 200), lists(town)
    for stream in (asked, plain):
        _seconds(town, stream)
    pairs = [(_seconds(town, asked), _seconds(town, plain)) for _ in range(ROUNDS)]
    ratios = [own / listed for own, listed in pairs]
    spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
    took = statistics.median(own for own, _ in pairs) * 1000
    print(f"  {name:<22} {statistics.median(ratios):.2f} times {spread}, {took:.2f} ms a request", flush=True)


def _seconds(town: Town, stream: Stream) -> float:
    """Seconds of a request, one after the other."""
    outcome = drive(town.port, stream.requests, SECONDS / 5, connections=1)
    assert set(outcome.statuses) == {stream.status}, outcome.refusals
    return outcome.seconds / outcome.statuses.total()


def _learn(town: Town) -> None:
    """A version of all categories with the commonest words of such texts, its weights by chance."""
    chance, version, codes = random.Random(11), uuid.uuid4(), list(shipped())
    counted = Counter(gram for said in texts(5_000) for gram in grams(said, LENGTHS))
    known = [gram for gram, _ in counted.most_common(WORDS)]
    figures = dict.fromkeys(("accuracy", "macro_f1", "lexicon_accuracy", "lexicon_macro_f1"), 0.5)
    told = {"id": version, "town_code": TOWN, "version": 1, "learnt_at": clock.now(), "learnt_from": CASES, **figures}
    told |= {"lengths": list(LENGTHS), "words": len(known), "threshold": 0.0}
    told["categories"] = [{"code": code, "bias": 0.0, "cases": 500, "f1": 0.5} for code in codes]
    row = struct.Struct(f"<{len(codes) + 1}f")
    with town.engine.begin() as connection:
        connection.execute(insert(SuggestionVersion), told)
        for gram in known:
            weights = row.pack(2.0, *(chance.gauss(0, 1) for _ in codes))
            connection.execute(insert(SuggestionWeight), {"version_id": version, "gram": gram, "weights": weights})
        connection.execute(text("ANALYZE suggestion_weights"))
