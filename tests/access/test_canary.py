"""Protected reports are nowhere: not a word of them in anything that others can ask for or that is kept, and not a byte
of any answer other than in a town where they were never made. And with any single filter taken out this turns red."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
import time_machine
from flask import Flask

from tests.access.canary import ASKED, CLEARED, Town, crawl, differences, found_by, kept, leaks, lived, report
from tests.access.mutants import READING, WRITING, Mutant, mutated
from tests.access.timing import GAP_MS, gap_ms
from tests.access.world import EVERYBODY
from tests.conftest import MakeApp, making_apps
from tests.houses import Houses
from tests.town import People, clear, unknown_id

MOST_TOLD = ("nobody", "resident", "village_officer", "handler", "dispatcher", "auditor")
"""Who is told most of what others are; everybody is asked for in what takes minutes."""


@pytest.fixture(scope="module")
def make(houses: Houses) -> Iterator[MakeApp]:
    with making_apps(houses) as made:
        yield made


@pytest.fixture(scope="module")
def towns(make: MakeApp) -> tuple[Town, Town]:
    """Two towns, without and with a dozen reports."""
    return lived(make("town"), 0), lived(make("town"), 12)


def compare(
    without: Town, having: Town, hidden: int, capfd: pytest.CaptureFixture[str], everybody: Sequence[str] = EVERYBODY
) -> int:
    """Ask both towns for everything; answers how many answers were the same."""
    seen = [crawl(town, having.hidden(hidden), "all", everybody) for town in (without, having)]
    assert differences(*seen) == []
    assert leaks(seen[1]) == []
    assert kept(having.world.app) == []
    logged = capfd.readouterr()
    assert not any(stem in logged.out + logged.err for stem in ("卞鹭", "1470000", "翠鹭巷"))
    assert {who for who, _, _ in seen[1]} == set(everybody)
    assert sum(status == 200 for status, _, _ in seen[1].values()) > 50 * len(everybody)
    return len(seen[1])


def test_a_dozen_reports_are_nowhere_and_the_cleared_find_each(
    towns: tuple[Town, Town], capfd: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    record_property("canary", f"{compare(*towns, 3, capfd, MOST_TOLD)} answers the same, 0 tokens")
    for name in CLEARED:
        assert found_by(towns[1].cleared[name]) == set(range(12)), name
    assert found_by(towns[1].reporter) == set(range(12))
    config = towns[1].world.app.config["TOWN_CONFIG"]
    assert any(config.outbox_folder.iterdir())  # the reporter was told, in words that say nothing


@pytest.mark.prove
def test_three_hundred_reports_are_nowhere_and_the_cleared_find_each(
    make: MakeApp,
    capfd: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    without, having = lived(make("town"), 0), lived(make("town"), 300)
    record_property("canary", f"{compare(without, having, 60, capfd)} answers the same, 0 tokens")
    for name in CLEARED:
        assert found_by(having.cleared[name]) == set(range(300)), name


ROOMS = ("cases", "public_face", "identities", "rewards")


@pytest.mark.prove
@pytest.mark.parametrize("mutant", READING, ids=lambda mutant: mutant.name)
def test_with_a_filter_of_what_is_read_taken_out_the_towns_differ(towns: tuple[Town, Town], mutant: Mutant) -> None:
    with mutated(mutant):
        seen = [crawl(town, towns[1].hidden(2), mutant.name, rooms=ROOMS) for town in towns]
        assert differences(*seen) != [] or leaks(seen[1]) != []


def written(app: Flask) -> list[str]:
    """Where tokens stand after a dozen reports."""
    people = People(app.test_client())
    for role in CLEARED.values():
        clear(people, role)
    for number in range(12):
        report(people, people["resident"], {role: people[role] for role in CLEARED.values()}, number)
    return kept(app)


@pytest.mark.prove
def test_what_is_written_holds_no_token(app: Flask) -> None:
    assert written(app) == []


@pytest.mark.prove
@pytest.mark.parametrize("mutant", WRITING, ids=lambda mutant: mutant.name)
def test_with_a_seal_taken_out_something_is_kept_in_plain_text(app: Flask, mutant: Mutant) -> None:
    with mutated(mutant):
        assert written(app) != []


@pytest.mark.prove
def test_a_protected_report_takes_as_long_as_nothing(
    towns: tuple[Town, Town], record_property: Callable[[str, object], None]
) -> None:
    world, case = towns[1].world, towns[1].hidden(2)["case_id"][1]
    gaps = {}
    with time_machine.travel(ASKED, tick=False):
        for who in EVERYBODY[1:]:
            for path in ("/cases/{}", "/cases/{}/timeline", "/cases/{}/identity"):
                nothing, hidden = (partial(world.people[who].get, path.format(id_)) for id_ in (unknown_id(), case))
                gaps[f"{path} as {who}"] = gap_ms(nothing, hidden)
    widest = max(gaps, key=gaps.__getitem__)
    record_property("gap", f"widest gap {gaps[widest]:.2f} ms, {widest}")
    assert {name: gap for name, gap in gaps.items() if gap >= GAP_MS} == {}
