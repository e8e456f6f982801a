"""Photos, and files that pretend to be some, made by code."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, ImageDraw, PngImagePlugin

pillow_heif.register_heif_opener()

RED, BLUE = (255, 0, 0), (0, 0, 255)
SECRETS = (b"ACME", b"secret-42", b"SN-0815", b"GPSLatitude", b"Exif", b"http://ns.adobe.com", b"Photoshop", b"ICC_")
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture lies in a file of each EXIF orientation."""


def picture(width: int = 40, height: int = 20, mode: str = "RGB") -> Image.Image:
    """Blue, with a red square of 8 by 8 in the upper left corner."""
    image = Image.new("RGB", (width, height), BLUE)
    ImageDraw.Draw(image).rectangle((0, 0, 7, 7), RED)
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """An image as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    """A JPEG file without blurred colours."""
    return saved(image or picture(), "JPEG", **{"quality": 100, "subsampling": 0} | options)


def exif(**changes: Any) -> Image.Exif:
    """EXIF of a phone that tells everything; `orientation`, `taken`, `offset` and `gps` change it."""
    told = Image.Exif()
    told[ExifTags.Base.Make] = "ACME"
    if "orientation" in changes:
        told[ExifTags.Base.Orientation] = changes["orientation"]
    details = told.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = changes.get("taken", "2026:03:05 23:30:00")
    if "offset" in changes:
        details[ExifTags.Base.OffsetTimeOriginal] = changes["offset"]
    details[ExifTags.Base.BodySerialNumber] = "SN-0815"
    details[ExifTags.Base.MakerNote] = b"ACME" + jpeg(Image.new("RGB", (8, 8), "green"))
    told.get_ifd(ExifTags.IFD.GPSInfo).update(
        changes.get("gps", {1: "N", 2: (22.0, 52.0, 12.0), 3: "E", 4: (113.0, 0.0, 19.8)})
    )
    return told


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def telling_jpeg(**changes: Any) -> bytes:
    """A JPEG with EXIF (an embedded JPEG in it), XMP, IPTC and a comment."""
    plain = jpeg(exif=exif(**changes))
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta exif:GPSLatitude='22,52.2N' secret-42/>"
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0e\x1c\x02\x50\x00\x09secret-42"
    return plain[:2] + segment(0xE1, xmp) + segment(0xED, iptc) + segment(0xFE, b"secret-42") + plain[2:]


def telling_png() -> bytes:
    """A PNG with eXIf, tEXt and XMP."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "secret-42")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta exif:GPSLatitude='22,52.2N' secret-42/>")
    return saved(picture(), "PNG", pnginfo=text, exif=exif())


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, bits: int = 8, colour: int = 2, rows: bytes = b"", *more: bytes) -> bytes:
    """A PNG file with this header, whatever its rows hold; `more` chunks stand before them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + data + chunk(b"IEND", b"")


def empty_png(width: int, height: int) -> bytes:
    """A whole PNG of one bit a pixel, all black: a few kilobytes for any number of pixels."""
    return png(width, height, 1, 0, bytes((width + 7) // 8 + 1) * height)


def sized_jpeg(width: int, height: int) -> bytes:
    """A JPEG whose header tells another size than it has."""
    whole = jpeg()
    start = whole.index(b"\xff\xc0")
    return whole[: start + 5] + struct.pack(">HH", height, width) + whole[start + 9 :]


def webp_header(width: int, height: int) -> bytes:
    """A WebP that consists of its header."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size


def sized_heic(width: int, height: int) -> bytes:
    """A HEIC whose header tells another size than it has."""
    whole = saved(picture(64, 64), "HEIF")
    place = whole.index(b"ispe") + 8
    return whole[:place] + struct.pack(">II", width, height) + whole[place + 8 :]


def rough(width: int, height: int) -> Image.Image:
    """A picture that does not compress, so that a cut file lacks some of it."""
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def half(file: bytes) -> bytes:
    """The first half of a file."""
    return file[: len(file) // 2]


def swapped_profile() -> bytes:
    """An ICC profile of a screen whose red and green are exchanged (and otherwise sRGB's)."""
    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(2.2 * 256))
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"swap\0" + bytes(78 + 1)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": xyz(0.9642, 1.0, 0.8249)}
    tags |= {b"rXYZ": xyz(*green), b"gXYZ": xyz(*red), b"bXYZ": xyz(*blue)}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    place, index, content = 132 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        index += name + struct.pack(">II", place + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    body = struct.pack(">I", len(tags)) + index + content
    header = struct.pack(">I4sI", 128 + len(body), b"test", 0x02100000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header += bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + body


def transparent(mode: str = "RGBA") -> Image.Image:
    """A picture of which the right half cannot be seen."""
    image = picture().convert("RGBA")
    image.paste((0, 0, 0, 0), (20, 0, 40, 20))
    return image.quantize(8) if mode == "P" else image.convert(mode)


def frames(kind: str, size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    """A file of two frames, of which the first has the red square."""
    second = Image.new("RGB", size, "green")
    return saved(picture(*size), kind, save_all=True, append_images=[second], duration=100, **options)


def broken_exif() -> bytes:
    """A JPEG whose EXIF points at itself and beyond its end."""
    ifd = struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    return jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0" + ifd)


NOT_A_PHOTO: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\xff",
    "a page named jpg": b"<!DOCTYPE html><script>alert(1)</script>",
    "a drawing with a script": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "a drawing that fetches": b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><svg>&e;</svg>",
    "a GIF": saved(picture(), "GIF"),
    "a GIF that is a script": b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
    "a BMP": saved(picture(), "BMP"),
    "a TIFF": saved(picture(), "TIFF"),
    "an icon": saved(picture(32, 32), "ICO"),
    "a JPEG 2000": saved(picture(), "JPEG2000"),
    "a PostScript program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
    "a PDF": b"%PDF-1.7\n1 0 obj<<>>endobj\n",
    "an archive": b"PK\x03\x04" + bytes(60),
    "a program": b"MZ" + bytes(62),
    "an AVIF": b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + bytes(40),
    "a sound in a RIFF": b"RIFF\x24\0\0\0WAVEfmt " + bytes(28),
    "a JPEG behind a line break": b"\n" + jpeg(),
}

UNREADABLE: dict[str, Callable[[], bytes]] = {
    "a page behind a JPEG's first bytes": lambda: b"\xff\xd8\xff\xe0<html><script>alert(1)</script></html>",
    "a JPEG that ends where it begins": lambda: b"\xff\xd8\xff\xd9",
    "half a JPEG": lambda: half(jpeg(rough(200, 200))),
    "half a progressive JPEG": lambda: half(jpeg(rough(200, 200), progressive=True, quality=80)),
    "half a PNG": lambda: half(saved(rough(200, 200), "PNG")),
    "half a WebP": lambda: half(saved(rough(200, 200), "WEBP")),
    "half a HEIC": lambda: half(saved(rough(200, 200), "HEIF")),
    "a PNG with a wrong checksum": lambda: saved(picture(), "PNG").replace(b"IDAT", b"IDAT\0", 1),
    "a PNG without rows": lambda: png(100, 100),
    "a PNG without width": lambda: png(0, 20),
    "a PNG of an unknown depth": lambda: png(40, 20, 3, 2, bytes(2000)),
    "a WebP without a picture": lambda: webp_header(40, 20),
    "a HEIC that is none": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
    "a WebP film too large for the memory": lambda: frames("WEBP", (5000, 5000), method=0),
}

TOO_MANY_PIXELS: dict[str, Callable[[], bytes]] = {
    "30000 × 30000 in a hundred kilobytes": lambda: empty_png(30000, 30000),
    "10000 × 10000, of which Pillow only warns": lambda: empty_png(10000, 10000),
    "half of 10000 × 10000": lambda: half(empty_png(10000, 10000)),
    "a PNG 50,000 pixels wide": lambda: png(50_000, 10),
    "a JPEG 50,000 pixels wide": lambda: sized_jpeg(50_000, 10),
    "a JPEG 50,000 pixels high": lambda: sized_jpeg(10, 50_000),
    "a progressive JPEG of 64 megapixels": lambda: jpeg(Image.new("L", (8000, 8000)), progressive=True),
    "a WebP of 16383 × 16383": lambda: webp_header(16383, 16383),
    "a HEIC of 12000 × 12000": lambda: sized_heic(12000, 12000),
    "the largest PNG there can be": lambda: png(2**31 - 1, 2**31 - 1),
}

PHOTOS: dict[str, Callable[[], bytes]] = {
    "a JPEG": jpeg,
    "a progressive JPEG": lambda: jpeg(progressive=True),
    "a JPEG that tells everything": telling_jpeg,
    "a PNG that tells everything": telling_png,
    "a WebP that tells everything": lambda: saved(picture(), "WEBP", lossless=True, exif=exif(), xmp=b"secret-42"),
    "a HEIC that tells everything": lambda: saved(
        picture(), "HEIF", quality=-1, exif=exif().tobytes(), xmp=b"secret-42"
    ),
    "a JPEG with an archive behind it": lambda: jpeg() + b"PK\x03\x04secret-42",
    "a JPEG with a script in it": lambda: jpeg(comment=b"<script>secret-42</script>"),
    "a JPEG with broken EXIF": broken_exif,
    "a JPEG with a useless profile": lambda: jpeg(icc_profile=b"secret-42"),
    "a JPEG of two pictures": lambda: frames("MPO"),
    "a grey JPEG": lambda: jpeg(picture(mode="L")),
    "a CMYK JPEG": lambda: jpeg(picture(mode="CMYK")),
    "a PNG with a palette": lambda: saved(picture().quantize(4), "PNG"),
    "a PNG film": lambda: frames("PNG"),
    "a WebP": lambda: saved(picture(), "WEBP", quality=100),
    "a WebP film": lambda: frames("WEBP"),
    "a HEIC": lambda: saved(picture(), "HEIF", quality=-1),
    "a PNG of 16 bits": lambda: png(40, 20, 16, 2, b"".join(_rows_of_16_bits())),
    "a grey PNG of 16 bits": lambda: saved(picture(mode="L").convert("I;16").point(lambda v: v * 257), "PNG"),
    "a PNG of black and white": lambda: saved(picture(mode="L").point(lambda v: 255 if v > 50 else 0, "1"), "PNG"),
}


def _rows_of_16_bits() -> Iterator[bytes]:
    red, blue = struct.pack(">HHH", 65535, 0, 0), struct.pack(">HHH", 0, 0, 65535)
    for line in range(20):
        yield b"\0" + (red * 8 + blue * 32 if line < 8 else blue * 40)


def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A picture unlike those of other seeds, of large soft fields as a street has."""
    fields = Image.frombytes("RGB", (9, 8), random.Random(seed).randbytes(9 * 8 * 3))
    return fields.resize(size, Image.Resampling.BICUBIC)
