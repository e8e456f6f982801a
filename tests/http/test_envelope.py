"""The envelope: what is sealed opens again for the same context, and for nothing and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.http import envelope
from backend.http.envelope import CannotOpen, Envelope
from backend.http.key_file import KeyFile, UnusableKeys


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "identity.json")


def test_what_is_sealed_opens_for_its_own_context_only(keys: KeyFile) -> None:
    sealed = Envelope(keys).seal("张三 13812345678".encode(), "identity 1")
    assert "张三".encode() not in sealed and b"138" not in sealed
    assert Envelope(keys).open(sealed, "identity 1").decode() == "张三 13812345678"
    with pytest.raises(CannotOpen):
        Envelope(keys).open(sealed, "identity 2")


def test_the_same_content_sealed_twice_looks_different(keys: KeyFile) -> None:
    one = Envelope(keys)
    assert one.seal(b"the same", "c") != one.seal(b"the same", "c")


def test_a_changed_byte_anywhere_is_found(keys: KeyFile) -> None:
    one = Envelope(keys)
    sealed = one.seal(b"content", "c")
    for at in range(len(sealed)):
        with pytest.raises(CannotOpen):
            one.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], "c")


@given(st.binary(max_size=80))
def test_what_was_never_sealed_does_not_open(content: bytes) -> None:
    with pytest.raises(CannotOpen):
        Envelope(_Nobody()).open(content, "c")


class _Nobody:
    present = "none"

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        return "none", data_key

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        raise CannotOpen


def test_after_a_rotation_the_old_opens_and_is_wrapped_anew_without_being_opened(keys: KeyFile) -> None:
    sealed = Envelope(keys).seal(b"content", "c")
    old, new = keys.present, keys.add_key()
    one = Envelope(keys)
    assert one.open(sealed, "c") == b"content"
    again = one.wrapped_anew(sealed)
    assert again is not None and one.wrapped_anew(again) is None
    assert keys.drop_keys() == [old] and keys.present == new
    assert Envelope(keys).open(again, "c") == b"content"
    with pytest.raises(CannotOpen):
        Envelope(keys).open(sealed, "c")


def test_a_key_added_by_another_process_is_found(keys: KeyFile) -> None:
    KeyFile(keys.path).add_key()
    sealed = Envelope(KeyFile(keys.path)).seal(b"content", "c")
    assert Envelope(keys).open(sealed, "c") == b"content"


def test_the_key_file_is_its_owners_only_and_two_processes_make_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "identity.json"
    assert KeyFile(path).present == KeyFile(path).present
    assert path.stat().st_mode & 0o077 == 0 and [file.name for file in path.parent.iterdir()] == ["identity.json"]


@pytest.mark.parametrize("content", ["", "{}", '{"present": "a", "keys": {"a": "AAAA"}}', '{"present": 1, "keys": []}'])
def test_a_file_that_holds_no_keys_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "identity.json"
    path.write_text(content)
    with pytest.raises(UnusableKeys):
        KeyFile(path)
    assert path.read_text() == content


def test_a_data_key_is_used_for_an_hour_and_not_longer(keys: KeyFile) -> None:
    now = [0.0]
    one = Envelope(keys, lambda: now[0])
    first, again = (one.seal(b"", "c")[: -12 - 16] for _ in range(2))
    now[0] = envelope.DATA_KEY_SECONDS + 1
    assert first == again != one.seal(b"", "c")[: -12 - 16]
