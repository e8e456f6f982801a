"""Where the files of photos lie: original, served copy and thumbnail, each under the photo's id and nothing else."""

import errno
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from flask import current_app

from backend.config import Config
from backend.http.problems import Problem

Kind = Literal["original", "served", "thumbnail"]
KINDS: tuple[Kind, ...] = ("original", "served", "thumbnail")


class StorageFull(Problem):
    """No space left for photos."""

    status, code = 507, "storage_full"
    zh, en = "存储空间已满，照片暂时无法保存，请稍后再试。", "There is no space left for photos; try again later."


class Store(Protocol):
    """What a place for photos can do."""

    def put(self, kind: Kind, photo: uuid.UUID, file: Path) -> None:
        """Take over a file of the workroom; when this returns, it is safe."""

    def read(self, kind: Kind, photo: uuid.UUID) -> bytes:
        """The content of a file. Raises FileNotFoundError."""

    def delete(self, photo: uuid.UUID) -> None:
        """Delete all files of a photo; none there is as well."""

    def put_before(self, moment: datetime) -> Iterator[uuid.UUID]:
        """The photos whose files were put before a moment."""


class FolderStore:
    """Photos in a folder that only the server's own user can read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, kind: Kind, photo: uuid.UUID, file: Path) -> None:
        """Move a file of the workroom here."""
        place = self._place(kind, photo)
        _private_folder(place.parent, self.root)
        file.chmod(0o600)
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(place)

    def read(self, kind: Kind, photo: uuid.UUID) -> bytes:
        """The content of a file. Raises FileNotFoundError."""
        return self._place(kind, photo).read_bytes()

    def delete(self, photo: uuid.UUID) -> None:
        """Delete all files of a photo, the original last: by it a photo is found again after a crash."""
        for kind in reversed(KINDS):
            self._place(kind, photo).unlink(missing_ok=True)

    def put_before(self, moment: datetime) -> Iterator[uuid.UUID]:
        """The photos whose original was put before a moment."""
        for place in (self.root / "original").glob("*/*"):
            if _is_older(place, moment):
                yield uuid.UUID(place.name)

    def _place(self, kind: Kind, photo: uuid.UUID) -> Path:
        # The first digits of an id are the time, the last ones random.
        return self.root / kind / photo.hex[-2:] / str(photo)


def photo_folder() -> Path:
    """The folder that the photos of this app lie in."""
    config: Config = current_app.config["TOWN_CONFIG"]
    return config.INSTANCE / "evidence"


def photo_store() -> Store:
    """The place for the photos of this app."""
    return FolderStore(photo_folder())


@contextmanager
def workroom() -> Iterator[Path]:
    """A folder for the files of one upload, on the file system of the store, gone afterwards. Raises StorageFull."""
    incoming = photo_folder() / "incoming"
    try:
        _private_folder(incoming, photo_folder())
        with tempfile.TemporaryDirectory(dir=incoming) as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise


def clear_workrooms(before: datetime) -> None:
    """Delete what a server that was killed left behind before a moment."""
    for folder in (photo_folder() / "incoming").glob("*"):
        if _is_older(folder, before):
            shutil.rmtree(folder, ignore_errors=True)


def _is_older(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


def _private_folder(folder: Path, root: Path) -> None:
    # `mode` is not for the parents that mkdir makes.
    for one in (root, *reversed([p for p in folder.parents if p.is_relative_to(root)][:-1]), folder):
        one.mkdir(exist_ok=True, mode=0o700)
