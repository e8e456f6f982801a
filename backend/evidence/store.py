"""Where the files of evidence lie: original, served copy and thumbnail, each sealed, under its id and nothing else."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from backend.http.problems import Problem

Kind = Literal["original", "served", "thumbnail"]
KINDS: tuple[Kind, ...] = ("original", "served", "thumbnail")
FIRST: Kind = "served"
"""Put first and deleted last, and never missing: by it a file is found again after a crash."""


class StorageFull(Problem):
    """No space left for photos."""

    status, code = 507, "storage_full"
    zh, en = "存储空间已满，照片暂时无法保存，请稍后再试。", "There is no space left for photos; try again later."


class StorageUnavailable(Problem):
    """The bucket that the files lie in does not answer."""

    status, code = 503, "storage_unavailable"
    zh, en = "照片存储暂时无法使用，请稍后再试。", "The store of photos does not answer just now; try again later."


class Store(Protocol):
    """What a place for evidence can do. Raises StorageUnavailable where it is elsewhere and does not answer."""

    def put(self, kind: Kind, photo: uuid.UUID, file: Path) -> None:
        """Take over a file of the workroom; when this returns, it is safe."""

    def size(self, kind: Kind, photo: uuid.UUID) -> int:
        """The bytes of a file. Raises FileNotFoundError."""

    def read(self, kind: Kind, photo: uuid.UUID, start: int, length: int) -> bytes:
        """A part of a file, less where it ends. Raises FileNotFoundError."""

    def delete(self, photo: uuid.UUID, kinds: Sequence[Kind] = KINDS) -> None:
        """Delete the files of a photo, FIRST last; none there is as well."""

    def put_before(self, moment: datetime) -> Iterator[uuid.UUID]:
        """The photos whose FIRST file was put before a moment."""
