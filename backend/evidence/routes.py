"""Sending evidence, and looking at it."""

import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, g, request
from sqlalchemy import bindparam, select
from werkzeug.exceptions import RequestEntityTooLarge

from backend.config import Config
from backend.evidence.originals import original_of
from backend.evidence.receiving import Limits, receive
from backend.evidence.reencoding import TooManyAtOnce
from backend.evidence.schemas import PhotoBody, PhotoSchema
from backend.evidence.serving import served
from backend.evidence.store import Kind
from backend.evidence.tables import Evidence
from backend.http import clock
from backend.http.blueprint import IDEMPOTENCY_KEY, Room
from backend.http.bodies import largest_body
from backend.http.envelope import CannotOpen
from backend.http.permission import permission
from backend.http.problems import Invalid, NotFound, Problem, render_problem
from backend.http.reading import row
from backend.http.registry import ask
from backend.people.caller import current_caller
from backend.people.receipts import RECEIPT, sender_of
from backend.people.throttle import take_tries

room = Room("evidence", "Photos, films and sound")

_FILE: Any = {"type": "string", "format": "binary", "description": "without metadata; upright, in sRGB, if a photo"}
_JPEG: Any = {"type": "string", "format": "binary", "description": "upright, in sRGB, without metadata"}
FILING_KEY = {
    "name": "Filing-Key",
    "in": "header",
    "required": False,
    "description": "the Idempotency-Key under which the report will be filed, a random UUID; or give a Receipt",
    "schema": {"type": "string", "format": "uuid"},
}
_ONE_PHOTO = ("每次请只上传一个文件，放在 file 字段里。", "Send one file at a time, as the field `file`.")
_NO_SUCH_FIELD = ("没有这个字段。", "Unknown field.")
SEATS = 2
_seats = threading.BoundedSemaphore(SEATS)
_standing = select(
    Evidence.id, Evidence.uploaded_by, Evidence.case_id, Evidence.event_version, Evidence.media, Evidence.sealed
).where(Evidence.id == bindparam("id"))


class NotAForm(Problem):
    """A photo sent otherwise than in a form."""

    status, code = 415, "unsupported_media_type"
    zh = "请以 multipart/form-data 表单上传照片，放在 file 字段里。"
    en = "Send the photo in a form (multipart/form-data), as the field `file`."


def _require_form() -> None:
    if request.method == "POST" and request.mimetype != "multipart/form-data":
        raise NotAForm


def _tell_limit(_error: RequestEntityTooLarge) -> Response:
    # Far above the limit, the form is not even read.
    return render_problem(_limits().too_large())


def _take_seat() -> None:
    """Let few large files on their way at a time: each holds a thread of the worker for as long as its sender takes."""
    most = current_app.config["TOWN_CONFIG"].largest_bodies["photo"]
    if request.method == "POST" and (request.content_length or sys.maxsize) > most + 100_000:
        if not _seats.acquire(blocking=False):
            raise TooManyAtOnce(headers={"Retry-After": "30"})
        g.has_seat = True


def _leave_seat(_error: BaseException | None) -> None:
    if g.pop("has_seat", False):
        _seats.release()


room.before_request(_require_form)
room.before_request(_take_seat)
room.teardown_request(_leave_seat)
room.errorhandler(RequestEntityTooLarge)(_tell_limit)


@room.post("/evidence")
@room.resendable
@room.arguments(PhotoBody, location="files")
@room.response(201, PhotoSchema)
@largest_body
@permission("upload_evidence")
def upload(body: dict[str, Any]) -> Response:
    """Send a photo, film or sound; its id is named when filing or acting. Named by no case, it goes after a day."""
    return _received(body, current_caller().account_id)


@room.post("/filings/evidence")
@room.taking(FILING_KEY, RECEIPT | {"required": False}, IDEMPOTENCY_KEY)
@room.arguments(PhotoBody, location="files")
@room.response(201, PhotoSchema)
@largest_body
@permission("public")
def upload_without_account(body: dict[str, Any]) -> Response:
    """Send a photo, film or sound for a report without an account: to be filed, or named by its receipt."""
    now, address, receipt = clock.now(), request.remote_addr or "", request.headers.get("Receipt")
    take_tries(now, filing=address)
    if receipt is not None:
        return _received(body, ask("holder_of_receipt", receipt, address, now).caller.account_id)
    return _received(body, sender_of(request.headers.get("Filing-Key")))


@room.get("/evidence/<uuid:photo>")
@room.response(200, _FILE, content_type="*/*")
@room.cached
@room.in_parts
@permission("read_evidence")
def look_at(photo: uuid.UUID) -> Response:
    """A photo (at most 2560 pixels along an edge), film or sound, for whoever sent it or sees it in a case."""
    return _served("served", photo)


@room.get("/evidence/<uuid:photo>/thumbnail")
@room.response(200, _JPEG, content_type="image/jpeg")
@room.cached
@room.in_parts
@permission("read_evidence")
def look_at_thumbnail(photo: uuid.UUID) -> Response:
    """A photo, or the first picture of a film, at most 400 pixels along an edge."""
    return _served("thumbnail", photo)


@room.get("/receipt/evidence/<uuid:photo>")
@room.taking(RECEIPT)
@room.response(200, _FILE, content_type="*/*")
@room.cached
@room.in_parts
@permission("public")
def look_at_by_receipt(photo: uuid.UUID) -> Response:
    """A photo, film or sound of the case that a receipt belongs to."""
    receipt, address = request.headers.get("Receipt", ""), request.remote_addr or ""
    holder = ask("holder_of_receipt", receipt, address, clock.now())
    return _served("served", photo, lambda standing: standing.case_id == holder.case_id)


def _received(body: dict[str, Any], sender: uuid.UUID) -> Response:
    others = {*request.form, *request.files} - {"file"}
    if others or len(request.files.getlist("file")) != 1:
        raise Invalid({name: [_NO_SUCH_FIELD] for name in others} or {"file": [_ONE_PHOTO]})
    return receive(body["file"].stream, sender, _limits())


def _limits() -> Limits:
    config: Config = current_app.config["TOWN_CONFIG"]
    megabytes = {"photo": config.UPLOAD_MAX_MEGABYTES, "recording": config.RECORDING_MAX_MEGABYTES}
    return Limits(megabytes, config.RECORDING_MAX_SECONDS)


def _served(kind: Kind, photo: uuid.UUID, sees: Callable[..., bool] | None = None) -> Response:
    standing = row(_standing, id=photo)
    if standing is None or not (sees or _sees)(standing):
        raise NotFound
    try:
        key = original_of(photo, standing.sealed).key
    except CannotOpen as error:
        raise NotFound from error
    return served(kind, photo, key, standing.media if kind == "served" else "image/jpeg")


def _sees(standing: Any) -> bool:
    caller = current_caller()
    if standing.uploaded_by == caller.account_id:
        return True
    if standing.case_id is None:
        return False
    return bool(ask("who_sees_evidence", caller, standing.case_id, standing.event_version, standing.media))
