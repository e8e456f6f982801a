"""joining

Revision 0006, after 0005: codes sent to phones, consents, accounts without a password or a number, named devices, and
counts of tries in one statement.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("text_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_consents_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_account_id", "consents", ["account_id"])
    with op.batch_alter_table("accounts") as batch:
        batch.alter_column("phone", existing_type=sa.String(length=20), nullable=True)
        batch.alter_column("password_hash", existing_type=sa.String(length=200), nullable=True)
        batch.add_column(sa.Column("phone_proved_at", INSTANT, nullable=True))
        batch.add_column(sa.Column("wechat_openid", sa.String(length=64), nullable=True))
        batch.create_unique_constraint(op.f("uq_accounts_wechat_openid"), ["wechat_openid"])
    with op.batch_alter_table("sign_ins") as batch:
        batch.add_column(sa.Column("device_name", sa.String(length=100), nullable=True))
    with op.batch_alter_table("outbox_messages") as batch:
        batch.add_column(sa.Column("not_after", INSTANT, nullable=True))
    counts(sa.Column("wait", sa.Double(), nullable=False), sa.Column("last", sa.Double(), nullable=False))


def downgrade() -> None:
    # What had no number or no password gets one that nobody has.
    op.execute("UPDATE accounts SET phone = substr(CAST(id AS VARCHAR(36)), 1, 20) WHERE phone IS NULL")
    op.execute("UPDATE accounts SET password_hash = '' WHERE password_hash IS NULL")
    counts(sa.Column("open_at", INSTANT, nullable=False), sa.Column("last_at", INSTANT, nullable=False))
    with op.batch_alter_table("outbox_messages") as batch:
        batch.drop_column("not_after")
    with op.batch_alter_table("sign_ins") as batch:
        batch.drop_column("device_name")
    with op.batch_alter_table("accounts") as batch:
        batch.drop_constraint(op.f("uq_accounts_wechat_openid"), type_="unique")
        batch.drop_column("wechat_openid")
        batch.drop_column("phone_proved_at")
        batch.alter_column("password_hash", existing_type=sa.String(length=200), nullable=False)
        batch.alter_column("phone", existing_type=sa.String(length=20), nullable=False)
    op.drop_table("consents")
    op.drop_table("one_time_codes")


def counts(*columns: sa.Column[object]) -> None:
    """Make the table of tries anew: what it holds is of no use after an hour."""
    op.drop_table("throttles")
    op.create_table(
        "throttles",
        sa.Column("bucket", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("bucket", "subject", name=op.f("pk_throttles")),
    )
