"""What every test can ask for: a fresh town on SQLite or PostgreSQL, its app, and a client.

`pytest --database postgresql` runs the same tests on PostgreSQL: the one that TEST_DATABASE_URL names, or one started
for the run. None that starts is a failure, never a skip.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from backend.config import Config
from backend.people import hashing
from tests import postgres
from tests.databases import Databases, Kind, PostgresDatabases, SqliteDatabases, Templates
from tests.houses import Houses
from tests.town import People

# On a busy machine drawing takes long now and then, and is no fault of a test.
hypothesis.settings.register_profile(
    "grid1258",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("grid1258")

RESOURCES = pytest.StashKey[ExitStack]()
SHARED = pytest.StashKey[dict[str, str]]()

for setting in re.findall(r"^# ([A-Z_]+)=", (Path(__file__).parent.parent / ".env.example").read_text(), re.MULTILINE):
    os.environ.pop(setting, None)  # tests know only the defaults and what they set themselves


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("grid1258")
    group.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite", help="what the towns are kept in")
    group.addoption(
        "--postgres-programs", type=Path, metavar="DIR", help="folder of the initdb and postgres to start for the run"
    )
    group.addoption("--prove", action="store_true", help="do not leave out what takes minutes")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "prove: takes minutes; left out without --prove")
    config.addinivalue_line(
        "markers", "counted: tells a number that is promised; in every run, `make prove` among them"
    )
    config.addinivalue_line("markers", "sql: holds SQL of our own; runs on the oldest PostgreSQL we promise, too")
    config.stash[RESOURCES] = ExitStack()
    config.stash[SHARED] = getattr(config, "workerinput", {}).get("grid1258") or _start_run(config)


def _start_run(config: pytest.Config) -> dict[str, str]:
    """Start what all worker processes share: a folder for the templates and, if asked for, a PostgreSQL."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a run told to end leaves nothing behind
    run = {"server": "", "version": ""}
    if config.getoption("--database") == "postgresql":
        try:
            run["server"] = _server(config)
            run["version"] = PostgresDatabases(run["server"]).version()
        except (postgres.PostgresDoesNotStart, psycopg.OperationalError) as error:
            pytest.exit(f"No PostgreSQL for the tests, so they fail: {error}", returncode=1)
    run["folder"] = tempfile.mkdtemp(prefix="grid1258_test_", dir=postgres.memory())
    return run


def _server(config: pytest.Config) -> str:
    named, programs = os.environ.get("TEST_DATABASE_URL"), config.getoption("--postgres-programs")
    if named and not programs:
        if not named.startswith(("postgresql:", "postgresql+")):
            raise postgres.PostgresDoesNotStart("TEST_DATABASE_URL must begin with postgresql://")
        return named
    return config.stash[RESOURCES].enter_context(postgres.running(programs)).url()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["grid1258"] = node.config.stash[SHARED]


def pytest_unconfigure(config: pytest.Config) -> None:
    if SHARED in config.stash and not hasattr(config, "workerinput"):
        _templates(config).drop_all()
    config.stash[RESOURCES].close()


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.stash[SHARED]['version'] or 'SQLite'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    told = [f"{name}: {value}" for report in reports for name, value in report.user_properties]
    if told:
        terminalreporter.section("what tests counted and measured")
        terminalreporter.write_line("\n".join(told))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, and on PostgreSQL what asks no database: that ran on SQLite."""
    once = config.stash[SHARED]["server"] and not config.getoption("--prove")
    left_out = {
        item
        for item in items
        if (item.get_closest_marker("prove") and not config.getoption("--prove"))
        or (once and "templates" not in getattr(item, "fixturenames", ()) and not item.get_closest_marker("sql"))
    }
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _templates(config: pytest.Config) -> Templates:
    run = config.stash[SHARED]
    databases: Databases = PostgresDatabases(run["server"]) if run["server"] else SqliteDatabases()
    return Templates(databases, Path(run["folder"]), _fill)


def _fill(address: str, instance: Path, kind: Kind) -> None:
    with running_app(address, instance) as app:
        if kind == "empty":
            from flask_migrate import upgrade

            with app.app_context():
                upgrade()
        else:
            from tests import town

            town.load(app)


def build(config: Config) -> Flask:
    """An app as tests want it."""
    from backend import create_app

    app = create_app(config)
    app.testing = True
    return app


@contextmanager
def running_app(address: str, instance: Path) -> Iterator[Flask]:
    """The app over the database at `address`; its connections are closed afterwards."""
    app = build(Config(INSTANCE=instance, DATABASE_URL=address))
    try:
        yield app
    finally:
        close_engines(app)


def close_engines(app: Flask) -> None:
    from backend.extensions import db
    from backend.http.reading import close_reading

    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
    close_reading(app)


MakeApp = Callable[[Kind], Flask]


@contextmanager
def making_apps(houses: Houses) -> Iterator[MakeApp]:
    """Apps over databases of their own, until the end of the context."""
    with ExitStack() as stack:
        yield lambda kind: stack.enter_context(houses.town(kind))


@pytest.fixture(scope="session")
def templates(request: pytest.FixtureRequest) -> Templates:
    return _templates(request.config)


@pytest.fixture(scope="session")
def houses(templates: Templates, request: pytest.FixtureRequest) -> Houses:
    return Houses(templates, Path(request.config.stash[SHARED]["folder"]), build, close_engines)


@pytest.fixture
def make_app(houses: Houses) -> Iterator[MakeApp]:
    """Make an app over a fresh database: `make_app("town")`, or `make_app("empty")` for one with tables and no rows."""
    with making_apps(houses) as make:
        yield make


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """The app over a fresh copy of the small test town; whatever the test commits is gone afterwards."""
    return make_app("town")


@pytest.fixture
def empty_app(make_app: MakeApp) -> Flask:
    """The app over a migrated database without a row."""
    return make_app("empty")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def people(client: FlaskClient) -> People:
    """The town's people by role, each signed in when first asked for."""
    return People(client)


@pytest.fixture(scope="module")
def shared_app(houses: Houses) -> Iterator[Flask]:
    """One app for all tests of a module, for tests that only read."""
    with houses.town("town") as app:
        yield app


@pytest.fixture(scope="module")
def shared_client(shared_app: Flask) -> FlaskClient:
    return shared_app.test_client()


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Let no test reach beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test reaches for the network: {address}")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def shipped_hasher() -> Iterator[PasswordHasher]:
    """Hash passwords in no time; yields what hashes them in a real town, for tests that are about that."""
    patch = pytest.MonkeyPatch()
    shipped = hashing._hasher
    patch.setattr(hashing, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield shipped
    patch.undo()
