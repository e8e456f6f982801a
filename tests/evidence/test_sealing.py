"""Files sealed piece by piece: read from anywhere, and not to be changed."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.evidence.folder_store import FolderStore
from backend.evidence.sealing import PIECE, TAG, OpenedFile, new_key, seal_file
from backend.evidence.store import Kind
from backend.http.envelope import CannotOpen

PHOTO, KEY = uuid.uuid4(), new_key()
SIZES = (0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5)


def kept(folder: Path, content: bytes, kind: Kind = "served", key: bytes = KEY) -> FolderStore:
    """A store with a file of this content."""
    store = FolderStore(folder / "store")
    (folder / "plain").write_bytes(content)
    seal_file(folder / "plain", folder / "sealed", key, kind)
    store.put(kind, PHOTO, folder / "sealed")
    return store


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_is_read_again(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    store = kept(tmp_path, content)
    file = OpenedFile(store, "served", PHOTO, KEY)
    assert file.size == size and file.readall() == content
    if size > 100:
        assert content[:100] not in store.read("served", PHOTO, 0, 10**9)


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> tuple[bytes, OpenedFile]:
    content = os.urandom(SIZES[-1])
    return content, OpenedFile(kept(tmp_path_factory.mktemp("sealed"), content), "served", PHOTO, KEY)


@given(start=st.integers(0, SIZES[-1] + 9), length=st.integers(0, 2 * PIECE))
def test_any_part_is_read_as_from_a_plain_file(opened, start: int, length: int) -> None:
    content, file = opened
    file.seek(start)
    read = bytearray()
    while len(read) < length and (part := file.read(length - len(read))):
        read += part
    assert bytes(read) == content[start : start + length]


@pytest.mark.parametrize("change", ["a bit", "the end cut", "a piece cut", "pieces changed about", "nothing left"])
def test_what_was_changed_does_not_open(tmp_path: Path, change: str) -> None:
    store = kept(tmp_path, os.urandom(2 * PIECE + 5))
    (path,) = (one for one in store.root.rglob("*") if one.is_file())
    sealed, piece = path.read_bytes(), PIECE + TAG
    path.write_bytes(
        {
            "a bit": sealed[:9] + bytes([sealed[9] ^ 1]) + sealed[10:],
            "the end cut": sealed[:-1],
            "a piece cut": sealed[: 2 * piece],
            "pieces changed about": sealed[piece : 2 * piece] + sealed[:piece] + sealed[2 * piece :],
            "nothing left": b"",
        }[change]
    )
    with pytest.raises(CannotOpen):
        OpenedFile(store, "served", PHOTO, KEY).readall()


def test_another_key_or_the_name_of_another_copy_does_not_open_it(tmp_path: Path) -> None:
    store = kept(tmp_path, b"a picture")
    with pytest.raises(CannotOpen):
        OpenedFile(store, "served", PHOTO, new_key())
    store.root.joinpath("served").rename(store.root / "original")
    with pytest.raises(CannotOpen):
        OpenedFile(store, "original", PHOTO, KEY)
    with pytest.raises(FileNotFoundError):
        OpenedFile(store, "served", PHOTO, KEY)


def test_in_memory_is_one_piece_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lengths = kept(tmp_path, os.urandom(4 * PIECE)), []
    read = store.read
    monkeypatch.setattr(store, "read", lambda *args: lengths.append(args[-1]) or read(*args))
    file = OpenedFile(store, "served", PHOTO, KEY)
    file.seek(3 * PIECE)
    file.readall()
    assert lengths == [PIECE + TAG] * 2  # the first, which shows that it opens, and the one asked for
