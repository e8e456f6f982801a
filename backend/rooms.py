"""Which rooms the house has: their routes, commands, and what each publishes to the others."""

from flask import Flask

from backend.extensions import api
from backend.http.registry import Registry


def furnish(app: Flask, registry: Registry) -> None:
    """Register every room's routes and commands with the app, its facts, layers and answers with the registry."""
    from backend.http.documentation import pages as documentation
    from backend.http.health import room as health_room
    from backend.ledger import job_runs
    from backend.ledger.commands import ledger
    from backend.outbox import tables as _outbox_tables  # noqa: F401  # known to the migrations
    from backend.people.commands import people
    from backend.people.routes import room as people_room

    for room in (health_room, people_room,):
        api.register_blueprint(room)
    for commands in (ledger, people):
        app.cli.add_command(commands)
    app.register_blueprint(documentation)
    registry.answers["heartbeat"] = job_runs.heartbeat
