"""Over existing data only its own keys will do: without them nothing starts, and no new key is made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url, text

from backend import create_app
from backend.config import Config
from backend.http.key_proofs import NobodyKnows, WrongKeys, keep_proofs
from backend.http.reading import rows
from backend.http.secrets import UnusableSecret
from tests.conftest import close_engines
from tests.town import People


@pytest.fixture
def config(app: Flask, people: People) -> Config:
    """Of a town with something sealed in it, whose keys are proven."""
    people["resident"].file()
    with app.app_context():
        keep_proofs()
        keep_proofs()
        assert {proof.name for proof in rows(text("SELECT name FROM key_proofs"))} == {"identity", "tags"}
    settings: Config = app.config["TOWN_CONFIG"]
    return settings


def start(config: Config) -> None:
    close_engines(create_app(config))


def key_files(config: Config) -> dict[str, Path]:
    return {"identity": config.identity_keys, "tags": config.INSTANCE / "tags.key"}


def test_with_its_own_keys_a_town_starts_and_keeps_them(config: Config) -> None:
    kept = {name: path.read_bytes() for name, path in key_files(config).items()}
    start(config)
    assert {name: path.read_bytes() for name, path in key_files(config).items()} == kept


@pytest.mark.parametrize("name", ["identity", "tags"])
def test_without_a_key_nothing_starts_and_none_is_made(config: Config, name: str) -> None:
    path = key_files(config)[name]
    kept = path.read_bytes()
    path.unlink()
    for _ in range(2):
        with pytest.raises(WrongKeys, match=path.name):
            start(config)
        assert not path.exists()
    path.write_bytes(kept)
    start(config)


@pytest.mark.parametrize("name", ["identity", "tags"])
def test_while_the_database_does_not_answer_no_missing_key_is_made(config: Config, name: str) -> None:
    url = make_url(config.database_url)
    away = (
        url.set(host="127.0.0.1", port=1, query={}) if url.host or url.query else url.set(database="/no/such/town.db")
    )
    apart = dataclasses.replace(config, DATABASE_URL=away.render_as_string(hide_password=False))
    start(apart)  # its keys are there
    path = key_files(config)[name]
    path.unlink()
    with pytest.raises(NobodyKnows, match=path.name):
        start(apart)
    assert not path.exists()


@pytest.mark.parametrize("name", ["identity", "tags"])
def test_with_another_key_nothing_starts(config: Config, name: str, tmp_path: Path) -> None:
    close_engines(create_app(Config(INSTANCE=tmp_path / "other")))
    other = {"identity": tmp_path / "other" / "identity.json", "tags": tmp_path / "other" / "tags.key"}
    path = key_files(config)[name]
    path.write_bytes(other[name].read_bytes())
    with pytest.raises(WrongKeys, match=path.name):
        start(config)


@pytest.mark.parametrize("content", ["", "{}", '{"present": "a", "keys": {"a": "AAAA"}}', "not json"])
def test_with_a_broken_key_file_nothing_starts(config: Config, content: str) -> None:
    config.identity_keys.write_text(content)
    with pytest.raises(WrongKeys, match="identity"):
        start(config)
    assert config.identity_keys.read_text() == content


@pytest.mark.parametrize("name", ["jwt", "tags"])
def test_with_a_key_file_that_was_cut_off_nothing_starts(config: Config, name: str) -> None:
    path = config.INSTANCE / f"{name}.key"
    path.write_text("")
    with pytest.raises(UnusableSecret, match=path.name):
        start(config)
    assert path.read_text() == ""
