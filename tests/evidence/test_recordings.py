"""What the copies of films and sound hold, and that nothing of the original but film and sound is in them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from PIL import Image

from backend.config import TOWN_ZONE
from backend.evidence import reencoding
from backend.evidence.reencoding import RecordingNotTaken, Reencoded, TooLong, UnreadableRecording
from tests.evidence import recordings
from tests.evidence.recordings import RECORDINGS, box, film, sound


@dataclass
class Result:
    told: Reencoded
    served: bytes
    thumbnail: Path


@pytest.fixture
def reencode(tmp_path: Path):
    def run(file: bytes) -> Result:
        names = ("original", "served", "thumbnail")
        original, served, thumbnail = (tmp_path / name for name in names)
        original.write_bytes(file)
        told = reencoding.reencode(original, served, thumbnail, TOWN_ZONE)
        return Result(told, served.read_bytes(), thumbnail)

    return run


def packets(file: bytes, kind: str) -> list[bytes]:
    """The packets of the film, or the sound, in a file."""
    with av.open(io.BytesIO(file)) as source:
        (stream, *_) = getattr(source.streams, kind)
        return [bytes(packet) for packet in source.demux(stream) if packet.size]


def tags(file: bytes) -> dict[str, str]:
    """All that a file says of itself in words."""
    with av.open(io.BytesIO(file)) as source:
        found = dict(source.metadata)
        for stream in source.streams:
            found |= {name: value for name, value in stream.metadata.items() if name not in ("language", "vendor_id")}
    return found


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_kind_is_served_without_a_word_of_its_original(reencode, name: str) -> None:
    make, media = RECORDINGS[name]
    original = make()
    result = reencode(original)
    assert result.told.media == media
    assert not [secret for secret in recordings.SECRETS if secret in result.served]
    assert set(tags(result.served)) <= {"major_brand", "minor_version", "compatible_brands", "handler_name"}
    assert result.told.seconds == pytest.approx(1, abs=0.3)
    assert result.thumbnail.exists() == (media == "video/mp4")


def test_the_original_told_what_its_copy_does_not(reencode) -> None:
    original = film()
    assert {"title", "artist", "location", "creation_time"} <= set(tags(original))
    told = reencode(original).told
    assert (told.lon, told.lat) == (113.0055, 22.87)
    assert told.taken_at is not None and told.taken_at.isoformat() == "2026-03-05T15:30:00+00:00"


def test_the_time_of_an_iphone_has_its_offset(reencode) -> None:
    when = {"com.apple.quicktime.creationdate": "2026-03-05T23:30:00+0900"}
    told = reencode(film(container="mov", movflags="use_metadata_tags", tags=when)).told
    assert told.taken_at is not None and told.taken_at.isoformat() == "2026-03-05T14:30:00+00:00"


@pytest.mark.parametrize("place", ["+91.0000+113.0055/", "+00.0000+000.0000/", "somewhere", "+22.87", "secret"])
def test_a_place_that_is_none_is_left_out(reencode, place: str) -> None:
    told = reencode(film(tags={"location": place})).told
    assert (told.lon, told.lat) == (None, None)


def test_film_and_sound_are_copied_and_not_encoded_anew(reencode) -> None:
    original = film(codec="libx264")
    copy = reencode(original).served
    assert packets(copy, "audio") == packets(original, "audio")
    pictures = list(zip(packets(original, "video"), packets(copy, "video"), strict=True))
    assert len(pictures) == 10
    assert all(whole.endswith(bare) for whole, bare in pictures)  # of the first the remarks are gone


def test_what_the_encoder_remarks_between_pictures_is_gone(reencode) -> None:
    original = film()
    assert b"x264" in original
    assert b"x264" not in reencode(original).served


def test_a_film_s_thumbnail_is_its_first_picture(reencode) -> None:
    result = reencode(film(size=(1280, 640)))
    assert (result.told.width, result.told.height) == result.told.served_size == (1280, 640)
    image = Image.open(result.thumbnail)
    assert image.size == (400, 200) and image.format == "JPEG"
    red, _, blue = image.getpixel((1, 1))
    assert red > 150 > blue


@pytest.mark.parametrize("name", recordings.UNREADABLE)
def test_a_damaged_recording_is_refused(reencode, name: str) -> None:
    with pytest.raises(UnreadableRecording):
        reencode(recordings.UNREADABLE[name]())


@pytest.mark.parametrize("name", recordings.NOT_TAKEN)
def test_what_no_browser_plays_is_refused_by_name(reencode, name: str) -> None:
    with pytest.raises(RecordingNotTaken):
        reencode(recordings.NOT_TAKEN[name]())


@pytest.mark.parametrize("name", recordings.TOO_LONG)
def test_what_lasts_too_long_is_refused_by_its_header_and_by_its_packets(reencode, name: str) -> None:
    with pytest.raises(TooLong) as refused:
        reencode(recordings.TOO_LONG[name]())
    assert refused.value.params == {"seconds": 300}


def test_a_film_of_many_megabytes_takes_little_memory_and_time(tmp_path: Path) -> None:
    padding = box(b"free", os.urandom(1 << 20) * 90)
    (tmp_path / "original").write_bytes(film() + padding)
    files = [str(tmp_path / name) for name in ("original", "served", "thumbnail")]
    measure = "import resource, subprocess, sys; subprocess.run([sys.executable, '-I', *sys.argv[1:]], check=True)"
    measure += "; used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_maxrss, used.ru_utime)"
    command = [sys.executable, "-I", "-c", measure, str(reencoding._PROGRAM), "recording", *files, "300"]
    *_, peak, seconds = subprocess.run(command, capture_output=True, check=True).stdout.split()
    assert Path(files[1]).stat().st_size < 100_000
    assert int(peak) * 1024 < 300_000_000 and float(seconds) < 3


def test_sound_may_last_as_long_as_the_setting_says(reencode, tmp_path: Path) -> None:
    (tmp_path / "original").write_bytes(sound(3))
    files = [tmp_path / name for name in ("original", "served", "thumbnail")]
    with pytest.raises(TooLong):
        reencoding.reencode(*files, TOWN_ZONE, most_seconds=2)
    assert reencoding.reencode(*files, TOWN_ZONE, most_seconds=4).seconds == pytest.approx(3, abs=0.3)
