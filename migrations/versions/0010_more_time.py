"""more_time

Revision 0010, after 0009: extensions, suspensions, supervision by name, and notes that the reporter does not read.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SUSPENDED = sa.text("suspended_until IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("asked", sa.String(12)),
        sa.Column("asked_until", UtcDateTime()),
        sa.Column("suspended_until", UtcDateTime()),
        sa.Column("step_moved", sa.Boolean()),
        sa.Column("case_moved", sa.Boolean()),
        sa.Column("leader", sa.String(40)),
        sa.Column("supervised_until", UtcDateTime()),
    ):
        op.add_column("cases", column)
    op.add_column("case_events", sa.Column("internal", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_cases_suspended",
        "cases",
        ["suspended_until"],
        postgresql_where=_SUSPENDED,
        sqlite_where=_SUSPENDED,
    )


def downgrade() -> None:
    op.execute("UPDATE cases SET status = 'handling' WHERE status = 'suspended'")
    op.drop_index("ix_cases_suspended", table_name="cases")
    for name in ("asked", "asked_until", "suspended_until", "step_moved", "case_moved", "leader", "supervised_until"):
        op.drop_column("cases", name)
    op.drop_column("case_events", "internal")
