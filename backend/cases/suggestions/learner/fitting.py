"""Learning which runs of characters stand for which category, and how far that can be believed.

Several ways are tried, each on cases it did not see (five-fold cross-validation), and the one with the best macro-F1 is
kept: runs of 1 and 2, of 2, or of 1 to 3 characters, by logistic regression or complement naive Bayes. All of them are
sums of weights over the runs of a text, so that who suggests needs a table of weights and nothing else.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import ComplementNB

from .grams import grams

FOLDS = 5
LEAST_CASES = 50
"""Cases below which nothing is learnt."""
MOST_GRAMS = 20_000
LENGTHS: Sequence[Sequence[int]] = ((1, 2), (2,), (1, 2, 3))
RIGHT = 0.8
"""The share of what is suggested that was right, among the cases that were held back."""
LEAST_SUGGESTED = 20
"""Suggestions among those cases below which that share is not believed."""
LEXICON_WEIGHT = 0.3
"""What a word of the lexicon counts beside a case."""

Matrix = Any
"""A sparse matrix, or an array, of numpy and scipy, which the types say too little of."""


@dataclass
class _Way:
    """One way to learn: its runs, the texts by them, and what it said of each case without having seen it."""

    lengths: Sequence[int]
    bayes: bool
    known: list[str]
    idf: Matrix
    cases: Matrix
    words: Matrix
    scores: Matrix
    macro_f1: float


def learn(
    texts: list[str], labels: list[str], lexicon: Mapping[str, Sequence[str]], urgent: list[str], least: int
) -> dict[str, Any] | None:
    """What these texts, with the category of each, teach; None from too few.

    `lexicon` has words of the categories that may be suggested, `urgent` names those that are, and a run of characters
    that stands in fewer than `least` texts, and in no word of the lexicon, is not kept.
    """
    counted = Counter(labels)
    kept = [(text, label) for text, label in zip(texts, labels, strict=True) if counted[label] >= FOLDS]
    if len(kept) < LEAST_CASES or len({label for _, label in kept}) < 2:
        return None
    told, said = [text for text, _ in kept], [label for _, label in kept]
    categories = sorted({*said, *lexicon})
    number = {category: place for place, category in enumerate(categories)}
    right = np.array([number[label] for label in said])
    words = [(word, number[category]) for category, known in lexicon.items() for word in known if grams(word, (2,))]
    best = max(_ways(told, right, words, least), key=lambda way: way.macro_f1)
    heat = _heat(best.scores, right)
    sure = _shares(best.scores / heat)
    weights, biases = _fitted(best, best.cases, right, words, len(categories))
    found = sure.argmax(axis=1)
    is_urgent = np.array([category in urgent for category in categories])
    f1 = f1_score(right, found, average=None, labels=range(len(categories)), zero_division=0.0)
    return {
        "categories": [
            {
                "code": category,
                "bias": float(biases[place] / heat),
                "cases": counted[category] if counted[category] >= FOLDS else 0,
                "f1": round(float(f1[place]), 4) if counted[category] >= FOLDS else None,
            }
            for place, category in enumerate(categories)
        ],
        "lengths": list(best.lengths),
        "learnt_from": len(kept),
        "accuracy": float(accuracy_score(right, found)),
        "macro_f1": best.macro_f1,
        "sure": _threshold(sure.max(axis=1), found == right),
        "urgent": _threshold(sure[:, is_urgent].sum(axis=1), is_urgent[right]),
        "grams": {gram: row.tobytes() for gram, row in _table(best, weights / heat)},
    }


def _ways(texts: list[str], right: Matrix, words: list[tuple[str, int]], least: int) -> Iterator[_Way]:
    split = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(texts, right))
    for lengths in LENGTHS:
        known = _known(texts, [word for word, _ in words], lengths, least)
        counter = CountVectorizer(
            analyzer=lambda text, lengths=lengths: grams(text, lengths), vocabulary=known, dtype=np.float32
        )
        counted = counter.transform([*texts, *(word for word, _ in words)])
        weigh = TfidfTransformer().fit(counted[: len(texts)])
        weighed = weigh.transform(counted)
        cases, lexicon = weighed[: len(texts)], weighed[len(texts) :]
        for bayes in (False, True):
            way = _Way(lengths, bayes, known, weigh.idf_, cases, lexicon, None, 0.0)
            classes = max([*right, *(place for _, place in words)]) + 1
            way.scores = np.zeros((len(texts), classes))
            for learnt, held_back in split:
                weights, biases = _fitted(way, cases[learnt], right[learnt], words, classes)
                way.scores[held_back] = cases[held_back] @ weights.T + biases
            found = way.scores.argmax(axis=1)
            way.macro_f1 = float(f1_score(right, found, average="macro", labels=np.unique(right), zero_division=0.0))
            yield way


def _known(texts: list[str], words: list[str], lengths: Sequence[int], least: int) -> list[str]:
    """The runs to be kept: of the lexicon, and those in enough texts, the commonest if they are too many."""
    own = {gram for word in words for gram in grams(word, lengths)}
    in_texts = Counter(gram for text in texts for gram in grams(text, lengths))
    common = [gram for gram, count in in_texts.most_common(MOST_GRAMS) if count >= least and gram not in own]
    return sorted([*own, *common[: max(0, MOST_GRAMS - len(own))]])


def _fitted(
    way: _Way, cases: Matrix, right: Matrix, words: list[tuple[str, int]], classes: int
) -> tuple[Matrix, Matrix]:
    """Weights by category and run, and a bias by category, learnt from these cases and the lexicon's words."""
    every: csr_matrix = vstack([cases, way.words], format="csr")
    meant = np.concatenate([right, np.array([place for _, place in words], dtype=right.dtype)])
    counts = np.concatenate([np.ones(len(right)), np.full(len(words), LEXICON_WEIGHT)])
    model = ComplementNB(alpha=0.3) if way.bayes else LogisticRegression(C=30.0, max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(every, meant, counts)
    weights, biases = np.zeros((classes, len(way.known))), np.full(classes, -1e3)
    if way.bayes:
        weights[model.classes_] = model.feature_log_prob_
        biases[model.classes_] = 0.0
    elif len(model.classes_) == 2:
        weights[model.classes_[1]], biases[model.classes_[1]] = model.coef_[0], model.intercept_[0]
        biases[model.classes_[0]] = 0.0
    else:
        weights[model.classes_], biases[model.classes_] = model.coef_, model.intercept_
    return weights, biases


def _heat(scores: Matrix, right: Matrix) -> float:
    """By what to divide scores so that the shares they become are as often right as they say (temperature scaling)."""

    def surprise(heat: float) -> float:
        return float(-np.log(_shares(scores / heat)[np.arange(len(right)), right] + 1e-12).mean())

    return float(min(np.geomspace(0.02, 20.0, 120), key=surprise))


def _shares(scores: Matrix) -> Matrix:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _threshold(sure: Matrix, right: Matrix) -> dict[str, float] | None:
    """From which share on enough is right to be said, how much then is, and of how many cases something is said."""
    order = np.argsort(-sure, kind="stable")
    share_right = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share_right >= RIGHT)
    if not len(enough) or enough[-1] + 1 < LEAST_SUGGESTED:
        return None
    last = int(enough[-1])
    return {
        "threshold": float(sure[order[last]]),
        "right": round(float(share_right[last]), 4),
        "suggested": round((last + 1) / len(order), 4),
    }


def _table(way: _Way, weights: Matrix) -> Iterator[tuple[str, Matrix]]:
    """Of each run what it counts (for the length of a text), and its weight for each category."""
    rows = np.column_stack([way.idf, (weights * way.idf).T]).astype("<f4")
    return zip(way.known, rows, strict=True)
