"""search_by_pairs

Revision 0002, after 0001: tokens are pairs of characters only, and PostgreSQL's index has a longer list of new ones.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise, zip_longest

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Tokens = Callable[[str], Iterable[str]]


def upgrade() -> None:
    rebuild(pairs)
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_case_texts_tokens SET (gin_pending_list_limit = 32768)")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_case_texts_tokens RESET (gin_pending_list_limit)")
    rebuild(ones_and_pairs)


def pairs(folded: str) -> set[str]:
    """Each character with the one after it, or with none at the end of a word."""
    found = {pair for word in folded.split() for pair in zip_longest(word, word[1:], fillvalue="")}
    return {f"{ord(one):x}x{ord(two):x}" if two else f"{ord(one):x}x" for one, two in found}


def ones_and_pairs(folded: str) -> set[str]:
    """Each character, and each pair of neighbours."""
    found = {pair for word in folded.split() for pair in pairwise(word)}
    ones = {f"{ord(one):x}" for one in folded if not one.isspace()}
    return ones | {f"{ord(one):x}x{ord(two):x}" for one, two in found}


def rebuild(tokens: Tokens) -> None:
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        op.execute("INSERT INTO case_tokens (case_tokens) VALUES ('delete-all')")
    write = sa.text(
        "INSERT INTO case_tokens (rowid, tokens) VALUES (:id, :token_list)"
        if sqlite
        else "UPDATE case_texts SET tokens = CAST(:token_list AS tsvector) WHERE id = :id"
    )
    after = 0
    next_ones = sa.text("SELECT id, folded FROM case_texts WHERE id > :after ORDER BY id LIMIT 500")
    while rows := connection.execute(next_ones, {"after": after}).all():
        connection.execute(write, [{"id": row.id, "token_list": " ".join(sorted(tokens(row.folded)))} for row in rows])
        after = rows[-1].id
