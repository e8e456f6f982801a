"""suggestions

Revision 0021, after 0024: what is learnt from a town's cases, and its weights.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE

revision = "0021"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suggestion_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("learnt_at", UtcDateTime(), nullable=False),
        sa.Column("learnt_from", sa.Integer(), nullable=False),
        sa.Column("lengths", JsonColumn, nullable=False),
        sa.Column("categories", JsonColumn, nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("accuracy", "macro_f1")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("lexicon_accuracy", "lexicon_macro_f1")),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("threshold", "right", "suggested")),
        *(
            sa.Column(name, sa.Double(), nullable=True)
            for name in ("urgent_threshold", "urgent_right", "urgent_suggested")
        ),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("town_code", "version"),
    )
    op.create_table(
        "suggestion_weights",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("gram", sa.String(4), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "gram"),
    )


def downgrade() -> None:
    for name in ("suggestion_weights", "suggestion_versions"):
        op.drop_table(name)
