"""The key provider for a town with a key service: the keys never leave it, and it wraps and unwraps the data keys.

It speaks the transit interface of HashiCorp Vault and OpenBao
(https://developer.hashicorp.com/vault/api-docs/secret/transit). A process asks it once an hour to wrap a new data key,
and once for each data key that it meets to unwrap it.
"""

import base64
import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from backend.http.envelope import CannotOpen
from backend.http.problems import Problem

TIMEOUT_SECONDS = 5.0


class KeyServiceUnavailable(Problem):
    """The key service does not answer, or refuses this server."""

    status, code = 503, "keys_unavailable"
    zh, en = "密钥服务暂时不可用，请稍后再试。", "The key service does not answer; try again later."


class KeyService:
    """Wraps data keys under a key of a transit engine at `address`; `token` is read from a file at each call, so that
    it may be replaced there. Raises KeyServiceUnavailable."""

    def __init__(self, address: str, key: str, token: Path | None) -> None:
        self._address, self._key, self._token = address.rstrip("/"), key, token
        self._present = f"v{self._ask('GET', f'keys/{key}')['latest_version']}"

    @property
    def present(self) -> str:
        """The version of the key that wrapped last: another server's rotation is seen at the next data key."""
        return self._present

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """The version of the key, and the data key wrapped under it."""
        wrapped = self._ask("POST", f"encrypt/{self._key}", plaintext=base64.b64encode(data_key).decode())["ciphertext"]
        self._present = wrapped.split(":")[1]
        return self._present, wrapped.encode()

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """The data key again."""
        try:
            found = self._ask("POST", f"decrypt/{self._key}", ciphertext=wrapped.decode())
            return base64.b64decode(found["plaintext"], validate=True)
        except ValueError as error:
            raise CannotOpen from error

    def add_key(self) -> str:
        """Have the service make a new version."""
        self._ask("POST", f"keys/{self._key}/rotate")
        self._present = f"v{self._ask('GET', f'keys/{self._key}')['latest_version']}"
        return self._present

    def drop_keys(self) -> list[str]:
        """None: which versions still unwrap is the service's to say (min_decryption_version)."""
        return []

    def _ask(self, method: str, path: str, **told: str) -> dict[str, Any]:
        body = json.dumps(told).encode() if method == "POST" else None
        try:
            request = urllib.request.Request(f"{self._address}/{path}", body, self._headers(), method=method)
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                content = answer.read(1_000_000)
            return dict(json.loads(content)["data"]) if content else {}
        except urllib.error.HTTPError as error:
            if error.code == 400 and path.startswith("decrypt/"):
                raise CannotOpen from None  # not one of its own, or of a version it has given up
            raise KeyServiceUnavailable from None
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise KeyServiceUnavailable from error

    def _headers(self) -> dict[str, str]:
        token = {} if self._token is None else {"X-Vault-Token": self._token.read_text().strip()}
        return {"Content-Type": "application/json"} | token
