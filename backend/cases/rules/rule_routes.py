"""Where cases go and what is said with an action, kept by the town's admin and offered to whoever acts on a case."""

import re
import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from backend.cases.rules import routing, standard_answers
from backend.cases.rules.routing import checked_rule, suggestions
from backend.cases.rules.standard_answers import ANSWERABLE, LONGEST, PLACEHOLDERS, answers_for, checked_answer
from backend.cases.viewing import read_case
from backend.http.blueprint import Room
from backend.http.fields import Text
from backend.http.pages import PageQuery, listing, page_of
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer
from backend.people.caller import current_caller
from backend.territory.rule_answers import (
    AsRead,
    RuleBody,
    RuleVersionsSchema,
    rule_set,
    rule_taken_back,
    rules_page,
    versions_page,
)
from backend.territory.town_rules import Rule

room = Room("rules", "Where cases go, and standard answers")

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RULE = re.compile(r"[a-z][a-z0-9_]{0,39} ([0-9]{9}|[0-9]{12}|[0-9]{15})")


class RoutingBody(RuleBody):
    """Where cases go."""

    category, area = AsRead(), AsRead()
    department = Text(40, required=True, metadata={"description": "code of a department or village"})


class RoutingRuleSchema(Schema):
    """Where cases of a category go that lie in an area."""

    category = fields.String(required=True, metadata={"description": "a category, its branch, or any"})
    area = fields.String(required=True, metadata={"description": "town, village or grid"})
    department = fields.String(required=True)
    version = fields.Integer(required=True)
    set_at = fields.AwareDateTime(required=True)


RoutingRulesSchema = page_of("RoutingRulesSchema", RoutingRuleSchema)


class SuggestionSchema(Schema):
    """A department or village that a case may be dispatched to."""

    department = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.String(
        required=True, allow_none=True, metadata={"description": "of the rule that says so; null: the category itself"}
    )
    area = fields.String(required=True, allow_none=True, metadata={"description": "of the rule that says so"})


SuggestionsSchema = page_of("SuggestionsSchema", SuggestionSchema)


class AnswerBody(RuleBody):
    """A text for what is said with some actions."""

    code = AsRead()
    title = Text(40, required=True, metadata={"example": "不属本镇管辖"})
    text = Text(
        LONGEST,
        required=True,
        metadata={
            "description": "; ".join(f"{{{name}}} {en}" for name, (_, en) in PLACEHOLDERS.items()),
            "example": "案件 {number} 不属本镇管辖，请向相关部门反映。",
        },
    )
    actions = fields.List(
        fields.String(validate=validate.OneOf(ANSWERABLE)),
        required=True,
        validate=validate.Length(1, len(ANSWERABLE)),
        metadata={"example": ["decline"]},
    )
    categories = fields.List(
        Text(40), load_default=list, validate=validate.Length(max=100), metadata={"description": "none: all"}
    )


class StandardAnswerSchema(Schema):
    """A standard answer as it is kept."""

    code = fields.String(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    actions = fields.List(fields.String(), required=True)
    categories = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)
    set_at = fields.AwareDateTime(required=True)


StandardAnswersSchema = page_of("StandardAnswersSchema", StandardAnswerSchema)


class FilledAnswerSchema(Schema):
    """A standard answer filled in for a case."""

    code = fields.String(required=True, metadata={"description": "what an action names as `standard`"})
    version = fields.Integer(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    actions = fields.List(fields.String(), required=True, metadata={"description": "which the caller may do now"})


FilledAnswersSchema = page_of("FilledAnswersSchema", FilledAnswerSchema)


@room.get("/routing-rules")
@room.arguments(PageQuery, location="query")
@room.response(200, RoutingRulesSchema)
@permission("read_settings")
def list_routing_rules(query: dict[str, Any]) -> Response:
    """The rules by which cases go to departments and villages, by category and area."""
    return rules_page(routing.KIND, _RULE, query, _shown_rule)


@room.put("/routing-rules/<string:category>/<string:area>")
@room.arguments(RoutingBody)
@room.response(200, RoutingRuleSchema)
@room.replacing
@permission("keep_settings")
def set_routing_rule(body: dict[str, Any], category: str, area: str) -> Response:
    """Say where cases of a category (or its branch, or any) go that lie in an area; the most specific wins."""
    key = _rule(category, area)
    return rule_set(routing.KIND, key, lambda town: checked_rule(town, category, area, body), _shown_rule)


@room.delete("/routing-rules/<string:category>/<string:area>")
@room.response(204)
@room.conditional
@permission("keep_settings")
def take_back_routing_rule(category: str, area: str) -> Response:
    """Take back a rule; its history stays."""
    return rule_taken_back(routing.KIND, _rule(category, area))


@room.get("/routing-rules/<string:category>/<string:area>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, RuleVersionsSchema)
@permission("read_settings")
def routing_rule_history(query: dict[str, Any], category: str, area: str) -> Response:
    """All versions of a rule, newest first."""
    return versions_page(routing.KIND, _rule(category, area), query)


@room.get("/cases/<uuid:case_id>/routing")
@room.response(200, SuggestionsSchema)
@permission("dispatch")
def case_routing(case_id: uuid.UUID) -> Response:
    """Where the town's rules send a case, best first."""
    caller = current_caller()
    case, _ = read_case(caller, case_id)
    return answer(listing(suggestions(caller, case)))


@room.get("/standard-answers")
@room.arguments(PageQuery, location="query")
@room.response(200, StandardAnswersSchema)
@permission("read_settings")
def list_standard_answers(query: dict[str, Any]) -> Response:
    """The town's standard answers, by code."""
    return rules_page(standard_answers.KIND, _CODE, query, _shown_answer)


@room.put("/standard-answers/<string:code>")
@room.arguments(AnswerBody)
@room.response(200, StandardAnswerSchema)
@room.replacing
@permission("keep_settings")
def set_standard_answer(body: dict[str, Any], code: str) -> Response:
    """Keep a text for what is said with some actions, for all categories or some."""
    key = _code(code)
    return rule_set(standard_answers.KIND, key, lambda town: checked_answer(town, code, body), _shown_answer)


@room.delete("/standard-answers/<string:code>")
@room.response(204)
@room.conditional
@permission("keep_settings")
def take_back_standard_answer(code: str) -> Response:
    """Take back a standard answer; its history stays, and so does what was said with it."""
    return rule_taken_back(standard_answers.KIND, _code(code))


@room.get("/standard-answers/<string:code>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, RuleVersionsSchema)
@permission("read_settings")
def standard_answer_history(query: dict[str, Any], code: str) -> Response:
    """All versions of a standard answer, newest first."""
    return versions_page(standard_answers.KIND, _code(code), query)


@room.get("/cases/<uuid:case_id>/standard-answers")
@room.response(200, FilledAnswersSchema)
@permission("read_case")
def case_standard_answers(case_id: uuid.UUID) -> Response:
    """The standard answers to what the caller may do with a case now, filled in."""
    caller = current_caller()
    case, _ = read_case(caller, case_id)
    return answer(listing(answers_for(caller, case)))


def _code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise NotFound
    return code


def _rule(category: str, area: str) -> str:
    key = f"{category} {area}"
    if not _RULE.fullmatch(key):
        raise NotFound
    return key


def _shown_rule(rule: Rule) -> dict[str, Any]:
    category, area = rule.key.split(" ")
    return {"category": category, "area": area, **rule.value, "version": rule.version, "set_at": rule.set_at}


def _shown_answer(rule: Rule) -> dict[str, Any]:
    return {"code": rule.key, **rule.value, "version": rule.version, "set_at": rule.set_at}
