"""Indexes by which reports find what happened in a period."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0025"
branch_labels = None
depends_on = None

COUNTED = "action IN ('accept', 'resolve', 'close', 'close_with_head', 'pass_check', 'rework', 'rate')"
WENT_ON = "action IN ('resume', 'unmerge')"


def upgrade() -> None:
    """Make them."""
    for name, column, where in (("counted", "occurred_at", COUNTED), ("went_on", "case_id", WENT_ON)):
        only = {"postgresql_where": sa.text(where), "sqlite_where": sa.text(where)}
        op.create_index(f"ix_case_events_{name}", "case_events", [column], **only)


def downgrade() -> None:
    """Drop them."""
    for name in ("went_on", "counted"):
        op.drop_index(f"ix_case_events_{name}", "case_events")
