"""The town's WSGI application, which holds answers back when all is committed: `tests.ledger.holding:app`.

A request with the header X-Hold is worked off as ever. Then this worker tells its process id and the answer to whoever
listens on the port HOLD, and lets the answer go when that says so. Who kills the worker instead has killed it between
commit and answer.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import Any

import orjson
from werkzeug.test import run_wsgi_app
from werkzeug.wsgi import ClosingIterator

import wsgi


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """WSGI."""
    if "HTTP_X_HOLD" not in environ:
        return wsgi.app(environ, start_response)
    answer, status, headers = run_wsgi_app(wsgi.app, environ)
    body = b"".join(answer)
    told = {"pid": os.getpid(), "key": environ["HTTP_IDEMPOTENCY_KEY"], "status": int(status[:3])}
    told |= {"body": body.decode(), "etag": headers["ETag"]}
    with socket.create_connection(("127.0.0.1", int(os.environ["HOLD"]))) as line:
        line.sendall(orjson.dumps(told) + b"\n")
        line.recv(1)
    start_response(status, list(headers))
    return ClosingIterator([body], [getattr(answer, "close", lambda: None)])
