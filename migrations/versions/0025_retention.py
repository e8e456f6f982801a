"""retention

Revision 0025, after 0022: what waits for its time to be over.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import UtcDateTime

revision = "0025"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_ends",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("town_code", sa.String(15).with_variant(sa.String(15, collation="C"), "postgresql"), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "version"),
    )
    # Of what ended before, by the last that was said of it; what was imported, since it was brought here.
    op.execute(
        "INSERT INTO case_ends (case_id, version, town_code, ended_at)"
        " SELECT cases.id, cases.version, town_code,"
        " CASE WHEN source IS NULL THEN case_events.occurred_at ELSE case_events.recorded_at END"
        " FROM cases JOIN case_events ON case_id = cases.id AND case_events.version = cases.version"
        " WHERE status IN ('closed', 'declined', 'withdrawn')"
    )
    op.create_index("ix_case_ends_due", "case_ends", ["town_code", "ended_at", "case_id", "version"])


def downgrade() -> None:
    op.drop_table("case_ends")
