"""Has what was sent made anew by a child process, so that a hostile file costs neither the worker nor its memory.

A new child for each file: it starts in 50 ms, against about 350 ms of work on a 12-megapixel photo, and gives back all
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
from backend.evidence.child.kinds import NEEDED, Kind, kind_of
from backend.evidence.store import StorageFull
from backend.http.problems import Problem
from backend.territory.coordinates import to_wgs84

TIMEOUT_SECONDS = 20.0
WAIT_SECONDS = 20.0
MOST_SECONDS = 300
_PROGRAM = Path(__file__).with_name("child")
_one_at_a_time = threading.Lock()


class NotAPhoto(Problem):
    """A file that is none of the kinds taken, whatever its name."""

    status, code = 422, "not_a_photo"
    zh = "这不是照片、视频或录音。请上传 JPEG、PNG、WebP 或 HEIC 照片，MP4 视频，或 M4A、MP3、AAC 录音。"
    en = "This is no photo, film or sound; send a JPEG, PNG, WebP or HEIC, an MP4, or an M4A, MP3 or AAC."


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


class UnreadableRecording(Problem):
    """A film or sound that is cut off or damaged."""

    status, code = 422, "unreadable_recording"
    zh = "视频或录音不完整或已损坏，无法打开。请重新录制后再上传。"
    en = "The recording is incomplete or damaged and cannot be opened; record it again and send that."


class RecordingNotTaken(Problem):
    """A film or sound written in a way that is not taken."""

    status, code = 422, "recording_not_taken"
    zh = "不支持这种编码。视频请用 H.264 或 H.265（不超过 4K），声音请用 AAC 或 MP3，重新导出后请再上传。"
    en = "This encoding is not taken; send films in H.264 or H.265, 4K at most, and sound in AAC or MP3."


class TooLong(Problem):
    """A film or sound that lasts too long."""

    status, code = 422, "recording_too_long"
    zh = "视频或录音太长，最长 {seconds} 秒，请剪短后再上传。"
    en = "The recording is too long: {seconds} seconds at most; shorten it and send again."


class TooManyAtOnce(Problem):
    """More photos at once than are worked on in good time."""

    status, code = 429, "too_many_photos_at_once"
    zh, en = "正在处理的照片太多，请稍后再试。", "Too many photos at once; try again in a moment."


_REFUSALS: dict[str, type[Problem]] = {
    "not_a_photo": NotAPhoto,
    "too_many_pixels": TooManyPixels,
    "storage_full": StorageFull,
    "not_taken": RecordingNotTaken,
    "too_long": TooLong,
}
_UNREADABLE: dict[Kind, type[Problem]] = {"photo": UnreadablePhoto, "recording": UnreadableRecording}


@dataclass(frozen=True)
class Reencoded:
    """What was found out about an original, upright, and the size of its served copy. Place and time are private.

    `media` is the type of the served copy. Sound has no size, a photo no `seconds` and, alone, a `look` (see
    comparing.py).
    """

    content_type: str
    media: str
    width: int | None
    height: int | None
    served_size: tuple[int, int] | None
    seconds: float | None
    look: int | None
    taken_at: datetime | None
    lon: float | None
    lat: float | None


def kind_sent(start: bytes) -> Kind:
    """What a file that begins so is opened as. Raises NotAPhoto."""
    found = kind_of(start)
    if found is None:
        raise NotAPhoto
    return found


def reencode(
    original: Path, served: Path, thumbnail: Path, zone: tzinfo, most_seconds: int = MOST_SECONDS
) -> Reencoded:
    """Write the copies of a photo or recording that may be served: sound has no thumbnail, a recording may take so many
    seconds, and a camera that names no zone is taken to be in `zone`.

    Raises NotAPhoto, UnreadablePhoto, TooManyPixels, UnreadableRecording, RecordingNotTaken, TooLong, StorageFull or
    TooManyAtOnce.
    """
    with original.open("rb") as file:
        kind = kind_sent(file.read(NEEDED))
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise TooManyAtOnce(headers={"Retry-After": "5"})
    try:
        told = _told_by_child(kind, original, served, thumbnail, str(most_seconds))
    finally:
        _one_at_a_time.release()
    if "refused" in told:
        refusal = _REFUSALS.get(told["refused"], _UNREADABLE[kind])
        raise refusal(seconds=most_seconds) if refusal is TooLong else refusal
    width, height = told["original"] or (None, None)
    lon, lat = _place(told)
    return Reencoded(
        content_type=told["content_type"],
        media=told["media"],
        width=width,
        height=height,
        served_size=told["served"] and tuple(told["served"]),
        seconds=told.get("seconds"),
        look=told["look"],
        taken_at=moment_taken(told["taken"], told["offset"], zone),
        lon=lon,
        lat=lat,
    )


def _place(told: dict[str, Any]) -> tuple[float | None, float | None]:
    """Where it was taken in WGS84, which EXIF means unless it names another datum, as some phones in China do."""
    if told["place"] is None:
        return None, None
    lon, lat = told["place"]
    named = (told["datum"] or "").upper().replace("-", "")
    return to_wgs84(lon, lat, "gcj02" if named.startswith("GCJ02") else "wgs84")


def _told_by_child(kind: Kind, *rest: Path | str) -> dict[str, Any]:
    # The child sees none of our secrets: an empty environment but for what Python may need to start.
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "1"
    command = [sys.executable, "-I", str(_PROGRAM), kind, *map(str, rest[: 3 if kind == "photo" else 4])]
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
