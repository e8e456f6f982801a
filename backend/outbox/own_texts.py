"""The words of a town in place of the texts that ship, for each language: with the same placeholders, and as silent.

A notice has the words that hold when it is shared out, and keeps them: an inbox tells each notice as it was told.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import current_app

from backend.http.problems import Invalid, NotFound
from backend.http.registry import ask
from backend.outbox.sms_parts import parts_of
from backend.outbox.texts import Language, placeholders, templates, text_of
from backend.territory.codes import level_of
from backend.territory.location import territory
from backend.territory.town_rules import Rule, held_at, of_keys

KIND = "notice_text"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
LONGEST = 200
SIGN = "【九江网格】"
"""What the carrier puts before an SMS, as long as a town's signature is."""
_SAMPLE = {"code": "123456"}
_TELLS_OF_REPORTING = ("举报", "投诉", "检举", "控告", "信访", "complaint", "complaints", "accusation", "accusations")
"""Words by which a lock screen would say that its owner has reported somebody."""


def key_of(template: str, language: str) -> str:
    """The key of a town's own words. Raises NotFound for what no message is made of."""
    if template not in templates() or template == "title" or language not in LANGUAGES:
        raise NotFound
    return f"{template} {language}"


class OwnTexts:
    """A town's own words for some templates, in all their versions."""

    def __init__(self, names: Collection[str], languages: Sequence[Language] = LANGUAGES) -> None:
        town = current_app.config["TOWN_CONFIG"].TOWN
        self._kept = of_keys(town, KIND, [f"{name} {language}" for name in names for language in languages])

    def held(self, template: str, language: Language, moment: datetime | None = None) -> Rule | None:
        """The town's words that held at a moment (now, if none is given); None where the shipped ones did."""
        own = held_at(self._kept.get(f"{template} {language}", ()), moment)
        # Another release may fill a text otherwise than the words were written for.
        fits = own is not None and placeholders(own.value["text"]) == placeholders(text_as_shipped(template, language))
        return own if fits else None

    def newest(self, template: str, language: Language) -> Rule | None:
        """The newest version of the town's words, also the one that gave them back; None where there never were any."""
        kept = self._kept.get(f"{template} {language}", ())
        return kept[-1] if kept else None

    def words(
        self, template: str, language: Language, params: Mapping[str, Any] | None, moment: datetime | None = None
    ) -> str:
        """A text filled, in the words that held at a moment. KeyError as `text_of` raises."""
        own = self.held(template, language, moment)
        return own.value["text"].format_map(params or {}) if own else text_of(template, language, params)


def text_as_shipped(template: str, language: Language) -> str:
    """A template's text with its placeholders."""
    held = templates()[template]
    return {"zh": held.zh, "en": held.en}[language]


def sms_parts(text: str) -> int:
    """How many SMS a text takes, with the signature and its placeholders filled."""
    return len(parts_of(SIGN + text.format_map(_SAMPLE)))


def check_text(town: str, template: str, language: Language, text: str) -> None:
    """Refuse words that would not be filled as the shipped ones, or would tell more than they. Raises Invalid."""
    if not text.isprintable():
        raise _invalid("应为一行文字。", "This is one line of text.")
    wanted = placeholders(text_as_shipped(template, language))
    try:
        found = placeholders(text)
    except ValueError:
        raise _invalid("花括号只能用来写占位符。", "Braces are for placeholders only.") from None
    if found != wanted:
        names = "、".join(f"{{{name}}}" for name in sorted(wanted))
        named = ", ".join(f"{{{name}}}" for name in sorted(wanted))
        raise _invalid(f"占位符应恰为：{names or '无'}。", f"The placeholders must be just these: {named or 'none'}.")
    told = telling(text, [*ask("names_of_matters", town), *_areas(town)])
    if told is not None:
        raise _invalid(
            f"锁屏上会显示这段文字，不能写事项、地点、单位或状态，请去掉“{told}”。",
            f"Lock screens show this: it must name no matter, place, department or status; leave out “{told}”.",
        )


def telling(text: str, names: Collection[str]) -> str | None:
    """What in a text would tell on a lock screen what it is about: one of `names`, or that somebody reported."""
    low = text.lower()
    for name in (*_TELLS_OF_REPORTING, *names):
        word = re.escape(name.lower())
        if re.search(rf"\b{word}\b" if name.isascii() else word, low):
            return name
    return None


def _areas(town: str) -> list[str]:
    areas = territory().areas.values()
    return [area.name for area in areas if area.code.startswith(town) and level_of(area.code) != "town"]


def _invalid(zh: str, en: str) -> Invalid:
    return Invalid({"text": [(zh, en)]})
