"""Evidence in a folder that only the server's own user can read, and the room beside it where uploads are worked on."""

import errno
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from flask import current_app

from backend.config import Config
from backend.evidence.store import FIRST, KINDS, Kind, StorageFull


class FolderStore:
    """A store in a folder: `kind/xx/id`."""

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

    def size(self, kind: Kind, photo: uuid.UUID) -> int:
        """The bytes of a file. Raises FileNotFoundError."""
        return self._place(kind, photo).stat().st_size

    def read(self, kind: Kind, photo: uuid.UUID, start: int, length: int) -> bytes:
        """A part of a file. Raises FileNotFoundError."""
        with self._place(kind, photo).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def delete(self, photo: uuid.UUID, kinds: Sequence[Kind] = KINDS) -> None:
        """Delete the files of a photo."""
        for kind in sorted(kinds, key=FIRST.__eq__):
            self._place(kind, photo).unlink(missing_ok=True)

    def put_before(self, moment: datetime) -> Iterator[uuid.UUID]:
        """The photos whose FIRST file was put before a moment."""
        for place in (self.root / FIRST).glob("*/*"):
            if _is_older(place, moment):
                yield uuid.UUID(place.name)

    def _place(self, kind: Kind, photo: uuid.UUID) -> Path:
        # The first digits of an id are the time, the last ones random.
        return self.root / kind / photo.hex[-2:] / str(photo)


def photo_folder() -> Path:
    """The folder of this app for evidence: for its files, unless they lie in a bucket, and for those worked on."""
    config: Config = current_app.config["TOWN_CONFIG"]
    return config.INSTANCE / "evidence"


@contextmanager
def workroom() -> Iterator[Path]:
    """A folder for the files of one upload, on the file system of the folder, gone afterwards. Raises StorageFull."""
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
