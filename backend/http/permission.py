"""Each route names its permission, in one place: beside its function."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def permission(name: str) -> Callable[[F], F]:
    """Name the row of the access table that decides who may use a route; "public" is for everybody.

    Put it innermost, directly above the function. The app refuses to start with a route that has none.
    """

    def mark(view: F) -> F:
        view.permission = name  # type: ignore[attr-defined]  # read by people.permissions
        if name != "public":
            # Where flask-smorest looks for what an operation's description says besides.
            view._apidoc = {"manual_doc": {"security": [{"token": []}]}}  # type: ignore[attr-defined]
        return view

    return mark
