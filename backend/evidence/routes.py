"""Sending photos, and looking at them."""

import uuid
from typing import Any

from flask import Response, current_app, request
from sqlalchemy import bindparam, select
from werkzeug.exceptions import RequestEntityTooLarge

from backend.config import Config
from backend.evidence.receiving import FileTooLarge, receive
from backend.evidence.schemas import PhotoBody, PhotoSchema
from backend.evidence.store import Kind, photo_store
from backend.evidence.tables import Evidence
from backend.http.blueprint import Room
from backend.http.bodies import large_body
from backend.http.permission import permission
from backend.http.problems import Invalid, NotFound, Problem, render_problem
from backend.http.reading import row
from backend.http.registry import ask
from backend.people.caller import current_caller

room = Room("evidence", "Photos")

_JPEG: Any = {"type": "string", "format": "binary", "description": "upright, in sRGB, without metadata"}
_ONE_PHOTO = ("每次请只上传一张照片，放在 file 字段里。", "Send one photo at a time, as the field `file`.")
_NO_SUCH_FIELD = ("没有这个字段。", "Unknown field.")
_standing = select(Evidence.uploaded_by, Evidence.case_id, Evidence.event_version).where(Evidence.id == bindparam("id"))


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
    return render_problem(FileTooLarge(megabytes=_most_megabytes()))


room.before_request(_require_form)
room.errorhandler(RequestEntityTooLarge)(_tell_limit)


@room.post("/evidence")
@room.resendable
@room.arguments(PhotoBody, location="files")
@room.response(201, PhotoSchema)
@large_body
@permission("upload_evidence")
def upload(body: dict[str, Any]) -> Response:
    """Send a photo; its id is then named when filing or acting. One that is attached to no case goes after a day."""
    others = {*request.form, *request.files} - {"file"}
    if others or len(request.files.getlist("file")) != 1:
        raise Invalid({name: [_NO_SUCH_FIELD] for name in others} or {"file": [_ONE_PHOTO]})
    return receive(body["file"].stream, current_caller().account_id, _most_megabytes())


@room.get("/evidence/<uuid:photo>")
@room.response(200, _JPEG, content_type="image/jpeg")
@room.cached
@permission("read_evidence")
def look_at(photo: uuid.UUID) -> Response:
    """A photo, at most 2560 pixels along an edge; for whoever sent it and whoever sees the case it belongs to."""
    return _served("served", photo)


@room.get("/evidence/<uuid:photo>/thumbnail")
@room.response(200, _JPEG, content_type="image/jpeg")
@room.cached
@permission("read_evidence")
def look_at_thumbnail(photo: uuid.UUID) -> Response:
    """A photo, at most 400 pixels along an edge."""
    return _served("thumbnail", photo)


def _most_megabytes() -> int:
    config: Config = current_app.config["TOWN_CONFIG"]
    return config.UPLOAD_MAX_MEGABYTES


def _served(kind: Kind, photo: uuid.UUID) -> Response:
    standing = row(_standing, id=photo)
    if standing is None or not _sees(*standing):
        raise NotFound
    try:
        content = photo_store().read(kind, photo)
    except FileNotFoundError as error:
        raise NotFound from error
    response = Response(content, content_type="image/jpeg")
    # Kept by the browser, but asked for again each time: who may see it can change, and so can who sits there.
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(f"{photo}-{kind}")
    return response.make_conditional(request)  # type: ignore[return-value]  # werkzeug types it as the base Response


def _sees(uploaded_by: uuid.UUID, case_id: uuid.UUID | None, version: int | None) -> bool:
    caller = current_caller()
    if uploaded_by == caller.account_id:
        return True
    return case_id is not None and bool(ask("who_sees_evidence", caller, case_id, version))
