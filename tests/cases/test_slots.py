"""Photos before, during and after the work, and what a category needs of them."""

from __future__ import annotations

from typing import Any

import pytest

from backend.cases.rules.categories import shipped
from tests.cases.test_evidence_views import listed, send
from tests.evidence import photos
from tests.town import VILLAGE, People, carry, unknown_id


def photo(people: People, role: str = "village_officer") -> str:
    return send(people, role, photos.jpeg())


def handled(people: People, category: str = "clearing", **changes: Any) -> str:
    """A case of a category whose hand-in needs photos before and after, being handled."""
    case = str(people["resident"].file(category=category, **changes)["id"])
    carry(people, case, "start")
    return case


def hand_in(people: People, case: str, **fields: Any) -> Any:
    return people["village_officer"].act(case, "hand_in", note="已清理", **fields)


def slots(people: People, case: str) -> list[str | None]:
    return [one["slot"] for one in listed(people, "dispatcher", case)]


def test_the_category_table_says_which(people: People) -> None:
    assert shipped()["clearing"].hand_in_photos == ("before", "after")
    assert shipped()["neighbours"].hand_in_photos == ()
    told = {one["code"]: one for one in people["resident"].get("/categories").json["items"]}
    assert told["clearing"]["hand_in_photos"] == ["before", "after"] and told["litter"]["hand_in_photos"] == []


def test_filing_is_not_refused_for_what_the_hand_in_needs(people: People) -> None:
    assert people["resident"].file(category="clearing")["evidence"] == []


def test_handing_in_without_them_is_refused_and_says_which_are_missing(people: People) -> None:
    case = handled(people)
    for fields, missing, words in (
        ({}, {"before", "after"}, ("处置前和处置后", "before the work and after the work")),
        ({"evidence": [photo(people)]}, {"before"}, ("处置前", "before the work")),
        ({"photos": {"before": [photo(people)]}}, {"after"}, ("处置后", "after the work")),
        ({"photos": {"during": [photo(people)]}}, {"before", "after"}, ("处置前和处置后", "before the work")),
    ):
        answer = hand_in(people, case, **fields)
        assert (answer.status_code, answer.json["code"]) == (422, "photos_missing")
        assert set(answer.json["errors"]["photos"]) == missing and words[0] in answer.json["detail"]
        assert words[1] in answer.json["missing_en"]
    assert people["village_officer"].get(f"/cases/{case}").json["status"] == "handling" and slots(people, case) == []


def test_both_photos_fill_their_slots(people: People) -> None:
    case = handled(people)
    before, during, after = (photo(people) for _ in range(3))
    answer = hand_in(people, case, evidence=[after], photos={"before": [before], "during": [during]})
    assert answer.status_code == 200, answer.json
    assert {one["id"]: one["slot"] for one in listed(people, "dispatcher", case)} == {
        before: "before",
        during: "during",
        after: "after",
    }


def test_what_the_reporter_showed_is_how_it_was_before(people: People) -> None:
    case = handled(people, evidence=[photo(people, "resident")])
    assert hand_in(people, case, evidence=[photo(people)]).status_code == 200
    assert slots(people, case) == ["before", "after"]


def test_rework_takes_a_new_photo_of_how_it_is_after(people: People) -> None:
    case = handled(people, evidence=[photo(people, "resident")])
    first = photo(people)
    assert hand_in(people, case, evidence=[first]).status_code == 200
    assert people["inspector"].act(case, "rework", reason="未清理干净").status_code == 200
    for fields in ({}, {"evidence": [first]}):
        answer = hand_in(people, case, **fields)
        assert (answer.status_code, answer.json["code"]) == (422, "photos_missing")
    assert hand_in(people, case, evidence=[photo(people)]).status_code == 200


def test_a_category_that_needs_none_is_handed_in_with_or_without(people: People) -> None:
    assert hand_in(people, handled(people, "litter")).status_code == 200
    case = handled(people, "litter")
    assert hand_in(people, case, photos={"after": [photo(people)]}).status_code == 200
    assert slots(people, case) == ["after"]


@pytest.mark.parametrize(
    "named",
    [
        {"photos": {"later": [unknown_id()]}},
        {"photos": [unknown_id()]},
        {"photos": {"after": unknown_id()}},
        {"photos": {"after": ["no id"]}},
        {"photos": None},
        {"photos": {"after": [unknown_id()] * 2}},
        {"photos": {"after": [unknown_id() for _ in range(5)], "before": [unknown_id() for _ in range(5)]}},
        {"photos": {"after": [unknown_id()]}},
    ],
)
def test_slots_that_do_not_fit_are_refused(people: People, named: dict[str, Any]) -> None:
    case = handled(people, "litter")
    answer = hand_in(people, case, **named)
    assert answer.status_code == 422 and (set(answer.json["errors"]) & {"photos", "evidence"})
    assert people["village_officer"].get(f"/cases/{case}").json["status"] == "handling"


def test_a_photo_named_in_two_slots_is_refused(people: People) -> None:
    case, one = handled(people, "litter"), photo(people)
    answer = hand_in(people, case, photos={"before": [one], "after": [one]})
    assert answer.status_code == 422 and "photos" in answer.json["errors"]


def test_no_other_action_takes_slots(people: People) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "hand_in", holder=VILLAGE)
    answer = people["inspector"].act(case, "pass_check", photos={"after": [photo(people, "inspector")]})
    assert answer.status_code == 422 and "photos" in answer.json["errors"]
