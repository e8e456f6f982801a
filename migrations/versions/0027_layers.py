"""layers

Revision 0027, after 0029: service points by cell, outlines as the map draws them, and public cases on the map with their
number at each place.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import UtcDateTime
from backend.territory.codes import AREA_CODE

revision = "0027"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_service_points_cell", "service_points", ["cell"])
    op.add_column("area_revisions", sa.Column("drawn", sa.Integer()))
    op.create_table(
        "area_drawings",
        sa.Column("zoom", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("level", sa.String(7), nullable=False),
        sa.Column("code", AREA_CODE, nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("bottom", sa.Integer(), nullable=False),
        sa.Column("outline", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("zoom", "level", "code"),
    )
    op.create_table(
        "public_pins",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("area_code", AREA_CODE, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("ix_public_pins_cell", "public_pins", ["town_code", "cell"])
    op.create_table(
        "public_places",
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("cell", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("area_code", AREA_CODE, nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("town_code", "cell", "area_code"),
    )
    op.create_table(
        "pins_kept",
        sa.Column("town_code", AREA_CODE, nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("town_code"),
    )


def downgrade() -> None:
    # All of it is made anew from cases and areas.
    for table in ("pins_kept", "public_places", "public_pins", "area_drawings"):
        op.drop_table(table)
    op.drop_column("area_revisions", "drawn")
    op.drop_index("ix_service_points_cell", "service_points")
