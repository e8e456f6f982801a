"""What a score is made of: directions, missing values, ties, rounding."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rewards.scoring import (
    Evidence,
    Goalposts,
    Indicator,
    MinMax,
    Standing,
    competition_ranks,
    rounded,
    score_villages,
    shown,
)

VILLAGES = ["V1", "V2", "V3", "V4"]
COMPLAINTS = Indicator("complaints", "less_is_better", MinMax(), Fraction("0.6"))
GREEN = Indicator("green", "more_is_better", MinMax(), Fraction("0.4"))


def counts(**values: int) -> dict[str, Evidence]:
    return {village: Evidence(value, 1) for village, value in values.items()}


def score(
    indicators: list[Indicator],
    evidence: dict[str, dict[str, Evidence]],
    villages: list[str] = VILLAGES,
    least: str = "0",
) -> dict[str, Standing]:
    return {one.village: one for one in score_villages(indicators, Fraction(least), villages, evidence)}


def points(standing: Standing, indicator: str) -> Fraction | None:
    """Points on the indicator's own scale of 0 to 100, before its weight."""
    (found,) = [one for one in standing.indicators if one.indicator == indicator]
    return None if found.points is None or not found.weight else rounded(found.points / found.weight, 4)


def test_less_is_better_and_more_is_better_each_point_their_own_way() -> None:
    got = score(
        [COMPLAINTS, GREEN],
        {"complaints": counts(V1=2, V2=8, V3=5, V4=11), "green": counts(V1=90, V2=60, V3=75, V4=30)},
    )
    assert [points(got[v], "complaints") for v in VILLAGES] == [100, Fraction("33.3333"), Fraction("66.6667"), 0]
    assert [points(got[v], "green") for v in VILLAGES] == [100, 50, 75, 0]
    assert [got[v].score for v in VILLAGES] == [100, 40, 70, 0]
    assert [got[v].rank for v in VILLAGES] == [1, 3, 2, 4]
    assert not any(one.flags for one in got.values())


def test_equal_scores_share_the_better_rank_and_stand_in_order_of_their_codes() -> None:
    scores = {"C": Fraction(100), "D": Fraction(99), "A": Fraction(101), "B": Fraction(100)}
    assert list(competition_ranks(scores).items()) == [("A", 1), ("B", 2), ("C", 2), ("D", 4)]


def test_a_missing_value_is_not_zero_and_the_village_is_marked_incomplete() -> None:
    got = score(
        [COMPLAINTS, GREEN], {"complaints": counts(V1=2, V2=8, V3=5, V4=11), "green": counts(V1=90, V3=75, V4=30)}
    )
    assert got["V2"].score == Fraction("33.333333")
    assert got["V2"].flags == ("incomplete",)
    assert points(got["V2"], "green") is None
    # Extremes come from the values present.
    assert [points(got[v], "green") for v in ("V1", "V3", "V4")] == [100, 75, 0]


def test_a_measured_zero_is_kept_as_a_value() -> None:
    got = score([GREEN], {"green": counts(V1=0, V2=10)}, ["V1", "V2"])
    assert (got["V1"].score, got["V1"].flags, got["V1"].rank) == (0, (), 2)


def test_an_exposure_of_nothing_is_missing_and_one_below_the_evidence_asked_for_gives_no_points() -> None:
    in_time = Indicator("in_time", "more_is_better", Goalposts(Fraction(0), Fraction(1)), Fraction(1), min_evidence=3)
    got = score([in_time], {"in_time": {"V1": Evidence(0, 0), "V2": Evidence(2, 2), "V3": Evidence(1, 4)}})
    assert got["V1"].indicators[0].value is None and got["V1"].flags == ("incomplete", "unranked")
    assert got["V2"].indicators[0].value == 1 and got["V2"].score is None
    assert (got["V3"].score, got["V3"].rank) == (25, 1)


def test_a_village_with_nothing_is_unranked_and_stands_last() -> None:
    standings = score_villages([GREEN], Fraction(0), ["V1", "V2"], {"green": counts(V2=1)})
    assert [(one.village, one.rank, one.score) for one in standings] == [("V2", 1, 50), ("V1", None, None)]


def test_a_village_with_less_than_the_least_weight_is_not_ranked_by_what_little_is_known() -> None:
    evidence = {"complaints": counts(V1=2, V2=8), "green": counts(V1=1, V2=2, V3=3)}
    got = score([COMPLAINTS, GREEN], evidence, ["V1", "V2", "V3"], least="0.5")
    assert got["V3"].rank is None and got["V3"].score is None
    assert got["V3"].flags == ("incomplete", "unranked")
    assert all(one.points is None for one in got["V3"].indicators)


def test_a_field_all_alike_gets_the_same_points_and_the_other_indicators_decide() -> None:
    got = score(
        [COMPLAINTS, GREEN], {"complaints": counts(V1=7, V2=7, V3=7), "green": counts(V1=1, V2=3, V3=2)},
        ["V1", "V2", "V3"],
    )  # fmt: skip
    assert {points(one, "complaints") for one in got.values()} == {50}
    assert [got[v].rank for v in ("V1", "V2", "V3")] == [3, 1, 2]


@pytest.mark.parametrize("normalisation", [MinMax(), Goalposts(Fraction(0), Fraction(1))])
def test_one_village_alone_is_first(normalisation: MinMax | Goalposts) -> None:
    alone = Indicator("green", "more_is_better", normalisation, Fraction(1))
    assert score([alone], {"green": counts(V1=7)}, ["V1"])["V1"].rank == 1


def test_a_mean_leaves_out_what_was_not_given_and_is_shown_rounded_half_up() -> None:
    ratings = [5, 4, None, 5, 3]
    given_ratings = [one for one in ratings if one is not None]
    stars = Indicator("stars", "more_is_better", Goalposts(Fraction(1), Fraction(5)), Fraction(1))
    got = score([stars], {"stars": {"V1": Evidence(sum(given_ratings), len(given_ratings))}}, ["V1"])
    measured = got["V1"].indicators[0]
    assert (measured.value, measured.exposure) == (Fraction("4.25"), 4)
    assert measured.value is not None and shown(measured.value) == "4.3"


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (4.25, 1, "4.3"),
        (2.675, 2, "2.68"),
        (-0.25, 1, "-0.3"),
        (0.0, 1, "0.0"),
        (99.95, 1, "100.0"),
        (1e-9, 3, "0.000"),
    ],
)
def test_display_rounds_half_up(value: float, decimals: int, text: str) -> None:
    assert shown(value, decimals) == text


def test_values_beyond_the_goalposts_count_as_on_them() -> None:
    inside = Indicator("green", "more_is_better", Goalposts(Fraction(1, 10), Fraction(9, 10)), Fraction(1))
    evidence = {"green": {"V1": Evidence(0, 10), "V2": Evidence(5, 10), "V3": Evidence(10, 10)}}
    got = score([inside], evidence, ["V1", "V2", "V3"])
    assert [got[v].score for v in ("V1", "V2", "V3")] == [0, 50, 100]


NORMALISATIONS = st.sampled_from([MinMax(), Goalposts(Fraction(1, 10), Fraction(9, 10))])


Field = tuple[list[Indicator], dict[str, dict[str, Evidence]], list[str]]


@st.composite
def fields(draw: st.DrawFn) -> Field:
    villages = [f"V{number:02d}" for number in range(draw(st.integers(1, 10)))]
    indicators, evidence = [], {}
    for code in ("a", "b", "c")[: draw(st.integers(1, 3))]:
        direction = draw(st.sampled_from(["more_is_better", "less_is_better"]))
        weight = Fraction(draw(st.integers(1, 9)), 10)
        indicators.append(Indicator(code, direction, draw(NORMALISATIONS), weight, draw(st.integers(1, 3))))
        pairs = st.integers(0, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
        evidence[code] = {v: Evidence(*draw(pairs)) for v in villages if draw(st.booleans())}
    return indicators, evidence, villages


@given(fields(), st.randoms())
def test_neither_the_order_of_villages_nor_of_indicators_changes_a_score(field: Field, random: Random) -> None:
    indicators, evidence, villages = field
    first = score(indicators, evidence, villages)
    random.shuffle(villages)
    random.shuffle(indicators)
    again = score(indicators, evidence, villages)
    assert {v: (one.score, one.rank) for v, one in first.items()} == {
        v: (one.score, one.rank) for v, one in again.items()
    }


@given(fields())
def test_the_points_of_a_village_add_up_to_its_score_and_its_weights_to_one(field: Field) -> None:
    for one in score_villages(field[0], Fraction(0), field[2], field[1]):
        if one.score is None:
            assert all(measured.points is None for measured in one.indicators)
            continue
        assert 0 <= one.score <= 100
        assert rounded(sum((m.points for m in one.indicators if m.points is not None), Fraction(0))) == one.score
        assert sum((m.weight for m in one.indicators if m.weight is not None), Fraction(0)) == 1


@given(fields())
def test_every_village_is_listed_once_and_a_better_score_never_ranks_lower(field: Field) -> None:
    standings = score_villages(field[0], Fraction(0), field[2], field[1])
    assert sorted(one.village for one in standings) == field[2]
    ranked = [(one.score, one.rank) for one in standings if one.score is not None]
    for score_a, rank_a in ranked:
        assert rank_a == 1 + sum(score_b > score_a for score_b, _ in ranked)
