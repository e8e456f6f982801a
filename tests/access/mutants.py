"""Taking one filter out of the running code: a line of a module is replaced, and whoever uses it gets the other one."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A filter by what it does, where it stands, and what stands there without it."""

    name: str
    module: str
    line: str
    without: str


_IF_READS = """    if case.reporting == PROTECTED:
        return Sight(text=True, place=True) if reaches(caller, "read_protected_case", case) else None
"""
READING = (
    Mutant("one case: the row of the access table", "cases.sight", _IF_READS, ""),
    Mutant("the mark of the cleared", "cases.sight", 'if "c" in letters and not grant.cleared:', "if False:"),
    Mutant("a list's way for the cleared", "cases.sight", 'if "c" in letters and grant.cleared:', 'if "c" in letters:'),
    Mutant(
        "all other ways of a list",
        "cases.listing",
        'where.append(Case.reporting == _PROTECTED if way.kind == "protected" else Case.reporting != _PROTECTED)',
        'where += [Case.reporting == _PROTECTED] if way.kind == "protected" else []',
    ),
    Mutant(
        "the public face", "cases.public.publication", "for kind in ORDINARY]", "for kind in (*ORDINARY, 'protected')]"
    ),
)
WRITING = (
    Mutant("text and place when filed", "cases.filing", "        row = sealed(row)\n", "        pass\n"),
    Mutant(
        "what is said on the way",
        "cases.acting",
        "    if PROTECTED in (case.reporting, after.reporting):\n",
        "    if False:\n",
    ),
    Mutant(
        "text and place when raised",
        "cases.protection.secrecy",
        "for name, value in sealed(kept).items()",
        "for name, value in {'reporting': 'protected'}.items()",
    ),
    Mutant("words to search by", "cases.protection.secrecy", "    search.drop(session, case.id)\n", ""),
    Mutant("the history", "cases.protection.secrecy", "    _seal_history(session, case.id)\n", ""),
    Mutant("the ledger", "cases.protection.secrecy", "    if told:\n        erase(", "    if False:\n        erase("),
)


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """The product without a filter."""
    module = importlib.import_module(f"backend.{mutant.module}")
    source = inspect.getsource(module)
    assert source.count(mutant.line) == 1, f"{mutant.name}: the filter stands elsewhere now"
    other = ModuleType(module.__name__)
    other.__dict__.update({"__file__": module.__file__, "__package__": module.__package__})
    exec(compile(source.replace(mutant.line, mutant.without), str(module.__file__), "exec"), other.__dict__)
    with _in_place_of(module, other):
        yield


@contextmanager
def _in_place_of(module: ModuleType, other: ModuleType) -> Iterator[None]:
    """Have all of the product use another module's functions and statements; what is a class stays itself."""
    theirs = {
        id(value): (value, other.__dict__[name])
        for name, value in vars(module).items()
        if name in other.__dict__ and value is not other.__dict__[name] and not isinstance(value, type)
    }
    changed: list[tuple[dict[str, Any], str, Any]] = []
    for user in [held for name, held in sys.modules.items() if name.startswith("backend.")]:
        for name, value in list(vars(user).items()):
            if id(value) in theirs and theirs[id(value)][0] is value and not name.startswith("__"):
                changed.append((user.__dict__, name, value))
                user.__dict__[name] = theirs[id(value)][1]
    for name, value in vars(module).items():
        if isinstance(value, type) and name in other.__dict__:
            other.__dict__[name] = value  # so that what is raised and caught is one class
    try:
        yield
    finally:
        for names, name, value in changed:
            names[name] = value
