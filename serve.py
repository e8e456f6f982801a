"""Runs the town: prepares the database, then keeps the web server and the scheduler up until told to stop.

When one of the two ends, the other is stopped and this ends with an error. Ctrl-C, SIGTERM and SIGHUP stop both within
STOP_SECONDS; a SIGKILL of this process ends them too.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

from dotenv import load_dotenv

from backend.config import Config

STOP_SECONDS = 8
STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
PREPARE = (("db", "upgrade"), ("demo", "load"), ("people", "check-exposure"))


def web_server(config: Config) -> list[str]:
    address = ["--host", config.HOST, "--port", str(config.PORT)]
    size = ["--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "--workers-kill-timeout", "5"]
    return ["granian", "--interface", "wsgi", "--no-access-log", "--log-level", "warning", *size, *address, "wsgi:app"]


def prepare() -> None:
    """Migrate, load the demo town once, and refuse to show demo accounts to the network."""
    for command in PREPARE:
        done = subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", *command], check=False)
        if done.returncode != 0:
            sys.exit(done.returncode)


def refuse_taken_port(config: Config) -> None:
    """The web server shares its port with any other of its kind, so two towns would answer in turn."""
    family = socket.AF_INET6 if ":" in config.HOST else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.HOST, config.PORT))
        except OSError as error:
            sys.exit(
                f"Cannot listen on {config.HOST}:{config.PORT} ({error.strerror}). Another port: PORT=8001 make run"
            )


def start(module: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", *module], start_new_session=True, preexec_fn=_in_child)


def _in_child() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def stop(children: list[subprocess.Popen[bytes]]) -> None:
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


def keep_running(children: list[subprocess.Popen[bytes]]) -> int:
    """Wait for a signal to stop (0) or for the end of a child (its exit code, or 1)."""
    while True:
        if signal.sigwait({*STOP, signal.SIGCHLD}) in STOP:
            return 0
        for child in children:
            code = child.poll()
            if code is not None:
                print(f"{child.args[2]} has ended ({code}); stopping.", file=sys.stderr)  # type: ignore[index]
                return code if code > 0 else 1


def main() -> int:
    load_dotenv(".env")
    config = Config()
    refuse_taken_port(config)
    prepare()
    print(f"http://{config.HOST}:{config.PORT}  (stop with Ctrl-C)", flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, signal.SIGCHLD})
    children = [start(web_server(config)), start(["backend.scheduler"])]
    try:
        return keep_running(children)
    finally:
        stop(children)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
