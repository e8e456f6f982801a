"""fewer_indexes

Revision 0013, after 0017: a filing writes into fewer indexes. That of the checks leaves out all other actions, and that of the
kept answers' age is a coarse one on PostgreSQL, where rows lie in the order in which they came.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0017"
branch_labels = None
depends_on = None

_CHECKS = sa.text("action IN ('rework', 'pass_check')")


def upgrade() -> None:
    op.drop_index("ix_case_events_action", "case_events")
    op.create_index(
        "ix_case_events_checks",
        "case_events",
        ["holder", "occurred_at"],
        postgresql_where=_CHECKS,
        sqlite_where=_CHECKS,
    )
    op.drop_index("ix_kept_answers_kept_at", "kept_answers")
    op.create_index("ix_kept_answers_kept_at", "kept_answers", ["kept_at"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("ix_kept_answers_kept_at", "kept_answers")
    op.create_index("ix_kept_answers_kept_at", "kept_answers", ["kept_at"])
    op.drop_index("ix_case_events_checks", "case_events")
    op.create_index("ix_case_events_action", "case_events", ["action", "occurred_at"])
