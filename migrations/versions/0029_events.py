"""events

Revision 0029, after 0028: events and training, and who signed up for them.

No more people have a seat than there are places: a seat has a number, not above the places, and is taken once.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        sa.Column("area_code", AREA_CODE, nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("original_lon", sa.Double(), nullable=False),
        sa.Column("original_lat", sa.Double(), nullable=False),
        sa.Column("original_crs", sa.String(10), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("open_to", JsonColumn, nullable=False),
        sa.Column("check_in_metres", sa.Integer(), nullable=False),
        sa.Column("credit_minutes", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('party_class', 'volunteering', 'cleaning_day', 'course')", name="kind"),
        sa.CheckConstraint("status IN ('draft', 'published', 'cancelled')", name="status"),
        sa.CheckConstraint("ends_at > begins_at", name="order"),
        sa.CheckConstraint("places >= 1 AND check_in_metres >= 1 AND credit_minutes >= 0", name="sizes"),
        sa.ForeignKeyConstraint(["point_id"], ["service_points.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "places"),
    )
    op.create_index("ix_events_begins", "events", ["begins_at", "id"])
    op.create_index("ix_events_area", "events", ["area_code", "ends_at"])
    op.create_table(
        "event_sign_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("branch_code", AREA_CODE, nullable=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=True),
        sa.Column("signed_up_at", UtcDateTime(), nullable=False),
        sa.Column("checked_in_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("status IN ('signed_up', 'waiting', 'cancelled')", name="status"),
        sa.CheckConstraint("seat IS NULL OR seat BETWEEN 1 AND places", name="seat"),
        sa.CheckConstraint("(seat IS NOT NULL) = (status = 'signed_up')", name="seated"),
        sa.CheckConstraint("checked_in_at IS NULL OR seat IS NOT NULL", name="came"),
        sa.ForeignKeyConstraint(["event_id", "places"], ["events.id", "events.places"], onupdate="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", "account_id"),
        sa.UniqueConstraint("event_id", "seat"),
    )
    op.create_index("ix_event_sign_ups_account", "event_sign_ups", ["account_id"])


def downgrade() -> None:
    op.drop_table("event_sign_ups")
    op.drop_table("events")
