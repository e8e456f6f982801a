"""What a room shows to others, and what a lower room asks of a higher one. `create_app()` fills both.

A room publishes facts (for the score) and layers (for the map) as named SELECTs; readers know only their names.
Questions are the other way round: a lower room declares one, a higher room answers it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Select


@dataclass(frozen=True)
class Fact:
    """A figure per village and period.

    `select` and `behind` take the bind parameters town_start, town_end (area codes, end exclusive), period_start and
    period_end (instants, end exclusive). `select` gives village, numerator, exposure; `behind` gives village, id.
    `channel` says who can bend the figure: "drawn", "residents", "town" or "village".
    """

    name: str
    room: str
    channel: str
    select: Select[*tuple[Any, ...]]
    behind: Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Layer:
    """A layer of the map: its titles, who may see it, how it looks until the town says otherwise, and its queries.

    `features` answers GeoJSON features, of a layer that is for everybody. `tile` answers what a tile holds (Marks or
    Shapes), asked with the tile, the area codes (prefixes) within which whoever asks may see it, and the zoom from
    which points stand alone. `version` is another one when tiles may have changed. `fields` says what is told of a
    feature: String, Number or Boolean. The colours of areas that are counted (`counted`) deepen at each of its `steps`.
    """

    name: str
    title_zh: str
    title_en: str
    features: Callable[..., list[dict[str, Any]]] | None
    tile: Callable[..., Any]
    version: Callable[[], str]
    fields: Mapping[str, str]
    colour: str
    order: int
    permission: str = "public"
    areas: bool = False
    points_from: int = 0
    counted: str = ""
    steps: tuple[int, ...] = ()


@dataclass
class Registry:
    """All that rooms publish, by name."""

    facts: dict[str, Fact] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    answers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    each: dict[str, tuple[Callable[..., Any], ...]] = field(default_factory=dict)
    """Answers to a question that several rooms answer, each for itself."""

    def publish(self, *things: Fact | Layer) -> None:
        """Add facts and layers; a name is taken once."""
        for thing in things:
            shelf: dict[str, Any] = self.facts if isinstance(thing, Fact) else self.layers
            if thing.name in shelf:
                raise ValueError(f"{thing.name} is published twice")
            shelf[thing.name] = thing


def init_registry(app: Flask) -> Registry:
    """An empty registry for the app."""
    registry = Registry()
    app.extensions["registry"] = registry
    return registry


def facts() -> Mapping[str, Fact]:
    """The facts published by all rooms."""
    registry: Registry = current_app.extensions["registry"]
    return registry.facts


def layers() -> Mapping[str, Layer]:
    """The layers published by all rooms."""
    registry: Registry = current_app.extensions["registry"]
    return registry.layers


def ask(question: str, *args: Any) -> Any:
    """Put a named question to the room that answers it."""
    registry: Registry = current_app.extensions["registry"]
    return registry.answers[question](*args)


def ask_each(question: str, *args: Any) -> list[Any]:
    """Put a named question to each of the rooms that answer it, in their order."""
    registry: Registry = current_app.extensions["registry"]
    return [answer(*args) for answer in registry.each[question]]
