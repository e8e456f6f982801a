"""Answering with a file of the store: opened piece by piece, in whole or the part asked for."""

import uuid

import structlog
from flask import Response, request
from werkzeug.wsgi import FileWrapper

from backend.evidence.photo_store import photo_store
from backend.evidence.sealing import OpenedFile
from backend.evidence.store import Kind
from backend.http.envelope import CannotOpen
from backend.http.logs import described
from backend.http.problems import NotFound

log = structlog.get_logger()
_AT_ONCE = 64 * 1024


def _pieces(file: OpenedFile) -> FileWrapper:
    return FileWrapper(file, _AT_ONCE)  # type: ignore[arg-type]  # it only reads, seeks and tells


def served(kind: Kind, photo: uuid.UUID, key: bytes, content_type: str, known_as: uuid.UUID | None = None) -> Response:
    """A file as an answer that browsers may keep but ask for again each time: who may see it can change, and so can who
    sits there. `known_as`: the id to tell it by, where its own is not to be told. A Range is answered with that part.
    Raises NotFound for what is not there, or does not open.
    """
    try:
        file = OpenedFile(photo_store(), kind, photo, key)
    except FileNotFoundError as error:
        raise NotFound from error
    except CannotOpen as error:  # damaged: as good as lost
        log.error("evidence_does_not_open", **described(error))
        raise NotFound from error
    response = Response(_pieces(file), content_type=content_type, direct_passthrough=True)
    response.content_length = file.size
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(f"{known_as or photo}-{kind}")
    return response.make_conditional(  # type: ignore[return-value]  # werkzeug types it as the base Response
        request, accept_ranges=True, complete_length=file.size
    )
