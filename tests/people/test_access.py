"""The access table: who gets in where."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from backend import create_app
from backend.config import Config
from backend.http.permission import permission
from backend.people.access import PUBLIC, ROLES, SIGNED_IN, TABLE, Caller, Grant
from backend.people.accounts import exposed_demonstration, is_loopback
from backend.people.permissions import init_permissions
from tests.town import People


def test_every_row_names_only_known_roles() -> None:
    assert all(set(row) <= set(ROLES) for row in TABLE.values())


def test_every_route_names_a_permission_of_the_table(shared_app: Flask) -> None:
    named = {endpoint: getattr(view, "permission", None) for endpoint, view in shared_app.view_functions.items()}
    assert [endpoint for endpoint, name in named.items() if name not in (PUBLIC, SIGNED_IN, *TABLE)] == []


def test_every_row_of_the_table_is_used_by_a_route_or_a_rule(shared_app: Flask) -> None:
    from pathlib import Path

    import backend

    sources = "".join(
        path.read_text() for path in Path(backend.__file__).parent.rglob("*.py") if path.name != "access.py"
    )
    assert [name for name in TABLE if f'"{name}"' not in sources] == []


def test_an_app_with_an_unguarded_route_does_not_start() -> None:
    app = Flask("unguarded", static_folder=None)
    app.add_url_rule("/open", "open", lambda: "")
    with pytest.raises(RuntimeError, match="open"):
        init_permissions(app)


def test_an_app_with_an_unknown_permission_does_not_start() -> None:
    app = Flask("misnamed", static_folder=None)
    app.add_url_rule("/open", "open", permission("no such row")(lambda: ""))
    with pytest.raises(RuntimeError, match="no such row"):
        init_permissions(app)


def test_what_a_role_may_not_do_answers_like_what_does_not_exist(people: People) -> None:
    unknown = people["admin"].get(f"/rewards/runs/{uuid.uuid4()}").data
    for role in ("admin", "auditor"):
        refused = people[role].get("/cases")
        assert (refused.status_code, refused.data) == (404, unknown)


def test_without_signing_in_there_is_nothing_but_the_public_face(people: People) -> None:
    client = people.client
    for path in ("/api/v1/cases", "/api/v1/me", "/api/v1/areas"):
        answer = client.get(path)
        assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/api/v1/public/cases").status_code == 200


def test_roles_add_up_and_conflicts_are_named() -> None:
    grants = (Grant("dispatcher", "440605121"), Grant("village_officer", "440605121012", "440605121012"))
    caller = Caller(uuid.uuid4(), uuid.uuid4(), "", "", grants)
    assert caller.may("accept") and caller.may("handle") and not caller.may("publish_ranking")
    assert caller.conflicts == ("440605121012",)


OWN = ("127.0.0.1", "::1", "localhost")
OPEN = ("0.0.0.0", "::", "town.example", "192.168.1.9")


@pytest.mark.parametrize(("host", "own"), [*((host, True) for host in OWN), *((host, False) for host in OPEN)])
def test_only_loopback_addresses_keep_the_demo_on_this_machine(app: Flask, host: str, own: bool) -> None:
    assert is_loopback(host) is own
    with app.app_context():
        assert exposed_demonstration(host) is not own


def test_an_empty_database_may_listen_anywhere(empty_app: Flask) -> None:
    with empty_app.app_context():
        assert exposed_demonstration("0.0.0.0") is False


def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: object) -> None:
    from pathlib import Path

    instance = Path(str(tmp_path)) / "instance"
    keys = {create_app(Config(INSTANCE=instance)).config["JWT_SECRET_KEY"] for _ in range(2)}
    assert len(keys) == 1 and len(keys.pop()) >= 32
    assert (instance / "jwt.key").stat().st_mode & 0o777 == 0o600


def test_a_real_town_starts_with_its_first_admin(empty_app: Flask) -> None:
    runner = empty_app.test_cli_runner()
    arguments = ["people", "create-admin", "--phone", "13712345678", "--name", "管理员", "--password", "long enough 1"]
    assert "13712345678" in runner.invoke(args=arguments).output
    assert runner.invoke(args=arguments).exit_code == 1
    assert runner.invoke(args=["demo", "load"]).output == ""
    answer = empty_app.test_client().post(
        "/api/v1/auth/login", json={"phone": "13712345678", "password": "long enough 1"}
    )
    assert answer.status_code == 200
