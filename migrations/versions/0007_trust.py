"""trust

Revision 0007, after 0006: clearings, the conflict list, requests to read an identity, receipts, protected reports
sealed, and proofs of the keys in use.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AREA_CODE = sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "clearings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("admin_id", sa.Uuid(), nullable=True),
        sa.Column("admin_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("committee_id", sa.Uuid(), nullable=True),
        sa.Column("committee_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["role_assignments.id"], name=op.f("fk_clearings_assignment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clearings")),
    )
    standing = sa.text("revoked_at IS NULL")
    op.create_index(
        "ix_clearings_assignment",
        "clearings",
        ["assignment_id"],
        unique=True,
        postgresql_where=standing,
        sqlite_where=standing,
    )
    op.create_table(
        "conflicts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("area_code", AREA_CODE, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_conflicts_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
    )
    listed = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_conflicts_account",
        "conflicts",
        ["account_id", "area_code"],
        unique=True,
        postgresql_where=listed,
        sqlite_where=listed,
    )
    op.create_table(
        "identity_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_by", sa.Uuid(), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_because", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_identity_requests_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_requests")),
    )
    op.create_index("ix_identity_requests_case", "identity_requests", ["case_id", "asked_at"])
    untold = sa.text("told_at IS NULL")
    op.create_index(
        "ix_identity_requests_untold",
        "identity_requests",
        ["open_until"],
        postgresql_where=untold,
        sqlite_where=untold,
    )
    op.create_table(
        "receipts",
        sa.Column("tag", sa.Uuid(), nullable=False),
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_receipts")),
    )
    op.create_table(
        "key_proofs",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_proofs")),
    )
    op.add_column("cases", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    protected = sa.text("reporting = 'protected'")
    op.create_index(
        "ix_cases_protected",
        "cases",
        ["town_code", "occurred_at", "id"],
        postgresql_where=protected,
        sqlite_where=protected,
    )


def downgrade() -> None:
    # A protected report has nowhere to go: it must not become readable, and nothing else may be lost with it.
    if op.get_bind().execute(sa.text("SELECT 1 FROM cases WHERE sealed IS NOT NULL LIMIT 1")).first():
        raise RuntimeError("There are protected reports, which the release before cannot keep sealed.")
    op.drop_index("ix_cases_protected", table_name="cases")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_column("sealed")
    for table in ("key_proofs", "receipts", "identity_requests", "conflicts", "clearings"):
        op.drop_table(table)
