"""Vector tiles as bytes: Mapbox Vector Tile 2.1, written over arrays.

All that a feature is made of are whole numbers written as varints: tags, sizes, commands, places. So the features of a
tile are one stream of numbers, which numpy makes and turns into bytes at once; Python sees each value that is told, and
no feature.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from backend.territory.drawings import BUFFER
from backend.territory.rings import Ints, Rings, read, runs, starts, within
from backend.territory.tiles import EXTENT, Marks, Shapes, Tile

_POINT, _POLYGON = 1, 3
_MOVE_ONE, _LINE, _CLOSE = 9, 2, 15
_FEATURE, _TAGS, _KIND, _GEOMETRY = 0x12, 0x12, 0x18, 0x22


def encode(name: str, found: Marks | Shapes, tile: Tile) -> bytes:
    """A tile with one layer of this name; of shapes, with their names as a second one (`…_names`). Empty where there is
    nothing to show."""
    if isinstance(found, Marks):
        return _marks(name, found, tile)
    return _shapes(name, found, tile) + _marks(f"{name}_names", _within(found.names, tile), tile)


def _marks(name: str, marks: Marks, tile: Tile) -> bytes:
    count = len(marks.lons)
    if not count:
        return b""
    stream = np.empty((count, 3), dtype=np.int64)
    stream[:, 0], stream[:, 1:] = _MOVE_ONE, _zigzag(np.clip(_in_tile(marks, tile), 0, EXTENT - 1))
    return _layer(name, _POINT, marks.told, stream.ravel(), np.full(count, 3))


def _within(marks: Marks, tile: Tile) -> Marks:
    """The marks that lie in a tile, out of those of all its areas."""
    at = _in_tile(marks, tile)
    here = np.flatnonzero(((at >= 0) & (at < EXTENT)).all(axis=1)).tolist()
    told = {key: [values[number] for number in here] for key, values in marks.told.items()}
    return Marks([marks.lons[number] for number in here], [marks.lats[number] for number in here], told)


def _in_tile(marks: Marks, tile: Tile) -> Ints:
    """Points in units of the tile, each in the square it lies in, as its cell says."""
    side = float(EXTENT << tile.z)
    lat = np.radians(np.clip(np.asarray(marks.lats, dtype=float), -89.9, 89.9))
    x = np.floor((np.asarray(marks.lons, dtype=float) / 360.0 + 0.5) * side) - tile.x * EXTENT
    y = np.floor((0.5 - np.arcsinh(np.tan(lat)) / (2.0 * np.pi)) * side) - tile.y * EXTENT
    units: Ints = np.column_stack((x, y)).astype(np.int64)
    return units


def _shapes(name: str, shapes: Shapes, tile: Tile) -> bytes:
    if not len(shapes.outlines):
        return b""
    scale, corner = 2.0 ** (tile.z - shapes.zoom), np.array((tile.x, tile.y)) * EXTENT
    box = [*((corner - BUFFER) / scale), *((corner + EXTENT + BUFFER) / scale)]
    stream, sizes, owners = _commands(within(read(shapes.outlines), box), scale, corner)
    if not len(owners):
        return b""
    left = owners.tolist()
    told = {key: [values[owner] for owner in left] for key, values in shapes.told.items()}
    return _layer(name, _POLYGON, told, stream, sizes)


def _commands(rings: Rings, scale: float, corner: Ints) -> tuple[Ints, Ints, Ints]:
    """Rings as one stream of commands, how many numbers of it each feature has, and which outline each feature is.

    Rings are wound as MVT 2.1 wants them: in units with y down, the outer ring's area is positive and a hole's
    negative, each hole behind its outer ring. What is less than a unit wide is gone.
    """
    points, ring = np.rint(rings.points * scale - corner).astype(np.int64), rings.ring
    fresh = np.ones(len(points), dtype=bool)
    fresh[1:] = (ring[1:] != ring[:-1]) | (points[1:] != points[:-1]).any(axis=1)
    points, ring = points[fresh], ring[fresh]
    # The last point of a ring is its first one again, which closing it says.
    open_ = np.ones(len(points), dtype=bool)
    open_[:-1] = ring[1:] == ring[:-1]
    open_[-1:] = False
    points, ring = points[open_], ring[open_]
    drawn = _wound(points, ring, rings.outer)
    if len(drawn):
        drawn &= drawn[np.flatnonzero(rings.outer)[np.cumsum(rings.outer) - 1]]  # no hole without its polygon
    points, ring = points[drawn[ring]], ring[drawn[ring]]
    return _stream(points, ring, rings.owner)


def _wound(points: Ints, ring: Ints, outer: Any) -> Any:
    """Which rings have an area of the sign that is theirs."""
    following = np.roll(points, -1, axis=0)
    first = starts(ring)
    if len(first):
        following[np.append(first[1:], len(ring)) - 1] = points[first]
    twice = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    area = np.bincount(ring, weights=twice.astype(float), minlength=len(outer))
    return np.where(outer, area > 0, area < 0)


def _stream(points: Ints, ring: Ints, owner_of: Ints) -> tuple[Ints, Ints, Ints]:
    first = starts(ring)
    counts = np.diff(np.append(first, len(ring)))
    owners = owner_of[ring[first]]  # of each ring that is left
    moved = points.copy()
    moved[1:] -= points[:-1]
    features = starts(owners)
    moved[first[features]] = points[first[features]]  # each feature begins at the tile's corner
    sizes = 2 * counts + 3
    begins = np.cumsum(sizes) - sizes
    stream = np.empty(int(sizes.sum()), dtype=np.int64)
    stream[begins], stream[begins + sizes - 1] = _MOVE_ONE, _CLOSE
    stream[begins + 3] = (counts - 1) << 3 | _LINE
    within_ring = np.arange(len(points)) - np.repeat(first, counts)
    at = np.repeat(begins, counts) + 1 + 2 * within_ring + (within_ring > 0)
    stream[at], stream[at + 1] = _zigzag(moved[:, 0]), _zigzag(moved[:, 1])
    return stream, np.add.reduceat(sizes, features) if len(features) else sizes, owners[features]


def _zigzag(numbers: Ints) -> Ints:
    return (numbers << 1) ^ (numbers >> 63)


def _layer(name: str, kind: int, told: Mapping[str, Sequence[Any]], geometry: Ints, sizes: Ints) -> bytes:
    """A layer of features of a kind: what is told of them by key, their geometries as one stream, and how many numbers
    of it each has. What is None is not told."""
    keys, values, tags, is_told = _tagged(told, len(sizes))
    written = b"".join(
        (
            b"\x78\x02\x0a" + _text(name),
            _features(kind, tags, is_told, geometry, sizes),
            *(b"\x1a" + _text(key) for key in keys),
            *values,
            b"\x28" + _varint(EXTENT),
        )
    )
    return b"\x1a" + _varint(len(written)) + written


def _tagged(told: Mapping[str, Sequence[Any]], count: int) -> tuple[list[str], list[bytes], Ints, Any]:
    """Keys, values as they are written, for each feature the numbers of both in turn, and which of them are told."""
    values: list[bytes] = []
    tags, is_told = np.empty((count, 2 * len(told)), dtype=np.int64), np.ones((count, 2 * len(told)), dtype=bool)
    for number, column in enumerate(told.values()):
        kinds = {type(value) for value in column}
        told_of = column if len(kinds) == 1 else [(type(value), value) for value in column]  # 1 is no True
        known: dict[Any, int] = {}
        tags[:, 2 * number] = number
        tags[:, 2 * number + 1] = [known.setdefault(value, len(known)) for value in told_of]
        tags[:, 2 * number + 1] += len(values)
        values += _values(known if len(kinds) == 1 else [value for _, value in known])
        if type(None) in kinds:
            is_told[:, 2 * number] = is_told[:, 2 * number + 1] = [value is not None for value in column]
    return list(told), values, tags, is_told


def _features(kind: int, tags: Ints, is_told: Any, geometry: Ints, sizes: Ints) -> bytes:
    count, width = tags.shape
    head = np.empty((count, width + 8), dtype=np.int64)
    there = np.ones(head.shape, dtype=bool)
    head[:, 4 : 4 + width], there[:, 4 : 4 + width] = tags, is_told
    tag_bytes = (_lengths(tags) * is_told).sum(axis=1)
    geometry_bytes = np.add.reduceat(_lengths(geometry), np.cumsum(sizes) - sizes)
    head[:, 0], head[:, 2], head[:, 3] = _FEATURE, _TAGS, tag_bytes
    head[:, -4], head[:, -3], head[:, -2], head[:, -1] = _KIND, kind, _GEOMETRY, geometry_bytes
    head[:, 1] = 4 + _lengths(tag_bytes) + tag_bytes + _lengths(geometry_bytes) + geometry_bytes
    begins = np.cumsum(sizes + width + 8) - (sizes + width + 8)
    stream, kept = np.empty(head.size + geometry.size, dtype=np.int64), np.ones(head.size + geometry.size, dtype=bool)
    heads = begins[:, None] + np.arange(width + 8)
    stream[heads], kept[heads] = head, there
    stream[runs(begins + width + 8, sizes)] = geometry
    return _varints(stream if is_told.all() else stream[kept])


def _lengths(numbers: Ints) -> Ints:
    """How many bytes each number takes as a varint."""
    lengths = np.ones(numbers.shape, dtype=np.int64)
    most = int(numbers.max(initial=0))
    for bits in range(7, most.bit_length(), 7):
        lengths += numbers >= 1 << bits
    return lengths


def _varints(numbers: Ints) -> bytes:
    lengths = _lengths(numbers)
    ends = np.cumsum(lengths)
    begins = ends - lengths
    written = np.zeros(int(ends[-1]), dtype=np.uint8)
    for byte in range(int(lengths.max())):
        longer = lengths > byte + 1
        if byte == 0:
            written[begins] = numbers & 127 | longer << 7
        else:
            there = lengths > byte
            written[begins[there] + byte] = numbers[there] >> 7 * byte & 127 | longer[there] << 7
    return written.tobytes()


def _values(values: Any) -> Iterator[bytes]:
    for value in values:
        kind = type(value)
        if kind is str:
            written = value.encode()
            if len(written) < 126:
                yield bytes((0x22, len(written) + 2, 0x0A, len(written))) + written
                continue
            message = b"\x0a" + _text(value)
        elif kind is bool:
            message = b"\x38" + bytes((value,))
        elif kind is int:
            message = b"\x28" + _varint(value) if value >= 0 else b"\x30" + _varint(-2 * value - 1)
        else:
            message = b"\x19" + struct.pack("<d", value or 0.0)  # nobody is told a None
        yield b"\x22" + _varint(len(message)) + message


def _text(text: str) -> bytes:
    written = text.encode()
    return _varint(len(written)) + written


def _varint(number: int) -> bytes:
    if number < 128:
        return bytes((number,))
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)
