"""answers_sealed

Revision 0008, after 0007: answers kept for resends are sealed, and erased with what they are about. Those kept so far
are sealed too; what they are about was not noted, so they stay for their 90 days. Going back forgets them all.
"""

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from backend.http.envelope import envelope
from backend.http.tags import tag

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BEFORE = "kept_answers_before"
before = sa.table(
    BEFORE,
    sa.column("actor_id", sa.Uuid),
    sa.column("key", sa.String),
    sa.column("request_hash", sa.LargeBinary),
    sa.column("status", sa.Integer),
    sa.column("headers", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
    sa.column("body", sa.LargeBinary),
    sa.column("kept_at", sa.DateTime(timezone=True)),
)
now = sa.table(
    "kept_answers",
    sa.column("id", sa.Uuid),
    sa.column("sealed", sa.LargeBinary),
    sa.column("kept_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.drop_index("ix_kept_answers_kept_at", table_name="kept_answers")
    op.rename_table("kept_answers", BEFORE)
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_kept_answers RENAME TO pk_{BEFORE}")
    op.create_table(
        "kept_answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thing", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_kept_at"), "kept_answers", ["kept_at"])
    where = sa.text("thing IS NOT NULL")
    op.create_index("ix_kept_answers_thing", "kept_answers", ["thing"], postgresql_where=where, sqlite_where=where)
    seal_all(op.get_bind())
    op.drop_table(BEFORE)


def seal_all(connection: sa.Connection) -> None:
    place = sa.tuple_(before.c.actor_id, before.c.key)
    batch = sa.select(before).order_by(before.c.actor_id, before.c.key).limit(500)
    found = connection.execute(batch).all()
    while found:
        connection.execute(sa.insert(now), [sealed(one) for one in found])
        after = sa.tuple_(sa.literal(found[-1].actor_id, sa.Uuid), sa.literal(found[-1].key))
        found = connection.execute(batch.where(place > after)).all()


def sealed(one: sa.Row) -> dict[str, object]:
    told = orjson.dumps({"request": one.request_hash.hex(), "status": one.status, "headers": one.headers})
    return {
        "id": tag("kept answer", one.actor_id.bytes + one.key.encode()),
        "sealed": envelope().seal(told + b"\n" + one.body, f"answer to {one.actor_id} under {one.key}"),
        "kept_at": one.kept_at,
    }


def downgrade() -> None:
    op.drop_table("kept_answers")
    op.create_table(
        "kept_answers",
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_kept_at"), "kept_answers", ["kept_at"])
