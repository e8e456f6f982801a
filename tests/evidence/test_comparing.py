"""Whether a photo was used before: the same file, or the same picture in another one."""

from __future__ import annotations

import io
import random
import uuid
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from sqlalchemy import insert

from backend.config import TOWN_ZONE
from backend.evidence.comparing import MOST_BITS, forget_prints, keep_print, likenesses
from backend.evidence.originals import Original, seal_original
from backend.evidence.reencoding import reencode
from backend.evidence.tables import Evidence
from backend.http import clock
from backend.http.ids import new_id
from backend.http.work import unit_of_work
from tests.evidence import photos

CASE = uuid.uuid4()


@pytest.fixture
def look(tmp_path: Path):
    def of(file: bytes) -> int | None:
        (tmp_path / "original").write_bytes(file)
        return reencode(*(tmp_path / name for name in ("original", "served", "thumbnail")), TOWN_ZONE).look

    return of


def bits(one: int, other: int) -> int:
    return (one ^ other).bit_count()


@pytest.mark.parametrize("seed", range(3))
def test_saved_anew_reduced_or_brightened_a_picture_looks_the_same(look, seed: int) -> None:
    scene = photos.scene(seed)
    whole = look(photos.jpeg(scene))
    assert whole is not None
    for changed in (
        photos.jpeg(scene, quality=40),
        photos.saved(scene, "PNG"),
        photos.saved(scene, "HEIF"),
        photos.jpeg(scene.resize((320, 240))),
        photos.jpeg(ImageEnhance.Brightness(scene).enhance(0.9)),
        photos.jpeg(scene.transpose(Image.Transpose.ROTATE_90), exif=photos.exif(orientation=6)),
    ):
        seen = look(changed)
        assert seen is not None and bits(whole, seen) <= MOST_BITS


def test_other_pictures_look_different(look) -> None:
    seen = [look(photos.jpeg(photos.scene(seed))) for seed in range(6)]
    for number, one in enumerate(seen):
        for other in seen[number + 1 :]:
            assert one is not None and other is not None and bits(one, other) > 10


@pytest.mark.parametrize("colour", ["black", "white", (120, 118, 121)])
def test_a_picture_that_is_all_alike_looks_like_nothing(look, colour) -> None:
    assert look(photos.jpeg(Image.new("RGB", (200, 100), colour))) is None


@pytest.fixture
def keep(app: Flask):
    """Keep the print of a photo of a case: `keep(sha256, look)`."""

    def photo(sha256: bytes, look: int | None = None, case: uuid.UUID = CASE) -> uuid.UUID:
        original = Original(key=bytes(32), content_type="image/jpeg", size=1, sha256=sha256, look=look)
        one = new_id()
        values = {"id": one, "uploaded_by": uuid.uuid4(), "case_id": case, "event_version": 1, "media": "image/jpeg"}
        values |= {"created_at": clock.now(), "sealed": seal_original(one, original)}
        with unit_of_work() as session:
            session.execute(insert(Evidence), values)
            keep_print(session, one, original)
        return one

    with app.app_context():
        yield photo


@pytest.mark.sql
def test_the_same_file_and_what_looks_alike_are_found_and_nothing_else(keep) -> None:
    look = random.Random(7).getrandbits(64)
    mine = keep(b"a" * 32, look)
    same, alike = keep(b"a" * 32, None), keep(b"b" * 32, look ^ 0b1000_0001 ^ 1 << 63)
    keep(b"c" * 32, look ^ 0b1111)
    keep(b"d" * 32, look ^ 0xFFFF_FFFF_FFFF_FFFF)
    keep(b"e" * 32, None)
    found = {(one.other, one.exact) for one in likenesses([mine])}
    assert found == {(same, True), (alike, False)}
    assert {one.other for one in likenesses([same])} == {mine}


@pytest.mark.sql
def test_what_is_forgotten_is_compared_no_more(keep) -> None:
    mine, other = keep(b"a" * 32), keep(b"a" * 32)
    with unit_of_work() as session:
        forget_prints(session, [other])
    assert list(likenesses([mine])) == [] == list(likenesses([other])) == list(likenesses([]))


@given(look=st.integers(0, 2**64 - 1), flipped=st.sets(st.integers(0, 63), max_size=MOST_BITS))
def test_whatever_differs_in_few_bits_has_a_quarter_in_common(look: int, flipped: set[int]) -> None:
    other = look
    for bit in flipped:
        other ^= 1 << bit
    assert any(look >> shift & 0xFFFF == other >> shift & 0xFFFF for shift in (0, 16, 32, 48))


def test_the_hash_is_what_its_rule_says(look) -> None:
    # Nine columns that grow brighter to the right, and in the lower half darker.
    rows = [bytes(range(20, 200, 20)) if y < 4 else bytes(range(180, 0, -20)) for y in range(8)]
    image = Image.frombytes("L", (9, 8), b"".join(rows)).resize((360, 320), Image.Resampling.NEAREST)
    out = io.BytesIO()
    image.save(out, "PNG")
    assert look(out.getvalue()) == 0x0000_0000_FFFF_FFFF
