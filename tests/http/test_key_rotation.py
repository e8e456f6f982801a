"""Rotating the keys of what only few may read: by a file, and by a key service."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, text

from backend import create_app
from backend.cases.reporter.reporters import identity_of
from backend.config import Config, WrongSetting
from backend.extensions import Base
from backend.http.envelope import CannotOpen, Envelope, envelope
from backend.http.key_file import KeyFile
from backend.http.key_proofs import WrongKeys, keep_proofs
from backend.http.key_rotation import rotate, sealed_tables
from backend.http.reading import rows
from tests.conftest import MakeApp, close_engines
from tests.http.transit_server import TOKEN, Transit, transit
from tests.town import People, report

NO_PAUSE = {"pause": lambda _seconds: None}
OTHERWISE_BYTES = {"hash", "salt", "payload", "digest", "request_hash", "sha256", "body", "code_hash", "text_hash"} | {
    "weights",
    "outline",
}
"""Columns of bytes that hold nothing sealed."""


def heads() -> set[str]:
    """The keys under which anything is."""
    found = set()
    for table in sealed_tables():
        for one in rows(text(f"SELECT sealed FROM {table.name} WHERE sealed IS NOT NULL")):
            sealed = bytes(one.sealed)
            found.add(sealed[2 : 2 + sealed[1]].decode())
    return found


def test_whatever_is_sealed_stands_in_a_column_of_that_name() -> None:
    bytes_kept = {
        column.name
        for table in Base.metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    assert bytes_kept - OTHERWISE_BYTES == {"sealed"}


def test_after_a_rotation_everything_is_under_the_new_key_and_opens(app: Flask, people: People) -> None:
    cases = [uuid.UUID(people["resident"].file()["id"]) for _ in range(3)]
    first = people["resident"].post("/cases", report(), **{"Idempotency-Key": "k-1"})
    with app.app_context():
        keep_proofs()
        old = envelope().provider.present
        assert heads() == {old}
        assert rotate(envelope(), lambda _: None, **NO_PAUSE) == [old]
        assert heads() == {envelope().provider.present} != {old}
        found = [identity_of(case) for case in cases]
        assert all(one is not None and one.phone == "+8613800000001" for one in found)
    assert people["resident"].post("/cases", report(), **{"Idempotency-Key": "k-1"}).data == first.data
    close_engines(create_app(app.config["TOWN_CONFIG"]))


def test_a_rotation_broken_off_goes_on_without_another_key(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        people["resident"].file()
    with app.app_context():
        keep_proofs()
        old = envelope().provider.present
        whole, calls = Envelope.wrapped_anew, []

        def breaking(self: Envelope, sealed: bytes) -> bytes | None:
            calls.append(sealed)
            if len(calls) > 5:
                raise KeyboardInterrupt
            return whole(self, sealed)

        monkeypatch.setattr(Envelope, "wrapped_anew", breaking)
        with pytest.raises(KeyboardInterrupt):
            rotate(envelope(), lambda _: None, **NO_PAUSE)
        monkeypatch.undo()
        new = envelope().provider.present
        assert new != old and old in heads()
        assert rotate(envelope(), lambda _: None, **NO_PAUSE) == [old]
        assert heads() == {new} == {envelope().provider.present}


def test_another_process_seals_under_the_new_key_at_once(app: Flask, people: People) -> None:
    people["resident"].file()
    with app.app_context():
        keep_proofs()
        KeyFile(app.config["TOWN_CONFIG"].identity_keys).add_key()  # as `flask keys rotate` in its own process
        before = heads()
        people["resident"].file()
        assert len(heads() - before) == 1 and envelope().provider.present in heads()


def test_what_has_no_key_is_counted_and_nothing_is_dropped(app: Flask, people: People, tmp_path: Path) -> None:
    people["resident"].file()
    runner = app.test_cli_runner()
    assert runner.invoke(args=["keys", "check"]).exit_code == 0
    with app.app_context():
        path = app.config["TOWN_CONFIG"].identity_keys
        stranger = Envelope(KeyFile(tmp_path / "stranger.json")).seal(b"x", "c")
        from backend.extensions import db

        with db.engine.begin() as connection:
            connection.execute(text("UPDATE reporter_identities SET sealed = :sealed"), {"sealed": stranger})
    checked = runner.invoke(args=["keys", "check"])
    assert checked.exit_code == 1 and "reporter_identities: 1 without a key" in checked.output
    rotated = runner.invoke(args=["keys", "rotate"])
    assert rotated.exit_code == 1 and "keys check" in rotated.output
    assert len(KeyFile(path).names) == 2


@pytest.fixture
def service() -> Iterator[Transit]:
    with transit() as running:
        yield running


@pytest.fixture
def kms_config(make_app: MakeApp, service: Transit, tmp_path: Path) -> Config:
    """Of a town whose keys are with the service."""
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    plain: Config = make_app("town").config["TOWN_CONFIG"]
    return dataclasses.replace(plain, IDENTITY_KMS=service.address, IDENTITY_KMS_TOKEN=str(token))


def test_with_a_key_service_no_key_is_kept_here_and_few_are_asked_for(kms_config: Config, service: Transit) -> None:
    kms_config.identity_keys.unlink()
    app = create_app(kms_config)
    people = People(app.test_client())
    cases = [people["resident"].file()["id"] for _ in range(3)]
    with app.app_context():
        assert all(identity_of(uuid.UUID(case)) is not None for case in cases)
    assert service.asked.count("encrypt") == 1 and service.asked.count("decrypt") <= 1
    assert not kms_config.identity_keys.exists()
    close_engines(app)


def test_the_service_s_key_is_rotated_and_everything_wrapped_anew(kms_config: Config, service: Transit) -> None:
    app = create_app(kms_config)
    people = People(app.test_client())
    case = uuid.UUID(people["resident"].file()["id"])
    with app.app_context():
        keep_proofs()
        assert heads() == {"v1"}
        assert rotate(envelope(), lambda _: None, **NO_PAUSE) == []
        assert heads() == {"v2"} and len(service.keys) == 2
        service.keys[0] = b"\0" * 32  # given up
        envelope()._unwrap.cache_clear()
        assert identity_of(case) is not None
    close_engines(app)


def test_a_service_that_fails_is_told_so_and_another_service_is_refused(kms_config: Config, service: Transit) -> None:
    app = create_app(kms_config)
    people = People(app.test_client())
    resident = people["resident"]
    service.broken = True
    answer = resident.post("/cases", {"category": "litter", "description": "x", "location": _home()})
    assert (answer.status_code, answer.json["code"]) == (503, "keys_unavailable")
    with pytest.raises(WrongSetting, match="IDENTITY_KMS"):
        create_app(kms_config)
    service.broken = False
    assert resident.post("/cases", {"category": "litter", "description": "x", "location": _home()}).status_code == 201
    with app.app_context():
        keep_proofs()
    close_engines(app)
    service.keys[0] = b"\1" * 32
    with pytest.raises(WrongKeys):
        create_app(kms_config)


def test_what_the_service_does_not_know_does_not_open(kms_config: Config) -> None:
    app = create_app(kms_config)
    with app.app_context(), pytest.raises(CannotOpen):
        envelope().provider.unwrap("v1", b"vault:v7:AAAA")
    close_engines(app)


def _home() -> dict[str, object]:
    from tests.town import HOME

    return dict(HOME)
