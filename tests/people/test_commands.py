"""Peopling a real town from the command line."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.town import PASSWORD, TOWN, VILLAGE, Person

GRID_WORKER = ("add", "--phone", "13900000001", "--name", "岑", "--role", "grid_worker", "--area", f"{VILLAGE}001")


def command(app: Flask, *words: str, typed: str = "") -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["people", *words], input=typed)
    return done.exit_code, done.output


def test_a_new_phone_gets_an_account_that_can_sign_in(app: Flask) -> None:
    assert command(app, *GRID_WORKER, typed=f"{PASSWORD}\n{PASSWORD}\n")[0] == 0
    roles = Person(app.test_client(), "13900000001").get("/me").json["roles"]
    assert [(held["role"], held["area_code"]) for held in roles] == [("grid_worker", f"{VILLAGE}001")]


def test_a_phone_that_has_an_account_gets_one_more_role_and_keeps_its_password(app: Flask) -> None:
    words = ("add", "--phone", "13800000003", "--name", "-", "--role", "village_officer", "--area", VILLAGE)
    code, text = command(app, *words)
    assert code == 0 and "password stay" in text
    roles = Person(app.test_client(), "13800000003").get("/me").json["roles"]
    assert {"role": "village_officer", "area_code": VILLAGE, "department": VILLAGE} in roles and len(roles) == 2
    assert command(app, *words)[0] == 1


def test_a_handler_needs_a_department_that_is_there(app: Flask) -> None:
    words = (
        "add",
        "--phone",
        "13900000002",
        "--name",
        "吴",
        "--role",
        "handler",
        "--area",
        TOWN,
        "--password",
        PASSWORD,
    )
    assert command(app, *words)[0] == 1
    assert command(app, *words, "--department", "parks")[0] == 1
    assert command(app, "add-department", "--code", "parks", "--name", "园林所")[0] == 0
    again = command(app, "add-department", "--code", "parks", "--name", "园林所")
    assert again[0] == 1 and "take another code" in again[1]
    village = command(app, "add-department", "--code", VILLAGE, "--name", "村")
    assert village[0] == 1 and "not digits only" in village[1]
    assert command(app, *words, "--department", "parks")[0] == 0


@pytest.mark.parametrize(
    ("role", "area", "more"),
    [
        ("grid_worker", "440605121999", ()),
        ("village_officer", TOWN, ()),
        ("inspector", TOWN, ("--department", "sanitation")),
        ("mayor", TOWN, ()),
    ],
)
def test_a_role_that_does_not_fit_its_place_is_refused(app: Flask, role: str, area: str, more: tuple[str, ...]) -> None:
    words = ("--phone", "13900000003", "--name", "-", "--password", PASSWORD, "--role", role, "--area", area)
    code, text = command(app, "add", *words, *more)
    assert code != 0 and "Error: " in text


def test_before_any_boundaries_a_code_of_the_right_length_is_an_area(empty_app: Flask) -> None:
    words = ("--phone", "13900000004", "--name", "朱", "--role", "dispatcher", "--password", PASSWORD)
    assert command(empty_app, "add", *words, "--area", "44060")[0] == 1
    assert command(empty_app, "add", *words, "--area", TOWN)[0] == 0


def test_a_demo_town_does_not_become_a_real_one(app: Flask) -> None:
    code, text = command(app, "create-admin", "--phone", "13900000005", "--name", "-", "--password", PASSWORD)
    assert code == 1 and "INSTANCE" in text
