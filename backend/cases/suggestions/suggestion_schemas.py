"""Shapes of suggestions and of the versions behind them."""

from marshmallow import Schema, fields, validate

from backend.cases.suggestions.suggestion_versions import MOST_VERSION
from backend.http.fields import Strict, Text


class AboutBody(Strict):
    """What somebody wrote. Nothing of it is kept."""

    description = Text(10_000, required=True, metadata={"example": "村口的井盖不见了，小孩差点掉下去"})


class WordSchema(Schema):
    """A word that decided, and where it stands."""

    text = fields.String(required=True)
    start = fields.Integer(required=True, metadata={"description": "first character, in Unicode code points"})
    end = fields.Integer(required=True, metadata={"description": "the character after the last"})


class EmergencyNumberSchema(Schema):
    """A number to call."""

    number = fields.String(required=True, metadata={"example": "119"})
    name = fields.String(required=True)


class DangerSchema(Schema):
    """Danger to life: to be shown before anything else."""

    call = fields.List(fields.Nested(EmergencyNumberSchema), required=True)
    zh = fields.String(required=True, metadata={"description": "what to show, in Chinese"})
    en = fields.String(required=True, metadata={"description": "the same in English"})
    kinds = fields.List(fields.String(), required=True, metadata={"example": ["fire"]})
    words = fields.List(fields.Nested(WordSchema), required=True)


class CategorySuggestionSchema(Schema):
    """A category that the text may be about."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    confidence = fields.Float(required=True)
    words = fields.List(fields.Nested(WordSchema), required=True)


class UrgencySuggestionSchema(Schema):
    """That the matter may be urgent."""

    code = fields.String(required=True, metadata={"example": "urgent"})
    name = fields.String(required=True)
    because = fields.String(
        required=True,
        metadata={"description": "danger; words: they say so; category: such matters are handled day and night"},
    )
    confidence = fields.Float(required=True, allow_none=True, metadata={"description": "of a category"})
    words = fields.List(fields.Nested(WordSchema), required=True)


class BasisSchema(Schema):
    """What the suggestion rests on."""

    version = fields.Integer(required=True, metadata={"description": "0: the lexicon"})
    learnt_from = fields.Integer(required=True, metadata={"description": "accepted cases"})
    threshold = fields.Float(
        required=True, allow_none=True, metadata={"description": "confidence from which on a category is suggested"}
    )
    urgent_threshold = fields.Float(required=True, allow_none=True)


class TextSuggestionSchema(Schema):
    """What is suggested; null: nothing, for want of certainty. Danger comes first."""

    danger = fields.Nested(DangerSchema, required=True, allow_none=True)
    category = fields.Nested(CategorySuggestionSchema, required=True, allow_none=True)
    urgency = fields.Nested(UrgencySuggestionSchema, required=True, allow_none=True)
    basis = fields.Nested(
        BasisSchema, required=True, allow_none=True, metadata={"description": "null: only danger was looked for"}
    )


class ChoiceBody(Strict):
    """Which version to use: 0 is the lexicon."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_VERSION))


class OneVersionSchema(Schema):
    """The version that was chosen, or withdrawn."""

    version = fields.Integer(required=True)


class LearntCategorySchema(Schema):
    """How well a category is told from the others."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    cases = fields.Integer(required=True, allow_none=True, metadata={"description": "null: too few to learn from"})
    f1 = fields.Float(required=True, allow_none=True)


class ThresholdSchema(Schema):
    """From which confidence on something is suggested, and how good that was on cases not seen."""

    threshold = fields.Float(required=True, allow_none=True, metadata={"description": "null: never"})
    right = fields.Float(
        required=True, allow_none=True, metadata={"description": "share of suggestions that were right"}
    )
    suggested = fields.Float(
        required=True, allow_none=True, metadata={"description": "share of cases for which something is suggested"}
    )


class SuggestionVersionSchema(Schema):
    """What was learnt on one day. All figures are of cases that were held back (five-fold cross-validation)."""

    version = fields.Integer(required=True)
    learnt_at = fields.AwareDateTime(required=True)
    learnt_from = fields.Integer(required=True, metadata={"description": "accepted cases"})
    words = fields.Integer(required=True, metadata={"description": "runs of characters with weights"})
    accuracy = fields.Float(required=True)
    macro_f1 = fields.Float(required=True)
    lexicon_accuracy = fields.Float(required=True, metadata={"description": "of the lexicon on the same cases"})
    lexicon_macro_f1 = fields.Float(required=True)
    category = fields.Nested(ThresholdSchema, required=True)
    urgency = fields.Nested(ThresholdSchema, required=True)
    categories = fields.List(fields.Nested(LearntCategorySchema), required=True)
    withdrawn_at = fields.AwareDateTime(required=True, allow_none=True)


class SuggestionVersionsSchema(Schema):
    """A town's versions, newest first; which one was chosen, and which is in use (0: the lexicon)."""

    chosen = fields.Integer(required=True, allow_none=True, metadata={"description": "null: always the newest"})
    choice_version = fields.Integer(
        required=True, metadata={"description": "what If-Match names in the next choice; 0: none stands, so nothing"}
    )
    in_use = fields.Integer(required=True)
    items = fields.List(fields.Nested(SuggestionVersionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
