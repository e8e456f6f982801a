"""docs/access.md shows the table the code reads."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from backend.people.access_page import access_table, with_access_table

DOCS = Path(__file__).parent.parent.parent / "docs"


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
