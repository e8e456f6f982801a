"""Runs the town: prepares the database, then keeps the web server, the process that hashes its passwords and the
scheduler up until told to stop.

When one of them ends, the others are stopped and this ends with an error. Ctrl-C, SIGTERM and SIGHUP stop them within
STOP_SECONDS; a SIGKILL of this process ends them too.
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
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from dotenv import load_dotenv

HASHING = Path(__file__).with_name("backend") / "people" / "hashing.py"
STOP_SECONDS = 8
START_SECONDS = 30
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


def wait_for_answers(host: str, port: int) -> bool:
    """Wait until the web server answers, START_SECONDS at most; False when it is time to stop, or a child has ended."""
    until = time.monotonic() + START_SECONDS
    while not answers(host, port) and time.monotonic() < until:
        if signal.sigpending() & {*STOP, signal.SIGCHLD}:
            return False
        time.sleep(0.02)
    return True


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


def start_hasher(folder: str, python: str = sys.executable) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """The process that hashes passwords, and the setting that tells web workers of its socket in a private folder.

    The socket listens before the process runs, so that nobody finds it closed, and is the process's own after that, so
    that nobody waits at it once the process has ended. It sees none of our secrets.
    """
    path = f"{folder}/passwords"
    environment = SPARING | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        return _begin([python, "-I", str(HASHING)], environment, listener.fileno()), {"PASSWORD_HASHER": path}


def _begin(command: list[str], environment: Mapping[str, str], stdin: int | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=stdin, env=environment, start_new_session=True, preexec_fn=_in_child)


def _in_child() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def stop(children: Collection[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + STOP_SECONDS
    for child in children:
        child.terminate()
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, until - time.monotonic()))
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # a worker may outlive its parent
        child.wait()


def keep_running(children: Mapping[str, subprocess.Popen[bytes]]) -> int:
    """Wait for a signal to stop (0) or for the end of a child (its exit code, or 1)."""
    while True:
        if signal.sigwait({*STOP, signal.SIGCHLD}) in STOP:
            return 0
        for name, child in children.items():
            code = child.poll()
            if code is not None:
                print(f"The {name} has ended ({code}); stopping.", file=sys.stderr)
                return code if code > 0 else 1


def main() -> int:
    load_dotenv(".env")
    from backend.config import Config  # reads the environment, so after .env

    host, port = Config().HOST, Config().PORT
    refuse_taken_port(host, port)
    prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, signal.SIGCHLD})
    with tempfile.TemporaryDirectory() as folder:
        hasher, where = start_hasher(folder)
        children = {
            "web server": start(web_server(host, port), **where),
            "password hasher": hasher,
            "scheduler": start(["backend.scheduler"]),
        }
        try:
            if wait_for_answers(host, port):
                print(f"九江网格  {address(host, port)}   接口文档 /docs   (Ctrl-C 停止 stops it)", flush=True)
            return keep_running(children)
        finally:
            stop(children.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
