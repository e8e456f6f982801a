"""Runs the town: prepares the database, then keeps the web server, the process that hashes its passwords and the
scheduler up until told to stop.

What ends is started again, after a wait that doubles each time; what ends MOST_IN_A_ROW times soon after its start ends
all. Ctrl-C, SIGTERM and SIGHUP stop them within STOP_SECONDS; a SIGKILL of this process ends them too.
"""

import ctypes
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dotenv import load_dotenv

HASHING = Path(__file__).with_name("backend") / "people" / "hashing.py"
STOP_SECONDS = 8
TELL_AGAIN_SECONDS = 1
START_SECONDS = 30
STEADY_SECONDS = 60
"""What ran for so long has started well: its next end is the first again."""
FIRST_WAIT_SECONDS = 1.0
MOST_IN_A_ROW = 5
STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def web_server(host: str, port: int) -> list[str]:
    size = ["--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "--workers-kill-timeout", "5"]
    return [
        "granian",
        "--interface",
        "wsgi",
        "--no-access-log",
        "--log-level",
        "warning",
        *size,
        "--host",
        host,
        "--port",
        str(port),
        "wsgi:app",
    ]


def prepare() -> None:
    """Migrate, refuse to show demo accounts to the network, and load the demo town once.

    One process for the three, since each would import the app anew; gone afterwards with the memory it took.
    """
    process = multiprocessing.get_context("fork").Process(target=_prepare)
    process.start()
    process.join()
    if process.exitcode != 0:
        sys.exit(process.exitcode)


def _prepare() -> None:
    from flask.cli import ScriptInfo
    from flask_migrate import upgrade
    from sqlalchemy.exc import OperationalError

    from backend import create_app
    from backend.http.key_proofs import keep_proofs

    _in_child()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    app = create_app()
    with app.app_context():
        try:
            upgrade()
        except OperationalError as error:
            why = str(error.orig).partition("\n")[0]
            sys.exit(f"数据库无法使用，请检查 DATABASE_URL。 The database cannot be used; check DATABASE_URL: {why}")
        keep_proofs()
    for command in (["people", "check-exposure"], ["demo", "load"]):
        app.cli.main(command, prog_name="flask", standalone_mode=False, obj=ScriptInfo(create_app=lambda: app))


def address(host: str, port: int) -> str:
    """What to type into a browser."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refuse_taken_port(host: str, port: int) -> None:
    """The web server shares its port with any other of its kind, so two towns would answer in turn."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"Cannot listen on {host}:{port} ({error.strerror}). Another port: PORT=8001 make run")


def answers(host: str, port: int) -> bool:
    """Whether a web server answers there, whatever it says."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with socket.create_connection((here, port), timeout=1) as asked:
            asked.sendall(b"HEAD /healthz HTTP/1.0\r\n\r\n")
            return asked.recv(1) != b""
    except OSError:
        return False


# What a worker takes is small and stays so: large pieces (a password's hash, a part of a photo) go back to the system
# at once, from Python's allocator and from the web server's (jemalloc), and tracebacks do without underlined columns.
SPARING = {
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_ARENA_MAX": "1",
    "_RJEM_MALLOC_CONF": "narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0",
    "PYTHONNODEBUGRANGES": "1",
}


def start(module: list[str], **settings: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", *module]
    return _begin(command, SPARING | os.environ | settings)


def start_hasher(path: str, python: str = sys.executable) -> subprocess.Popen[bytes]:
    """The process that hashes passwords for whoever asks at a socket, which has to be in a private folder.

    The socket listens before the process runs, so that nobody finds it closed, and is the process's own after that, so
    that nobody waits at it once the process has ended. It sees none of our secrets.
    """
    environment = SPARING | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        return _begin([python, "-I", str(HASHING)], environment, listener.fileno())


def _begin(command: list[str], environment: Mapping[str, str], stdin: int | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=stdin, env=environment, start_new_session=True, preexec_fn=_in_child)


def _in_child() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


@dataclass
class Child:
    """A program of the town, and how often in a row it has ended soon after its start."""

    name: str
    begin: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    due: float = float("inf")
    """When it is to be started again, while it does not run."""
    in_a_row: int = 0

    def start(self) -> None:
        """Start it now."""
        self.process, self.began, self.due = self.begin(), time.monotonic(), float("inf")

    def look_after(self) -> bool:
        """Notice its end, and start it again when that is due. False when it has ended too often in a row."""
        now = time.monotonic()
        code = self.process.poll() if self.process else None
        if self.process and code is not None:
            _kill(self.process)
            self.in_a_row = self.in_a_row + 1 if now - self.began < STEADY_SECONDS else 1
            if self.in_a_row >= MOST_IN_A_ROW:
                often = f"{self.in_a_row} times in a row, each time within {STEADY_SECONDS} s of its start"
                print(f"The {self.name} has ended ({code}) {often}; stopping. See what it said above.", file=sys.stderr)
                return False
            wait = FIRST_WAIT_SECONDS * 2 ** (self.in_a_row - 1)
            print(f"The {self.name} has ended ({code}); starting it again in {wait:g} s.", file=sys.stderr)
            self.process, self.due = None, now + wait
        if now >= self.due:
            self.start()
        return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # a worker may outlive its parent


def stop(processes: Collection[subprocess.Popen[bytes]]) -> None:
    """Have them end; what has not within STOP_SECONDS is killed.

    They are told again and again, with all that they started: a web worker hears nothing just after its start.
    """
    until = time.monotonic() + STOP_SECONDS
    for process in processes:
        process.terminate()
    while (running := [process for process in processes if process.poll() is None]) and time.monotonic() < until:
        try:
            running[0].wait(TELL_AGAIN_SECONDS)
        except subprocess.TimeoutExpired:
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
    for process in processes:
        _kill(process)
        process.wait()


def keep_running(children: Collection[Child], told: Callable[[], bool]) -> int:
    """Keep the children running until a signal to stop (0), or until one ends too often in a row (1).

    `told` is called until it says that who waits for the town knows where it is.
    """
    known = False
    while True:
        known = known or told()
        due = min(child.due for child in children) - time.monotonic()
        number = signal.sigtimedwait({*STOP, signal.SIGCHLD}, max(0.0, min(due, 3600 if known else 0.02)))
        if number and number.si_signo in STOP:
            return 0
        if not all(child.look_after() for child in children):
            return 1


def teller(host: str, port: int) -> Callable[[], bool]:
    """Tells the address once the web server answers there, or after START_SECONDS; says whether it has."""
    until = time.monotonic() + START_SECONDS

    def tell() -> bool:
        if not answers(host, port) and time.monotonic() < until:
            return False
        print(f"九江网格  {address(host, port)}   接口文档 /docs   (Ctrl-C 停止 stops it)", flush=True)
        return True

    return tell


def main() -> int:
    load_dotenv(".env")
    from backend.config import Config  # reads the environment, so after .env

    host, port = Config().HOST, Config().PORT
    refuse_taken_port(host, port)
    prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, signal.SIGCHLD})
    with tempfile.TemporaryDirectory() as folder:
        passwords = f"{folder}/passwords"
        children = (
            Child("password hasher", lambda: start_hasher(passwords)),
            Child("web server", lambda: start(web_server(host, port), PASSWORD_HASHER=passwords)),
            Child("scheduler", lambda: start(["backend.scheduler"])),
        )
        try:
            for child in children:
                child.start()
            return keep_running(children, teller(host, port))
        finally:
            stop([child.process for child in children if child.process])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
