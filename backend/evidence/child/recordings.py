"""Puts the film and the sound of a recording into a new file, as they are, and nothing else of it.

Nothing is encoded anew: the packets of one film and one sound are written into an MP4 (or MP3) made here. Tags, the
place, other tracks (where cameras write positions) and the remarks that H.264 and H.265 allow between pictures (SEI)
stay behind. What came out is looked through once more, and the first picture decoded.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from PIL import Image

from .boxes import blank_out, foreign_boxes, is_whole
from .kinds import NEEDED, recording_format
from .refusing import Refused

REMARKS = {"h264": "filter_units=remove_types=6", "hevc": "filter_units=remove_types=39|40"}
"""What takes the remarks out of a film of each codec that is taken."""
SOUNDS = frozenset(("aac", "mp3", "mp3float"))
MOST_PIXELS = 4096 * 2304
THUMBNAIL_EDGE = 400
_DEGREES = re.compile(r"([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)(?:[+-][\d.]+)?(?:CRS.*)?/?")
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


def rewrap(original: str, served: str, thumbnail: str, most_seconds: int) -> dict[str, Any]:
    """Write the copy, of a film its first picture too, and tell what was found out. Raises Refused."""
    with open(original, "rb") as file:
        found = recording_format(file.read(NEEDED))
    if found is None:
        raise Refused("not_a_photo")
    if found == "mp4" and not is_whole(original):
        raise Refused("unreadable")
    try:
        told = _copied(original, served, found, most_seconds)
        if found != "mp3":
            blank_out(served)  # the muxer writes an empty box for tags all the same
            if foreign_boxes(served):
                raise Refused("unreadable")
        if told["media"] == "video/mp4":
            told["original"] = told["served"] = _first_picture(served, thumbnail)
        return told
    except (av.FFmpegError, ValueError, LookupError, ArithmeticError) as error:
        raise Refused("unreadable") from error


def _copied(original: str, served: str, found: str, most_seconds: int) -> dict[str, Any]:
    with av.open(original, format=found, metadata_errors="replace", options={"protocol_whitelist": "file"}) as source:
        films = [stream for stream in source.streams.video if "attached_pic" not in str(stream.disposition)]
        streams = [*films[:1], *source.streams.audio[:1]]
        _check(streams, source.duration, most_seconds)
        media = "video/mp4" if films else "audio/mpeg" if found == "mp3" else "audio/mp4"
        told = _told(found, media, source.metadata)
        bare = {"fflags": "+bitexact"}
        bare |= {"movflags": "+faststart"} if found != "mp3" else {"id3v2_version": "0", "write_xing": "0"}
        with av.open(served, "w", format="mp3" if found == "mp3" else "mp4", options=bare) as target:
            copies = {stream.index: target.add_stream_from_template(stream) for stream in streams}
            filters = {
                stream.index: BitStreamFilterContext(REMARKS[stream.codec_context.name], stream, copies[stream.index])
                for stream in films[:1]
            }
            seconds = 0.0
            for packet in _packets(source, streams, filters):
                seconds = max(seconds, _end_of(packet))
                if seconds > most_seconds:
                    raise Refused("too_long")
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
            if not seconds:
                raise Refused("unreadable")
    return told | {"seconds": round(seconds, 1)}


def _check(streams: list[Any], duration: int | None, most_seconds: int) -> None:
    if not streams:
        raise Refused("unreadable")
    if (duration or 0) > most_seconds * av.time_base:
        raise Refused("too_long")
    for stream in streams:
        context = stream.codec_context
        if context.name not in REMARKS and context.name not in SOUNDS:
            raise Refused("not_taken")
        if stream.type == "video" and not 0 < context.width * context.height <= MOST_PIXELS:
            raise Refused("not_taken")


def _packets(source: Any, streams: list[Any], filters: Mapping[int, Any]) -> Iterator[Any]:
    for packet in source.demux(streams):
        if packet.is_corrupt:
            raise Refused("unreadable")
        if packet.dts is None:  # what ends a stream
            continue
        if packet.stream.index in filters:
            stream = packet.stream
            for filtered in filters[stream.index].filter(packet):
                filtered.stream = stream
                yield filtered
        else:
            yield packet


def _end_of(packet: Any) -> float:
    at = packet.pts if packet.pts is not None else packet.dts
    return float((at + (packet.duration or 0)) * packet.time_base)


def _first_picture(film: str, thumbnail: str) -> tuple[int, int]:
    """Write the first picture of a film, upright and small; answers the size of the film as it is to be seen."""
    with av.open(film, format="mp4") as source:
        stream = source.streams.video[0]
        stream.codec_context.thread_count = 1
        frame = next(source.decode(stream), None)
        if frame is None:
            raise Refused("unreadable")
        picture: Any = frame  # PyAV says nothing of what to_image() gives
        image: Image.Image = picture.to_image().rotate(picture.rotation, expand=True)
    width, height = image.size
    image.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE), Image.Resampling.LANCZOS)
    image.save(thumbnail, "JPEG", quality=85)
    return width, height


def _told(found: str, media: str, tags: Mapping[str, str]) -> dict[str, Any]:
    written = tags.get("com.apple.quicktime.creationdate") or tags.get("creation_time") or ""
    offset = _OFFSET.search(written.strip())
    place = None
    with suppress(StopIteration):
        place = next(_places(tags))
    return {
        "content_type": media if found != "aac" else "audio/aac",
        "media": media,
        "original": None,
        "served": None,
        "look": None,
        "taken": written[:40] or None,
        "offset": offset and offset[1],
        "place": place,
        "datum": None,
    }


def _places(tags: Mapping[str, str]) -> Iterator[tuple[float, float]]:
    """Longitude and latitude wherever phones write them (ISO 6709), but for the 0, 0 of one without a fix."""
    for name in ("com.apple.quicktime.location.ISO6709", "location", "location-eng"):
        degrees = _DEGREES.fullmatch(tags.get(name, "").strip())
        if degrees is None:
            continue
        lat, lon = float(degrees[1]), float(degrees[2])
        if abs(lat) <= 90 and abs(lon) <= 180 and (lat or lon):
            yield lon, lat
