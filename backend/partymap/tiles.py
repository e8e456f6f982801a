"""Tiles as they are answered: made from what a layer shows to whoever asks, and kept for half a minute.

A worker keeps the tiles it made of late, at most `KEPT_BYTES` of them, under the area codes within which whoever asked
sees the layer: nobody gets a tile that was made for somebody who sees more.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from flask import current_app

from backend.http.problems import NotFound
from backend.partymap.encoding import encode
from backend.partymap.layer_settings import Shown, shown_layers
from backend.people.access import PUBLIC, town_scope
from backend.people.caller import current_caller, optional_caller
from backend.territory.tiles import Tile

FRESH = 1.0
"""Seconds after which a worker looks whether layers were set otherwise, or show something else."""
KEPT_SECONDS = 30.0
"""Seconds after which a tile is made anew in any case: who holds a grid, and how far a case is, changes in silence."""
KEPT_BYTES, BESIDES = 2_000_000, 500
"""What a worker keeps at most, and what a tile takes besides its body: also of empty ones there are only so many."""
EVERYWHERE = frozenset({""})

Scopes = frozenset[str]


class Made(NamedTuple):
    """A tile as it was made, its ETag, the version of the layer it shows, and when."""

    body: bytes
    etag: str
    version: str
    at: float


class _Memory:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shown: tuple[float, Mapping[str, Shown]] | None = None
        self.versions: dict[str, tuple[float, str]] = {}
        self.tiles: OrderedDict[tuple[str, int, int, int, Scopes], Made] = OrderedDict()
        self.bytes = 0


def layer_for_caller(name: str) -> tuple[Shown, Scopes]:
    """A layer as the town shows it, and the area codes (prefixes) within which whoever asks sees it.

    Raises NotFound for one that is not there, switched off, or not for the caller; what signing in raises for one that
    is not for everybody.
    """
    shown = _shown().get(name)
    if shown is None or not shown.shown:
        raise NotFound
    if shown.layer.permission == PUBLIC:
        return shown, EVERYWHERE
    caller = current_caller()
    if not caller.may(shown.layer.permission):
        raise NotFound
    return shown, town_scope(caller, shown.layer.permission)


def layers_for_caller() -> list[Shown]:
    """The layers that are shown to whoever asks, from the lowest to the uppermost. Raises as a bad token does."""
    caller = optional_caller()
    return [
        one
        for one in _shown().values()
        if one.shown and (one.layer.permission == PUBLIC or (caller is not None and caller.may(one.layer.permission)))
    ]


def tile_of(shown: Shown, scopes: Scopes, tile: Tile) -> Made:
    """A tile of a layer: the one kept, if it still shows what is, or made now."""
    memory, key = _memory(), (shown.layer.name, tile.z, tile.x, tile.y, scopes)
    now, version = time.monotonic(), f"{shown.version}.{_version(shown)}"
    kept = memory.tiles.get(key)
    if kept is not None and kept.version == version and now - kept.at < KEPT_SECONDS:
        return kept
    body = encode(shown.layer.name, shown.layer.tile(tile, scopes, shown.points_from), tile)
    made = Made(body, hashlib.blake2b(body, digest_size=12).hexdigest(), version, now)
    with memory.lock:
        before = memory.tiles.pop(key, None)
        memory.tiles[key] = made
        memory.bytes += _size(made) - (_size(before) if before else 0)
        while memory.bytes > KEPT_BYTES:
            memory.bytes -= _size(memory.tiles.popitem(last=False)[1])
    return made


def _size(made: Made) -> int:
    return len(made.body) + BESIDES


def forget_tiles() -> None:
    """Have this process look for changes at the next question: for who has just committed one."""
    memory = _memory()
    memory.shown = None
    memory.versions.clear()


def _shown() -> Mapping[str, Shown]:
    memory, now = _memory(), time.monotonic()
    held = memory.shown
    if held is None or now - held[0] >= FRESH:
        held = memory.shown = (now, shown_layers())
    return held[1]


def _version(shown: Shown) -> str:
    memory, now = _memory(), time.monotonic()
    held = memory.versions.get(shown.layer.name)
    if held is None or now - held[0] >= FRESH:
        held = memory.versions[shown.layer.name] = (now, shown.layer.version())
    return held[1]


def _memory() -> _Memory:
    memory: _Memory = current_app.extensions.setdefault("tiles", _Memory())
    return memory
