"""`flask partymap …`: what is wrong with the points, and points in files."""

import sys
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from backend.http import clock
from backend.http.papers import write_xlsx
from backend.http.problems import Problem
from backend.http.reading import rows
from backend.http.table_writing import write_csv
from backend.http.work import unit_of_work
from backend.partymap.checking_up import wrong_points
from backend.partymap.exchange.exporting import exported, write_geojson
from backend.partymap.exchange.importing import PointsRefused, import_points
from backend.partymap.exchange.reading import read_points
from backend.territory.coordinates import CRS
from backend.territory.location import territory
from backend.territory.tables import Area

partymap = AppGroup("partymap", help="Service points: what is wrong with them, into files and out of them.")

_towns = select(Area.code).where(Area.parent_code.is_(None)).order_by(Area.code)
_file = click.Path(dir_okay=False, path_type=Path)


@partymap.command("doctor")
def doctor() -> None:
    """Tell which points lie outside their village, never open, or were confirmed by nobody for half a year; exit 1 when
    there are any. Each is a to-do of who is in charge: GET /api/v1/partymap/to-do."""
    now, count = clock.now(), 0
    for town in rows(_towns):
        for point, found in wrong_points(town.code, now):
            count += 1
            for one in found:
                click.echo(f"{point.area_code} {point.id} {point.name}: {one.code}: {one.zh} {one.en}")
    click.echo(f"{count} points need somebody" if count else "all points are in order")
    sys.exit(1 if count else 0)


@partymap.command("export")
@click.argument("town")
@click.argument("file", type=_file)
@click.option("--crs", type=click.Choice(CRS), default="wgs84", show_default=True)
def export_file(town: str, file: Path, crs: str) -> None:
    """Write the points of TOWN into FILE: .csv, .xlsx or .geojson."""
    _require_town(town)
    kind = file.suffix.lower()
    if kind == ".csv":
        with file.open("w", encoding="utf-8", newline="") as text:
            write_csv(text, exported([town], crs))
    elif kind == ".xlsx":
        write_xlsx(file, "党群服务点", exported([town], crs))
    elif kind in (".geojson", ".json"):
        with file.open("wb") as written:
            write_geojson(written, [town], crs)
    else:
        raise click.ClickException("name the file .csv, .xlsx or .geojson")


@partymap.command("import")
@click.argument("town")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--crs", type=click.Choice(CRS), help="Of all rows that name none.")
@click.option("--dry-run", is_flag=True, help="Say what would change, write nothing.")
@click.option("--good-only", is_flag=True, help="Write the lines without a fault, leave out the rest.")
def import_file(town: str, file: Path, crs: str | None, dry_run: bool, good_only: bool) -> None:
    """Import points of TOWN from FILE (CSV, XLSX, GeoJSON); done twice, it changes nothing. Exit 1 for any fault."""
    _require_town(town)
    how = {"good_only": good_only, "dry_run": dry_run}
    try:
        read = read_points(file.read_bytes())
        with unit_of_work() as session:
            plan = import_points(
                session, read, lambda area: area.startswith(town), town, crs, actor=None, now=clock.now(), **how
            )
        faults = plan.faults
    except PointsRefused as refused:
        plan, faults = None, refused.all_faults
    except Problem as problem:
        words = problem.zh.format(**problem.params), problem.en.format(**problem.params)
        raise click.ClickException("\n".join(words)) from None
    for one in faults:
        click.echo(f"{file}:{one.line}: {one.fault.column}: {one.fault.zh} {one.fault.en}", err=True)
    if plan is None:
        click.echo("nothing was imported")
    else:
        counts = ", ".join(f"{plan.count(what)} {what}" for what in ("new", "changed", "unchanged"))
        click.echo(f"{counts}; {'nothing' if dry_run else 'all of it'} written")
    sys.exit(1 if faults else 0)


def _require_town(town: str) -> None:
    if len(town) != 9 or town not in territory().areas:
        raise click.ClickException(f"there is no town {town}")
