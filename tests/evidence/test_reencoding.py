"""What the copies of a photo look like, and that nothing of the original but its picture is in them."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from backend.config import TOWN_ZONE
from backend.evidence import reencoding
from backend.evidence.reencoding import NotAPhoto, Reencoded, TooManyAtOnce, TooManyPixels, UnreadablePhoto
from tests.evidence import photos
from tests.evidence.photos import BLUE, RED

WHITE = (255, 255, 255)
BARE_JPEG = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
"""Markers of a JPEG that holds a picture and nothing else: JFIF, tables, frame, scan."""


@dataclass
class Result:
    told: Reencoded
    served: bytes
    thumbnail: bytes
    folder: Path

    @property
    def image(self) -> Image.Image:
        return Image.open(self.folder / "served")

    @property
    def small_image(self) -> Image.Image:
        return Image.open(self.folder / "thumbnail")


@pytest.fixture
def reencode(tmp_path: Path):
    def run(file: bytes) -> Result:
        (tmp_path / "original").write_bytes(file)
        served, thumbnail = tmp_path / "served", tmp_path / "thumbnail"
        told = reencoding.reencode(tmp_path / "original", served, thumbnail, TOWN_ZONE)
        return Result(told, served.read_bytes(), thumbnail.read_bytes(), tmp_path)

    return run


def markers(file: bytes) -> set[int]:
    """The markers of a baseline JPEG's segments; fails on anything between or behind them."""
    assert file[:2] == b"\xff\xd8"
    place, found = 2, set()
    while file[place + 1] != 0xDA:
        assert file[place] == 0xFF
        found.add(file[place + 1])
        place += 2 + struct.unpack(">H", file[place + 2 : place + 4])[0]
    assert file.index(b"\xff\xd9", place) == len(file) - 2
    return found | {0xDA}


def near(seen: tuple[int, ...] | int, meant: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(one - other) <= by for one, other in zip(seen, meant, strict=True))


@pytest.mark.parametrize("name", photos.NOT_A_PHOTO)
def test_what_is_not_a_photo_is_refused_whatever_its_name(reencode, name: str) -> None:
    with pytest.raises(NotAPhoto):
        reencode(photos.NOT_A_PHOTO[name])


@pytest.mark.parametrize("name", photos.UNREADABLE)
def test_a_damaged_photo_is_refused(reencode, name: str) -> None:
    with pytest.raises(UnreadablePhoto):
        reencode(photos.UNREADABLE[name]())


@pytest.mark.parametrize("name", photos.TOO_MANY_PIXELS)
def test_a_photo_of_too_many_pixels_is_refused_by_its_header(reencode, name: str) -> None:
    with pytest.raises(TooManyPixels):
        reencode(photos.TOO_MANY_PIXELS[name]())


@pytest.mark.parametrize("name", photos.PHOTOS)
def test_every_kind_of_photo_is_served_as_a_bare_jpeg(reencode, name: str) -> None:
    result = reencode(photos.PHOTOS[name]())
    for copy in (result.served, result.thumbnail):
        assert markers(copy) <= BARE_JPEG
        assert not [secret for secret in photos.SECRETS if secret in copy]
        assert copy.count(b"\xff\xd8\xff") == 1
    assert result.image.size == result.small_image.size == (40, 20)


@pytest.mark.parametrize("name", [name for name in photos.PHOTOS if "grey" not in name and "black" not in name])
def test_every_kind_of_photo_keeps_its_colours(reencode, name: str) -> None:
    image = reencode(photos.PHOTOS[name]()).image
    assert near(image.getpixel((2, 2)), RED) and near(image.getpixel((30, 15)), BLUE)


@pytest.mark.parametrize("depth", ["a grey JPEG", "a grey PNG of 16 bits"])
def test_a_grey_photo_keeps_its_greys(reencode, depth: str) -> None:
    image = reencode(photos.PHOTOS[depth]()).image.convert("L")
    assert near((image.getpixel((2, 2)), image.getpixel((30, 15))), (76, 29))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("orientation", photos.STORED)
def test_a_photo_is_upright_however_the_phone_was_held(reencode, kind: str, orientation: int) -> None:
    turn = photos.STORED[orientation]
    image = photos.picture().transpose(turn) if turn is not None else photos.picture()
    lossless = {"JPEG": {"quality": 100}, "PNG": {}, "WEBP": {"lossless": True}, "HEIF": {"quality": -1}}[kind]
    result = reencode(photos.saved(image, kind, exif=photos.exif(orientation=orientation).tobytes(), **lossless))
    assert (result.told.width, result.told.height) == result.told.served_size == (40, 20)
    for copy in (result.image, result.small_image):
        assert copy.size == (40, 20) and ExifTags.Base.Orientation not in copy.getexif()
        assert near(copy.getpixel((2, 2)), RED, 9) and near(copy.getpixel((30, 15)), BLUE, 9)


def test_a_portrait_photo_of_a_phone_stands(reencode) -> None:
    result = reencode(photos.jpeg(exif=photos.exif(orientation=6)))
    assert result.image.size == (20, 40)
    assert near(result.image.getpixel((17, 2)), RED) and near(result.image.getpixel((2, 2)), BLUE)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(reencode, orientation: int) -> None:
    image = reencode(photos.jpeg(exif=photos.exif(orientation=orientation))).image
    assert image.size == (40, 20) and near(image.getpixel((2, 2)), RED)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_is_white(reencode, kind: str, mode: str) -> None:
    lossless = {"lossless": True} if kind == "WEBP" else {}
    image = reencode(photos.saved(photos.transparent(mode), kind, **lossless)).image.convert("RGB")
    assert near(image.getpixel((30, 10)), WHITE)
    assert mode == "LA" or near(image.getpixel((2, 2)), RED)


def test_a_colour_that_stands_for_transparent_is_white(reencode) -> None:
    image = reencode(photos.saved(photos.picture(), "PNG", transparency=BLUE)).image
    assert near(image.getpixel((30, 10)), WHITE) and near(image.getpixel((2, 2)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_photo_with_a_colour_profile_shows_the_colours_it_means(reencode, kind: str) -> None:
    lossless = {"JPEG": {"quality": 100}, "PNG": {}, "WEBP": {"lossless": True}, "HEIF": {"quality": -1}}[kind]
    file = photos.saved(photos.picture(), kind, icc_profile=photos.swapped_profile(), **lossless)
    red, green, blue = reencode(file).image.getpixel((2, 2))
    assert green > 240 and red < 90 and blue < 90


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3000, 1), (1, 20_000), (20_000, 1), (641, 479)])
def test_a_photo_of_any_shape_is_never_enlarged_and_never_vanishes(reencode, width: int, height: int) -> None:
    result = reencode(photos.saved(Image.new("RGB", (width, height), RED), "PNG"))
    for copy, edge in ((result.image, 2560), (result.small_image, 400)):
        assert max(copy.size) == min(edge, max(width, height)) and min(copy.size) >= 1


def test_a_large_photo_is_served_at_2560_pixels_and_its_thumbnail_at_400(reencode) -> None:
    result = reencode(photos.jpeg(photos.picture(6400, 3200), quality=80, progressive=True))
    assert (result.told.width, result.told.height) == (6400, 3200)
    assert result.image.size == result.told.served_size == (2560, 1280) and result.small_image.size == (400, 200)
    assert near(result.image.getpixel((0, 0)), RED, 60) and near(result.image.getpixel((2000, 1000)), BLUE)


def test_time_and_place_of_the_original_are_told_apart_from_the_copies(reencode) -> None:
    told = reencode(photos.telling_jpeg(offset="+09:00")).told
    assert (told.lon, told.lat) == (pytest.approx(113.0055), pytest.approx(22.87))
    assert told.taken_at is not None and told.taken_at.isoformat() == "2026-03-05T14:30:00+00:00"


@pytest.mark.parametrize(
    "gps",
    [
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (113.0, 0.0, 0.0)},
        {1: "N", 2: (22.0, 52.0), 3: "E", 4: (113.0, 0.0, 0.0)},
        {3: "E", 4: (113.0, 0.0, 0.0)},
        {1: "N", 2: (22.0, 52.0, float("inf")), 3: "E", 4: (113.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_is_none_is_left_out(reencode, gps: dict[int, object]) -> None:
    told = reencode(photos.jpeg(exif=photos.exif(gps=gps))).told
    assert (told.lon, told.lat) == (None, None) and told.taken_at is not None


def test_south_and_west_are_negative(reencode) -> None:
    told = reencode(photos.jpeg(exif=photos.exif(gps={1: "S", 2: (1.0, 30.0, 0.0), 3: "W", 4: (2.0, 0.0, 36.0)}))).told
    assert (told.lon, told.lat) == (pytest.approx(-2.01), pytest.approx(-1.5))


def test_a_decoder_that_crashes_costs_one_photo_only(reencode, monkeypatch, tmp_path: Path) -> None:
    crashing = tmp_path / "crashing.py"
    crashing.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with monkeypatch.context() as patch:
        patch.setattr(reencoding, "_PROGRAM", crashing)
        with pytest.raises(UnreadablePhoto):
            reencode(photos.jpeg())
    assert reencode(photos.jpeg()).image.size == (40, 20)


def test_a_decoder_that_does_not_end_is_ended(reencode, monkeypatch, tmp_path: Path) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass")
    monkeypatch.setattr(reencoding, "_PROGRAM", endless)
    monkeypatch.setattr(reencoding, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(UnreadablePhoto):
        reencode(photos.jpeg())


def test_more_photos_than_are_worked_on_in_good_time_are_asked_to_come_again(reencode, monkeypatch) -> None:
    monkeypatch.setattr(reencoding, "WAIT_SECONDS", 0.01)
    with reencoding._one_at_a_time, pytest.raises(TooManyAtOnce) as refused:
        reencode(photos.jpeg())
    assert refused.value.headers["Retry-After"] == "5"


def test_the_decoder_knows_nothing_of_the_server(reencode, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    spying = tmp_path / "spying.py"
    spying.write_text(f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(repr(dict(os.environ)))")
    monkeypatch.setattr(reencoding, "_PROGRAM", spying)
    with pytest.raises(UnreadablePhoto):
        reencode(photos.jpeg())
    assert "MALLOC_ARENA_MAX" in (tmp_path / "seen").read_text() and "secret" not in (tmp_path / "seen").read_text()


@pytest.mark.prove
@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "PNG", "PNG with alpha", "WEBP", "HEIF"])
def test_a_photo_of_49_megapixels_takes_less_than_300_megabytes(tmp_path: Path, kind: str) -> None:
    image = Image.effect_noise((504, 378), 60).resize((8064, 6048)).convert("RGBA" if "alpha" in kind else "RGB")
    options = {"progressive": True} if "progressive" in kind else {"compress_level": 1} if "PNG" in kind else {}
    (tmp_path / "original").write_bytes(photos.saved(image, kind.split()[0].replace("progressive", "JPEG"), **options))
    files = [str(tmp_path / name) for name in ("original", "served", "thumbnail")]
    # Through a small process: on Linux a child's peak counts from its parent's.
    measure = "import resource, subprocess, sys; subprocess.run([sys.executable, '-I', *sys.argv[1:]], check=True)"
    measure += "; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    command = [sys.executable, "-I", "-c", measure, str(reencoding._PROGRAM), "photo", *files]
    *_, peak = subprocess.run(command, capture_output=True, check=True, env=os.environ).stdout.split()
    assert Image.open(files[1]).size == (2560, 1920)
    assert int(peak) * 1024 < 300_000_000
