"""`flask territory …`: boundaries from a file, and the town's own days on and off."""

import sys
from datetime import datetime
from pathlib import Path

import click
import orjson
from flask.cli import AppGroup

from backend.http import clock
from backend.http.problems import Problem
from backend.http.work import unit_of_work
from backend.territory.boundaries import BoundariesRefused, Examined, import_boundaries
from backend.territory.decoding import UnreadableText, text_of
from backend.territory.location import territory as all_areas
from backend.territory.work_calendar import declare_day

WORKDAY = {"work": True, "off": False, "as-announced": None}

territory = AppGroup("territory", help="Areas, boundaries and the work calendar.")


@territory.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--crs", required=True, help="wgs84, cgcs2000, gcj02, bd09, or epsg:4491 to epsg:4554.")
@click.option("--source", help="Where the boundaries come from; the file's name if not given.")
@click.option("--dry-run", is_flag=True, help="Examine, write nothing.")
@click.option("--good-only", is_flag=True, help="Write what has no fault, leave out the rest.")
def import_file(file: Path, crs: str, source: str | None, dry_run: bool, good_only: bool) -> None:
    """Import areas and boundaries from a GeoJSON file; exit 1 when a feature has a fault."""
    try:
        document = orjson.loads(text_of(file.read_bytes()))
    except (UnreadableText, ValueError) as error:
        raise click.ClickException(f"{file} is not GeoJSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise click.ClickException(f"{file} is not a GeoJSON FeatureCollection")
    if not document["features"]:
        raise click.ClickException(f"{file} has no features: nothing to import")
    try:
        with unit_of_work() as session:
            done = import_boundaries(
                session,
                document,
                crs,
                source=(source or file.name)[:200],
                actor=None,
                now=clock.now(),
                good_only=good_only,
                dry_run=dry_run,
            )
    except BoundariesRefused as refused:
        done = Examined([], refused.all_faults)
    except Problem as problem:
        raise click.ClickException(
            f"{problem.zh.format(**problem.params)}\n{problem.en.format(**problem.params)}"
        ) from None
    for fault in done.faults:
        click.echo(
            f"{fault.number}: {fault.code or '-'}: {fault.fault.error}: {fault.fault.zh} {fault.fault.en}", err=True
        )
    written = "would be written" if dry_run else "written"
    click.echo(
        f"{len(done.accepted)} of {len(document['features'])} features {written}, {len(done.faults)} with a fault"
    )
    sys.exit(1 if done.faults else 0)


@territory.command("set-day")
@click.argument("town")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("what", type=click.Choice(list(WORKDAY)))
@click.option("--reason", required=True, help="Why, kept beside the day and in the ledger.")
def set_day(town: str, day: datetime, what: str, reason: str) -> None:
    """Declare a day of TOWN worked or off, or take such a word back; it wins over the State Council's notice."""
    if town not in all_areas().areas or len(town) != 9:
        raise click.ClickException(f"there is no town {town}")
    with unit_of_work() as session:
        declare_day(session, town, day.date(), WORKDAY[what], reason[:200], actor=None, now=clock.now())
    click.echo(f"{day:%Y-%m-%d}: {what}")
