"""docs/access.md and docs/cases.md show the tables the code reads."""

from __future__ import annotations

from pathlib import Path

from backend.cases.workflow import ACTIONS, STATUSES, STEP
from backend.people.access import ROLES, TABLE

DOCS = Path(__file__).parent.parent.parent / "docs"


def access_table() -> list[str]:
    head = [f"| permission | {' | '.join(ROLES)} |", "|---" * (len(ROLES) + 1) + "|"]
    return head + [
        f"| {name} | " + " | ".join(row.get(role, "–") for role in ROLES) + " |" for name, row in TABLE.items()
    ]


def workflow_table() -> list[str]:
    head = ["| action | 中文 | from | to | permission | needs | takes |", "|---|---|---|---|---|---|---|"]
    return head + [
        f"| {row.name} | {row.zh} | {', '.join(row.from_)} | {row.to or '(stays)'} | {row.permission}"
        f"{'' if row.own_work else ', never own work'} | {', '.join(row.needs)} | {', '.join(row.takes)} |"
        for row in ACTIONS.values()
    ]


def status_table() -> list[str]:
    head = ["| status | 中文 | waits for the step |", "|---|---|---|"]
    return head + [f"| {name} | {zh} | {STEP.get(name, '–')} |" for name, (zh, _) in STATUSES.items()]


def test_the_access_page_shows_the_access_table() -> None:
    assert "\n".join(access_table()) in (DOCS / "access.md").read_text()


def test_the_cases_page_shows_the_workflow() -> None:
    page = (DOCS / "cases.md").read_text()
    assert "\n".join(workflow_table()) in page and "\n".join(status_table()) in page
