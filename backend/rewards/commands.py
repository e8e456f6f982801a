"""`flask rewards …`: score a period by hand."""

import unicodedata
from collections.abc import Sequence

import click
from flask import current_app
from flask.cli import AppGroup

from backend.http import clock
from backend.http.problems import Problem
from backend.http.work import unit_of_work
from backend.rewards.rule_sets import IN_FORCE, load_rule_set
from backend.rewards.running import Outcome, keep, work_out
from backend.rewards.scoring import shown
from backend.rewards.towns import read_town
from backend.territory.periods import read_period

rewards = AppGroup("rewards", help="Scoring the villages.")


@rewards.command("run")
@click.argument("period")
@click.option("--town", help="Nine-digit code of the town; the one this server serves first, if not given.")
@click.option("--rule-set", default=IN_FORCE, show_default=True, help="Code and version of the rule set.")
def run(period: str, town: str | None, rule_set: str) -> None:
    """Score every village for PERIOD (2026-10, 2026-Q3 or 2026), keep the run and print its ranking."""
    try:
        ranked = read_town(town or current_app.config["TOWN_CONFIG"].TOWN)
        outcome = work_out(ranked, read_period(period, ranked.zone), load_rule_set(rule_set), clock.now())
    except (Problem, ValueError) as problem:
        raise click.ClickException(
            f"{problem.zh} {problem.en}" if isinstance(problem, Problem) else str(problem)
        ) from None
    with unit_of_work() as session:
        run_id, new = keep(session, outcome, None)
    click.echo(ranking_table(outcome))
    state = "provisional" if not outcome.snapshot.complete else "final"
    click.echo(f"\n{state} run {run_id} ({'new' if new else 'there already'}), facts {outcome.snapshot.hash[:12]}")


def ranking_table(outcome: Outcome) -> str:
    """A ranking as text: rank, village, score, then each indicator's counts, and marks."""
    titles = [rule.titles["zh-CN"] for rule in outcome.rule_set.indicators]
    lines = [["名次", "代码", "村（社区）", "得分", *titles, ""]]
    for one in outcome.standings:
        counts = ["–" if m.exposure is None else f"{m.numerator}/{m.exposure}" for m in one.indicators]
        lines.append(
            [
                "–" if one.rank is None else str(one.rank),
                one.village,
                outcome.snapshot.villages[one.village],
                "–" if one.score is None else shown(one.score),
                *counts,
                ", ".join(one.flags),
            ]
        )
    widths = [max(_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    # Chinese characters take two columns of a terminal.
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
