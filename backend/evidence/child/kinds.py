"""What somebody sent, known by its first bytes, never by its name or declared type."""

from typing import Literal

Kind = Literal["photo", "recording"]
HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"))
_STILL = frozenset((b"avif", b"avis", b"jp2 ", b"crx "))
NEEDED = 12
"""How many first bytes it takes."""


def photo_format(start: bytes) -> str | None:
    """JPEG, PNG, WEBP or HEIF; None for what is no photo that is taken."""
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WEBP"
    if start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS:
        return "HEIF"
    return None


def recording_format(start: bytes) -> str | None:
    """mp4 (a film, or sound alone), mp3 or aac; None for what is no recording that is taken."""
    if start[4:8] == b"ftyp" and start[8:12] not in HEIF_BRANDS | _STILL:
        return "mp4"
    if start.startswith(b"ID3") or (start[:1] == b"\xff" and start[1:2] in (b"\xfb", b"\xfa", b"\xf3", b"\xf2")):
        return "mp3"
    return "aac" if start[:2] in (b"\xff\xf1", b"\xff\xf9") else None


def kind_of(start: bytes) -> Kind | None:
    """Whether a file that begins so is to be opened as a photo or as a recording, or not at all."""
    if photo_format(start):
        return "photo"
    return "recording" if recording_format(start) else None
