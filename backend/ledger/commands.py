"""`flask ledger …`: seal, verify and begin the anchors anew by hand."""

import sys
from collections.abc import Iterator

import click
from flask.cli import AppGroup

from backend.http import clock
from backend.http.reading import connection
from backend.ledger import chain
from backend.ledger.anchoring import anchor, anchor_file, begin_anew, begun
from backend.ledger.anchors import AnchorsFault, AnchorsLost
from backend.ledger.verifying import Verdict, verify

ledger = AppGroup("ledger", help="The chain of what happened.")


@ledger.command("verify")
def verify_all() -> None:
    """Seal what waits, then check every chain from its start and against its anchors; exit 1 at the first fault."""
    while chain.seal():
        pass
    faults = 0
    try:
        for verdict in _verdicts():
            faults += bool(verdict.fault)
            _say(verdict)
    except AnchorsFault as fault:
        faults += 1
        click.echo(f"anchors: {fault}", err=True)
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


def _verdicts() -> Iterator[Verdict]:
    names = set(chain.chains(connection()))
    file = anchor_file()
    if not file.exists():
        for name in sorted(names):
            yield verify(connection(), name)
        if begun():
            raise AnchorsLost(f"{file.path} is gone, and what it anchored cannot be checked")
        click.echo("anchors: none yet; the scheduler writes them each minute", err=True)
        return
    upto = file.size()
    for name in sorted(names | file.chains(upto)):
        yield verify(connection(), name, file.heads(name, upto))


def _say(verdict: Verdict) -> None:
    title = verdict.chain or "(no town)"
    if verdict.fault:
        click.echo(f"{title}: entry {verdict.fault_at}: {verdict.fault}", err=True)
    else:
        click.echo(f"{title}: {verdict.entries} entries verified")
