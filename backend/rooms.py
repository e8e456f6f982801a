"""Which rooms the house has: their routes and commands, and what each publishes to the others."""

from flask import Flask

from backend.extensions import api
from backend.http.registry import Registry


def furnish(app: Flask, registry: Registry) -> None:
    """Register every room's routes and commands with the app, its facts, layers and answers with the registry."""
    _open_rooms(app)
    _add_commands(app)
    _publish(registry)


def _there(path: str, name: str):  # TEMPORARY until all rooms have landed
    import importlib

    try:
        return [getattr(importlib.import_module(path), name)]
    except ModuleNotFoundError as error:
        print("not there yet:", error)
        return []


def _open_rooms(app: Flask) -> None:
    from backend.http.documentation import pages as documentation

    for name in ("people", "territory", "cases", "evidence", "partymap", "rewards"):
        for room in _there(f"backend.{name}.routes", "room"):
            api.register_blueprint(room)
    for room in _there("backend.http.health", "room"):
        api.register_blueprint(room)
    app.register_blueprint(documentation)


def _add_commands(app: Flask) -> None:
    for name in ("people", "territory", "cases", "rewards", "ledger"):
        for commands in _there(f"backend.{name}.commands", name):
            app.cli.add_command(commands)
    for commands in _there("backend.demonstration", "demo"):
        app.cli.add_command(commands)


def _publish(registry: Registry) -> None:
    from backend.cases import facts as case_facts
    from backend.cases import layers as case_layers
    from backend.cases.evidence_sight import sees_evidence
    from backend.ledger import job_runs
    from backend.outbox import tables as _outbox_tables  # noqa: F401  # known to the migrations
    from backend.partymap import facts as partymap_facts
    from backend.partymap import layers as partymap_layers
    from backend.people.caller import who_may
    from backend.territory import layers as territory_layers

    registry.publish(*case_facts.FACTS, *partymap_facts.FACTS)
    registry.publish(*territory_layers.LAYERS, *partymap_layers.LAYERS, *case_layers.LAYERS)
    registry.answers["heartbeat"] = job_runs.heartbeat
    registry.answers["who_sees_evidence"] = sees_evidence
    registry.answers["who_may"] = who_may
