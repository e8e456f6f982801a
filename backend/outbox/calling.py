"""Asking a gateway's HTTP interface: JSON comes back, or it was not there.

urllib3 is loaded when the first message goes out, by the scheduler only: a web worker has no use for it.
"""

from collections.abc import Mapping
from typing import Any

import orjson

CONNECT_SECONDS, READ_SECONDS = 3.0, 6.0
LARGEST_ANSWER = 100_000


class GatewayFailed(Exception):
    """A gateway that does not answer, or not as its documentation says. Tells nothing of what was asked."""


def call(
    method: str, address: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> dict[str, Any]:
    """The JSON object that an address answers, whatever its status, redirects not followed. Raises GatewayFailed."""
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    try:
        # The addresses hold keys: they go where the setting says, and into no log or error.
        with urllib3.PoolManager(num_pools=1, retries=False, timeout=timeout) as pool:
            answer = pool.request(
                method, address, body=body, headers=dict(headers or {}), redirect=False, preload_content=False
            )
            told = orjson.loads(answer.read(LARGEST_ANSWER))
            answer.release_conn()
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        raise GatewayFailed from None
    if not isinstance(told, dict):
        raise GatewayFailed
    return told
