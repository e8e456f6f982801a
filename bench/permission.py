"""What the access table adds to the SQL of a list, with a million cases in the database."""

import statistics
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import bindparam, create_engine, literal_column, select

from backend import create_app
from backend.cases.case_row import ListedCase
from backend.cases.listing import LISTED_COLUMNS, list_cases
from backend.cases.sight import sight
from backend.cases.tables import Case
from backend.config import Config
from backend.http.envelope import Envelope
from backend.http.key_file import KeyFile
from backend.http.reading import Prepared
from backend.people.access import Caller, Grant
from bench.filling import fill
from bench.servers import small_town
from tests import postgres
from tests.town import TOWN, VILLAGE

CASES, ROUNDS, PAGE = 1_000_000, 400, 51
AT_MOST_MS = 0.3
GRID = f"{VILLAGE}001"
CALLERS: Mapping[str, tuple[Grant, str]] = {
    "dispatcher": (Grant("dispatcher", TOWN), "town_code"),
    "inspector": (Grant("inspector", TOWN), "town_code"),
    "village officer": (Grant("village_officer", VILLAGE, VILLAGE), "village_code"),
    "grid worker": (Grant("grid_worker", GRID), "area_code"),
}


def permission() -> None:
    """Print, for each role, how much longer its list takes than the bare list of the same area."""
    print(f"What the access table adds to a list of {PAGE - 1} with {CASES:,} cases:")
    with postgres.running(durable=True) as server, tempfile.TemporaryDirectory() as folder:
        address = server.url()
        small_town({"DATABASE_URL": address, "INSTANCE": folder})
        engine = create_engine(address)
        fill(engine, CASES, Envelope(KeyFile(Path(folder) / "identity.json")))
        engine.dispose()
        app = create_app(Config(INSTANCE=Path(folder), DATABASE_URL=address))
        with app.app_context():
            for who, (grant, column) in CALLERS.items():
                _print(who, *_measured(grant, column))


def _measured(grant: Grant, column: str) -> tuple[float, float, float]:
    """Milliseconds (medians, taken in turn): of the bare list's SQL, of the permitted one's, and of deciding which SQL
    that is and how much of each case is shown."""
    caller = Caller(uuid.uuid4(), uuid.uuid4(), "", "", (grant,))
    newest = (Case.occurred_at.desc(), Case.id.desc())
    area, most = getattr(Case, column), literal_column(str(PAGE))
    bare = Prepared(select(*LISTED_COLUMNS).where(area == bindparam("area")).order_by(*newest).limit(most), ListedCase)
    asked: list[float] = []
    ask = Prepared.all

    def timed(self: Prepared[Any], **values: Any) -> Any:
        started = time.perf_counter()
        found = ask(self, **values)
        asked.append(time.perf_counter() - started)
        return found

    plain, permitted, decided = [], [], []
    with mock.patch.object(Prepared, "all", timed):
        for _ in range(ROUNDS):
            bare.all(area=grant.area_code, my_tag=caller.account_id)
            started = time.perf_counter()
            found = list_cases(replace(caller), {}, None, PAGE)
            for case in found:
                sight(caller, case, case.mine)
            whole = time.perf_counter() - started
            plain.append(asked[-2])
            permitted.append(asked[-1])
            decided.append(whole - asked[-1])
    without, with_, deciding = (
        statistics.median(taken[ROUNDS // 10 :]) * 1000 for taken in (plain, permitted, decided)
    )
    return without, with_, deciding


def _print(who: str, without: float, with_: float, deciding: float) -> None:
    added = with_ - without
    verdict = "met" if added <= AT_MOST_MS else "MISSED"
    how = f"{without:.2f} → {with_:.2f} ms, and {deciding:.2f} ms to decide"
    print(f"  {who:<16} {added:+.2f} ms at most {AT_MOST_MS}: {verdict}  ({how})", flush=True)
