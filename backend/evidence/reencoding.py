"""Has a photo re-encoded by a child process, so that a hostile one costs neither the worker nor its memory.

A new child for each photo: it starts in 50 ms, against about 350 ms of work on a 12-megapixel photo, and gives back all
it took; one that stayed would have to be watched.
"""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from backend.evidence.capture_time import moment_taken
from backend.evidence.store import StorageFull
from backend.http.problems import Problem

TIMEOUT_SECONDS = 20.0
WAIT_SECONDS = 20.0
_PROGRAM = Path(__file__).with_name("imaging.py")
_one_at_a_time = threading.Lock()


class NotAPhoto(Problem):
    """A file that is none of the kinds of photo taken, whatever its name."""

    status, code = 422, "not_a_photo"
    zh, en = (
        "这不是照片。请上传 JPEG、PNG、WebP 或 HEIC 格式的照片。",
        "This is not a photo; send a JPEG, PNG, WebP or HEIC.",
    )


class UnreadablePhoto(Problem):
    """A photo that is cut off or damaged, or takes too much to decode."""

    status, code = 422, "unreadable_photo"
    zh = "照片不完整或已损坏，无法打开。请重新拍摄或另选一张。"
    en = "The photo is incomplete or damaged and cannot be opened; take it again or send another."


class TooManyPixels(Problem):
    """A photo of more pixels, or longer, than is decoded."""

    status, code = 422, "too_many_pixels"
    zh = "照片的像素太多（最多 5000 万像素，每边最长 20000 像素），请缩小后再上传。"
    en = "The photo has too many pixels (at most 50 million, and 20,000 along an edge); reduce it and send again."


class TooManyAtOnce(Problem):
    """More photos at once than are worked on in good time."""

    status, code = 429, "too_many_photos_at_once"
    zh, en = "正在处理的照片太多，请稍后再试。", "Too many photos at once; try again in a moment."


_REFUSALS: dict[str, type[Problem]] = {
    "not_a_photo": NotAPhoto,
    "unreadable": UnreadablePhoto,
    "too_many_pixels": TooManyPixels,
    "storage_full": StorageFull,
}


@dataclass(frozen=True)
class Reencoded:
    """What was found out about an original, upright, and the size of its served copy. Place and time are private."""

    content_type: str
    width: int
    height: int
    served_size: tuple[int, int]
    taken_at: datetime | None
    lon: float | None
    lat: float | None


def reencode(original: Path, served: Path, thumbnail: Path, zone: tzinfo) -> Reencoded:
    """Write the copies of a photo that may be served; `zone` is where a camera without a zone is taken to be.

    Raises NotAPhoto, UnreadablePhoto, TooManyPixels, StorageFull or TooManyAtOnce.
    """
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise TooManyAtOnce(headers={"Retry-After": "5"})
    try:
        told = _told_by_child(original, served, thumbnail)
    finally:
        _one_at_a_time.release()
    if "refused" in told:
        raise _REFUSALS[told["refused"]]
    width, height = told["original"]
    lon, lat = told["place"] or (None, None)
    return Reencoded(
        content_type=told["content_type"],
        width=width,
        height=height,
        served_size=tuple(told["served"]),
        taken_at=moment_taken(told["taken"], told["offset"], zone),
        lon=lon,
        lat=lat,
    )


def _told_by_child(*files: Path) -> dict[str, Any]:
    # The child sees none of our secrets: an empty environment but for what Python may need to start.
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "1"
    command = [sys.executable, "-I", str(_PROGRAM), *map(str, files)]
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
            env=environment,
            check=True,
        )
        told: dict[str, Any] = json.loads(child.stdout)
        return told
    except (subprocess.SubprocessError, ValueError):
        return {"refused": "unreadable"}
