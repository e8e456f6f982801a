"""The workflow is read the same by the code, the documentation and who asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.cases.workflow import ACTIONS, NOT_SO, STATUSES, STEP
from backend.cases.workflow_page import workflow, workflow_page
from backend.people.access import TABLE

PAGE = Path(__file__).parent.parent.parent / "docs" / "workflow.md"


def test_the_page_shows_the_table_and_make_docs_would_change_nothing() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert workflow_page(page) == page
    for action in ACTIONS.values():
        assert f"| {action.name} | {action.zh} |" in page
        if action.to is not None:
            assert f"    {action.from_[0]} --> {action.to}: {action.name} {action.zh}" in page


def test_make_docs_writes_the_page_anew(app: Flask, tmp_path: Path) -> None:
    page, file = PAGE.read_text(encoding="utf-8"), tmp_path / "workflow.md"
    file.write_text(page.replace("| accept |", "| accepted |").replace("--> [*]", "--> x"), encoding="utf-8")
    assert app.test_cli_runner().invoke(args=["cases", "workflow-page", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == page
    file.write_text("# Another page\n")
    ended = app.test_cli_runner().invoke(args=["cases", "workflow-page", str(file)])
    assert ended.exit_code == 1 and "no place for the workflow" in ended.output
    with pytest.raises(ValueError, match="no place"):
        workflow_page("# Another page\n")


def test_what_must_be_true_besides_the_status_is_told_where_it_is_not() -> None:
    assert {action.only for action in ACTIONS.values()} - {""} == set(NOT_SO)


def test_everybody_may_read_it(client: FlaskClient) -> None:
    answer = client.get("/api/v1/workflow")
    assert answer.status_code == 200 and answer.json == workflow()
    assert [action["action"] for action in answer.json["actions"]] == list(ACTIONS)
    by_name = {action["action"]: action for action in answer.json["actions"]}
    assert by_name["suspend"]["roles"] == {"dispatcher": "t"} and by_name["suspend"]["only"] == "suspension_asked"


def test_every_row_is_whole() -> None:
    for action in ACTIONS.values():
        assert action.permission in TABLE, action.name
        assert set(action.from_) <= set(STATUSES) and (action.to is None or action.to in STATUSES), action.name
    assert set(STEP) <= set(STATUSES)


def test_from_every_status_but_an_end_something_leads_on() -> None:
    ends = {"declined", "withdrawn"}
    for status in set(STATUSES) - ends:
        assert any(action.to and status in action.from_ and action.to != status for action in ACTIONS.values()), status


def test_the_description_of_an_action_tells_the_table(client: FlaskClient) -> None:
    description = client.get("/api/v1/openapi.json").json
    told = description["paths"]["/api/v1/cases/{case_id}/actions"]["post"]["description"]
    for action in ACTIONS.values():
        (line,) = (line for line in told.splitlines() if line.startswith(f"| `{action.name}` "))
        for word in (*action.from_, *TABLE[action.permission], *action.needs, action.to or "(stays)"):
            assert word in line or action.back, (line, word)
