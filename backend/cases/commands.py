"""`flask cases …`: importing what other systems hold."""

import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cases.imports.import_areas import NoAreas
from backend.cases.imports.import_mappings import BadMapping, ImportMapping, read_mapping, shipped_mappings
from backend.cases.imports.importing import Import, Outcome, rehearse, run_import
from backend.cases.workflow_page import workflow_page
from backend.http import clock
from backend.http.table_files import SourceFile, UnreadableFile

cases = AppGroup("cases", help="Cases.")


@cases.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping", help=f"A mapping file, or one of {', '.join(shipped_mappings())}; found by the columns if none."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
def import_(file: Path, mapping: str | None, dry_run: bool) -> None:
    """Import the cases of another system from a JSONL, CSV or XLSX FILE. See docs/import.md.

    Running it again adds only what is new. Rows that cannot be imported are listed by line and reason, and then the
    exit status is 1; all others are kept.
    """
    try:
        outcome = _import(file, mapping, dry_run)
    except (UnreadableFile, BadMapping, NoAreas) as error:
        raise click.ClickException(str(error)) from None
    for line, reason in outcome.refused:
        click.echo(f"{file.name}:{line}: {reason}", err=True)
    would = "would be " if dry_run else ""
    for name in outcome.areas:
        click.echo(f"area made: {name}")
    click.echo(
        f"{outcome.read:,} rows: {outcome.new:,} {would}imported, {outcome.known:,} already here,"
        f" {len(outcome.refused):,} refused."
    )
    sys.exit(1 if outcome.refused else 0)


@cases.command("workflow-page")
@click.argument("page", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def workflow_page_(page: Path) -> None:
    """Write the workflow's tables and diagram into a PAGE, in place of those it shows."""
    try:
        page.write_text(workflow_page(page.read_text(encoding="utf-8")), encoding="utf-8")
    except ValueError as error:
        raise click.ClickException(f"{page}: {error}") from None


def _import(path: Path, name: str | None, dry_run: bool) -> Outcome:
    chosen = read_mapping(name) if name else _fitting(path)
    file = SourceFile(path, chosen.encoding, chosen.delimiter, chosen.sheet)
    job = Import(file, chosen, clock.now())
    count, found = job.survey()
    label = "Checking" if dry_run else "Importing"
    with click.progressbar(length=count, label=f"{label} {count:,} rows") as bar:
        return (rehearse if dry_run else run_import)(job, found, lambda: bar.update(1))


def _fitting(path: Path) -> ImportMapping:
    """The only shipped mapping whose columns the file has. Raises BadMapping."""
    columns = SourceFile(path).columns()
    fitting = [one for one in map(read_mapping, shipped_mappings()) if not one.missing_from(columns)]
    if len(fitting) != 1:
        raise BadMapping(f"no shipped mapping is made for the columns of {path.name}; name one with --mapping")
    return fitting[0]
