"""Taking what points at a person out of a text, for readers who may not see it.

A first look by machine: phone and identity numbers, number plates, e-mail addresses. Names cannot be told from other
words by a pattern, but the reporter's own is known; a second look by a person comes before anything is published.
"""

import re
from collections.abc import Sequence

_PERSONAL = re.compile(
    r"(?<!\d)\d{6}[-. ]?\d{4}[-. ]?\d{4}[-. ]?\d{3}[\dXx](?!\d)"  # identity number
    r"|(?<!\d)(?:\+?86[-. ]?)?1[3-9]\d[-. ]?\d{4}[-. ]?\d{4}(?!\d)"  # mobile phone
    r"|(?<!\d)0\d{2,3}[-. ]\d{3,4}[-. ]?\d{4}(?!\d)"  # fixed line
    r"|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·. ]?[A-Z0-9]{5,6}(?![A-Za-z0-9])"  # plate
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}")
# Full-width letters, digits and signs stand for the plain ones, one for one, so that places in the text stay the same.
_FOLD: dict[int, int | str] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x00A0: " "}
_FOLD |= dict.fromkeys(map(ord, "‐‑–—−"), "-")
MARK = "〔略〕"


def redact(text: str, words: Sequence[str] = ()) -> str:
    """The text with each number or address of a person replaced by a mark, and these words, however they are cased."""
    text = _taken_out(_PERSONAL, text)
    if "@" in text or "＠" in text:
        text = _taken_out(_MAIL, text)
    for word in sorted({word for word in words if len(word) > 1}, key=len, reverse=True):
        text = re.sub(re.escape(word), MARK, text, flags=re.IGNORECASE)
    return text


def _taken_out(pattern: re.Pattern[str], text: str) -> str:
    kept, end = [], 0
    for found in pattern.finditer(text.translate(_FOLD)):
        kept.append(text[end : found.start()])
        end = found.end()
    return MARK.join([*kept, text[end:]])
