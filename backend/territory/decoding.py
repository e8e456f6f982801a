"""Text of a file as people have it: UTF-8, UTF-16 with its mark, or GB18030 as Chinese Windows writes it."""

import codecs


class UnreadableText(ValueError):
    """Bytes that are text in none of the encodings expected."""


_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def text_of(raw: bytes) -> str:
    """The text, without its byte order mark. Raises `UnreadableText`."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw[len(mark) :], encoding)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(raw, "gb18030")


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableText(f"no {encoding} text at byte {error.start}") from None
