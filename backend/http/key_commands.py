"""`flask keys …`: checking and rotating the keys of what only few may read."""

import sys

import click
from flask.cli import AppGroup

from backend.http.envelope import CannotOpen, envelope
from backend.http.key_proofs import keep_proofs
from backend.http.key_rotation import rotate, unopenable

keys = AppGroup("keys", help="The keys of what only few may read.")


@keys.command("check")
def check() -> None:
    """See that everything sealed has its key here; exit 1 if not. Nothing is opened."""
    keep_proofs()
    lost = 0
    for table, count in unopenable(envelope()):
        lost += count
        click.echo(f"{table}: {f'{count:,} without a key' if count else 'ok'}")
    sys.exit(1 if lost else 0)


@keys.command("rotate")
def rotate_() -> None:
    """Make a new key, wrap everything sealed anew under it, and drop the old one.

    May run while the town is in use, and be broken off and run again. Copy the key file before: backups made so far
    need the old key for as long as they are kept.
    """
    keep_proofs()
    try:
        dropped = rotate(envelope(), click.echo)
    except CannotOpen:
        raise click.ClickException("something sealed has no key here; see: flask keys check") from None
    click.echo(f"dropped: {', '.join(dropped) or 'none'}")
