"""A WeChat that answers code2session as its documentation says, on this machine."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask

APP_ID, APP_SECRET = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="
ERRORS: Mapping[str, tuple[int, str]] = {
    "invalid": (40029, "invalid code, rid: 64f5-1"),
    "used": (40163, "code been used, rid: 64f5-2"),
    "often": (45011, "api minute-quota reach limit, rid: 64f5-3"),
    "risky": (40226, "code blocked, rid: 64f5-4"),
    "busy": (-1, "system error, rid: 64f5-5"),
    "misconfigured": (40125, "invalid appsecret, rid: 64f5-6"),
}


@dataclass
class WechatServer:
    """What it was asked, and the js_codes it knows: code → openid. `open` lets a slow answer go."""

    asked: list[dict[str, str]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        wechat = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                asked = dict(urllib.parse.parse_qsl(query))
                wechat.asked.append(asked)
                if asked.get("js_code") == "slow":
                    wechat.open.wait(20)
                status, body = wechat.answer(path, asked)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")  # as WeChat does
                if status == 302:
                    self.send_header("Location", f"{wechat.address}/elsewhere?{query}")
                self.send_header("Content-Length", str(len(body)))
                with suppress(ConnectionError):  # whoever asked may not have waited
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str, asked: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body for a query."""
        code = asked.get("js_code", "")
        if code == "html":
            return 502, b"<html>bad gateway</html>"
        if code == "list":
            return 200, b"[1]"
        if code == "moved":
            return (302, b"") if path != "/elsewhere" else (200, b'{"openid": "o6_stranger"}')
        wanted = {"appid": APP_ID, "secret": APP_SECRET, "grant_type": "authorization_code", "js_code": code}
        if path != "/sns/jscode2session" or asked != wanted:
            told: dict[str, Any] = {"errcode": 40013, "errmsg": "invalid appid"}
        elif code in ERRORS:
            number, words = ERRORS[code]
            told = {"errcode": number, "errmsg": words}
        else:
            told = {"session_key": SESSION_KEY, "openid": f"o6_{code}", "unionid": f"u_{code}"}
        return 200, json.dumps(told).encode()

    def serve(self, app: Flask) -> None:
        """Let an app ask this WeChat."""
        config = app.config["TOWN_CONFIG"]
        app.config["TOWN_CONFIG"] = replace(
            config, WECHAT_API=self.address, WECHAT_APP_ID=APP_ID, WECHAT_APP_SECRET=APP_SECRET
        )

    def close(self) -> None:
        """Let go of everybody and stop."""
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
