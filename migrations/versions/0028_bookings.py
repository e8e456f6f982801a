"""bookings

Revision 0028, after 0031: rooms that service points share, and who has them when.

No two bookings of a room overlap: on PostgreSQL by an exclusion constraint, a room's number being a range of one so
that no extension is needed; on SQLite by triggers, which a migration that makes the table anew has to make anew, too.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import JsonColumn, UtcDateTime

revision = "0028"
down_revision = "0031"
branch_labels = None
depends_on = None

EXCLUDE = """
ALTER TABLE bookings ADD CONSTRAINT ex_bookings_overlap EXCLUDE USING gist (
    int8range(room_number, room_number, '[]') WITH =, tstzrange(begins_at, ends_at) WITH &&
) WHERE (status = 'booked')
"""
TRIGGER = """
CREATE TRIGGER bookings_overlap_{event} BEFORE {event}{of} ON bookings
WHEN NEW.status = 'booked' AND EXISTS (
    SELECT 1 FROM bookings
    WHERE room_number = NEW.room_number AND status = 'booked' AND id <> NEW.id
    AND begins_at < NEW.ends_at AND ends_at > NEW.begins_at
)
BEGIN SELECT RAISE(ABORT, 'bookings of a room overlap'); END
"""


def upgrade() -> None:
    op.create_table(
        "shared_rooms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("open_to", JsonColumn, nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("shortest_minutes", "longest_minutes", "step_minutes", "ahead_days", "most_to_come")
        ),
        sa.Column("bar_after", sa.Integer(), nullable=True),
        sa.Column("bar_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("shortest_minutes >= 1 AND longest_minutes >= shortest_minutes", name="length"),
        sa.CheckConstraint("capacity >= 1 AND ahead_days >= 1 AND step_minutes >= 1", name="sizes"),
        sa.ForeignKeyConstraint(["point_id"], ["service_points.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("ix_shared_rooms_point", "shared_rooms", ["point_id", "id"])
    op.create_table(
        "bookings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("room_number", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("ends_at > begins_at", name="order"),
        sa.CheckConstraint("status IN ('booked', 'waiting', 'cancelled', 'no_show')", name="status"),
        sa.ForeignKeyConstraint(["room_number"], ["shared_rooms.number"]),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_bookings_room", "bookings", ["room_number", "begins_at"])
    op.create_index("ix_bookings_account", "bookings", ["account_id", "begins_at"])
    op.create_index("ix_bookings_ends", "bookings", ["ends_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(EXCLUDE)
    else:
        op.execute(TRIGGER.format(event="INSERT", of=""))
        op.execute(TRIGGER.format(event="UPDATE", of=" OF room_number, begins_at, ends_at, status"))


def downgrade() -> None:
    op.drop_table("bookings")
    op.drop_table("shared_rooms")
