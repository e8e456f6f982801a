"""The access table as a page shows it."""

import re

from backend.people.access import ROLES, TABLE

_SHOWN = re.compile(r"^\| permission \|.*?(?=^[^|]|\Z)", re.MULTILINE | re.DOTALL)


def access_table() -> str:
    """The table in Markdown: a line for each permission, a column for each role, "–" for never."""
    head = [f"| permission | {' | '.join(ROLES)} |", "|---" * (len(ROLES) + 1) + "|"]
    lines = [f"| {name} | {' | '.join(row.get(role, '–') for role in ROLES)} |" for name, row in TABLE.items()]
    return "\n".join([*head, *lines]) + "\n"


def with_access_table(page: str) -> str:
    """A page with the present table in place of the one it shows. ValueError for a page that shows none."""
    written, tables = _SHOWN.subn(lambda _: access_table(), page)
    if tables != 1:
        raise ValueError("the page shows no access table, or more than one")
    return written
