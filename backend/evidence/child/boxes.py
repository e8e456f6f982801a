"""The boxes of an MP4 (ISO 14496-12): whether a file is whole, and whether one holds anything but film and sound."""

from collections.abc import Iterator
from typing import IO

_HOLDING = frozenset((b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl"))
"""Boxes made of boxes."""
_NEEDED = frozenset(
    (
        *(b"ftyp", b"mdat", b"free", b"mvhd", b"tkhd", b"elst", b"mdhd", b"hdlr", b"vmhd", b"smhd", b"dref"),
        *(b"stsd", b"stts", b"stss", b"ctts", b"stsc", b"stsz", b"stco", b"co64", b"sgpd", b"sbgp"),
    )
)
"""All that it takes to play: no text, no place, no time, no name has a box among them."""


def is_whole(path: str) -> bool:
    """Whether the boxes of a file end where the file ends; one that was cut off promises more."""
    with open(path, "rb") as file:
        end = file.seek(0, 2)
        return all(start + size <= end for _, start, size in _boxes(file, 0, end))


def blank_out(path: str) -> None:
    """Make empty space of the boxes in a file that it could be played without."""
    with open(path, "r+b") as file:
        for _, at, size in list(_foreign(file, 0, file.seek(0, 2))):
            file.seek(at + 4)
            file.write(b"free" + bytes(size - 8))


def foreign_boxes(path: str) -> set[bytes]:
    """The names of the boxes in a file that it could be played without; empty space is none."""
    with open(path, "rb") as file:
        return {name for name, _, _ in _foreign(file, 0, file.seek(0, 2))}


def _foreign(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for name, at, size in _boxes(file, start, end):
        if name in _HOLDING:
            yield from _foreign(file, at + 8, at + size)
        elif name not in _NEEDED or (name == b"free" and _is_filled(file, at, size)):
            yield name, at, size


def _is_filled(file: IO[bytes], at: int, size: int) -> bool:
    file.seek(at + 8)
    return any(file.read(size - 8))


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and size of each box between two places; one without an end ends with the file."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        elif size == 0:
            size = end - start
        if size < 8:
            size = end + 1 - start  # no box can be so small: as good as cut off
        yield name, start, size
        start += size
    if start < end:
        yield b"rest", start, end - start
