"""deadlines_counted

Revision 0031, after 0026: deadlines are counted from what a case's history tells. That one was moved by hand is kept no
more; where a correction of the category began a clock anew, the event of it says so. Deadlines stay as they are.
"""

import sqlalchemy as sa
from alembic import op

from backend.extensions import JsonColumn, UtcDateTime

revision = "0031"
down_revision = "0026"
branch_labels = None
depends_on = None

_GRANTED = "('suspend', 'extend', 'unmerge', 'give_task', 'release_task')"
_cases = sa.table(
    "cases",
    sa.column("id", sa.Uuid()),
    sa.column("step_moved", sa.Boolean()),
    sa.column("case_moved", sa.Boolean()),
    sa.column("step_started_at", UtcDateTime()),
    sa.column("case_started_at", UtcDateTime()),
)
_events = sa.table(
    "case_events",
    sa.column("case_id", sa.Uuid()),
    sa.column("version", sa.Integer()),
    sa.column("action", sa.String()),
    sa.column("occurred_at", UtcDateTime()),
    sa.column("details", JsonColumn),
)


def upgrade() -> None:
    here, moved = op.get_bind(), sa.or_(_cases.c.step_moved, _cases.c.case_moved)
    corrected = sa.exists().where(_events.c.case_id == _cases.c.id, _events.c.action == "correct_category")
    for case in here.execute(sa.select(_cases).where(moved, corrected)).all():
        _tell_what_began_anew(here, case)
    op.drop_column("cases", "step_moved")
    op.drop_column("cases", "case_moved")


def _tell_what_began_anew(here: sa.Connection, case: sa.Row[tuple[object, ...]]) -> None:
    """By the last correction that moved a deadline which nothing else had moved."""
    told = here.execute(sa.select(_events).where(_events.c.case_id == case.id).order_by(_events.c.version)).all()
    anew: dict[int, list[str]] = {}
    for clock, is_moved, began, due in (
        ("step", case.step_moved, case.step_started_at, "due_at"),
        ("case", case.case_moved, case.case_started_at, "case_due_at"),
    ):
        since = [event for event in told if began is not None and event.occurred_at >= began]
        if not is_moved or any(f"'{event.action}'" in _GRANTED for event in since):
            continue
        for event in reversed(since):
            if event.action == "correct_category" and event.details.get(due) != event.details.get(f"old_{due}"):
                anew.setdefault(event.version, []).append(clock)
                break
    for event in told:
        if event.version in anew:
            mine = sa.and_(_events.c.case_id == case.id, _events.c.version == event.version)
            here.execute(
                sa.update(_events).where(mine).values(details=event.details | {"counted_anew": anew[event.version]})
            )


def downgrade() -> None:
    op.add_column("cases", sa.Column("step_moved", sa.Boolean()))
    op.add_column("cases", sa.Column("case_moved", sa.Boolean()))
    moved = "due_at IS NOT NULL AND EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = cases.id"
    moved += f" AND (e.action IN {_GRANTED} OR e.action = 'correct_category') AND e.occurred_at >= cases."
    op.execute(f"UPDATE cases SET case_moved = true WHERE {moved}case_started_at)")
    op.execute(f"UPDATE cases SET step_moved = true WHERE {moved}step_started_at)")
