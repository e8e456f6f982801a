"""The texts of messages, in Chinese and English, from one file.

A lock screen shows them, so they name no matter, place or person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal

import orjson

Language = Literal["zh", "en"]
CHANNELS = ("inbox", "sms", "wechat", "email")
"""The ways to a person; which of them somebody wants is theirs to say."""


@dataclass(frozen=True)
class Template:
    """A text in both languages, and the `channels` it goes by.

    `security`: it guards the account itself; nobody can switch it off. Such a text, and an `urgent` one, goes out in
    the quiet hours, too.
    """

    zh: str
    en: str
    security: bool = False
    urgent: bool = False
    channels: tuple[str, ...] = field(default=CHANNELS)

    @property
    def wakes(self) -> bool:
        """Whether it may wake people."""
        return self.security or self.urgent


@cache
def templates() -> Mapping[str, Template]:
    """The templates by name."""
    loaded = orjson.loads(Path(__file__).with_name("templates.json").read_bytes())
    return {name: Template(**told) for name, told in loaded.items()}


def placeholders(text: str) -> frozenset[str]:
    """The names in braces in a text. ValueError for braces that hold no plain name, or are not in pairs."""
    names = set()
    for _, name, form, conversion in Formatter().parse(text):
        if name is None:
            continue
        if form or conversion or not (name.isascii() and name.isidentifier()):
            raise ValueError(name)
        names.add(name)
    return frozenset(names)


def text_of(template: str, language: Language, params: Mapping[str, Any] | None = None) -> str:
    """A template's text as it ships. KeyError for a template, language or placeholder that does not exist."""
    held = templates()[template]
    return {"zh": held.zh, "en": held.en}[language].format_map(params or {})


def title(language: Language) -> str:
    """The heading of every message that has one (at most twenty characters): it says that there is news, no more."""
    return text_of("title", language)
