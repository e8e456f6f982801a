"""A key service on this machine that answers as Vault's transit engine is documented to."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "s.token"


class Transit:
    """The keys of the service by version, and how often it was asked for what."""

    def __init__(self) -> None:
        self.keys = [AESGCM.generate_key(256)]
        self.asked: list[str] = []
        self.broken = False
        self.address = ""

    def answer(self, method: str, path: str, token: str | None, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and body for a request under the engine."""
        what, key, *more = path.split("/")
        self.asked.append("/".join((what, *more)))
        if self.broken or token != TOKEN or key != "grid1258":
            return (503 if self.broken else 403), {"errors": ["permission denied"]}
        if method == "GET":
            return 200, {"data": {"latest_version": len(self.keys), "type": "aes256-gcm96"}}
        if more == ["rotate"]:
            self.keys.append(AESGCM.generate_key(256))
            return 200, {"data": {"latest_version": len(self.keys)}}
        if what == "encrypt":
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(self.keys[-1]).encrypt(nonce, base64.b64decode(body["plaintext"]), None)
            return 200, {"data": {"ciphertext": f"vault:v{len(self.keys)}:{base64.b64encode(sealed).decode()}"}}
        try:
            _, version, written = body["ciphertext"].split(":")
            raw = base64.b64decode(written)
            plain = AESGCM(self.keys[int(version[1:]) - 1]).decrypt(raw[:12], raw[12:], None)
        except (ValueError, IndexError, InvalidTag):
            return 400, {"errors": ["invalid ciphertext"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


@contextmanager
def transit() -> Iterator[Transit]:
    """Run the service; its `address` is the engine's."""
    service = Transit()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            path = self.path.removeprefix("/v1/transit/")
            status, told = service.answer(self.command, path, self.headers.get("X-Vault-Token"), body)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    service.address = f"http://127.0.0.1:{server.server_port}/v1/transit"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
