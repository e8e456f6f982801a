"""Films and sound, and files that pretend to be some, made by code."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.evidence import photos

PLACE = {"location": "+22.8700+113.0055/"}
TELLING = {"title": "secret-42", "artist": "ACME", "comment": "SN-0815", "creation_time": "2026-03-05T15:30:00Z"}
SECRETS = (b"secret-42", b"ACME", b"SN-0815", b"+22.8700", b"udta", b"meta", b"\xa9xyz", b"loci", b"Lavf", b"x264")


def film(seconds: float = 1, size: tuple[int, int] = (64, 48), sound: bool = True, **options: Any) -> bytes:
    """An MP4 in H.264, blue with a red square in the upper left corner, that tells everything; `tags`, `codec`,
    `container` and `movflags` change it."""
    tags = options.get("tags", TELLING | PLACE)
    flags = {"movflags": flag} if (flag := options.get("movflags", "+faststart")) else {}
    with _written(options.get("container", "mp4"), flags) as (target, written):
        target.metadata.update(tags)
        stream = target.add_stream(options.get("codec", "libx264"), rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        audio = target.add_stream("aac", rate=8000) if sound else None
        picture = np.asarray(photos.picture(*size))
        for number in range(max(1, int(seconds * 10))):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
        if audio is not None:
            _say(target, audio, seconds)
    return written[0]


def sound(seconds: float = 1, codec: str = "aac", container: str = "mp4", **tags: str) -> bytes:
    """A voice note that tells everything."""
    with _written(container, {}) as (target, written):
        target.metadata.update(tags or TELLING)
        _say(target, target.add_stream(codec, rate=8000), seconds)
    return written[0]


@contextmanager
def _written(container: str, flags: dict[str, str]) -> Iterator[tuple[Any, list[bytes]]]:
    """What is written into, and afterwards what was written. A film whose index stands first needs a file."""
    written: list[bytes] = []
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container, options=flags) as target:
            yield target, written
        written.append(Path(file.name).read_bytes())


def _say(target: Any, stream: Any, seconds: float) -> None:
    silence = np.zeros((1, int(seconds * 8000)), dtype=np.float32)
    frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 8000, 0
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=8000, frame_size=stream.frame_size or 1024)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        target.mux(stream.encode(part))
    target.mux(stream.encode())


def box(name: bytes, content: bytes) -> bytes:
    """A box of an MP4."""
    return struct.pack(">I", len(content) + 8) + name + content


def boxed(file: bytes, *more: bytes) -> bytes:
    """The file with further boxes at its end."""
    return file + b"".join(more)


def renamed(file: bytes, before: bytes, after: bytes) -> bytes:
    """The file with the first such name of a box replaced."""
    place = file.index(before)
    return file[:place] + after + file[place + len(before) :]


def stretched() -> bytes:
    """A film whose single frames last for days, whatever its header says of the whole."""
    whole = film(sound=False)
    place = whole.index(b"stts") + 4 + 4
    return whole[: place + 8] + struct.pack(">I", 0x7FFFFFFF) + whole[place + 12 :]


UNREADABLE: dict[str, Callable[[], bytes]] = {
    "a film that is a header": lambda: b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(40),
    "half a film": lambda: photos.half(film()),
    "half a film with its index at the end": lambda: photos.half(film(movflags="")),
    "a film without its last byte": lambda: film()[:-1],
    "a film whose index is nonsense": lambda: renamed(film(), b"stbl", b"xxxx"),
    "a film without pictures": lambda: box(b"ftyp", b"isom\0\0\2\0isom") + box(b"moov", b"") + box(b"mdat", b""),
    "a film of boxes in boxes": lambda: box(b"ftyp", b"isom\0\0\2\0isom") + _nested(2000),
    "a film with a box larger than the file": lambda: film() + struct.pack(">I", 1 << 30) + b"free",
    "a page behind an ID3 tag": lambda: b"ID3\x04\0\0\0\0\0\0<html><script>alert(1)</script></html>",
    "an ID3 tag and nothing else": lambda: b"ID3\x04\0\0\0\0\x00\x0a" + bytes(10),
    "a page behind an MP3's first bytes": lambda: b"\xff\xfb<html><script>alert(1)</script></html>" * 20,
    "a page behind an AAC's first bytes": lambda: b"\xff\xf1<html><script>alert(1)</script></html>" * 20,
    "nothing behind an AAC's first bytes": lambda: b"\xff\xf1",
}

NOT_TAKEN: dict[str, Callable[[], bytes]] = {
    "a film in MPEG-4 part 2": lambda: film(codec="mpeg4"),
    "a film larger than 4K": lambda: film(0.1, (4112, 2320), sound=False),
}

TOO_LONG: dict[str, Callable[[], bytes]] = {
    "a film whose frames last for days": stretched,
    "sound of six minutes": lambda: sound(360),
}

RECORDINGS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a film": (film, "video/mp4"),
    "a film without sound": (lambda: film(sound=False), "video/mp4"),
    "a film of an iPhone": (lambda: film(container="mov"), "video/mp4"),
    "a film in H.265": (lambda: film(codec="libx265"), "video/mp4"),
    "a film with further boxes": (
        lambda: boxed(film(), box(b"uuid", b"secret-42" * 9), box(b"free", b"ACME" * 9)),
        "video/mp4",
    ),
    "sound": (sound, "audio/mp4"),
    "sound in ADTS": (lambda: sound(container="adts"), "audio/mp4"),
    "sound in MP3": (lambda: sound(codec="libmp3lame", container="mp3"), "audio/mpeg"),
}


def _nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = box(b"moov", content)
    return content
