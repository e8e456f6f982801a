"""sealed_notes

Revision 0020, after 0023: what is said in the history of protected reports, sealed; work lists with what is set apart.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0023"
branch_labels = None
depends_on = None

_WAIT_FOR_TOWN = "status IN ('reported', 'apart', 'accepted', 'reopened', 'handled', 'checked')"


def _index_work(waits: str) -> None:
    op.drop_index("ix_cases_to_do", table_name="cases")
    columns, only = ["town_code", "status", "due_at", "id"], sa.text(waits)
    op.create_index("ix_cases_to_do", "cases", columns, postgresql_where=only, sqlite_where=only)


def upgrade() -> None:
    _index_work(_WAIT_FOR_TOWN)
    op.create_table(
        "sealed_notes",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "version"),
    )


def downgrade() -> None:
    op.execute("UPDATE cases SET status = 'reported' WHERE status = 'apart'")
    op.execute("UPDATE cases SET status = 'accepted' WHERE status IN ('drafted', 'tasked')")
    op.execute("UPDATE cases SET reporting = 'named' WHERE reporting = 'task'")
    op.execute("UPDATE cases SET asked = NULL WHERE asked = 'lowering'")
    op.drop_table("sealed_notes")
    _index_work(_WAIT_FOR_TOWN.replace("'apart', ", ""))
