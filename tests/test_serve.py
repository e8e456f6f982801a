"""One command runs three processes: they start together and end together."""

import os
import signal
import socket
import subprocess
import sys
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
def start(module, **settings):
    return begin({scheduler} if module == ["backend.scheduler"] else module, **settings)
def keep_running(children):
    print(*[child.pid for child in children.values()], flush=True)
    return keep(children)
begin, serve.start = serve.start, start
keep, serve.keep_running = serve.keep_running, keep_running
sys.exit(serve.main())
"""


def town(web: str, scheduler: str) -> subprocess.Popen[str]:
    driver = DRIVER.format(web=web, scheduler=scheduler)
    root = Path(serve.__file__).parent
    return subprocess.Popen([sys.executable, "-c", driver], cwd=root, stdout=subprocess.PIPE, text=True)


def children(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout
    process.stdout.readline()  # the address
    return [int(pid) for pid in process.stdout.readline().split()]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_is_no_error(told: signal.Signals) -> None:
    process = town(LASTS, LASTS)
    pids = children(process)
    process.send_signal(told)
    assert process.wait(10) == 0
    assert [runs(pid) for pid in pids] == [False] * 3


@pytest.mark.parametrize(("web", "scheduler"), [(LASTS, ENDS), (ENDS, LASTS)])
def test_when_one_ends_even_well_the_others_are_stopped_and_it_is_an_error(web: str, scheduler: str) -> None:
    process = town(web, scheduler)
    pids = children(process)
    assert process.wait(10) == 1
    assert [runs(pid) for pid in pids] == [False] * 3


def test_the_process_that_hashes_passwords_is_one_of_them_and_leaves_no_socket() -> None:
    process = town(LASTS, LASTS)
    web, hasher, scheduler = children(process)
    environment = Path(f"/proc/{web}/environ").read_bytes().decode().split("\0")
    (where,) = (line.partition("=")[2] for line in environment if line.startswith("PASSWORD_HASHER="))
    assert Path(where).is_socket() and Path(where).parent.stat().st_mode & 0o777 == 0o700
    os.kill(hasher, signal.SIGKILL)
    assert process.wait(10) == 1
    assert [runs(pid) for pid in (web, hasher, scheduler)] == [False] * 3 and not Path(where).parent.exists()


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port}"):
            serve.refuse_taken_port("127.0.0.1", port)


SLOW = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


def test_the_address_is_told_when_the_web_server_answers_and_not_at_all_when_it_is_time_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    assert not serve.answers("127.0.0.1", port)
    with subprocess.Popen([sys.executable, "-c", SLOW, str(port)], stderr=subprocess.DEVNULL) as slow:
        assert serve.wait_for_answers("127.0.0.1", port) and serve.answers("0.0.0.0", port)
        slow.kill()
    monkeypatch.setattr(signal, "sigpending", lambda: {signal.SIGCHLD})
    assert not serve.wait_for_answers("127.0.0.1", port)
    monkeypatch.setattr(serve, "START_SECONDS", 0)
    assert serve.wait_for_answers("127.0.0.1", port)  # it takes long, and the address is right all the same


def test_an_address_of_ipv6_is_told_as_a_browser_takes_it() -> None:
    assert [serve.address(host, 80) for host in ("::1", "127.0.0.1")] == ["http://[::1]:80", "http://127.0.0.1:80"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "99999"),
        ("TIMEZONE", "Mars"),
        ("WORKING_HOURS", "foo"),
        ("WORKING_HOURS", "25:00-26:00"),
        ("DATABASE_URL", "mysql"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_in_one_line(name: str, value: str, tmp_path: Path) -> None:
    program = "from backend import create_app; create_app()"
    settings = os.environ | {"INSTANCE": str(tmp_path), name: value}
    root = Path(serve.__file__).parent
    ended = subprocess.run([sys.executable, "-c", program], cwd=root, env=settings, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{name}={value} ") and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("keys_are_there", [False, True])
def test_a_database_that_is_not_there_is_told_in_one_line(keys_are_there: bool, tmp_path: Path) -> None:
    if keys_are_there:
        create_app(Config(INSTANCE=tmp_path))
    settings = os.environ | {"INSTANCE": str(tmp_path), "DATABASE_URL": "postgresql://127.0.0.1:1/x?connect_timeout=2"}
    command = [sys.executable, "-c", "import serve; serve._prepare()"]
    ended = subprocess.run(command, cwd=Path(serve.__file__).parent, env=settings, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "check DATABASE_URL" in ended.stderr and ended.stderr.count("\n") == 1
