"""Jobs run in one process, each on its own, and what is due once is done once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text
from structlog.testing import capture_logs

from backend import scheduler
from backend.config import TOWN_ZONE, Config
from backend.election import lock_for
from backend.extensions import db
from backend.http import clock
from backend.http.work import unit_of_work
from backend.ledger.job_runs import HEARTBEAT, done_at
from backend.scheduler import JOBS, Job, bring_in, last_due, lead, perform

MIDNIGHT = datetime(2026, 11, 27, 0, 0, tzinfo=TOWN_ZONE)


class Work:
    """Counts its runs, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.runs = failures, list[datetime]()

    def __call__(self, now: datetime) -> None:
        self.runs.append(now)
        if len(self.runs) <= self.failures:
            raise ValueError("phone 13800000001 is wrong")


def at(hours: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hours)


def perform_at(app: Flask, job: Job, *hours: float) -> None:
    for hour in hours:
        with time_machine.travel(at(hour), tick=False):
            perform(app, job)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_runs_on_a_town(app: Flask, job: Job) -> None:
    with capture_logs() as logs:
        perform(app, job)
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def test_every_job_has_a_name_of_its_own_and_one_kind_of_time() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert all(bool(job.seconds) != bool(job.crontab) for job in JOBS)


@pytest.mark.parametrize(
    ("crontab", "hours", "due"),
    [("30 0 * * *", 0.5, 0.5), ("30 0 * * *", 0.49, -23.5), ("30 0 * * *", 23, 0.5), ("15 * * * *", 9.2, 8.25)],
)
def test_the_last_instant_due_is_the_newest_that_has_come(crontab: str, hours: float, due: float) -> None:
    assert last_due(Job("any", Work(), crontab=crontab), at(hours)) == at(due)


def test_what_is_due_daily_is_done_once_a_day_however_often_it_is_looked_at(empty_app: Flask) -> None:
    work = Work()
    job = Job("daily", work, crontab="30 0 * * *")
    perform_at(empty_app, job, 1, 1.1, 9, 24.4, 24.5, 30)
    assert work.runs == [at(1), at(24.5)]


def test_a_daily_job_that_failed_is_tried_again_at_the_next_look(empty_app: Flask) -> None:
    work = Work(failures=1)
    job = Job("daily", work, crontab="30 0 * * *")
    perform_at(empty_app, job, 0.5, 0.67, 0.84)
    assert work.runs == [at(0.5), at(0.67)]


def test_an_instant_missed_while_the_machine_slept_is_made_up_for(empty_app: Flask) -> None:
    work = Work()
    perform_at(empty_app, Job("daily", work, crontab="30 0 * * *"), 1, 57)
    assert work.runs == [at(1), at(57)]


def test_a_failing_job_is_logged_without_the_words_of_its_error(empty_app: Flask) -> None:
    with capture_logs() as logs:
        perform(empty_app, Job("broken", Work(failures=1), seconds=1))
    (entry,) = logs
    assert (entry["event"], entry["job"], entry["error"]) == ("job_failed", "broken", "ValueError")
    assert entry["where"][-1].startswith("test_scheduler.py:")
    assert "13800000001" not in str(entry)


class Reign:
    """A lock held until each of some works has run, got once only."""

    def __init__(self, stop: threading.Event, *until: threading.Event) -> None:
        self.stop, self.until, self.released = stop, until, 0

    def acquire(self) -> bool:
        if self.released:
            self.stop.set()
        return not self.released

    def held(self) -> bool:
        assert all(event.wait(20) for event in self.until)
        return False

    def release(self) -> None:
        self.released += 1


def test_jobs_stop_when_the_lock_is_lost_and_a_failing_one_stops_no_other(empty_app: Flask) -> None:
    ran, failed, stop = threading.Event(), threading.Event(), threading.Event()

    def fail(_now: datetime) -> None:
        failed.set()
        raise ValueError

    jobs = (Job("failing", fail, seconds=1), Job("working", lambda _now: ran.set(), seconds=1))
    lock = Reign(stop, ran, failed)
    before = threading.active_count()
    lead(empty_app, lock, stop, jobs)
    assert lock.released == 1
    assert threading.active_count() == before


def test_a_job_in_hand_is_finished_before_the_lock_is_given_back(empty_app: Flask) -> None:
    begun, go_on, stop = threading.Event(), threading.Event(), threading.Event()
    told = list[str]()

    def slow(_now: datetime) -> None:
        begun.set()
        assert go_on.wait(20)
        told.append("finished")

    class Watched(Reign):
        def held(self) -> bool:
            super().held()
            threading.Timer(0.1, go_on.set).start()
            return False

        def release(self) -> None:
            super().release()
            told.append("released")

    lead(empty_app, Watched(stop, begun), stop, (Job("slow", slow, seconds=60),))
    assert told == ["finished", "released"]


@contextmanager
def process(app: Flask, program: list[str]) -> Iterator[subprocess.Popen[str]]:
    config: Config = app.config["TOWN_CONFIG"]
    env = os.environ | {"INSTANCE": str(config.INSTANCE), "DATABASE_URL": config.database_url}
    command = [sys.executable, *program]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(running: "subprocess.Popen[str]", event: str) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if f'"event":"{event}"' in line:
            return
    raise AssertionError(f"the scheduler ended without saying {event}")


def test_the_program_leads_gives_signs_of_life_and_ends_at_sigterm(empty_app: Flask) -> None:
    config: Config = empty_app.config["TOWN_CONFIG"]
    with process(empty_app, ["-m", "backend.scheduler"]) as running:
        wait_for(running, "elected")
        assert not lock_for(config.database_url, config.INSTANCE).acquire()
        wait_for_heartbeat(empty_app)
        running.send_signal(signal.SIGTERM)
        assert running.wait(scheduler.STOP_SECONDS + 2) == 0


def wait_for_heartbeat(app: Flask) -> None:
    until = threading.Event()
    for _ in range(200):
        with app.app_context():
            if done_at(HEARTBEAT):
                return
        until.wait(0.05)
    raise AssertionError("no heartbeat within ten seconds")


HANGING = """
import threading
from backend import scheduler
begun = threading.Event()
def hang(_now):
    scheduler.log.info("hanging")
    threading.Event().wait()
scheduler.JOBS = (scheduler.Job("hanging", hang, seconds=1),)
scheduler.lead.__defaults__ = (scheduler.JOBS,)
scheduler.main()
"""


def test_sigterm_ends_the_program_within_seconds_though_a_job_hangs(empty_app: Flask) -> None:
    with process(empty_app, ["-c", HANGING]) as running:
        wait_for(running, "hanging")
        running.send_signal(signal.SIGTERM)
        assert running.wait(scheduler.STOP_SECONDS + 2) == 0


def test_sqlite_s_log_is_brought_in_by_the_scheduler_and_by_no_commit(empty_app: Flask) -> None:
    file, mebibyte = empty_app.config["TOWN_CONFIG"].INSTANCE / "town.db", 2**20
    with empty_app.app_context():
        if db.engine.dialect.name != "sqlite":
            bring_in(clock.now())
            return
        before = file.stat().st_size
        with unit_of_work() as session:
            session.execute(text("CREATE TABLE much (bytes)"))
            session.execute(text("INSERT INTO much VALUES (zeroblob(:size))"), {"size": 8 * mebibyte})
        assert file.stat().st_size == before
        bring_in(clock.now())
        assert file.stat().st_size > before + 7 * mebibyte
