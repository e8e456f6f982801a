"""Taking in a photo or recording: checked, made anew, sealed, kept."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Any

from flask import Response
from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.evidence.child.kinds import NEEDED
from backend.evidence.folder_store import workroom
from backend.evidence.originals import Original, seal_original
from backend.evidence.photo_store import photo_store
from backend.evidence.reencoding import Reencoded, kind_sent, reencode
from backend.evidence.sealing import new_key, seal_file
from backend.evidence.store import FIRST, KINDS, Store
from backend.evidence.tables import Evidence
from backend.http import clock
from backend.http.ids import new_id
from backend.http.problems import Problem
from backend.http.reading import answer
from backend.ledger.answers import once

_PIECE = 256 * 1024


class FileTooLarge(Problem):
    """A file above the limit of its kind."""

    status, code = 413, "file_too_large"
    zh = "文件太大：照片不能超过 {photo} MB，视频和录音不能超过 {recording} MB，请压缩后再上传。"
    en = "The file is too large: a photo may have {photo} MB, a recording {recording} MB; reduce it and send again."


class EmptyFile(Problem):
    """A file without a byte."""

    status, code = 422, "empty_file"
    zh, en = "文件是空的，请重新选择照片后再上传。", "The file is empty; choose the photo anew and send it again."


@dataclass(frozen=True)
class Limits:
    """What may be sent: so many million bytes of each kind, and so many seconds of a recording."""

    megabytes: Mapping[str, int]
    seconds: int

    def too_large(self) -> FileTooLarge:
        """What to answer beyond the bytes."""
        return FileTooLarge(photo=self.megabytes["photo"], recording=self.megabytes["recording"])


@dataclass(frozen=True)
class Upload:
    """A file as it was sent, in a workroom."""

    path: Path
    sha256: bytes
    bytes: int


def take_down(sent: IO[bytes], folder: Path, limits: Limits) -> Upload:
    """Write what was sent into a workroom, piece by piece, as much as its kind may have.

    Raises EmptyFile, NotAPhoto or FileTooLarge.
    """
    path, digest, size = folder / "original", hashlib.sha256(), 0
    piece = sent.read(_PIECE)
    if not piece:
        raise EmptyFile
    most = limits.megabytes[kind_sent(piece[:NEEDED])] * 1_000_000
    with path.open("wb") as file:
        while piece:
            size += len(piece)
            if size > most:
                raise limits.too_large()
            digest.update(piece)
            file.write(piece)
            piece = sent.read(_PIECE)
    return Upload(path, digest.digest(), size)


def receive(sent: IO[bytes], sender: uuid.UUID, limits: Limits) -> Response:
    """Take in what was sent as evidence of `sender`, once for an Idempotency-Key, and answer its id.

    Raises EmptyFile, FileTooLarge, and what `reencode` raises.
    """
    photo, store = new_id(), photo_store()
    with workroom() as folder:
        upload = take_down(sent, folder, limits)
        # Only if the photo is new, but then before the database is touched: its one writer does not wait for that.
        files = cache(lambda: keep_files(store, upload, photo, limits.seconds))

        def work(session: Session) -> Response:
            told, key = files()
            return answer(enter(session, upload, told, key, photo, sender, clock.now()), 201)

        try:
            # Of a form sent again the boundary is another, the file is not.
            response = once(sender, work, content=upload.sha256, dear=True, about=("photo", str(photo)))
        except BaseException:
            store.delete(photo)
            raise
    if str(photo) not in response.get_data(as_text=True):
        store.delete(photo)  # the same came twice at once, and the other was first
    return response


def keep_files(store: Store, upload: Upload, photo: uuid.UUID, most_seconds: int) -> tuple[Reencoded, bytes]:
    """Put an upload and its copies into the store, sealed under a new key, which is answered too.

    Raises what `reencode` raises.
    """
    files = {kind: upload.path.with_name(kind) for kind in KINDS}
    told = reencode(files["original"], files["served"], files["thumbnail"], TOWN_ZONE, most_seconds)
    key = new_key()
    for kind in sorted(KINDS, key=FIRST.__ne__):
        if files[kind].exists():  # sound has no thumbnail
            sealed = files[kind].with_suffix(".sealed")
            seal_file(files[kind], sealed, key, kind)
            store.put(kind, photo, sealed)
    return told, key


def enter(
    session: Session,
    upload: Upload,
    told: Reencoded,
    key: bytes,
    photo: uuid.UUID,
    by: uuid.UUID,
    now: datetime,
) -> dict[str, Any]:
    """Enter a photo whose files are kept as sent by `by`, and answer what they are told of it. Commits nothing."""
    original = Original(
        key=key,
        content_type=told.content_type,
        size=upload.bytes,
        width=told.width,
        height=told.height,
        seconds=told.seconds,
        sha256=upload.sha256,
        look=told.look,
        taken_at=told.taken_at,
        lon=told.lon,
        lat=told.lat,
    )
    values = {"id": photo, "uploaded_by": by, "created_at": now, "media": told.media}
    session.execute(insert(Evidence), values | {"sealed": seal_original(photo, original)})
    width, height = told.served_size or (None, None)
    return {
        "id": photo,
        "content_type": told.media,
        "width": width,
        "height": height,
        "seconds": told.seconds,
        "taken_at": told.taken_at and told.taken_at.astimezone(TOWN_ZONE),
        "created_at": now,
    }
