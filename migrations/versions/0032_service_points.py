"""service_points

Revision 0032, after 0027: the words that service points are found by, their photos, the people in charge of them; and the
public contact of who holds an office.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0027"
branch_labels = None
depends_on = None

_WORD = sa.String(length=48).with_variant(sa.String(length=48, collation="C"), "postgresql")
_AREA = sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("service_points", sa.Column("photos", _JSON, server_default=sa.text("'[]'"), nullable=False))
    op.create_table(
        "service_point_words",
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("word", _WORD, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("area_code", _AREA, nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["service_points.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("point_id", "word"),
    )
    op.create_index("ix_service_point_words_word", "service_point_words", ["active", "word", "area_code", "point_id"])
    op.create_table(
        "service_point_people",
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["service_points.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("point_id", "account_id"),
    )
    op.create_index("ix_service_point_people_account", "service_point_people", ["account_id"])
    op.create_table(
        "office_contacts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("contact", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("account_id"),
    )
    _find_words()


def _find_words() -> None:
    """Write the words of the points that are there."""
    from backend.partymap.words import words_of

    points = sa.table("service_points", *map(sa.column, ("id", "name", "kind", "area_code", "active")))
    services, elements = sa.column("services", _JSON), sa.column("elements", _JSON)
    words = sa.table(
        "service_point_words",
        sa.column("point_id", sa.Uuid()),
        *map(sa.column, ("word", "area_code")),
        sa.column("active", sa.Boolean()),
    )
    identity = sa.type_coerce(points.c.id, sa.Uuid())
    found = op.get_bind().execute(
        sa.select(
            identity.label("id"), points.c.name, points.c.kind, points.c.area_code, points.c.active, services, elements
        )
    )
    rows = [
        {"point_id": point.id, "word": word, "active": bool(point.active), "area_code": point.area_code}
        for point in found
        for word in words_of(point.name, point.kind, point.services, point.elements)
    ]
    if rows:
        op.bulk_insert(words, rows)


def downgrade() -> None:
    op.drop_table("office_contacts")
    op.drop_table("service_point_people")
    op.drop_table("service_point_words")
    op.drop_column("service_points", "photos")
