"""Apps that stand: a worker builds few, and gives them to test after test over databases that are new each time.

To build one takes longer than most tests, and then it still has to learn how each of its statements reads in SQL.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask

from backend.config import Config
from backend.http.key_proofs import init_keys
from backend.http.registry import Registry
from tests.databases import Kind, Templates

Build = Callable[[Config], Flask]


class House:
    """An app at an address of its own, as it was when built."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.config: Config = app.config["TOWN_CONFIG"]
        self._registry: Registry = app.extensions["registry"]
        self._shelves = {name: dict(shelf) for name, shelf in vars(self._registry).items()}
        self._as_built = {name: _copied(value) for name, value in vars(app).items()}

    def tidy(self) -> Flask:
        """The app as it was when built: all that it keeps of a town and all that a test changed about it is gone."""
        now = vars(self.app)
        for name in now.keys() - self._as_built.keys():
            del now[name]
        for name, value in self._as_built.items():
            if isinstance(value, dict):  # others hold it, too
                now[name].clear()
                now[name].update(_copied(value))
            else:
                now[name] = value
        shelves: dict[str, Any] = {name: dict(shelf) for name, shelf in self._shelves.items()}
        self.app.extensions["registry"] = dataclasses.replace(self._registry, **shelves)
        init_keys(self.app, self.config, None)
        return self.app


def _copied(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: list(inner) if isinstance(inner, list) else inner for key, inner in value.items()}


class Houses:
    """The houses of a worker process; who needs several apps at once gets several."""

    def __init__(self, templates: Templates, folder: Path, build: Build, leave: Callable[[Flask], None]) -> None:
        self._templates, self._folder, self._build, self._leave = templates, folder, build, leave
        self._plots: list[tuple[str, House | None]] = []
        self._taken = 0

    @contextmanager
    def town(self, kind: Kind) -> Iterator[Flask]:
        """An app over a new copy of a template; its connections are closed and the copy is deleted afterwards."""
        name, house = self._plots.pop() if self._plots else self._new_plot()
        instance = self._folder / name / "instance"
        with self._templates.copy(kind, instance, name) as address:
            config = Config(INSTANCE=instance, DATABASE_URL=address)
            if house is not None and house.config == config:
                app = house.tidy()
            else:  # a test may have set the environment
                app = self._build(config)
                house = House(app)
            try:
                yield app
            finally:
                self._leave(app)
        self._plots.append((name, house))

    def _new_plot(self) -> tuple[str, None]:
        self._taken += 1
        return self._templates.new_name(), None
