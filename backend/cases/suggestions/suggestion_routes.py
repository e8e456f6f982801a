"""Suggesting category and urgency from a text, and the versions that suggestions rest on."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backend.cases.rules.categories import Category
from backend.cases.search.wording import Span, Wording, wording_of
from backend.cases.suggestions import suggestion_versions
from backend.cases.suggestions.danger import NUMBERS, Danger, danger_in
from backend.cases.suggestions.lexicon import SURE_FROM
from backend.cases.suggestions.suggesting import Suggested, Suggestion, known_categories, suggest
from backend.cases.suggestions.suggestion_schemas import (
    AboutBody,
    ChoiceBody,
    OneVersionSchema,
    SuggestionVersionsSchema,
    TextSuggestionSchema,
)
from backend.cases.suggestions.suggestion_versions import KEY, KIND, checked_choice
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import listing
from backend.http.permission import permission
from backend.http.problems import Problem, language
from backend.http.reading import answer
from backend.ledger.answers import once
from backend.people.caller import current_caller, optional_caller
from backend.people.throttle import take_tries
from backend.territory.rule_answers import rule_set, rule_taken_back, town_of
from backend.territory.town_rules import Rule

room = Room("suggestions", "Category and urgency suggested from a text, and what they are learnt from")

_URGENT = ("紧急", "urgent")
_NOTHING: dict[str, Any] = {"category": None, "urgency": None, "basis": None}
_FIGURES = (
    *("version", "learnt_at", "learnt_from", "words", "accuracy", "macro_f1"),
    *("lexicon_accuracy", "lexicon_macro_f1", "withdrawn_at"),
)
_THRESHOLD = ("threshold", "right", "suggested")


@room.post("/suggestions")
@room.arguments(AboutBody)
@room.response(200, TextSuggestionSchema)
@permission("public")
def suggest_for(body: dict[str, Any]) -> Response:
    """What a text may be about, with the words that decided; but first whom to call if a life is in danger.

    Nothing of the text is kept. Danger is told even to who must wait, or while nothing else can be.
    """
    written = body["description"]
    wording = wording_of(written)
    danger = danger_in(wording)
    try:
        rest = _suggested(written, wording, danger)
    except (Problem, SQLAlchemyError):
        if danger is None:
            raise
        rest = _NOTHING
    return answer({"danger": danger and _show_danger(danger, written, wording), **rest})


def _suggested(written: str, wording: Wording, danger: Danger | None) -> dict[str, Any]:
    caller, first = optional_caller(), str(current_app.config["TOWN_CONFIG"].TOWN)
    if caller is None:
        take_tries(clock.now(), suggestion=request.remote_addr or "")
    town = first if caller is None or not caller.towns or first in caller.towns else min(caller.towns)
    found = suggest(town, wording, danger)
    return {
        "category": found.category and _show_category(found.category, town, written, wording),
        "urgency": found.urgency and _show_urgency(found.urgency, written, wording),
        "basis": _basis(found),
    }


def _show_danger(danger: Danger, written: str, wording: Wording) -> dict[str, Any]:
    zh = "、".join(f"{number}（{NUMBERS[number][0]}）" for number in danger.call)
    en = ", ".join(f"{number} ({NUMBERS[number][1]})" for number in danger.call)
    first = danger.kinds[0]
    return {
        "call": [{"number": number, "name": _said(NUMBERS[number])} for number in danger.call],
        "zh": f"如果有人的生命正受到威胁，请先拨打 {zh}，再填写上报；这里的上报不能代替报警。{first.do_zh}",
        "en": f"If a life is in danger, call {en} before you report; a report here does not call them. {first.do_en}",
        "kinds": [kind.code for kind in danger.kinds],
        "words": _words(danger.spans, written, wording),
    }


def _show_category(found: Suggested, town: str, written: str, wording: Wording) -> dict[str, Any]:
    kind = known_categories(town)[found.code]
    named = {"code": kind.code, "name": _said((kind.zh, kind.en)), "confidence": found.confidence}
    return named | {"words": _words(found.spans, written, wording)}


def _show_urgency(found: Suggested, written: str, wording: Wording) -> dict[str, Any]:
    named = {"code": found.code, "name": _said(_URGENT), "because": found.because, "confidence": found.confidence}
    return named | {"words": _words(found.spans, written, wording)}


def _basis(found: Suggestion) -> dict[str, Any]:
    version = found.version
    if version is None:
        return {"version": 0, "learnt_from": 0, "threshold": SURE_FROM, "urgent_threshold": SURE_FROM}
    return {name: getattr(version, name) for name in ("version", "learnt_from", "threshold", "urgent_threshold")}


def _words(spans: Sequence[Span], written: str, wording: Wording) -> list[dict[str, Any]]:
    places = [wording.written(span) for span in spans]
    return [{"text": written[start:end], "start": start, "end": end} for start, end in places]


def _said(names: tuple[str, str]) -> str:
    return names[0] if language() == "zh" else names[1]


@room.get("/suggestion-versions")
@room.response(200, SuggestionVersionsSchema)
@permission("read_settings")
def list_versions() -> Response:
    """What was learnt from the town's cases, newest first, how good each version is, and which one is used."""
    town = town_of("read_settings")
    used, known = suggestion_versions.in_use(town), known_categories(town)
    items = [_show_version(one, known) for one in suggestion_versions.versions(town)]
    rule, in_use = suggestion_versions.choice(town), used.version if used else 0
    chosen = suggestion_versions.chosen_version(rule)
    stands = rule.version if rule is not None and chosen is not None else 0
    heads = {"chosen": chosen, "choice_version": stands, "in_use": in_use}
    return answer(heads | listing(items))


@room.put("/suggestion-versions/choice")
@room.arguments(ChoiceBody)
@room.response(200, OneVersionSchema)
@room.replacing
@permission("keep_settings")
def set_choice(body: dict[str, Any]) -> Response:
    """Have a version used from now on, 0 for the lexicon."""

    return rule_set(KIND, KEY, lambda town: checked_choice(town, body), _show_choice)


@room.delete("/suggestion-versions/choice")
@room.response(204)
@room.conditional
@permission("keep_settings")
def take_back_choice() -> Response:
    """Have always the newest version used again that is better than the lexicon."""
    return rule_taken_back(KIND, KEY)


@room.post("/suggestion-versions/<int:version>/withdraw")
@room.response(200, OneVersionSchema)
@room.resendable
@permission("keep_settings")
def withdrawn(version: int) -> Response:
    """Have a version never used again."""
    caller, town = current_caller(), town_of("keep_settings")

    def work(session: Session) -> Response:
        suggestion_versions.withdraw(session, town, version, caller.account_id, clock.now())
        return answer({"version": version})

    return once(caller.account_id, work)


def _show_choice(rule: Rule) -> dict[str, Any]:
    return {"version": rule.value["version"]}


def _show_version(version: Any, known: Mapping[str, Category]) -> dict[str, Any]:
    shown = {name: getattr(version, name) for name in _FIGURES}
    shown["category"] = {name: getattr(version, name) for name in _THRESHOLD}
    shown["urgency"] = {name: getattr(version, f"urgent_{name}") for name in _THRESHOLD}
    return shown | {"categories": [_show_learnt(kind, known) for kind in version.categories]}


def _show_learnt(learnt: dict[str, Any], known: Mapping[str, Category]) -> dict[str, Any]:
    kind = known.get(learnt["code"])
    name = _said((kind.zh, kind.en)) if kind else learnt["code"]
    return {"code": learnt["code"], "name": name, "cases": learnt["cases"] or None, "f1": learnt["f1"]}
