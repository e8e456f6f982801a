"""roster

Revision 0004, after 0003: absences, stand-ins and proposals; roles that end at once; settings and boundaries with a date.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "town_settings",
        sa.Column(
            "town_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("town_code", "name", "version", name=op.f("pk_town_settings")),
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > begins_at", name=op.f("ck_absences_order")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_absences_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.create_index("ix_absences_account", ["account_id", "begins_at"], unique=False)

    op.create_table(
        "redrawings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "town_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("crs", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("document", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("features", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("planned_by", sa.Uuid(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["town_code"], ["areas.code"], name=op.f("fk_redrawings_town_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redrawings")),
    )
    with op.batch_alter_table("redrawings", schema=None) as batch_op:
        batch_op.create_index("ix_redrawings_status", ["status", "effective_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_redrawings_town_code"), ["town_code"], unique=False)

    op.create_table(
        "roster_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "village_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column(
            "area_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_roster_proposals_decided_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["accounts.id"], name=op.f("fk_roster_proposals_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_proposals")),
    )
    with op.batch_alter_table("roster_proposals", schema=None) as batch_op:
        batch_op.create_index("ix_roster_proposals_village", ["village_code", "id"], unique=False)

    op.create_table(
        "stand_ins",
        sa.Column(
            "grid_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("acting_as", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_stand_ins_account_id")),
        sa.PrimaryKeyConstraint("grid_code", name=op.f("pk_stand_ins")),
    )
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))

    with op.batch_alter_table("departments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))

    with op.batch_alter_table("role_assignments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_role_assignments_area", ["area_code", "role"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("role_assignments", schema=None) as batch_op:
        batch_op.drop_index("ix_role_assignments_area")
        batch_op.drop_column("ended_at")

    with op.batch_alter_table("departments", schema=None) as batch_op:
        batch_op.drop_column("version")
        batch_op.drop_column("closed_at")

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("version")

    op.drop_table("stand_ins")
    with op.batch_alter_table("roster_proposals", schema=None) as batch_op:
        batch_op.drop_index("ix_roster_proposals_village")

    op.drop_table("roster_proposals")
    with op.batch_alter_table("redrawings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_redrawings_town_code"))
        batch_op.drop_index("ix_redrawings_status")

    op.drop_table("redrawings")
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.drop_index("ix_absences_account")

    op.drop_table("absences")
    op.drop_table("town_settings")
