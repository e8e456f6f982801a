"""work_lists

Revision 0018, after 0015: indexes of work lists, filters that people keep, who joined in a case, places with their time, and texts
found in simplified and traditional characters alike, by day.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from backend.cases.search.folding import searchable, tokens
from backend.extensions import JsonColumn, UtcDateTime

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None

_FOLLOWED = sa.text("told_status NOT IN ('closed', 'declined', 'withdrawn')")
_ASKED = sa.text("asked IS NOT NULL")
_TO_DO = {
    "ix_cases_to_do": ("town_code", "status IN ('reported', 'accepted', 'reopened', 'handled', 'checked')"),
    "ix_cases_to_do_holder": ("holder", "status IN ('dispatched', 'handling')"),
    "ix_cases_to_do_area": ("area_code", "status IN ('dispatched', 'handling', 'handled')"),
}


def upgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("query", JsonColumn, nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "name"),
    )
    op.create_table(
        "case_supporters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Uuid(), nullable=False),
        sa.Column("told_status", sa.String(20), nullable=False),
        sa.Column("supported_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "tag"),
    )
    op.create_index("ix_case_supporters_tag", "case_supporters", ["tag", "supported_at", "id"])
    op.create_index(
        "ix_case_supporters_followed",
        "case_supporters",
        ["id"],
        postgresql_where=_FOLLOWED,
        sqlite_where=_FOLLOWED,
    )
    op.create_table(
        "supporter_identities",
        sa.Column("supporter_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["supporter_id"], ["case_supporters.id"]),
        sa.PrimaryKeyConstraint("supporter_id"),
    )
    for name, (first, statuses) in _TO_DO.items():
        only = sa.text(statuses)
        op.create_index(name, "cases", [first, "status", "due_at", "id"], postgresql_where=only, sqlite_where=only)
    op.create_index(
        "ix_cases_asked",
        "cases",
        ["town_code", "status", "due_at", "id"],
        postgresql_where=_ASKED,
        sqlite_where=_ASKED,
    )
    _index_cells(["cell", "occurred_at"])
    _find_texts_anew()


def downgrade() -> None:
    # Texts stay as they were folded last: the search before this finds them by simplified words.
    _index_cells(["cell"])
    for name in ("ix_cases_asked", *_TO_DO):
        op.drop_index(name, table_name="cases")
    op.drop_table("supporter_identities")
    op.drop_table("case_supporters")
    op.drop_table("saved_filters")


def _index_cells(columns: list[str]) -> None:
    op.drop_index("ix_cases_cell", table_name="cases")
    op.create_index("ix_cases_cell", "cases", columns, postgresql_where=sa.text("cell IS NOT NULL"))


def _find_texts_anew() -> None:
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    day = "0" if sqlite else "floor(extract(epoch FROM occurred_at) / 86400)::int"
    page = sa.text(
        f"SELECT case_texts.id, folded, folded_redacted, {day} AS day FROM case_texts JOIN cases ON cases.id = case_id"
        " WHERE case_texts.id > :after ORDER BY case_texts.id LIMIT 500"
    )
    after = 0
    while texts := connection.execute(page, {"after": after}).all():
        anew = [_anew(row) for row in texts]
        if sqlite:
            changed = [row for row, text in zip(anew, texts, strict=True) if row["folded"] != text.folded]
            forget = "INSERT INTO case_tokens (case_tokens, rowid, tokens) VALUES ('delete', :id, :before)"
            write = "INSERT INTO case_tokens (rowid, tokens) VALUES (:id, :tokens)"
            for statement in (forget, write, "UPDATE case_texts SET folded = :folded WHERE id = :id"):
                if changed:
                    connection.execute(sa.text(statement), changed)
        else:
            write = "UPDATE case_texts SET folded = :folded, tokens = CAST(:tokens || :day AS tsvector) WHERE id = :id"
            connection.execute(sa.text(write), anew)
        redacted = [row for row in anew if row["redacted"] is not None]
        if redacted:
            connection.execute(sa.text("UPDATE case_texts SET folded_redacted = :redacted WHERE id = :id"), redacted)
        after = texts[-1].id


def _anew(row: Any) -> dict[str, Any]:
    folded = searchable(row.folded)
    return {
        "id": row.id,
        "folded": folded,
        "redacted": None if row.folded_redacted is None else searchable(row.folded_redacted),
        "before": " ".join(sorted(tokens(row.folded))),
        "tokens": " ".join(sorted(tokens(folded))),
        "day": f" d{row.day}",
    }
