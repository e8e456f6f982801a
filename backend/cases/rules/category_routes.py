"""Categories: what one can file under, and keeping them."""

from typing import Any

from flask import Response, current_app
from marshmallow import fields, validate
from sqlalchemy.orm import Session

from backend.cases.rules.categories import Category, catalogue, forget_catalogue, limits_as_json
from backend.cases.rules.category_keeping import add_category, change_category, kept_category, versions
from backend.cases.rules.category_schemas import CategoriesSchema, CategorySchema, LimitSchema
from backend.cases.workflow import STEP
from backend.config import Config
from backend.evidence.attaching import SLOTS
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Shape, Strict, Text
from backend.http.pages import PageQuery, listing, number, page, page_of, read_cursor
from backend.http.permission import permission
from backend.http.reading import answer, public_answer
from backend.ledger.answers import once
from backend.people.access import town_scope
from backend.people.caller import current_caller

room = Room("categories", "What a case can be about, and how long its steps may take")

STEPS = (*dict.fromkeys(STEP.values()), "case")
"""What has a limit: each step, and the case as a whole."""
_CODE = (
    r"^[a-z][a-z0-9_]{0,39}\Z",
    (
        "代码应为小写字母开头的字母、数字或“_”，最长 40 个。",
        "A code is up to 40 of a-z, 0-9 and _, beginning with a letter.",
    ),
)
_NAMES = {"name": "zh", "name_en": "en", "parent_name": "parent_zh"}
"""What the API calls otherwise than the tree does."""


class LimitBody(Strict):
    """How long a step may take."""

    unit = fields.String(required=True, validate=validate.OneOf(("urgent_hours", "work_hours", "workdays")))
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000))


def _limits(required: bool) -> Any:
    steps = {step: fields.Nested(LimitBody, required=required) for step in STEPS}
    named = Strict.from_dict(dict(steps), name="LimitsBody" if required else "LimitChanges")
    return fields.Nested(named, required=required)


def _slots(**more: Any) -> Any:
    return fields.List(
        fields.String(validate=validate.OneOf(tuple(SLOTS))),
        validate=validate.Length(max=len(SLOTS)),
        metadata={"description": "slots that must hold a photo when the work is handed in"},
        **more,
    )


class CategoryChanges(Strict):
    """What is to be otherwise, and why. Limits that are not named stay."""

    name = Text(40, shortest=1)
    name_en = Text(80, shortest=1)
    parent = fields.String(validate=Shape(*_CODE))
    parent_name = Text(40, shortest=1)
    department = Text(40, shortest=1)
    public = fields.Boolean(metadata={"description": "whether accepted cases are shown to everybody, coarsely"})
    needs_photo = fields.Boolean()
    hand_in_photos = _slots()
    retired = fields.Boolean(metadata={"description": "true: nothing is filed under it any more"})
    limits = _limits(required=False)
    reason = Text(200, required=True)


class NewCategoryBody(Strict):
    """A category with its limits, and why there is to be one."""

    code = fields.String(required=True, validate=Shape(*_CODE), metadata={"example": "stray_dogs"})
    name = Text(40, required=True, metadata={"example": "流浪犬"})
    name_en = Text(80, required=True)
    parent = fields.String(required=True, validate=Shape(*_CODE), metadata={"description": "code of its branch"})
    parent_name = Text(40, required=True, metadata={"description": "name of its branch"})
    department = Text(40, required=True, metadata={"description": "where such cases usually go"})
    public = fields.Boolean(required=True)
    needs_photo = fields.Boolean(required=True)
    hand_in_photos = _slots(load_default=list)
    limits = _limits(required=True)
    reason = Text(200, required=True)


class OneCategorySchema(CategorySchema):
    """A category as it is kept."""

    retired = fields.Boolean(required=True)
    version = fields.Integer(required=True, metadata={"description": "0: as the product ships it"})
    set_at = fields.AwareDateTime(required=True, allow_none=True)


class CategoryVersionSchema(OneCategorySchema):
    """One version of a category: why, and who set it."""

    limits = fields.Dict(keys=fields.String(), values=fields.Nested(LimitSchema), required=True)
    reason = fields.String(required=True)
    set_by = fields.UUID(required=True, allow_none=True)


CategoryVersionsSchema = page_of("CategoryVersionsSchema", CategoryVersionSchema)


@room.get("/categories")
@room.response(200, CategoriesSchema)
@room.cached
@permission("public")
def list_categories() -> Response:
    """What one can file under, with the time limits of each step."""
    config: Config = current_app.config["TOWN_CONFIG"]
    kinds = catalogue(config.TOWN).present.values()
    shown = [_shown(kind, limits_as_json(kind.limits)) for kind in kinds]
    return public_answer(listing(shown), seconds=60)


@room.get("/categories/<string:code>")
@room.response(200, OneCategorySchema)
@permission("read_settings")
def one_category(code: str) -> Response:
    """One category, a retired one too; the ETag is its version."""
    kind = kept_category(_town("read_settings"), code)
    return answer(_kept(kind), etag=str(kind.version))


@room.post("/categories")
@room.arguments(NewCategoryBody)
@room.response(201, OneCategorySchema)
@room.resendable
@permission("keep_categories")
def new_category(body: dict[str, Any]) -> Response:
    """Add a category."""
    caller, town, now = current_caller(), _town("keep_categories"), clock.now()

    def work(session: Session) -> Response:
        kind = add_category(session, town, _as_in_tree(body), caller.account_id, now)
        return answer(_kept(kind), 201, etag=str(kind.version))

    done = once(caller.account_id, work)
    forget_catalogue(town)
    return done


@room.patch("/categories/<string:code>")
@room.arguments(CategoryChanges)
@room.response(200, OneCategorySchema)
@room.conditional
@permission("keep_categories")
def changed_category(body: dict[str, Any], code: str) -> Response:
    """Change or retire a category. Steps that have begun keep the limits they began with."""
    caller, town, now = current_caller(), _town("keep_categories"), clock.now()

    def work(session: Session) -> Response:
        kind = change_category(session, town, code, _as_in_tree(body), caller.account_id, now)
        return answer(_kept(kind), etag=str(kind.version))

    done = once(caller.account_id, work)
    forget_catalogue(town)
    return done


@room.get("/categories/<string:code>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, CategoryVersionsSchema)
@permission("read_settings")
def category_history(query: dict[str, Any], code: str) -> Response:
    """All versions of a category that the town has set, newest first."""
    town = _town("read_settings")
    kept_category(town, code)
    before = read_cursor(query["cursor"], number) or (2**31 - 1,)
    found = versions(town, code, before[0], query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda version: (version.version,))
    return answer(listing([_version(version) for version in kept], cursor))


def _town(row: str) -> str:
    """The caller's town; who keeps its categories sees them as they are, not as this process last read them."""
    town = min(town_scope(current_caller(), row))[:9]
    forget_catalogue(town)
    return town


def _as_in_tree(body: dict[str, Any]) -> dict[str, Any]:
    return {_NAMES.get(name, name): value for name, value in body.items()}


def _shown(kind: Any, limits: Any) -> dict[str, Any]:
    return {
        "code": kind.code,
        "name": kind.zh,
        "name_en": kind.en,
        "parent": kind.parent,
        "parent_name": kind.parent_zh,
        "needs_photo": kind.needs_photo,
        "hand_in_photos": list(kind.hand_in_photos),
        "public": kind.public,
        "department": kind.department,
        "limits": limits,
    }


def _kept(kind: Category) -> dict[str, Any]:
    return _shown(kind, limits_as_json(kind.limits)) | {
        "retired": kind.retired,
        "version": kind.version,
        "set_at": kind.set_at,
    }


def _version(version: Any) -> dict[str, Any]:
    told = {name: getattr(version, name) for name in ("retired", "version", "set_at", "reason", "set_by")}
    return _shown(version, version.limits) | told
