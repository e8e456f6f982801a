"""The servers measured: the product as it ships, over a durable PostgreSQL, and the yardstick."""

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, create_engine

from backend.http.envelope import Envelope
from backend.http.key_file import KeyFile
from bench.filling import fill
from serve import SPARING, start_hasher, stop, web_server
from tests import postgres

START_SECONDS = 60
AS_IN_A_TOWN = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
"""A town keeps the byte code; a worker that compiles everything anew begins slower and larger."""


@dataclass(frozen=True)
class Town:
    """A filled town behind its server."""

    cases: int
    port: int
    engine: Engine
    web: int

    def peaks(self) -> list[float]:
        """The largest resident memory each web worker itself had so far, in MB (10^6 bytes)."""
        workers = Path(f"/proc/{self.web}/task/{self.web}/children").read_text().split()
        lines = [line.split() for worker in workers for line in Path(f"/proc/{worker}/status").read_text().splitlines()]
        return [int(line[1]) * 1024 / 1e6 for line in lines if line and line[0] == "VmHWM:"]


@contextmanager
def yardstick() -> Iterator[int]:
    """A bare JSON route under gunicorn's threads, 2 workers × 4; gives its port."""
    port = free_port()
    size = ["--workers", "2", "--threads", "4", "--worker-class", "gthread", "--log-level", "warning"]
    with process(["gunicorn", *size, "--bind", f"127.0.0.1:{port}", "bench.yardstick:app"]):
        wait_for(port)
        yield port


@contextmanager
def filled_town(cases: int, python: str = sys.executable) -> Iterator[Town]:
    """A town with so many cases on a PostgreSQL with its durability on, behind the server as `python` runs it."""
    with ExitStack() as stack:
        address = stack.enter_context(postgres.running(durable=True)).url()
        instance = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {"DATABASE_URL": address, "INSTANCE": instance, "ACCESS_TOKEN_MINUTES": "600", **SPARING}
        small_town(environment)
        engine = create_engine(address)
        stack.callback(engine.dispose)
        started = time.perf_counter()
        fill(engine, cases, Envelope(KeyFile(Path(instance) / "identity.json")))
        print(
            f"  ({cases:,} cases with all that belongs to them loaded in {time.perf_counter() - started:.0f} s)",
            flush=True,
        )
        port = free_port()
        passwords = f"{stack.enter_context(tempfile.TemporaryDirectory())}/passwords"
        stack.callback(stop, [start_hasher(passwords, python)])
        told = environment | {"PASSWORD_HASHER": passwords}
        web = stack.enter_context(process(web_server("127.0.0.1", port), python, **told))
        stack.enter_context(process(["backend.scheduler"], python, **environment))
        wait_for(port)
        yield Town(cases, port, engine, web)


@cache
def large_town() -> Town:
    """The town of 1,000,000 cases that several parts measure, filled once in a run of them."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(filled_town(1_000_000))


def small_town(environment: Mapping[str, str]) -> None:
    """Make the tests' small town in the database the environment names, in a process that takes its memory with it."""
    subprocess.run([sys.executable, "-m", "bench.small_town"], env=AS_IN_A_TOWN | dict(environment), check=True)


@contextmanager
def process(module: list[str], python: str = sys.executable, **environment: str) -> Iterator[int]:
    """A Python module running as a program of its own; gives its process id."""
    command = [python, "-m", *module]
    process = subprocess.Popen(
        command, env=AS_IN_A_TOWN | environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until somebody listens on a port."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"no server on port {port} after {START_SECONDS} s")
