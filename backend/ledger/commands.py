"""`flask ledger …`: seal, verify and begin the anchors anew by hand."""

import sys

import click
from flask.cli import AppGroup

from backend.http import clock
from backend.ledger import chain
from backend.ledger.anchoring import anchor, anchor_file, begin_anew, begun
from backend.ledger.anchors import AnchorsFault
from backend.ledger.checking import in_words, verdicts

ledger = AppGroup("ledger", help="The chain of what happened.")


@ledger.command("verify")
def verify_all() -> None:
    """Seal what waits, then check every chain from its start and against its anchors; exit 1 at the first fault."""
    faults = 0
    try:
        for verdict in verdicts():
            faults += bool(verdict.fault)
            click.echo(in_words(verdict), err=bool(verdict.fault))
    except AnchorsFault as fault:
        faults += 1
        click.echo(f"anchors: {fault}", err=True)
    if not anchor_file().exists() and not begun():
        click.echo("anchors: none yet; the scheduler writes them each minute", err=True)
    sys.exit(1 if faults else 0)


@ledger.command("begin-anchors-anew")
@click.option("--why", required=True, help="What became of the anchors; kept in the ledger.")
def begin_anchors_anew(why: str) -> None:
    """Put lost or unfitting anchors aside, and anchor the chains as they are from now on.

    After a restore from a backup, or when the file or its key was lost. Verify first: what is wrong now is anchored.
    """
    begin_anew(why, clock.now())
    while chain.seal():
        pass
    anchor(clock.now())
    click.echo(f"{anchor_file().path}: begun anew")
