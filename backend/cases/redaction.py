"""Taking what points at a person out of a text, for readers who may not see it.

A first look by machine: phone and identity numbers, number plates, e-mail addresses. Names cannot be told from other
words by a pattern; a second look by a person comes before anything is published.
"""

import re

_PERSONAL = re.compile(
    r"(?<!\d)\d{17}[\dXx](?!\d)"  # identity number
    r"|(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"  # mobile phone
    r"|(?<!\d)0\d{2,3}[- ]\d{7,8}(?!\d)"  # fixed line
    r"|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·. ]?[A-Z0-9]{5,6}(?![A-Za-z0-9])"  # plate
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}")
MARK = "〔略〕"


def redact(text: str) -> str:
    """The text with each number or address of a person replaced by a mark."""
    text = _PERSONAL.sub(MARK, text)
    return _MAIL.sub(MARK, text) if "@" in text else text
