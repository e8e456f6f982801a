"""town_rules

Revision 0024, after 0019: settings and declared days become rules of the town, like those for where cases go and the
town's own words; every version is kept.
"""

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from backend.extensions import UtcDateTime

revision = "0024"
down_revision = "0019"
branch_labels = None
depends_on = None

_AREA = sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql")
_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    rules = op.create_table(
        "town_rules",
        sa.Column("town_code", _AREA, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.String(100).with_variant(sa.String(100, collation="C"), "postgresql"), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", _VALUE, nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("town_code", "kind", "key", "version", name=op.f("pk_town_rules")),
    )
    kept = [{**row, "kind": "setting"} for row in _rows(_settings().select())]
    for row in kept:
        row["key"] = row.pop("name")
    # Who declared a day, when, and what was declared before stands in the ledger only.
    now = datetime.now(UTC)
    for row in _rows(_days().select()):
        value = {"workday": row["workday"], "reason": row["reason"]}
        told = {"town_code": row["town_code"], "kind": "calendar_day", "key": row["day"].isoformat(), "value": value}
        kept.append(told | {"version": row["version"], "set_by": None, "set_at": now})
    if kept:
        op.bulk_insert(rules, kept)
    op.drop_table("town_settings")
    op.drop_table("calendar_overrides")


def downgrade() -> None:
    # Of a day only what holds goes back; rules of other kinds are forgotten.
    op.create_table("town_settings", *_settings_columns(), sa.PrimaryKeyConstraint("town_code", "name", "version"))
    op.create_table(
        "calendar_overrides",
        *_days_columns(),
        sa.ForeignKeyConstraint(["town_code"], ["areas.code"]),
        sa.PrimaryKeyConstraint("town_code", "day"),
    )
    rules = sa.table(
        "town_rules",
        *(sa.column(name) for name in ("town_code", "kind", "key", "version")),
        sa.column("value", _VALUE),
        sa.column("set_by", sa.Uuid()),
        sa.column("set_at", UtcDateTime()),
    )
    settings, days = [], {}
    for row in _rows(rules.select().order_by(rules.c.version)):
        key, kind = row.pop("key"), row.pop("kind")
        if kind == "setting":
            settings.append({**row, "name": key})
        elif kind == "calendar_day":
            told = {"town_code": row["town_code"], "version": row["version"], **row["value"]}
            days[row["town_code"], key] = told | {"day": date.fromisoformat(key)}
    if settings:
        op.bulk_insert(_settings(), settings)
    if days:
        op.bulk_insert(_days(), [*days.values()])
    op.drop_table("town_rules")


def _rows(statement: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(statement).mappings()]


def _settings_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("town_code", _AREA, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
    ]


def _days_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("town_code", _AREA, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("workday", sa.Boolean(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
    ]


def _settings() -> sa.Table:
    return sa.Table("town_settings", sa.MetaData(), *_settings_columns())


def _days() -> sa.Table:
    return sa.Table("calendar_overrides", sa.MetaData(), *_days_columns())
