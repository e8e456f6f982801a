"""reporters_sealed

Revision 0005, after 0004: who reported a case is kept sealed; beside the case stand a tag and a pseudonym, under which
what reporters did in it is told, too. Entries of the ledger written before keep what they say: they are chained.
"""

import uuid

import orjson
import sqlalchemy as sa
from alembic import op

from backend.http.envelope import envelope
from backend.http.tags import tag

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

cases = sa.table("cases", sa.column("id", sa.Uuid), sa.column("reporting", sa.String))
reporters = sa.table(
    "case_reporters",
    *(sa.column(name, sa.Uuid) for name in ("case_id", "account_id", "tag", "pseudonym")),
)
identities = sa.table("reporter_identities", sa.column("case_id", sa.Uuid), sa.column("sealed", sa.LargeBinary))
accounts = sa.table("accounts", sa.column("id", sa.Uuid), sa.column("name", sa.String), sa.column("phone", sa.String))
events = sa.table(
    "case_events",
    sa.column("case_id", sa.Uuid),
    sa.column("actor_id", sa.Uuid),
    sa.column("actor_role", sa.String),
    sa.column("action", sa.String),
)
photos = sa.table("evidence", sa.column("case_id", sa.Uuid), sa.column("uploaded_by", sa.Uuid))
NONE = uuid.UUID(int=0)
own = sa.or_(events.c.action == "report", events.c.actor_role == "reporter")


def upgrade() -> None:
    op.create_table(
        "reporter_identities",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reporter_identities_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_reporter_identities")),
    )
    with op.batch_alter_table("case_reporters", schema=None) as batch_op:
        batch_op.drop_index("ix_case_reporters_account")
        batch_op.add_column(sa.Column("tag", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("pseudonym", sa.Uuid(), nullable=True))
    seal_all(op.get_bind())
    with op.batch_alter_table("case_reporters", schema=None) as batch_op:
        batch_op.drop_column("account_id")
        batch_op.alter_column("tag", existing_type=sa.Uuid(), nullable=False)
        batch_op.alter_column("pseudonym", existing_type=sa.Uuid(), nullable=False)
        batch_op.create_index("ix_case_reporters_tag", ["tag", "occurred_at", "case_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("case_reporters", schema=None) as batch_op:
        batch_op.drop_index("ix_case_reporters_tag")
        batch_op.add_column(sa.Column("account_id", sa.Uuid(), nullable=True))
    open_all(op.get_bind())
    with op.batch_alter_table("case_reporters", schema=None) as batch_op:
        batch_op.drop_column("tag")
        batch_op.drop_column("pseudonym")
        batch_op.alter_column("account_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.create_index("ix_case_reporters_account", ["account_id", "occurred_at", "case_id"], unique=False)
    op.drop_table("reporter_identities")


def seal_all(connection: sa.Connection) -> None:
    batch = (
        sa.select(reporters.c.case_id, reporters.c.account_id, cases.c.reporting, accounts.c.name, accounts.c.phone)
        .join(cases, cases.c.id == reporters.c.case_id)
        .outerjoin(accounts, accounts.c.id == reporters.c.account_id)
        .where(reporters.c.case_id > sa.bindparam("after", type_=sa.Uuid))
        .order_by(reporters.c.case_id)
        .limit(500)
    )
    after = NONE
    while found := connection.execute(batch, {"after": after}).all():
        for one in found:
            told = {"account": str(one.account_id), "known_as": one.reporting, "name": one.name, "phone": one.phone}
            if one.reporting == "anonymous":
                told |= {"name": None, "phone": None}
            sealed = envelope().seal(orjson.dumps(told), f"reporter of {one.case_id}")
            connection.execute(sa.insert(identities), {"case_id": one.case_id, "sealed": sealed})
            pseudonym = uuid.uuid4()
            values = {"tag": tag("reporter", one.account_id.bytes), "pseudonym": pseudonym}
            connection.execute(sa.update(reporters).where(reporters.c.case_id == one.case_id).values(values))
            rename(connection, one.case_id, one.account_id, pseudonym)
        after = found[-1].case_id


def open_all(connection: sa.Connection) -> None:
    batch = (
        sa.select(identities.c.case_id, identities.c.sealed, reporters.c.pseudonym)
        .join(reporters, reporters.c.case_id == identities.c.case_id)
        .where(identities.c.case_id > sa.bindparam("after", type_=sa.Uuid))
        .order_by(identities.c.case_id)
        .limit(500)
    )
    after = NONE
    while found := connection.execute(batch, {"after": after}).all():
        for one in found:
            account = uuid.UUID(orjson.loads(envelope().open(one.sealed, f"reporter of {one.case_id}"))["account"])
            values = {"account_id": account}
            connection.execute(sa.update(reporters).where(reporters.c.case_id == one.case_id).values(values))
            rename(connection, one.case_id, one.pseudonym, account)
        after = found[-1].case_id


def rename(connection: sa.Connection, case_id: uuid.UUID, before: uuid.UUID, after: uuid.UUID) -> None:
    """Tell what the reporter did in a case, and the photos of it, under another name."""
    connection.execute(
        sa.update(events).where(events.c.case_id == case_id, events.c.actor_id == before, own).values(actor_id=after)
    )
    connection.execute(
        sa.update(photos).where(photos.c.case_id == case_id, photos.c.uploaded_by == before).values(uploaded_by=after)
    )
