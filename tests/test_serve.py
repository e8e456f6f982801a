"""One command runs three processes: they start together, are started again when they end, and end together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import serve
from backend import create_app
from backend.config import Config

LASTS = "['http.server', '0', '--bind', '127.0.0.1']"
ENDS = "['colorsys']"
DRIVER = """
import serve, sys
serve.load_dotenv = lambda path: None
serve.refuse_taken_port = lambda host, port: None
serve.answers = lambda host, port: True
serve.prepare = lambda: None
serve.web_server = lambda host, port: {web}
serve.FIRST_WAIT_SECONDS = 0.01
def start(module, **settings):
    return begin({scheduler} if module == ["backend.scheduler"] else module, **settings)
def start_child(child):
    start_it(child)
    print(child.name, child.process.pid, sep="=", flush=True)
begin, serve.start = serve.start, start
start_it, serve.Child.start = serve.Child.start, start_child
sys.exit(serve.main())
"""


class Town:
    """The command at work, with what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.said = process.stdout
        self.pids = dict(self.started() for _ in range(3))

    def started(self) -> tuple[str, int]:
        """The next process that it says it has started."""
        name, _, pid = self.until("=").rpartition("=")
        return name, int(pid)

    def until(self, word: str) -> str:
        """The next line that holds a word."""
        return next(line.strip() for line in self.said if word in line)

    def left(self) -> list[str]:
        """Which of the processes it started first still run."""
        return [name for name, pid in self.pids.items() if Path(f"/proc/{pid}").exists()]


@contextmanager
def town(web: str = LASTS, scheduler: str = LASTS) -> Iterator[Town]:
    driver = DRIVER.format(web=web, scheduler=scheduler)
    root, out = Path(serve.__file__).parent, subprocess.PIPE
    command = [sys.executable, "-c", driver]
    with subprocess.Popen(command, cwd=root, stdout=out, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield Town(process)
        finally:
            process.kill()


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_is_no_error(told: signal.Signals) -> None:
    with town() as running:
        running.until("http://127.0.0.1:8000")
        running.process.send_signal(told)
        assert running.process.wait(10) == 0 and running.left() == []


def test_what_ends_is_started_again_and_the_others_run_on() -> None:
    with town() as running:
        for name in ("web server", "scheduler", "web server"):
            os.kill(running.pids[name], signal.SIGKILL)
            assert running.until("has ended").startswith(f"The {name} has ended (-9); starting it again in 0.0")
            again, pid = running.started()
            assert again == name and pid != running.pids[name]
            running.pids[name] = pid
        assert running.left() == ["password hasher", "web server", "scheduler"]
        running.process.terminate()
        assert running.process.wait(10) == 0 and running.left() == []


@pytest.mark.parametrize(("web", "scheduler", "name"), [(LASTS, ENDS, "scheduler"), (ENDS, LASTS, "web server")])
def test_what_ends_at_once_again_and_again_even_well_ends_all_with_an_error(
    web: str, scheduler: str, name: str
) -> None:
    with town(web, scheduler) as running:
        assert running.process.wait(20) == 1 and not set(running.left()) - {name}
        said = running.said.read()
    waits = ("0.01", "0.02", "0.04", "0.08")
    assert [f"The {name} has ended (0); starting it again in {wait} s." in said for wait in waits] == [True] * 4
    assert f"The {name} has ended (0) 5 times in a row, each time within 60 s of its start; stopping." in said


def test_what_ran_for_long_has_not_failed_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "STEADY_SECONDS", 0)
    monkeypatch.setattr(serve, "FIRST_WAIT_SECONDS", 0)
    child = serve.Child("clock", lambda: subprocess.Popen([sys.executable, "-c", ""], start_new_session=True))
    child.start()
    for _ in range(serve.MOST_IN_A_ROW + 1):
        assert child.process is not None
        child.process.wait()
        assert child.look_after()
    serve.stop([child.process])
    assert capsys.readouterr().err.count("starting it again in 0 s") == serve.MOST_IN_A_ROW + 1


def test_the_process_that_hashes_passwords_comes_back_to_its_socket_and_leaves_none() -> None:
    with town() as running:
        environment = Path(f"/proc/{running.pids['web server']}/environ").read_bytes().decode().split("\0")
        (where,) = (line.partition("=")[2] for line in environment if line.startswith("PASSWORD_HASHER="))
        assert Path(where).is_socket() and Path(where).parent.stat().st_mode & 0o777 == 0o700
        os.kill(running.pids["password hasher"], signal.SIGKILL)
        running.pids["password hasher"] = running.started()[1]
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            asking.settimeout(10)
            asking.connect(where)
            asking.send(b"hash\n\nx")
            assert asking.recv(1000).startswith(b"$argon2id$")
        running.process.terminate()
        assert running.process.wait(10) == 0 and running.left() == [] and not Path(where).parent.exists()


DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: print("heard", flush=True))
print("deaf", flush=True)
time.sleep(0.3)  # as a worker that has not begun to listen
signal.signal(signal.SIGTERM, signal.SIG_DFL)
time.sleep(60)
"""


def test_what_hears_nothing_just_after_its_start_is_told_again_and_not_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as deaf:
        assert deaf.stdout and deaf.stdout.readline() == "deaf\n"
        serve.stop([deaf])
        assert deaf.returncode == -signal.SIGTERM


STARTING = """
import signal, sys, time
class Imports:
    def find_spec(self, name, *_):
        if name == "backend":
            print("imports", flush=True)
            time.sleep(60)
signal.signal(signal.SIGTERM, lambda *_: None)  # what a worker has of its server
sys.meta_path.insert(0, Imports())
import wsgi
"""


def test_a_web_worker_that_is_still_importing_ends_when_told_to() -> None:
    root, out = Path(serve.__file__).parent, subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", STARTING], cwd=root, stdout=out, text=True) as worker:
        assert worker.stdout and worker.stdout.readline() == "imports\n"
        worker.terminate()
        assert worker.wait(10) == -signal.SIGTERM


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port}"):
            serve.refuse_taken_port("127.0.0.1", port)


SLOW = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


def test_the_address_is_told_once_the_web_server_answers_or_has_taken_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    tell = serve.teller("127.0.0.1", port)
    assert not tell() and capsys.readouterr().out == ""
    with subprocess.Popen([sys.executable, "-c", SLOW, str(port)], stderr=subprocess.DEVNULL) as slow:
        while not tell():
            assert slow.poll() is None
        assert f"http://127.0.0.1:{port}" in capsys.readouterr().out and serve.answers("0.0.0.0", port)
        slow.kill()
    monkeypatch.setattr(serve, "START_SECONDS", 0)
    assert serve.teller("127.0.0.1", port)()  # it takes long, and the address is right all the same


def test_an_address_of_ipv6_is_told_as_a_browser_takes_it() -> None:
    assert [serve.address(host, 80) for host in ("::1", "127.0.0.1")] == ["http://[::1]:80", "http://127.0.0.1:80"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "99999"),
        ("WORKING_HOURS", "foo"),
        ("WORKING_HOURS", "25:00-26:00"),
        ("DATABASE_URL", "mysql"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_in_one_line(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSTANCE", str(tmp_path))
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        create_app()
    told = str(ended.value.code)
    assert told.startswith(f"{name}={value} ") and "\n" not in told


def test_a_time_zone_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    settings = os.environ | {"INSTANCE": str(tmp_path), "TIMEZONE": "Mars"}
    command, root = [sys.executable, "-c", "from backend import create_app"], Path(serve.__file__).parent
    ended = subprocess.run(command, cwd=root, env=settings, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("TIMEZONE=Mars ") and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("keys_are_there", [False, True])
def test_a_database_that_is_not_there_is_told_in_one_line(keys_are_there: bool, tmp_path: Path) -> None:
    if keys_are_there:
        create_app(Config(INSTANCE=tmp_path))
    settings = os.environ | {"INSTANCE": str(tmp_path), "DATABASE_URL": "postgresql://127.0.0.1:1/x?connect_timeout=2"}
    command = [sys.executable, "-c", "import serve; serve._prepare()"]
    ended = subprocess.run(command, cwd=Path(serve.__file__).parent, env=settings, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "check DATABASE_URL" in ended.stderr and ended.stderr.count("\n") == 1
