"""The texts of messages, kept by the town's admin."""

from typing import Any

from flask import Response, current_app
from marshmallow import Schema, fields, validate

from backend.config import Config
from backend.http.blueprint import Room
from backend.http.fields import Text
from backend.http.pages import PageQuery, listing, page_of
from backend.http.permission import permission
from backend.http.reading import answer
from backend.outbox.own_texts import KIND, LANGUAGES, LONGEST, OwnTexts, check_text, key_of, sms_parts, text_as_shipped
from backend.outbox.texts import CHANNELS, Language, placeholders, templates
from backend.territory.rule_answers import AsRead, RuleBody, RuleVersionsSchema, rule_set, town_of, versions_page
from backend.territory.town_rules import Rule

room = Room("notice_texts", "The texts of messages, in the town's own words")


class NoticeTextBody(RuleBody):
    """A text; none gives it back to the one that ships."""

    template, language, shipped, placeholders = AsRead(), AsRead(), AsRead(), AsRead()
    channels, sms_parts, sms_by_carrier = AsRead(), AsRead(), AsRead()
    text = Text(
        LONGEST,
        shortest=1,
        required=True,
        allow_none=True,
        metadata={
            "description": "one line, with the placeholders of the text that ships",
            "example": "您的事项有新进展。",
        },
    )


class NoticeTextSchema(Schema):
    """A text as it goes out."""

    template = fields.String(required=True)
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    text = fields.String(required=True)
    shipped = fields.String(required=True, metadata={"description": "the text that ships with the product"})
    placeholders = fields.List(fields.String(), required=True)
    channels = fields.List(fields.String(validate=validate.OneOf(CHANNELS)), required=True)
    sms_parts = fields.Integer(required=True, metadata={"description": "SMS it takes, with a signature of six signs"})
    sms_by_carrier = fields.Boolean(
        required=True, metadata={"description": "true: by SMS the text goes that is registered with the carrier"}
    )
    version = fields.Integer(required=True, metadata={"description": "0: never set"})
    set_at = fields.AwareDateTime(required=True, allow_none=True)


NoticeTextsSchema = page_of("NoticeTextsSchema", NoticeTextSchema)


@room.get("/notice-texts")
@room.response(200, NoticeTextsSchema)
@permission("read_settings")
def list_notice_texts() -> Response:
    """All texts as they go out, in both languages."""
    town_of("read_settings")
    names = [name for name in templates() if name != "title"]
    own = OwnTexts(names)
    return answer(listing([_shown(name, language, own) for name in names for language in LANGUAGES]))


@room.get("/notice-texts/<string:template>/<string:language>")
@room.response(200, NoticeTextSchema)
@permission("read_settings")
def one_notice_text(template: str, language: Language) -> Response:
    """One text; the ETag is its version."""
    town_of("read_settings")
    key_of(template, language)
    shown = _shown(template, language, OwnTexts([template]))
    return answer(shown, etag=str(shown["version"]))


@room.patch("/notice-texts/<string:template>/<string:language>")
@room.arguments(NoticeTextBody)
@room.response(200, NoticeTextSchema)
@room.conditional
@permission("keep_settings")
def changed_notice_text(body: dict[str, Any], template: str, language: Language) -> Response:
    """Put a text in the town's words from now on, or give it back; what was sent stays as it was."""
    text = body["text"]

    def laid(town: str) -> dict[str, str] | None:
        if text is None:
            return None
        check_text(town, template, language, text)
        return {"text": text}

    def show(rule: Rule) -> dict[str, Any]:
        return _told(template, language, text, rule)

    return rule_set(KIND, key_of(template, language), laid, show, ships=True)


@room.get("/notice-texts/<string:template>/<string:language>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, RuleVersionsSchema)
@permission("read_settings")
def notice_text_history(query: dict[str, Any], template: str, language: str) -> Response:
    """All versions of a text that the town has set, newest first."""
    return versions_page(KIND, key_of(template, language), query)


def _shown(template: str, language: Language, own: OwnTexts) -> dict[str, Any]:
    held = own.held(template, language)
    return _told(template, language, held.value["text"] if held else None, own.newest(template, language))


def _told(template: str, language: Language, own: str | None, newest: Rule | None) -> dict[str, Any]:
    config: Config = current_app.config["TOWN_CONFIG"]
    shipped = text_as_shipped(template, language)
    return {
        "template": template,
        "language": language,
        "text": own or shipped,
        "shipped": shipped,
        "placeholders": sorted(placeholders(shipped)),
        "channels": list(templates()[template].channels),
        "sms_parts": sms_parts(own or shipped),
        "sms_by_carrier": bool(config.SMS_KEY_ID),
        "version": newest.version if newest else 0,
        "set_at": newest.set_at if newest else None,
    }
