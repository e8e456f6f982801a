"""Turns a photo as sent into the copies that are served: upright, in sRGB, without metadata."""

import io
from contextlib import suppress
from typing import Any

from PIL import Image, ImageCms

from .exif import BROKEN_EXIF, UPRIGHT, facts_of, orientation_of
from .pictures import SERVED_EDGE, THUMBNAIL_EDGE, Picture, fitting, open_picture
from .refusing import Refused

QUALITY = {"quality": 85}
SMALL_QUALITY = {"quality": 100, "subsampling": 0}
"""For a picture no larger than a thumbnail: JPEG blurs its colours visibly, and all of them cost a few kilobytes."""
STRIP_ROWS = 64
LEAST_CONTRAST = 16
"""Steps of grey between the brightest and the darkest of the fields that a picture is compared by."""


def opaque(strip: Image.Image) -> Image.Image:
    """A strip in a mode that can be shrunk, what is transparent on white: grey, RGB or CMYK."""
    if strip.mode.startswith("I"):  # 16 bits of grey
        return strip.convert("I").point(lambda grey: grey / 257).convert("L")
    if strip.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in strip.info:
        seen = strip.convert("RGBA")
        white = Image.new("RGB", seen.size, "white")
        white.paste(seen, mask=seen.getchannel("A"))
        return white
    return strip if strip.mode in ("L", "RGB", "CMYK") else strip.convert("L" if strip.mode == "1" else "RGB")


def narrowed(picture: Picture, width: int) -> Image.Image:
    """The picture at its full height and a smaller width, strip by strip."""
    height = picture.scaled[1]
    narrow: Image.Image | None = None
    for top in range(0, height, STRIP_ROWS):
        strip = opaque(picture.strip(top, min(top + STRIP_ROWS, height)))
        strip = strip.resize((width, strip.height), Image.Resampling.LANCZOS)
        narrow = narrow or Image.new(strip.mode, (width, height))
        narrow.paste(strip, (0, top))
    if narrow is None:
        raise Refused("unreadable")
    return narrow


def in_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """The image in sRGB; a colour profile that does not fit it is as good as none."""
    if icc:
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            profile, srgb = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
            intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
            image = ImageCms.profileToProfile(image, profile, srgb, intent, outputMode="RGB") or image
    return image.convert("RGB") if image.mode == "CMYK" else image


def look_of(image: Image.Image) -> int | None:
    """The picture's difference hash: 64 bits, each telling whether the brightness of an 8 by 8 grid rises to the right.

    Enlarged, reduced or saved anew a picture keeps it, up to a few bits. None for a picture that is all alike (a wall,
    the dark): its bits would be noise.
    """
    grey = list(image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes())
    if max(grey) - min(grey) < LEAST_CONTRAST:
        return None
    rows = [grey[top : top + 9] for top in range(0, 72, 9)]
    return sum((row[x] < row[x + 1]) << (8 * y + x) for y, row in enumerate(rows) for x in range(8))


def develop(original: str, served: str, thumbnail: str) -> dict[str, Any]:
    """Write the two copies and tell what was found out about the original. Raises Refused."""
    Image.MAX_IMAGE_PIXELS = None  # Pillow only warns up to twice its limit; check_size() refuses
    picture = open_picture(original)
    try:
        exif = picture.exif()
        orientation = 1 if picture.turned else orientation_of(exif)
    except BROKEN_EXIF:
        exif, orientation = Image.Exif(), 1
    content_type, icc, size = picture.content_type, picture.icc, (picture.width, picture.height)
    small = fitting(*size, SERVED_EDGE)
    image = narrowed(picture, small[0])
    del picture  # its memory is needed
    image = in_srgb(image.resize(small, Image.Resampling.LANCZOS), icc)
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    quality = QUALITY if max(image.size) > THUMBNAIL_EDGE else SMALL_QUALITY
    image.save(served, "JPEG", **quality)
    reduced = image.resize(fitting(*image.size, THUMBNAIL_EDGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    reduced.save(thumbnail, "JPEG", **quality)
    return {
        "content_type": content_type,
        "media": "image/jpeg",
        "original": size if orientation < 5 else size[::-1],
        "served": image.size,
        "look": look_of(reduced),
        **facts_of(exif),
    }
