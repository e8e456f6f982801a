"""elements

Revision 0026, after 0030: service points bear on elements of the governance model.

Published cases can be counted by element from now on, which the figures made before did not reckon with: theirs by
element are hidden.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import JsonColumn
from backend.territory.codes import AREA_CODE

revision = "0026"
down_revision = "0030"
branch_labels = None
depends_on = None

_figures = sa.table(
    "public_figures",
    sa.column("town_code", AREA_CODE),
    sa.column("month", sa.String(7)),
    sa.column("figures", JsonColumn),
)


def upgrade() -> None:
    op.add_column("service_points", sa.Column("elements", JsonColumn, nullable=False, server_default="[]"))
    for row in op.get_bind().execute(sa.select(_figures)).all():
        this = (_figures.c.town_code == row.town_code) & (_figures.c.month == row.month)
        hidden = row.figures | {"elements": dict.fromkeys(row.figures["elements"])}
        op.execute(_figures.update().where(this).values(figures=hidden))


def downgrade() -> None:
    op.drop_column("service_points", "elements")
