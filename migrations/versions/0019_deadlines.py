"""deadlines

Revision 0019, after 0013: colours of steps and who held those that turned red, versions of categories, the duty list.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import JsonColumn, UtcDateTime

revision = "0019"
down_revision = "0013"
branch_labels = None
depends_on = None

AREA_CODE = sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql")
DEPARTMENT_CODE = sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql")
_TURNING = sa.text("turns_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("cases", sa.Column("amber_at", UtcDateTime()))
    op.add_column("cases", sa.Column("turns_at", UtcDateTime()))
    # What is red already stays untold: nobody is to get a hundred messages from an upgrade. When steps turn amber is
    # computed in the first night.
    op.execute("UPDATE cases SET turns_at = due_at WHERE due_at > CURRENT_TIMESTAMP AND source IS NULL")
    op.create_index("ix_cases_turning", "cases", ["turns_at"], postgresql_where=_TURNING, sqlite_where=_TURNING)
    # So that filing writes no index more than before; what was read by it goes by ix_cases_to_do_holder.
    op.drop_index("ix_cases_due", table_name="cases")
    op.create_table(
        "overdue_steps",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("holder", DEPARTMENT_CODE, nullable=True),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_overdue_steps_case_id")),
        sa.PrimaryKeyConstraint("case_id", "due_at", name=op.f("pk_overdue_steps")),
    )
    op.create_table(
        "category_versions",
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("zh", sa.String(length=40), nullable=False),
        sa.Column("en", sa.String(length=80), nullable=False),
        sa.Column("parent", sa.String(length=40), nullable=False),
        sa.Column("parent_zh", sa.String(length=40), nullable=False),
        sa.Column("department", DEPARTMENT_CODE, nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("needs_photo", sa.Boolean(), nullable=False),
        sa.Column("hand_in_photos", JsonColumn, nullable=False),
        sa.Column("limits", JsonColumn, nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("town_code", "code", "version", name=op.f("pk_category_versions")),
    )
    op.create_table(
        "duty_shifts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("area_code", AREA_CODE, nullable=False),
        sa.Column("department", DEPARTMENT_CODE, nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_duty_shifts_order")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_duty_shifts_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shifts")),
    )
    op.create_index("ix_duty_shifts_town", "duty_shifts", ["town_code", "last_day"])


def downgrade() -> None:
    for table in ("duty_shifts", "category_versions", "overdue_steps"):
        op.drop_table(table)
    op.create_index("ix_cases_due", "cases", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_index("ix_cases_turning", table_name="cases")
    op.drop_column("cases", "turns_at")
    op.drop_column("cases", "amber_at")
