"""docs/access.md and docs/cases.md show the tables the code reads."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from backend.cases.workflow import ACTIONS, STATUSES, STEP
from backend.people.access_page import access_table, with_access_table

DOCS = Path(__file__).parent.parent.parent / "docs"


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


def test_the_access_page_shows_the_access_table_and_make_docs_would_change_nothing() -> None:
    page = (DOCS / "access.md").read_text()
    assert access_table() in page
    assert with_access_table(page) == page


def test_make_docs_puts_the_present_table_in_place_of_an_old_one(app: Flask, tmp_path: Path) -> None:
    page = (DOCS / "access.md").read_text()
    old = page.replace("| accept | –", "| accept | t").replace("| decline |", "| declined |")
    file = tmp_path / "access.md"
    file.write_text(old)
    assert old != page
    assert app.test_cli_runner().invoke(args=["people", "access-page", str(file)]).exit_code == 0
    assert file.read_text() == page


def test_a_page_without_a_table_is_left_alone(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "other.md"
    file.write_text("# Another page\n")
    ended = app.test_cli_runner().invoke(args=["people", "access-page", str(file)])
    assert ended.exit_code == 1 and "no access table" in ended.output
    assert file.read_text() == "# Another page\n"


def test_the_cases_page_shows_the_workflow() -> None:
    page = (DOCS / "cases.md").read_text()
    assert "\n".join(workflow_table()) in page and "\n".join(status_table()) in page
