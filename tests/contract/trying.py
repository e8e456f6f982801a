"""Calling an operation many times and holding each answer against the description."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from backend.people.access import PUBLIC, ROLES, SIGNED_IN, TABLE
from tests.contract.filled_town import FilledTown
from tests.contract.steering import Steering
from tests.town import Person

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
NEGATIVE = 0.3
"""Share of the calls that break the description on purpose."""
STEERED = 0.75
"""Share of the other calls in which what is drawn at random gives way to what exists."""
PUBLISH = "POST /api/v1/rewards/runs/{run_id}/publish"
LOGOUT = "POST /api/v1/auth/logout"
FORGET = "DELETE /api/v1/me"


@dataclass
class Tried:
    """What came of the calls of an operation."""

    label: str
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def total(self) -> int:
        """How many calls."""
        return sum(self.statuses.values())

    def good(self) -> int:
        """How many of them did what they asked for."""
        return sum(count for status, count in self.statuses.items() if status < 300)

    def __str__(self) -> str:
        others = ", ".join(f"{status} × {count}" for status, count in sorted(self.statuses.items()))
        return f"{self.good() / max(1, self.total()):6.1%} 2xx of {self.total():4}  {self.label}  ({others})"


def plain(path: str) -> str:
    """A path without the names of its parts: `/cases/<uuid:id>` and `/cases/{case_id}` are the same."""
    return "/".join("*" if part[:1] in ("<", "{") else part for part in path.split("/"))


def _from_this_machine(inner: Any) -> Any:
    """The app as called from here: Schemathesis gives no address, and the demo's people sign in from here only.

    The address is another after thirty calls, so that no operation uses up what an address may try of the next one.
    """
    turns = itertools.count()

    def called(environ: dict[str, Any], start: Any) -> Any:
        number = next(turns) // 30
        return inner(environ | {"REMOTE_ADDR": f"127.0.{number // 250}.{number % 250 + 1}"}, start)

    return called


class Caller:
    """Sends drawn requests as somebody who may use the operation."""

    def __init__(self, town: FilledTown) -> None:
        self.town = town
        app = town.app
        app.wsgi_app = _from_this_machine(app.wsgi_app)  # type: ignore[method-assign]  # WSGI's way
        self.permissions = {
            (plain(rule.rule), method): getattr(app.view_functions[rule.endpoint], "permission", PUBLIC)
            for rule in app.url_map.iter_rules()
            for method in rule.methods or ()
        }

    def roles(self, case: Case) -> list[str]:
        """Those whom the access table lets in."""
        name = self.permissions[plain(case.operation.path), case.method.upper()]
        return [role for role in ROLES if name in (PUBLIC, SIGNED_IN) or role in TABLE[name]]

    def call(self, case: Case, steered: bool, dice: random.Random, tried: Tried) -> None:
        """Send one request and hold the answer against the description."""
        role = dice.choice(self.roles(case))
        if steered:
            role = Steering(self.town, dice).steer(case, role)
        case.headers = dict(case.headers or {})
        if steered or dice.random() < 0.8:
            case.headers["Authorization"] = self._token(case, role, dice)
        if case.operation.path == "/readyz":
            self.town.show_life()
        answer = case.call()
        tried.statuses[answer.status_code] += 1
        self._remember(case, answer)
        try:
            documented(case, answer)
            case.validate_response(answer, checks=CHECKS)
        except (Exception, BaseExceptionGroup) as error:  # Schemathesis groups what it finds
            causes = getattr(error, "exceptions", (error,))
            tried.faults += [f"{tried.label}: {cause}\n{case.as_curl_command()}" for cause in causes]

    def _remember(self, case: Case, answer: Any) -> None:
        if case.operation.label == "POST /api/v1/rewards/runs" and answer.status_code == 201:
            self.town.runs.append(answer.json()["id"])

    def _token(self, case: Case, role: str, dice: random.Random) -> str:
        if case.operation.label == PUBLISH and dice.random() < 0.5:
            return self.town.second_member.headers["Authorization"]
        if case.operation.label == LOGOUT:
            return Person(self.town.people.client, "13800000003").headers["Authorization"]
        if case.operation.label == FORGET:
            return self.town.newcomer().headers["Authorization"]
        return self.town.people[role].headers["Authorization"]


def documented(case: Case, answer: Any) -> None:
    """A good answer must be described by its own status, any other be a problem."""
    if answer.status_code < 400:
        assert str(answer.status_code) in case.operation.definition.raw["responses"], answer.status_code
    else:
        assert answer.headers["content-type"] == ["application/problem+json"], answer.headers
        assert answer.json()["status"] == answer.status_code


def try_operation(caller: Caller, operation: Any, calls: int) -> Tried:
    """Call an operation as described and, for a share of the calls, not as described."""
    tried = Tried(operation.label)
    calls = min(calls, 10) if operation.label in (LOGOUT, FORGET) else calls
    _try(caller, operation, GenerationMode.POSITIVE, calls - round(calls * NEGATIVE), tried)
    with suppress(Unsatisfiable):  # nothing can be wrong where nothing is taken
        _try(caller, operation, GenerationMode.NEGATIVE, round(calls * NEGATIVE), tried)
    return tried


def _try(caller: Caller, operation: Any, mode: GenerationMode, calls: int, tried: Tried) -> None:
    share = STEERED if mode is GenerationMode.POSITIVE else 0

    # No shrinking: the town is not as it was before the call that failed.
    @settings(
        max_examples=calls,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        dice = random.Random(f"{tried.label} {tried.total()}")  # Hypothesis would draw the same seeds again and again
        caller.call(case, dice.random() < share, dice, tried)

    send()
