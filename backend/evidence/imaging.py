"""Turns a photo as sent into the copies that are served: upright, in sRGB, without metadata. Run as a program.

`python -I imaging.py ORIGINAL SERVED THUMBNAIL` writes two JPEG files and prints a JSON object: what was found out
about the original, or `refused` with the reason. It runs in a process of its own (see reencoding.py), because a hostile
file may take memory, time or the process itself, and imports nothing of the product, so that it starts in 50 ms.

Memory stays below MEMORY_BYTES for every photo of MAX_PIXELS: a JPEG is decoded at a reduced scale, and what cannot be
is shrunk strip by strip, so that next to the decoded picture there is never a second one of its size. (Pillow's own way
takes 780 MB for a WebP of 50 megapixels and 380 MB for a HEIC.)
"""

import ctypes
import errno
import io
import json
import os
import re
import resource
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

MAX_PIXELS = 50_000_000
MAX_EDGE = 20_000
SERVED_EDGE, THUMBNAIL_EDGE = 2560, 400
QUALITY = {"quality": 85}
SMALL_QUALITY = {"quality": 100, "subsampling": 0}
"""For a picture no larger than a thumbnail: JPEG blurs its colours visibly, and all of them cost a few kilobytes."""
MEMORY_BYTES = 280 * 2**20
"""Writable memory of this process; with the 20 MB of mapped code its RSS ends below 300 MB."""
CPU_SECONDS = 15
STRIP_ROWS = 64

HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"))
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises for EXIF that is not as it should be: such a photo is served all the same.
BROKEN_EXIF = (ValueError, TypeError, LookupError, SyntaxError, OSError, ArithmeticError, AttributeError, struct.error)


class Refused(Exception):
    """A file that is not served: `not_a_photo`, `too_many_pixels` or `unreadable`."""


@dataclass
class Picture:
    """An original that can be read strip by strip, and what it says of itself.

    `width` and `height` are those of the file, `scaled` those it was decoded at; `strip(top, bottom)` gives its rows.
    """

    content_type: str
    width: int
    height: int
    scaled: tuple[int, int]
    strip: Callable[[int, int], Image.Image]
    exif: Callable[[], Image.Exif]
    icc: bytes | None
    turned: bool = False


def check_size(width: int, height: int) -> None:
    """Refuse by the size the header gives, before a pixel is decoded."""
    if width < 1 or height < 1:
        raise Refused("unreadable")
    if max(width, height) > MAX_EDGE or width * height > MAX_PIXELS:
        raise Refused("too_many_pixels")


def fitting(width: int, height: int, edge: int) -> tuple[int, int]:
    """The size within a square of `edge`; never larger than the picture is."""
    scale = min(1.0, edge / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def open_picture(path: str) -> Picture:
    """The picture in a file, known by its first bytes whatever its name. Raises Refused."""
    with open(path, "rb") as file:
        start = file.read(12)
    if start.startswith(b"\xff\xd8\xff"):
        return open_by_pillow(path, "JPEG", "image/jpeg")
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return open_by_pillow(path, "PNG", "image/png")
    if start.startswith(b"RIFF") and start[8:] == b"WEBP":
        return open_webp(path)
    if start[4:8] == b"ftyp" and start[8:] in HEIF_BRANDS:
        return open_heif(path)
    raise Refused("not_a_photo")


def open_by_pillow(path: str, kind: str, content_type: str) -> Picture:
    """A JPEG, a PNG or an animated WebP: its first frame."""
    image = Image.open(path, formats=[kind])
    width, height = image.size
    check_size(width, height)
    # From here on a JPEG's `size` may be the reduced one.
    image.draft(None, fitting(width, height, SERVED_EDGE))
    image.load()

    def strip(top: int, bottom: int) -> Image.Image:
        return image.crop((0, top, image.width, bottom))

    return Picture(content_type, width, height, image.size, strip, image.getexif, image.info.get("icc_profile"))


def open_webp(path: str) -> Picture:
    """A WebP, decoded by libwebp's simple interface into rows of three bytes a pixel.

    Pillow decodes every WebP as an animation, with four pictures of its size in memory. Its library is loaded here
    through the module that is linked to it.
    """
    from PIL import _webp

    library = ctypes.CDLL(_webp.__file__)
    with open(path, "rb") as file:
        data = file.read()
    length, features = ctypes.c_size_t(len(data)), (ctypes.c_int * 10)()
    if library.WebPGetFeaturesInternal(data, length, features, 0x0209) != 0:
        raise Refused("unreadable")
    width, height, has_alpha, animated, _format = features[:5]
    check_size(width, height)
    if animated:
        del data
        return open_by_pillow(path, "WEBP", "image/webp")
    mode, function = ("RGBA", "WebPDecodeRGBAInto") if has_alpha else ("RGB", "WebPDecodeRGBInto")
    stride = width * len(mode)
    rows = (ctypes.c_ubyte * (stride * height))()
    decode = getattr(library, function)
    decode.restype = ctypes.c_void_p
    decode.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if decode(data, length, rows, ctypes.sizeof(rows), stride) is None:
        raise Refused("unreadable")
    chunks = dict(riff_chunks(data))

    return Picture(
        "image/webp",
        width,
        height,
        (width, height),
        strips_of(memoryview(rows), mode, width, stride),
        lambda: exif_from(chunks.get(b"EXIF")),
        chunks.get(b"ICCP"),
    )


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The small chunks of a RIFF file: name and content."""
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        if name in (b"EXIF", b"ICCP"):
            yield name, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def open_heif(path: str) -> Picture:
    """A HEIC. libheif has turned it upright already (its EXIF orientation is not to be followed)."""
    import pillow_heif

    # No embedded thumbnail may stand in for the picture; and the machine has other work than this.
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.options.DEPTH_IMAGES = False
    pillow_heif.options.AUX_IMAGES = False
    pillow_heif.options.DECODE_THREADS = 1
    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    image = file[file.primary_index]
    info: dict[str, Any] = image.info
    check_size(*image.size)
    rows = memoryview(image.data)
    width, height = image.size  # as decoded, in which the header may have been wrong
    check_size(width, height)
    return Picture(
        "image/heic",
        width,
        height,
        (width, height),
        strips_of(rows, image.mode, width, image.stride),
        lambda: exif_from(info.get("exif")),
        info.get("icc_profile"),
        turned=True,
    )


def strips_of(rows: memoryview, mode: str, width: int, stride: int) -> Callable[[int, int], Image.Image]:
    """Strips of a picture that lies in memory as rows of `stride` bytes."""
    flat = rows.cast("B")

    def strip(top: int, bottom: int) -> Image.Image:
        part = bytes(flat[top * stride : bottom * stride])
        return Image.frombuffer(mode, (width, bottom - top), part, "raw", mode, stride, 1)

    return strip


def exif_from(data: bytes | None) -> Image.Exif:
    """EXIF from its bytes; empty without."""
    exif = Image.Exif()
    if data:
        exif.load(data)
    return exif


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


def orientation_of(exif: Image.Exif) -> int:
    """EXIF's orientation, 1 to 8; anything else counts as upright."""
    value = exif.get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and value in UPRIGHT else 1


def degrees(gps: Mapping[int, Any], tag: int, most: int) -> float:
    """Degrees from EXIF's degrees, minutes and seconds under `tag` and the hemisphere under the tag before it."""
    whole, minutes, seconds = (float(part) for part in gps[tag])
    value = whole + minutes / 60 + seconds / 3600
    if not 0 <= value <= most:  # NaN, too
        raise ValueError(value)
    return -value if str(gps.get(tag - 1)).strip("\0 ").upper().startswith(("W", "S")) else value


def place_of(exif: Image.Exif) -> tuple[float, float] | None:
    """Longitude and latitude as the camera wrote them; None for the 0, 0 of a camera without a fix."""
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place = degrees(gps, ExifTags.GPS.GPSLongitude, 180), degrees(gps, ExifTags.GPS.GPSLatitude, 90)
    return place if any(place) else None


def facts_of(exif: Image.Exif) -> dict[str, Any]:
    """When and where the photo says it was taken, as far as it can be read."""
    facts: dict[str, Any] = {"taken": None, "offset": None, "place": None}
    with suppress(*BROKEN_EXIF):
        details = exif.get_ifd(ExifTags.IFD.Exif)
        facts["taken"] = printable(details.get(ExifTags.Base.DateTimeOriginal))
        facts["offset"] = printable(details.get(ExifTags.Base.OffsetTimeOriginal))
    with suppress(*BROKEN_EXIF):
        facts["place"] = place_of(exif)
    return facts


def printable(value: Any) -> str | None:
    """A short text of EXIF, without what does not belong into one."""
    return re.sub(r"[^ -~]", "", value)[:40] if isinstance(value, str) else None


def develop(original: str, served: str, thumbnail: str) -> dict[str, Any]:
    """Write the two copies and tell what was found out about the original. Raises Refused."""
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
        "original": size if orientation < 5 else size[::-1],
        "served": image.size,
        **facts_of(exif),
    }


def limit_this_process() -> None:
    """Cap memory, time and output, keep a core dump from showing the photo, and let other work go first."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 2**20, 32 * 2**20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    Image.MAX_IMAGE_PIXELS = None  # Pillow only warns up to twice its limit; check_size() refuses


def main() -> None:
    """Work on the files named on the command line and print the result."""
    limit_this_process()
    try:
        result = develop(*sys.argv[1:4])
    except (Refused, UnidentifiedImageError) as error:
        result = {"refused": str(error) if isinstance(error, Refused) else "unreadable"}
    except OSError as error:
        result = {"refused": "storage_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "unreadable"}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
