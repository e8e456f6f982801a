"""Area codes: town 9 digits, village or community 12, grid 15. Scope is a prefix of the code."""

import re
from typing import Any

from marshmallow import ValidationError, fields
from sqlalchemy import String

AREA_CODE = String(15).with_variant(String(15, collation="C"), "postgresql")
"""Column type of area codes: compared byte by byte, so that one B-tree serves prefixes on both databases."""

_LENGTHS = {9: "town", 12: "village", 15: "grid"}
_TITLES = {9: "镇", 12: "村、社区", 15: "网格"}


def level_of(code: str) -> str | None:
    """`town`, `village` (a community's code looks the same) or `grid`; None for what is no area code."""
    return _LENGTHS.get(len(code)) if re.fullmatch(r"[0-9]+", code) else None


def code_in_cursor(part: Any) -> str:
    """The area code of a cursor's part. Raises ValueError, or TypeError for what is no text."""
    if level_of(part) is None:
        raise ValueError("no area code")
    code: str = part
    return code


class AreaCode(fields.String):
    """Code of an area of one of these levels, of any if none is given."""

    def __init__(self, *levels: str, **kwargs: Any) -> None:
        self.digits = [length for length, level in _LENGTHS.items() if level in (levels or _LENGTHS.values())]
        pattern = "|".join(f"[0-9]{{{length}}}" for length in self.digits)
        super().__init__(metadata={"pattern": f"^({pattern})$", **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = super()._deserialize(value, attr, data, **kwargs)
        if level_of(code) is None or len(code) not in self.digits:
            zh = "或 ".join(f"{digits} 位（{_TITLES[digits]}）" for digits in self.digits)
            en = " or ".join(f"{digits} digits ({_LENGTHS[digits]})" for digits in self.digits)
            raise ValidationError([(f"区划代码应为 {zh}数字。", f"An area code has {en}.")])
        return code


def parent_of(code: str) -> str | None:
    """The code one level up; None for a town."""
    return code[:-3] if len(code) > 9 else None


def prefix_bounds(prefix: str) -> tuple[str, str]:
    """Low and high of the range `code >= low AND code < high` that holds exactly the codes with this prefix."""
    # ":" follows "9" in ASCII.
    return prefix, prefix + ":"
