"""public_texts

Revision 0022, after 0021: texts for the public with their second look, figures for the public, and tags of the governance
model.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_WAITING, _STANDING = sa.text("state = 'waiting'"), sa.text("state IN ('waiting', 'released')")


def upgrade() -> None:
    op.add_column("cases", sa.Column("public_draft_by", sa.Uuid()))
    op.create_table(
        "public_texts",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("photos", JsonColumn, nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("drafted_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("decided_at", UtcDateTime()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "version"),
    )
    op.create_index(
        "ix_public_texts_standing",
        "public_texts",
        ["case_id", "state"],
        unique=True,
        postgresql_where=_STANDING,
        sqlite_where=_STANDING,
    )
    op.create_index(
        "ix_public_texts_waiting",
        "public_texts",
        ["drafted_at", "case_id"],
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    )
    op.create_table(
        "public_figures",
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("figures", JsonColumn, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("town_code", "month"),
    )
    op.create_table(
        "case_tags",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("element", sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "element"),
    )
    op.create_index("ix_case_tags_element", "case_tags", ["element", "case_id"])


def downgrade() -> None:
    # What was released is not public any more; the cases themselves stay so.
    op.drop_table("case_tags")
    op.drop_table("public_figures")
    op.drop_table("public_texts")
    op.drop_column("cases", "public_draft_by")
