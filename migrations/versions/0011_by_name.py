"""by_name

Revision 0011, after 0010: who was asked by name to look at a case, and until when a closing can be answered.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ASKED = sa.text("assignee IS NOT NULL")


def upgrade() -> None:
    op.add_column("cases", sa.Column("assignee", sa.Uuid()))
    op.add_column("cases", sa.Column("answer_until", UtcDateTime()))
    op.create_index(
        "ix_cases_assignee",
        "cases",
        ["assignee", "occurred_at", "id"],
        postgresql_where=_ASKED,
        sqlite_where=_ASKED,
    )


def downgrade() -> None:
    # What a person held goes back to the desk: the release before knows departments and villages only.
    held = "holder LIKE 'person:%' AND status IN ('dispatched', 'handling', 'suspended')"
    op.execute(f"UPDATE cases SET status = 'accepted', suspended_until = NULL WHERE {held}")
    op.execute("UPDATE cases SET holder = NULL WHERE holder LIKE 'person:%'")
    op.drop_index("ix_cases_assignee", table_name="cases")
    op.drop_column("cases", "answer_until")
    op.drop_column("cases", "assignee")
