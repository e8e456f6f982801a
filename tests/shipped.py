"""The town as it is shipped, over a test's database: all that serve.py starts, or only its web server."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from flask import Flask

import serve
from backend.config import Config
from tests.town import PASSWORD

WHOLE = """
import serve, sys
serve.load_dotenv = lambda path: None
serve.web_server = lambda host, port: {web!r}
sys.exit(serve.main())
"""
Answer = tuple[int, bytes, str | None]
"""Status, body and ETag."""


@contextmanager
def shipped(app: Flask, whole: bool, target: str = "wsgi:app", **settings: str) -> Iterator[int]:
    """Serve the app's database on the port given, with another WSGI application if one is named.

    What is not `whole` is the web server with its two workers, without what takes long to start beside it.
    """
    config: Config = app.config["TOWN_CONFIG"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = [*serve.web_server("127.0.0.1", port)[:-1], target]
    command = [sys.executable, *(["-c", WHOLE.format(web=web)] if whole else ["-m", *web])]
    settings |= {"INSTANCE": str(config.INSTANCE), "DATABASE_URL": config.database_url, "PORT": str(port)}
    settings |= {"DEMO_PASSWORD": PASSWORD}  # the test town's people keep theirs when the whole town starts
    root = Path(serve.__file__).parent
    env = serve.SPARING | os.environ | settings
    with subprocess.Popen(command, cwd=root, env=env, start_new_session=True) as town:
        try:
            while not _listens(port):
                assert town.poll() is None, "the town does not start"
                time.sleep(0.02)
            yield port
            assert town.poll() is None, "the town has ended by itself"
        finally:
            if whole:
                town.terminate()
            else:  # a worker that is still starting keeps the web server from ending for seconds
                os.killpg(town.pid, signal.SIGKILL)
            town.wait(serve.STOP_SECONDS + 5)


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def post(port: int, path: str, body: bytes, headers: Mapping[str, str]) -> Answer | None:
    """POST JSON under /api/v1; None when nobody answered, or not to the end."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request("POST", f"/api/v1{path}", body, {"Content-Type": "application/json", **headers})
        answer = line.getresponse()
        return answer.status, answer.read(), answer.headers["ETag"]
    except (http.client.HTTPException, OSError):
        return None
    finally:
        line.close()
