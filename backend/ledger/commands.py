"""`flask ledger …`: seal and verify by hand."""

import sys

import click
from flask.cli import AppGroup

from backend.http.reading import connection
from backend.ledger import chain

ledger = AppGroup("ledger", help="The chain of what happened.")


@ledger.command("verify")
def verify() -> None:
    """Seal what waits, then check every chain from its start; exit 1 at the first fault."""
    while chain.seal():
        pass
    faults = 0
    for name in chain.chains(connection()):
        verdict = chain.verify(connection(), name)
        title = name or "(no town)"
        if verdict.fault:
            faults += 1
            click.echo(f"{title}: entry {verdict.fault_at}: {verdict.fault}", err=True)
        else:
            click.echo(f"{title}: {verdict.entries} entries verified")
    sys.exit(1 if faults else 0)
