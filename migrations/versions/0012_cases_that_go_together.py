"""cases_that_go_together

Revision 0012, after 0011: cases merged into others, parts of cases, and departments called to a case.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import UtcDateTime
from backend.people.tables import DEPARTMENT_CODE
from backend.territory.codes import AREA_CODE

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LIVE, _WAITING = sa.text("live"), sa.text("answer IS NULL")


def upgrade() -> None:
    op.create_table(
        "case_links",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("head_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(5), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("course", sa.String(20)),
        sa.Column("followed", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_links_case_id")),
        sa.ForeignKeyConstraint(["head_id"], ["cases.id"], name=op.f("fk_case_links_head_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_links")),
    )
    op.create_index("ix_case_links_head", "case_links", ["head_id"])
    op.create_index(
        "ix_case_links_live",
        "case_links",
        ["kind", "head_id"],
        postgresql_where=_LIVE,
        sqlite_where=sa.text("live = 1"),
    )
    op.create_table(
        "case_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("department", DEPARTMENT_CODE, nullable=False),
        sa.Column("called_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("answer", sa.String(10)),
        sa.Column("answered_at", UtcDateTime()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_calls_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_calls")),
    )
    op.create_index(
        "ix_case_calls_waiting",
        "case_calls",
        ["case_id", "department"],
        unique=True,
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    )
    op.create_index("ix_case_calls_case", "case_calls", ["case_id"])
    op.create_index("ix_case_calls_department", "case_calls", ["department", "called_at", "id"])
    op.create_index("ix_case_calls_town", "case_calls", ["town_code", "called_at", "id"])


def downgrade() -> None:
    # What the older table does not know goes back to the desk; what was asked for as well.
    op.execute("UPDATE cases SET status = 'accepted' WHERE status IN ('merged', 'split')")
    op.execute("UPDATE cases SET asked = NULL WHERE asked = 'transfer'")
    op.execute("UPDATE cases SET reporting = 'anonymous' WHERE reporting = 'part'")
    op.drop_table("case_calls")
    op.drop_table("case_links")
