"""Rule sets: what counts, how much, and between which goalposts, as versioned documents beside this module.

A document is a file `rule_sets/CODE-VERSION.json`. Once a run has used it, it may not change: the run keeps the hash,
the database keeps the document, and a changed document under the same code and version is refused. Better rules are a
new version.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from backend.rewards.scoring import Goalposts, Indicator, MinMax

FOLDER = Path(__file__).parent / "rule_sets"
# The rule set that runs use; the committee's adoption of another becomes a change of this name.
IN_FORCE = "main-1"

# Who can bend a count: `drawn` at random by the town nobody, `town` its own desk and inspectors, `residents` friends
# and silence, `village` the scored village itself.
CHANNELS = ("drawn", "town", "residents", "village")
_CODE = validate.Regexp(r"[a-z][a-z0-9_]{0,39}\Z")


class RuleSetInvalid(ValueError):
    """A rule set's document breaks a rule; the message lists where and why."""


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _InBothLanguages(_Strict):
    zh = fields.String(required=True, data_key="zh-CN", validate=validate.Length(1, 200))
    en = fields.String(required=True, validate=validate.Length(1, 200))


class _Count(_Strict):
    meaning = fields.Nested(_InBothLanguages, required=True)
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))


class _Normalisation(_Strict):
    method = fields.String(required=True, validate=validate.OneOf(["goalposts", "min_max"]))
    low = fields.Decimal(allow_nan=False)
    high = fields.Decimal(allow_nan=False)

    @validates_schema
    def goalposts_are_two_and_in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["method"] == "min_max":
            if "low" in data or "high" in data:
                raise ValidationError("min_max takes the field's own extremes and no low or high")
        elif "low" not in data or "high" not in data or not data["low"] < data["high"]:
            raise ValidationError("goalposts need a low below a high")


class _Indicator(_Strict):
    code = fields.String(required=True, validate=_CODE)
    fact = fields.String(required=True, validate=_CODE)
    title = fields.Nested(_InBothLanguages, required=True)
    numerator = fields.Nested(_Count, required=True)
    exposure = fields.Nested(_Count, required=True)
    direction = fields.String(required=True, validate=validate.OneOf(["more_is_better", "less_is_better"]))
    normalisation = fields.Nested(_Normalisation, required=True)
    weight = fields.Decimal(required=True, allow_nan=False, validate=validate.Range(0, 1, min_inclusive=False))
    min_evidence = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000_000))
    counts_shown_from = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000))


class _RuleSet(_Strict):
    code = fields.String(required=True, validate=_CODE)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 9999))
    title = fields.Nested(_InBothLanguages, required=True)
    least_weight = fields.Decimal(required=True, allow_nan=False, validate=validate.Range(0, 1))
    indicators = fields.List(fields.Nested(_Indicator), required=True, validate=validate.Length(1, 100))

    @validates_schema
    def weights_fill_the_whole(self, data: dict[str, Any], **_: Any) -> None:
        codes = [one["code"] for one in data["indicators"]]
        if len(set(codes)) != len(codes):
            raise ValidationError("an indicator stands twice", "indicators")
        total = sum(one["weight"] for one in data["indicators"])
        if total != 1:
            raise ValidationError(f"the weights add up to {total} and not to 1", "indicators")


@dataclass(frozen=True, slots=True)
class RuledIndicator:
    """An indicator with what a rule set says of it beyond the arithmetic.

    `titles` holds its name by language; counts below `counts_shown_from` are hidden from the public.
    """

    scoring: Indicator
    fact: str
    titles: Mapping[str, str]
    counts_shown_from: int


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rule set as runs use it; `hash` is the SHA-256 of its canonical document, in hexadecimal."""

    code: str
    version: int
    hash: str
    document: Mapping[str, Any]
    titles: Mapping[str, str]
    least_weight: Fraction
    indicators: tuple[RuledIndicator, ...]

    @property
    def name(self) -> str:
        """Code and version, as in its file's name: "main-1"."""
        return f"{self.code}-{self.version}"


def canonical(document: Any) -> bytes:
    """One spelling for one JSON value: keys sorted, no spaces, UTF-8; NaN and infinities raise ValueError."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(document: Any) -> str:
    """SHA-256 of the canonical spelling, in hexadecimal."""
    return hashlib.sha256(canonical(document)).hexdigest()


def read_rule_set(document: Mapping[str, Any]) -> RuleSet:
    """Check a document and make it a RuleSet; RuleSetInvalid says what is wrong with it."""
    try:
        # Decimals from the text of a number: 0.6 is six tenths, not the double nearest to it.
        checked = _RuleSet().load(document)
        fingerprint = digest(document)
    except ValidationError as error:
        raise RuleSetInvalid(json.dumps(error.messages, ensure_ascii=False)) from error
    except ValueError as error:
        raise RuleSetInvalid(str(error)) from error
    return RuleSet(
        checked["code"],
        checked["version"],
        fingerprint,
        document,
        document["title"],
        Fraction(checked["least_weight"]),
        tuple(
            _indicator(one, source) for one, source in zip(checked["indicators"], document["indicators"], strict=True)
        ),
    )


def load_rule_set(name: str = IN_FORCE, folder: Path = FOLDER) -> RuleSet:
    """The rule set of the file `name`.json; RuleSetInvalid where the file is not JSON or not what its name says."""
    path = folder / f"{name}.json"
    try:
        document = json.loads(path.read_text("utf-8"), object_pairs_hook=_each_key_once)
    except (OSError, ValueError) as error:
        raise RuleSetInvalid(f"{path.name}: {error}") from error
    rule_set = read_rule_set(document)
    if rule_set.name != name:
        raise RuleSetInvalid(f"{path.name} holds {rule_set.name}")
    return rule_set


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a key stands twice among {[key for key, _ in pairs]}")
    return found


def _indicator(checked: Mapping[str, Any], source: Mapping[str, Any]) -> RuledIndicator:
    normalisation = checked["normalisation"]
    posts = (
        Goalposts(Fraction(normalisation["low"]), Fraction(normalisation["high"]))
        if normalisation["method"] == "goalposts"
        else MinMax()
    )
    scoring = Indicator(
        checked["code"], checked["direction"], posts, Fraction(checked["weight"]), checked["min_evidence"]
    )
    return RuledIndicator(scoring, checked["fact"], source["title"], checked["counts_shown_from"])
