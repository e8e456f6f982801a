"""What a text may be about and whether it is urgent, suggested by what the town's cases taught, or by the lexicon.

It says which words decided, and nothing unless it is sure enough: from the threshold of the version on, at which four
of five suggestions were right on cases it had not seen. It never says that something is not urgent.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from backend.cases.rules.categories import Category, catalogue
from backend.cases.search.wording import Span, Wording, merged
from backend.cases.suggestions.danger import Danger
from backend.cases.suggestions.learner.grams import grams
from backend.cases.suggestions.lexicon import SURE_FROM, shares, urgent_words
from backend.cases.suggestions.suggestion_versions import InUse, in_use, weights_of

READ = 500
"""Characters of a text that are looked through for what it is about."""
WORDS_SHOWN = 5
_COUNTS = 0.25
"""A word is shown that decided at least so much as the one that decided most."""


@dataclass(frozen=True)
class Suggested:
    """A suggestion with the share of belief in it, where one was computed, and the words that decided."""

    code: str
    confidence: float | None
    spans: Sequence[Span]
    because: str = "category"
    """Of urgency: why. `danger`, `words` (that say so), or `category`: matters like it are handled day and night."""


@dataclass(frozen=True)
class Suggestion:
    """What is suggested for a text, and by which version, None for the lexicon."""

    category: Suggested | None
    urgency: Suggested | None
    version: InUse | None


def known_categories(town: str) -> Mapping[str, Category]:
    """The categories that a town files under."""
    return catalogue(town).present


def suggest(town: str, wording: Wording, danger: Danger | None) -> Suggestion:
    """What a text may be about in a town, and whether it is urgent."""
    head = Wording(wording.text[:READ], wording.at[:READ])
    version, known = in_use(town), known_categories(town)
    urgent = {code for code, kind in known.items() if kind.limits["handle"].unit == "urgent_hours"}
    found = _by_lexicon(head, urgent) if version is None else _by_version(version, head, urgent)
    category = found.category if found.category and found.category.code in known else None
    return Suggestion(category, _by_words(head, danger) or found.urgency, version)


def _by_words(head: Wording, danger: Danger | None) -> Suggested | None:
    if danger is not None:
        return Suggested("urgent", None, danger.spans, "danger")
    said = urgent_words(head)
    return Suggested("urgent", None, merged(said), "words") if said else None


def _by_lexicon(head: Wording, urgent: Collection[str]) -> Suggestion:
    found, spans = shares(head)
    likeliest = max(found, key=lambda code: found[code], default=None)
    category = _sure(likeliest, found.get(likeliest or "", 0.0), SURE_FROM, spans.get(likeliest or "", []))
    belief = sum(share for code, share in found.items() if code in urgent)
    said = [span for code in urgent for span in spans.get(code, [])]
    return Suggestion(category, _sure("urgent", belief, SURE_FROM, said), None)


def _by_version(version: InUse, head: Wording, urgent: Collection[str]) -> Suggestion:
    codes = [str(category["code"]) for category in version.categories]
    weighed = _weighed(version, head, len(codes))
    if not weighed:
        return Suggestion(None, None, version)
    counts, *sums = (sum(column) for column in zip(*((row[0] ** 2, *row[1:]) for row in weighed.values()), strict=True))
    length = sqrt(counts)
    scores = [total / length + float(kind["bias"]) for total, kind in zip(sums, version.categories, strict=True)]
    highest = max(scores)
    raised = [exp(score - highest) for score in scores]
    belief = [one / sum(raised) for one in raised]
    likeliest = belief.index(max(belief))
    day_and_night = [code in urgent for code in codes]
    urgency = sum(share for share, is_urgent in zip(belief, day_and_night, strict=True) if is_urgent)
    this = [place == likeliest for place in range(len(codes))]
    return Suggestion(
        _sure(codes[likeliest], belief[likeliest], version.threshold, _deciding(head, weighed, belief, this)),
        _sure("urgent", urgency, version.urgent_threshold, _deciding(head, weighed, belief, day_and_night)),
        version,
    )


def _weighed(version: InUse, head: Wording, categories: int) -> Mapping[str, tuple[float, ...]]:
    """The weights of the text's runs of characters that the version knows; the first is what each counts."""
    row = struct.Struct(f"<{categories + 1}f")
    found = weights_of(version.id, sorted(grams(head.text, version.lengths)))
    return {gram: row.unpack(weights) for gram, weights in found.items()}


def _sure(code: str | None, belief: float, threshold: float | None, spans: Sequence[Span]) -> Suggested | None:
    if code is None or threshold is None or belief < threshold or not spans:
        return None
    return Suggested(code, round(belief, 2), merged(spans))


def _deciding(
    head: Wording, weighed: Mapping[str, tuple[float, ...]], belief: Sequence[float], these: Sequence[bool]
) -> list[Span]:
    """Where the words stand that raised the odds of these categories most against all others."""
    among = sum(share for share, wanted in zip(belief, these, strict=True) if wanted) or 1e-12
    rest = 1 - among if among < 1 else 1e-12
    pull = [share / among if wanted else -share / rest for share, wanted in zip(belief, these, strict=True)]
    said = {
        gram: sum(weight * one for weight, one in zip(row[1:], pull, strict=True))
        for gram, row in weighed.items()
        if len(gram) > 1
    }
    most = sorted(said, key=lambda gram: (-said[gram], gram))[:WORDS_SHOWN]
    decided = [gram for gram in most if said[gram] > 0 and said[gram] >= _COUNTS * said[most[0]]]
    return [(at, at + len(gram)) for gram in decided if (at := head.text.find(gram)) >= 0]
