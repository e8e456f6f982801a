"""reporting_without_account

Revision 0017, after 0018: receipts are found by what they belong to, so that they end with it; ratings that somebody is
to look into.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import UtcDateTime
from backend.territory.codes import AREA_CODE

revision = "0017"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_receipts_thing_id", "receipts", ["thing_id"])
    op.create_table(
        "low_ratings",
        sa.Column("case_id", sa.Uuid(), sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("village_code", AREA_CODE, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("rated_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_low_ratings_town", "low_ratings", ["town_code", "rated_at", "case_id"])


def downgrade() -> None:
    op.drop_table("low_ratings")
    op.drop_index("ix_receipts_thing_id", table_name="receipts")
