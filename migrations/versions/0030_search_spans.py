"""search_spans

Revision 0030, after 0020: a text's tokens name the eight and the sixty-four days its day is among, too.
"""

from alembic import op

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None

_DAY = "floor(extract(epoch FROM cases.occurred_at) / 86400)::int"
_SPANS = f"ARRAY['e' || {_DAY} / 8, 'f' || {_DAY} / 64]"


def upgrade() -> None:
    _change(f"tokens || array_to_tsvector({_SPANS})")


def downgrade() -> None:
    _change(f"ts_delete(tokens, {_SPANS})")


def _change(tokens: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite's index names no days
        op.execute(f"UPDATE case_texts SET tokens = {tokens} FROM cases WHERE cases.id = case_texts.case_id")
