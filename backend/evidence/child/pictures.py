"""Opens a photo so that it can be read strip by strip.

Memory stays below MEMORY_BYTES for every photo of MAX_PIXELS: a JPEG is decoded at a reduced scale, and what cannot be
is shrunk strip by strip, so that next to the decoded picture there is never a second one of its size. (Pillow's own way
takes 780 MB for a WebP of 50 megapixels and 380 MB for a HEIC.)
"""

import ctypes
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .exif import exif_from
from .kinds import NEEDED, photo_format
from .refusing import Refused

MAX_PIXELS = 50_000_000
MAX_EDGE = 20_000
SERVED_EDGE, THUMBNAIL_EDGE = 2560, 400


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
        found = photo_format(file.read(NEEDED))
    if found is None:
        raise Refused("not_a_photo")
    return _OPENERS[found](path)


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


_OPENERS: dict[str, Callable[[str], Picture]] = {
    "JPEG": lambda path: open_by_pillow(path, "JPEG", "image/jpeg"),
    "PNG": lambda path: open_by_pillow(path, "PNG", "image/png"),
    "WEBP": open_webp,
    "HEIF": open_heif,
}
