"""The ledger's figures: sealing, verifying, reading while others write, and what it costs an action by HTTP."""

import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, text

from bench.figures import DoesNotCount, print_ratio
from bench.load import drive, request
from bench.requests import filings, headers_of
from bench.servers import Town, free_port, process, wait_for
from serve import SPARING, web_server
from tests import postgres

TOWN = "440605121"
ENTRIES, SEALED, VERIFIED = 100_000, 10_000, 50_000
WRITERS, READERS, SECONDS, SLOWEST_MS = 8, 2, 60.0, 250
ROUNDS, PER_ROUND, AT_ONCE, LEAST_SHARE = 15, 300, 16, 0.85
DATABASES = ("PostgreSQL", "SQLite")


def ledger() -> None:
    """Print all figures of the ledger."""
    for kind in DATABASES:
        with _instance(kind) as environment:
            _in_child(_seal_and_verify, kind, environment)
    with _instance("PostgreSQL") as environment:
        _in_child(_migrate, environment)
        _read_while_writing(environment)
    for kind in DATABASES:
        with _instance(kind) as environment:
            _cost_of_an_action(kind, environment)


@contextmanager
def _instance(kind: str) -> Iterator[dict[str, str]]:
    """The settings of a new deployment; PostgreSQL with its durability on."""
    with ExitStack() as stack:
        address = stack.enter_context(postgres.running(durable=True)).url() if kind == "PostgreSQL" else ""
        instance = stack.enter_context(tempfile.TemporaryDirectory())
        yield {"DATABASE_URL": address, "INSTANCE": instance, "ACCESS_TOKEN_MINUTES": "600", **SPARING}


def _in_child(work: Any, *args: Any) -> None:
    child = multiprocessing.get_context("fork").Process(target=work, args=args)
    child.start()
    child.join()
    if child.exitcode:
        raise DoesNotCount(f"{work.__name__} failed")


def _app(environment: dict[str, str]) -> Any:
    from backend import create_app
    from backend.config import Config

    return create_app(Config(INSTANCE=Path(environment["INSTANCE"]), DATABASE_URL=environment["DATABASE_URL"]))


def _migrate(environment: dict[str, str]) -> None:
    from flask_migrate import upgrade

    with _app(environment).app_context():
        upgrade()


def _seal_and_verify(kind: str, environment: dict[str, str]) -> None:
    from backend.extensions import db
    from backend.http.reading import connection
    from backend.ledger.chain import seal
    from backend.ledger.tables import LedgerEntry
    from backend.ledger.verifying import verify

    _migrate(environment)
    with _app(environment).app_context():
        with db.engine.begin() as held:
            for _ in range(ENTRIES // 5000):
                held.execute(insert(LedgerEntry), [_entry(str(uuid.uuid4()), 1) for _ in range(5000)])
        begun = time.perf_counter()
        while seal():
            pass
        sealing = ENTRIES / (time.perf_counter() - begun)
        begun, worked = time.perf_counter(), time.process_time()
        verdict = verify(connection(), TOWN)
        verifying, working = ENTRIES / (time.perf_counter() - begun), ENTRIES / (time.process_time() - worked)
        if verdict.fault or verdict.entries != ENTRIES:
            raise DoesNotCount(f"verifying: {verdict}")
    _print(f"entries sealed a second, {kind}", sealing, SEALED, sealing >= SEALED)
    note = f"{working:,.0f} in a second of a processor of its own"
    _print(f"entries verified a second, {kind}", verifying, VERIFIED, verifying >= VERIFIED, note)


def _entry(thing: str, version: int) -> dict[str, Any]:
    from backend.http import clock
    from backend.ledger.record import entry

    details = {"from": "reported", "to": "accepted", "role": "dispatcher", "note": "现场已清运，照片见附件"}
    return entry(TOWN, uuid.uuid4(), "accept", ("case", thing), version, clock.now(), details)


def _read_while_writing(environment: dict[str, str]) -> None:
    fork = multiprocessing.get_context("fork")
    told, start, stop = fork.Queue(), fork.Barrier(WRITERS + READERS + 1), fork.Event()
    engine = create_engine(environment["DATABASE_URL"])
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE bench_things (id int PRIMARY KEY, version int NOT NULL)")
        connection.exec_driver_sql("INSERT INTO bench_things SELECT n, 0 FROM generate_series(0, 199) n")
    engine.dispose()
    work = [(_write, number) for number in range(WRITERS)] + [(_read, number) for number in range(READERS)]
    children = [fork.Process(target=do, args=(environment, number, told, start, stop)) for do, number in work]
    children.append(fork.Process(target=_seal_each_second, args=(environment, start, stop)))
    for child in children:
        child.start()
    reports = [told.get(timeout=SECONDS * 5) for _ in work]
    for child in children:
        child.join()
    written = sum(count for kind, count, *_ in reports if kind == "written")
    for _, seen, gaps, reorders, slow in (report for report in reports if report[0] == "read"):
        note = f"{gaps} gaps, {reorders} reorders among {seen:,} of {written:,} entries"
        whole = gaps == reorders == 0 and seen == written
        _print("slowest hundredth of reads, ms", slow, SLOWEST_MS, whole and slow <= SLOWEST_MS, note)
    print(f"  ({written / SECONDS:,.0f} units of work a second meanwhile)", flush=True)


def _write(environment: dict[str, str], number: int, told: Any, start: Any, stop: Any) -> None:
    from backend.extensions import db
    from backend.ledger.tables import LedgerEntry

    dice, count = random.Random(number), 0
    rise = text("UPDATE bench_things SET version = version + 1 WHERE id = :id RETURNING version")
    with _app(environment).app_context():
        start.wait()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            thing = dice.randrange(200)
            with db.engine.begin() as held:
                version = held.execute(rise, {"id": thing}).scalar_one()
                held.execute(insert(LedgerEntry), _entry(str(thing), version))
            count += 1
    told.put(("written", count))
    stop.set()


def _read(environment: dict[str, str], _number: int, told: Any, start: Any, stop: Any) -> None:
    from backend.ledger.changes import changes

    place, faults, times, versions = 0, Counter[str](), list[float](), dict[str, int]()
    with _app(environment).app_context():
        start.wait()
        quiet = 0
        while quiet < 50:  # some rounds after the last writer has stopped
            begun = time.perf_counter()
            page = changes(TOWN, place, 500)
            times.append(time.perf_counter() - begun)
            for change in page:
                faults["gaps"] += change.seq != place + 1
                faults["reorders"] += change.thing_version <= versions.get(change.thing_id, 0)
                place, versions[change.thing_id] = change.seq, change.thing_version
            quiet = quiet + 1 if stop.is_set() and not page else 0
            time.sleep(0.02 if quiet else 0)
    slow = statistics.quantiles(times, n=100)[98] * 1000
    told.put(("read", place, faults["gaps"], faults["reorders"], slow))


def _seal_each_second(environment: dict[str, str], start: Any, stop: Any) -> None:
    from backend.scheduler import seal

    with _app(environment).app_context():
        start.wait()
        while not stop.wait(1):
            seal(None)


def _cost_of_an_action(kind: str, environment: dict[str, str]) -> None:
    """Drive the server with and without ledger rows in turn, over one database that the scheduler seals."""
    subprocess.run([sys.executable, "-m", "bench.small_town"], env=os.environ | environment, check=True)
    with ExitStack() as stack:
        ports = []
        for app in ("wsgi:app", "bench.without_ledger:app"):
            ports.append(free_port())
            server = [*web_server("127.0.0.1", ports[-1])[:-1], app]
            stack.enter_context(process(server, **environment))
            wait_for(ports[-1])
        stack.enter_context(process(["backend.scheduler"], **environment))
        address = environment["DATABASE_URL"] or f"sqlite:///{environment['INSTANCE']}/town.db"
        engine = create_engine(address)
        stack.callback(engine.dispose)
        town = Town(0, ports[0], engine, 0)
        drive(town.port, filings(town).requests, most=2 * PER_ROUND * (ROUNDS + 1))
        accepting, shares, rates = _accepting(town), [], []
        for number in range(ROUNDS + 1):
            with_it, without = (_rate(port, accepting) for port in (ports if number % 2 else ports[::-1]))
            if not number % 2:
                with_it, without = without, with_it
            if number:  # the first warms up
                shares.append(with_it / without)
                rates.append(with_it)
        _check_ledger(town)
    note = f"{statistics.median(rates):,.0f} a second"
    print_ratio(f"action, {kind}", shares, LEAST_SHARE if kind == "PostgreSQL" else None, note)


def _accepting(town: Town) -> Iterator[bytes]:
    headers = headers_of(town, "dispatcher") | {"If-Match": '"1"'}
    with town.engine.connect() as connection:
        cases = [uuid.UUID(str(found.id)) for found in connection.execute(text("SELECT id FROM cases"))]
    for case in cases:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        yield request("POST", f"/api/v1/cases/{case}/actions", headers | key, {"action": "accept"})


def _rate(port: int, accepting: Iterator[bytes]) -> float:
    outcome = drive(port, islice(accepting, PER_ROUND), most=PER_ROUND, connections=AT_ONCE)
    if outcome.statuses != {200: PER_ROUND}:
        raise DoesNotCount(f"action: answers {dict(outcome.statuses)}, {outcome.refusals}")
    return outcome.rate


def _check_ledger(town: Town) -> None:
    with town.engine.connect() as connection:
        told = connection.execute(text("SELECT count(*) FROM ledger_entries WHERE action = 'accept'")).scalar_one()
    if told != PER_ROUND * (ROUNDS + 1):
        raise DoesNotCount(f"{told} ledger rows, where one half of the actions should have written one each")


def _print(name: str, figure: float, wanted: float, met: bool, note: str = "") -> None:
    verdict = f"wanted {wanted:,}: {'met' if met else 'MISSED'}"
    print(f"  {name:<38} {figure:>9,.0f}  {verdict:<24} {note}", flush=True)
