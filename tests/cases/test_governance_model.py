"""The governance model as the town edits it: what is refused, what stays, and what it changes of what there is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.town import VILLAGE, People, report

Document = dict[str, Any]


def held(people: People) -> Document:
    answer = people.client.get("/api/v1/governance-model")
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"'
    told: Document = answer.json
    return told


def lay_down(people: People, changed: Document) -> Any:
    """Put a model in place of the version that it was read with."""
    body = {name: changed[name] for name in ("zh", "en", "groups")}
    return people["admin"].put("/governance-model", body, If_Match=f'"{changed["version"]}"')


def element(model: Document, code: str) -> Document:
    found: Document = next(one for group in model["groups"] for one in group["elements"] if one["code"] == code)
    return found


def test_every_rule_can_be_sent_back_as_it_was_read_and_only_what_is_no_part_of_it_is_refused(people: People) -> None:
    admin = people["admin"]
    answer = {"title": "不属本镇", "text": "请向相关部门反映。", "actions": ["decline"]}
    assert admin.put("/standard-answers/elsewhere", answer).status_code == 200
    assert admin.put(f"/routing-rules/litter/{VILLAGE}", {"department": VILLAGE}).status_code == 200
    laid = admin.put("/partymap/layers/public_cases", {"order": 71})
    layer = next(one for one in admin.get("/partymap/layers").json["items"] if one["name"] == "public_cases")
    texts = admin.get("/notice-texts").json["items"][0]
    for method, path, read in (
        ("put", "/governance-model", held(people)),
        ("put", "/standard-answers/elsewhere", admin.get("/standard-answers").json["items"][0]),
        ("put", f"/routing-rules/litter/{VILLAGE}", admin.get("/routing-rules").json["items"][0]),
        ("put", "/partymap/layers/public_cases", laid.json),
        ("put", "/partymap/layers/public_cases", layer | {"version": 2}),
        ("patch", "/settings/close_after_workdays", admin.get("/settings/close_after_workdays").json),
        ("patch", f"/notice-texts/{texts['template']}/{texts['language']}", texts),
    ):
        send = getattr(admin, method)
        refused = send(path, read | {"made_up": 1}, If_Match=f'"{read["version"]}"')
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["made_up"]), path
        back = send(path, read, If_Match=f'"{read["version"]}"')
        assert back.status_code == 200 and back.json["version"] == read["version"] + 1, (path, back.json)


def test_a_code_of_another_group_is_told_with_which_number_it_begins(people: People) -> None:
    model = held(people)
    for code, told in (("9.1", "1、2、5 或 8"), ("8.1", "应以“1.”开头")):
        model["groups"][0]["elements"][0]["code"] = code
        assert told in str(lay_down(people, model).json["errors"])


def test_a_town_names_adds_and_retires_elements_and_every_version_stays(people: People) -> None:
    model = held(people)
    element(model, "8.1").update(zh="水乡人居", en="water town living")
    element(model, "8.2")["placeholder"] = False  # the example is what the town calls it
    element(model, "8.8")["retired"] = True
    new = {"code": "8.10", "zh": "基塘守护", "en": "ponds", "branches": ["environment"]}
    model["groups"][3]["elements"].insert(0, new)
    first = lay_down(people, model)
    assert (first.status_code, first.headers["ETag"], first.json["version"]) == (200, '"1"', 1)
    assert held(people) == first.json
    told = {one["code"]: one for one in first.json["groups"][3]["elements"]}
    assert list(told)[-3:] == ["8.7", "8.8", "8.10"]
    named = {code for code, one in told.items() if not one["placeholder"]}
    assert named == {"8.1", "8.2", "8.10"} and told["8.8"]["retired"] and not told["8.10"]["retired"]
    refused = lay_down(people, model)  # decided on version 0
    assert (refused.status_code, refused.json["code"], refused.headers["ETag"]) == (412, "stale_version", '"1"')
    body = {name: model[name] for name in ("zh", "en", "groups")}
    assert people["admin"].put("/governance-model", body).json["code"] == "version_required"
    # Who says no more of it has said so once; a name taken back is no example again.
    again = held(people)
    del element(again, "8.2")["placeholder"]
    element(again, "8.1").update(zh="人居环境", en="living environment")
    second = lay_down(people, again)
    assert not element(second.json, "8.2")["placeholder"] and not element(second.json, "8.1")["placeholder"]
    history = people["admin"].get("/governance-model/history").json["items"]
    assert [one["version"] for one in history] == [2, 1]
    assert history[1]["value"]["groups"] == first.json["groups"] and history[1]["set_by"]


def without(code: str) -> Callable[[Document], None]:
    def change(model: Document) -> None:
        for group in model["groups"]:
            group["elements"] = [one for one in group["elements"] if one["code"] != code]

    return change


def with_(of: str, /, **changes: Any) -> Callable[[Document], None]:
    return lambda model: element(model, of).update(changes)


NO_MODELS: tuple[tuple[Callable[[Document], Any], int, str], ...] = (
    (without("8.8"), 409, "element_dropped"),
    (with_("8.8", code="8.9"), 409, "element_dropped"),
    (with_("8.8", code="5.9"), 422, "invalid"),
    (with_("8.8", code="8.1"), 422, "invalid"),
    (with_("8.8", code="8.08"), 422, "invalid"),
    (with_("8.8", zh="人居环境"), 422, "invalid"),
    (with_("8.8", zh=" "), 422, "invalid"),
    (with_("8.8", branches=["nothing"]), 422, "invalid"),
    (lambda model: model["groups"].pop(), 422, "invalid"),
    (lambda model: model["groups"].reverse(), 422, "invalid"),
    (lambda model: model["groups"][0].update(number=3), 422, "invalid"),
)


def test_what_is_no_model_or_forgets_an_element_is_refused_and_changes_nothing(people: People) -> None:
    model = held(people)
    for number, (change, status, code) in enumerate(NO_MODELS):
        changed = copy.deepcopy(model)
        change(changed)
        refused = lay_down(people, changed)
        assert (refused.status_code, refused.json["code"]) == (status, code), (number, refused.json)
    assert held(people) == model


def test_a_retired_element_is_offered_no_more_is_named_where_it_stands_and_comes_back_as_what_it_was(
    people: People,
) -> None:
    case, other = (people["grid_worker"].file(tags=tags)["id"] for tags in (["8.8"], ["8.1"]))
    model = held(people)
    element(model, "8.8")["retired"] = True
    element(model, "8.1")["zh"] = "水乡人居"
    assert lay_down(people, model).status_code == 200
    assert people["grid_worker"].post("/cases", report(tags=["8.8"])).status_code == 422
    assert people["dispatcher"].act(other, "tag", tags=["8.1", "8.8"]).status_code == 422
    assert people["dispatcher"].act(case, "tag", tags=["8.8", "8.2"]).status_code == 200  # it stands there already
    told = people["dispatcher"].get(f"/cases/{case}/tags").json["items"]
    assert [(one["element"], one["name"], one["placeholder"]) for one in told] == [
        ("8.2", "公共设施", True),
        ("8.8", "文明新风", True),
    ]
    assert people["dispatcher"].get(f"/cases/{other}/tags").json["items"][0]["name"] == "水乡人居"
    counted = {
        one["element"]: one["cases"] for one in people["dispatcher"].get("/governance-model/cases").json["items"]
    }
    assert (counted["8.8"], counted["8.1"]) == (1, 1)
    assert [one["id"] for one in people["dispatcher"].get("/cases?element=8.8").json["items"]] == [case]
    model = held(people)
    element(model, "8.8").update(retired=False, zh="另一回事")
    refused = lay_down(people, model)
    assert (refused.status_code, refused.json["code"], refused.json["element"]) == (409, "element_reused", "8.8")
    element(model, "8.8")["zh"] = "文明新风"
    assert lay_down(people, model).status_code == 200
    assert people["dispatcher"].act(other, "tag", tags=["8.8"]).status_code == 200
