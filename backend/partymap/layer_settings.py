"""How the town shows its layers: switched on or off, under which names, in which colour and order, near or far.

Each layer brings a way to be shown; what the town lays down for one is a rule with versions, and wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app

from backend.http.registry import Layer, layers
from backend.territory.town_rules import in_force

KIND = "map_layer"
SETTABLE = ("shown", "title_zh", "title_en", "colour", "order", "points_from")


@dataclass(frozen=True)
class Shown:
    """A layer as the town shows it; `version` is that of the rule, 0 where the town laid nothing down."""

    layer: Layer
    shown: bool
    title_zh: str
    title_en: str
    colour: str
    order: int
    points_from: int
    version: int


def shown_layers() -> Mapping[str, Shown]:
    """All layers as the town shows them, also those switched off, in its order."""
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    rules = {rule.key: rule for rule in in_force(town, KIND)}
    found = [
        _shown(layer, rules[name].value, rules[name].version) if name in rules else _shown(layer, {}, 0)
        for name, layer in layers().items()
    ]
    return {one.layer.name: one for one in in_order(found)}


def in_order(found: Sequence[Shown]) -> list[Shown]:
    """Layers from the lowest to the uppermost."""
    return sorted(found, key=lambda one: (one.order, one.layer.name))


def _shown(layer: Layer, value: Mapping[str, Any], version: int) -> Shown:
    own = {name: getattr(layer, name) for name in SETTABLE if name != "shown"} | {"shown": True}
    laid_down = {name: value[name] for name in SETTABLE if value.get(name) is not None}
    return Shown(layer=layer, version=version, **(own | laid_down))
