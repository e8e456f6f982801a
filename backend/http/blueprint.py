"""The blueprint every room's routes stand on, and what their OpenAPI description has in common."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from flask import current_app, request
from flask_smorest import Blueprint
from marshmallow import INCLUDE, Schema, fields

from backend.http.bodies import Parser
from backend.http.problems import Invalid

F = TypeVar("F", bound=Callable[..., Any])

# flask-smorest copies what a route takes and answers at each of its decorators, schemas with all their fields, and
# so takes 2 MB of a worker. No schema changes once it is made: it stands for its copy.
Schema.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]


class ProblemSchema(Schema):
    """RFC 9457 problem document; a problem may have members of its own besides."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "stable name of the error"})
    detail = fields.String(required=True, metadata={"description": "what to do, in the caller's language"})
    errors = fields.Dict(metadata={"description": "messages by field"})


IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "ETag of the version this change was decided on; `*` names none",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "the same key and body again gets the first answer again",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
}


_JSON: dict[str, Any] = {"content_type": "application/json"}


def _refuse_unknown_parameters() -> None:
    """A route that takes parameters refuses unknown ones itself; one that takes none has them refused here."""
    if not request.query_string or request.method == "OPTIONS":
        return
    view = current_app.view_functions[str(request.endpoint)]
    if request.args and not getattr(view, "takes_parameters", False):
        raise Invalid({name: ["Unknown field."] for name in request.args})


class Room(Blueprint):
    """A room's routes, under /api/v1 unless it says otherwise.

    Every operation is described with its problems and, unless it is for everybody, with the need of a token.
    """

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, description: str = "", url_prefix: str = "/api/v1") -> None:
        super().__init__(name, f"backend.{name}", url_prefix=url_prefix, description=description)
        self.before_request(_refuse_unknown_parameters)

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **options: Any
    ) -> None:
        """Add a route; what its permission asks for becomes part of its description."""
        if getattr(view_func, "permission", "public") != "public":
            view_func = self.doc(security=[{"token": []}])(view_func)
        super().add_url_rule(rule, endpoint, view_func, *args, **options)

    def register_views_in_doc(self, api: Any, app: Any, spec: Any, **named: Any) -> None:
        """Leave the routes to be described when the description is asked for: few ask, and it takes longer than all
        else that an app does when it starts."""
        app.extensions["undescribed"].append(partial(super().register_views_in_doc, api, app, spec, **named))

    def _prepare_arguments_doc(self, doc: Any, doc_info: Any, **kwargs: Any) -> Any:
        doc_info.get("arguments", {}).pop("responses", None)  # they are problems like all others
        return super()._prepare_arguments_doc(doc, doc_info, **kwargs)

    # flask-smorest is untyped: these say what its decorators give back.
    def get(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Route of a read."""
        return self._typed(super().get(rule, **options))

    def post(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Route of a write."""
        return self._typed(super().post(rule, **options))

    def patch(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Route of a change."""
        return self._typed(super().patch(rule, **options))

    def put(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Route of what is made or replaced under the name that the path gives it."""
        return self._typed(super().put(rule, **options))

    def delete(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Route of an end."""
        return self._typed(super().delete(rule, **options))

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[[F], F]:
        """What a route takes: checked against the schema and passed as a dictionary."""
        # Given the class, webargs would make a schema of it, all fields copied, for every request.
        taking: Callable[[F], F] = super().arguments(schema(), **options)
        if options.get("location") != "query":
            return taking

        def marked(view: F) -> F:
            taken = taking(view)
            taken.takes_parameters = True  # type: ignore[attr-defined]  # read before each request
            return taken

        return marked

    def response(self, status: int, schema: type[Schema] | None = None, **options: Any) -> Callable[[F], F]:
        """What a route answers when all is well."""
        return self._typed(super().response(status, schema, **_JSON | options))

    def alt_response(self, status: int, **options: Any) -> Callable[[F], F]:
        """What else a route answers."""
        return self._typed(super().alt_response(status, **_JSON | options))

    def cached(self, view: F) -> F:
        """Document that the answer has an ETag, and a repeated one is answered without a body."""
        documented: F = self.alt_response(304, description="Not changed since the ETag sent as If-None-Match")(view)
        return documented

    def in_parts(self, view: F) -> F:
        """Document that a part of the answer can be asked for with Range."""
        documented: F = self.alt_response(206, description="The part that Range asked for")(view)
        return documented

    @staticmethod
    def _typed(decorator: Any) -> Callable[[F], F]:
        typed: Callable[[F], F] = decorator
        return typed

    def conditional(self, view: F) -> F:
        """Document that a change needs If-Match."""
        documented: F = self.doc(parameters=[IF_MATCH, IDEMPOTENCY_KEY])(view)
        return documented

    def replacing(self, view: F) -> F:
        """Document that replacing what is there needs If-Match; making it anew needs none."""
        documented: F = self.doc(parameters=[IF_MATCH | {"required": False}, IDEMPOTENCY_KEY])(view)
        return documented

    def taking(self, *headers: Mapping[str, Any]) -> Callable[[F], F]:
        """Document the headers that a route takes."""
        return self._typed(self.doc(parameters=list(headers)))

    def described(self, text: str) -> Callable[[F], F]:
        """Describe a route at more length than its first line does, in Markdown."""
        return self._typed(self.doc(description=text))

    def resendable(self, view: F) -> F:
        """Document that a write takes an Idempotency-Key."""
        documented: F = self.doc(parameters=[IDEMPOTENCY_KEY])(view)
        return documented
