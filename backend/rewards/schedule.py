"""What the scheduler does for the ranking: a run for every period that has ended."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, select

from backend.http.reading import row
from backend.http.work import unit_of_work
from backend.rewards.rule_sets import load_rule_set
from backend.rewards.running import keep, work_out
from backend.rewards.tables import Run
from backend.rewards.towns import Town, read_town, town_codes
from backend.territory.periods import Period, ended_periods

# A scheduler that stood still makes up for what it missed, as far back as a yearly ranking reaches.
LOOK_BACK = timedelta(days=400)
log = structlog.get_logger()

_final_run = (
    select(Run.id)
    .where(Run.town == bindparam("town"), Run.period == bindparam("period"), Run.provisional.is_(False))
    .limit(1)
)


def run_ended_periods(now: datetime) -> None:
    """Run, for every town, each month, quarter and year that has ended and has no final run yet.

    A unit of work for each period; done again it changes nothing. A period of which only the villages tell gets none.
    """
    for code in town_codes():
        town = read_town(code)
        for period in ended_periods(now, town.zone, LOOK_BACK):
            if row(_final_run, town=code, period=period.name) is None:
                _run(town, period, now)


def _run(town: Town, period: Period, now: datetime) -> None:
    outcome = work_out(town, period, load_rule_set(), now)
    if outcome.snapshot.empty:
        return
    with unit_of_work() as session:
        run_id, new = keep(session, outcome, None)
    if new:
        log.info("ranking_run", town=town.code, period=period.name, run=str(run_id))
