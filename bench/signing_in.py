"""What a sign-in costs beside the one thing in it that must cost: argon2."""

import http.client
import json
import os
import statistics
import subprocess
import sys
from itertools import cycle

from bench.argon2_alone import median_ms
from bench.figures import DoesNotCount
from bench.requests import phone
from bench.servers import filled_town
from serve import SPARING
from tests.town import PASSWORD, ROLES

ROUNDS, EACH, AT_MOST = 7, 30, 1.2


def signing_in() -> None:
    """Print the time of a sign-in over HTTP as a multiple of checking a password, measured in turn."""
    print("A sign-in over HTTP as a multiple of its argon2, one at a time:")
    with filled_town(1_000) as town:
        connection, roles = http.client.HTTPConnection("127.0.0.1", town.port), cycle(ROLES)
        shares, costs = list[float](), list[tuple[float, float]]()
        for _ in range(ROUNDS):
            plain = _argon2_ms()
            whole = median_ms(lambda: _sign_in(connection, next(roles)), EACH)
            shares.append(whole / plain)
            costs.append((plain, whole))
    middle = statistics.median(shares)
    verdict = "met" if middle <= AT_MOST else "MISSED"
    plain, whole = (statistics.median(column) for column in zip(*costs, strict=True))
    print(
        f"  sign-in {middle:.3f}  ({min(shares):.3f} to {max(shares):.3f})  wanted at most {AT_MOST:.2f}: {verdict}  "
        f"argon2 {plain:.1f} ms, sign-in {whole:.1f} ms"
    )


def _argon2_ms() -> float:
    """The median time to check a password in a process that gets its memory as the server does."""
    child = [sys.executable, "-m", "bench.argon2_alone", str(EACH)]
    done = subprocess.run(child, env=os.environ | SPARING, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _sign_in(connection: http.client.HTTPConnection, role: str) -> None:
    body = json.dumps({"phone": phone(role), "password": PASSWORD})
    connection.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise DoesNotCount(f"sign-in: answer {answer.status}")
