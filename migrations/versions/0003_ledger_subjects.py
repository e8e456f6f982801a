"""ledger_subjects

Revision 0003, after 0002: entries name whose data was looked at, and can be erased.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ledger_entries") as batch:
        batch.add_column(sa.Column("subject_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("digest", sa.LargeBinary(length=32), nullable=True))
        batch.alter_column("occurred_at", existing_type=sa.DateTime(timezone=True), nullable=True)
        batch.create_index(
            "ix_ledger_entries_subject",
            ["subject_id", "occurred_at"],
            postgresql_where=sa.text("subject_id IS NOT NULL"),
            sqlite_where=sa.text("subject_id IS NOT NULL"),
        )


def downgrade() -> None:
    op.execute("UPDATE ledger_entries SET occurred_at = '1970-01-01 00:00:00' WHERE occurred_at IS NULL")
    with op.batch_alter_table("ledger_entries") as batch:
        batch.drop_index("ix_ledger_entries_subject")
        batch.alter_column("occurred_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch.drop_column("digest")
        batch.drop_column("subject_id")
