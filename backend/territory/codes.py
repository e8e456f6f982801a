"""Area codes: town 9 digits, village or community 12, grid 15. Scope is a prefix of the code."""

import re

from sqlalchemy import String

AREA_CODE = String(15).with_variant(String(15, collation="C"), "postgresql")
"""Column type of area codes: compared byte by byte, so that one B-tree serves prefixes on both databases."""

_LENGTHS = {9: "town", 12: "village", 15: "grid"}


def level_of(code: str) -> str | None:
    """`town`, `village` (a community's code looks the same) or `grid`; None for what is no area code."""
    return _LENGTHS.get(len(code)) if re.fullmatch(r"[0-9]+", code) else None


def parent_of(code: str) -> str | None:
    """The code one level up; None for a town."""
    return code[:-3] if len(code) > 9 else None


def prefix_bounds(prefix: str) -> tuple[str, str]:
    """Low and high of the range `code >= low AND code < high` that holds exactly the codes with this prefix."""
    # ":" follows "9" in ASCII.
    return prefix, prefix + ":"
