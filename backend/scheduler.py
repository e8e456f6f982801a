"""`python -m backend.scheduler`: the process that does what is due.

Any number may be started; the one that is elected runs the jobs, and another takes over within seconds of its end.
"""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask, current_app

from backend import create_app
from backend.cases.closing import close_checked
from backend.cases.links.following import keep_in_step
from backend.cases.links.supporting import tell_supporters
from backend.cases.public.pinning import keep_pins
from backend.cases.public.public_figures import make_public_figures
from backend.cases.reporter.identity_reads import tell_of_reads
from backend.cases.retention import forget_ended
from backend.cases.rules.routing import dispatch_accepted
from backend.cases.search import search
from backend.cases.search.refolding import refold
from backend.cases.suggestions.learning import learn_suggestions
from backend.cases.timing.pausing import resume_due
from backend.cases.timing.recomputing import recompute_open
from backend.cases.timing.turning import turn_colours
from backend.config import TOWN_ZONE, Config
from backend.crontab import cron_trigger
from backend.election import Lock, lock_for
from backend.evidence.attaching import discard_orphans, discard_unattached
from backend.extensions import bring_in_log
from backend.http import clock
from backend.http.key_proofs import keep_proofs
from backend.http.logs import described, log_as_json
from backend.http.reading import connection
from backend.http.work import unit_of_work
from backend.ledger import answers, chain, job_runs
from backend.ledger.anchoring import anchor
from backend.ledger.checking import check_ledger
from backend.outbox import inbox, sending, sharing, webhook_messages
from backend.outbox.gateways import gateways
from backend.partymap.bookings.own_bookings import forget_bookings
from backend.partymap.events.own_events import forget_sign_ups
from backend.people import codes, sign_in, throttle
from backend.people.running_out import end_run_out
from backend.people.stand_ins import watch_roster
from backend.rewards.schedule import run_ended_periods
from backend.territory.drawings import draw_areas
from backend.territory.quiet_hours import quiet_of
from backend.territory.redrawing import redraw_due
from backend.territory.town_settings import setting

RETRY_SECONDS = 1.0
STOP_SECONDS = 5.0
FIRST_LOOK = timedelta(seconds=5)
LOOK_AGAIN = timedelta(minutes=10)
LOOK_BACK = timedelta(days=2)
LONG_UNSENT_SECONDS = 600.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done every so many `seconds`, or at the instants of a `crontab` in the town's time.

    What a crontab asks for, at least daily, is done once for each of its instants. It is noted when done and looked
    for again after a start and every ten minutes, so that neither a failure, a restart nor a night's sleep of the
    machine leaves it out; of several instants missed only the last is made up for.
    """

    name: str
    work: Callable[[datetime], object]
    seconds: int = 0
    crontab: str = ""


def beat(now: datetime) -> None:
    """Give a sign of life."""
    with unit_of_work() as session:
        job_runs.mark_done(session, job_runs.HEARTBEAT, now)


def seal(_now: datetime) -> None:
    """Seal what waits, batch by batch."""
    while chain.seal() >= chain.BATCH:
        pass


def bring_in(_now: datetime) -> None:
    """Spare the web server's commits the disk: see `bring_in_log`."""
    bring_in_log(connection())


def share_out(_now: datetime) -> None:
    """Share out the notices that wait, batch by batch."""
    channels = gateways(current_app.config["TOWN_CONFIG"]).keys()
    while sharing.share_out(channels, clock.now()) == sending.BATCH:
        pass


def send(channel: str) -> Callable[[datetime], None]:
    """A job that sends what is due on a channel, batch by batch. Each has its own: a slow gateway delays no other."""

    def send_channel(_now: datetime) -> None:
        config: Config = current_app.config["TOWN_CONFIG"]
        gateway = gateways(config).get(channel)
        if gateway is None:
            return
        quiet = quiet_of(setting(config.TOWN, "quiet_hours")) if gateway.wakes else None
        while sending.send_due(gateway.send, clock.now(), channel, quiet) == sending.BATCH:
            pass

    return send_channel


def send_webhooks(now: datetime) -> None:
    """Tell the webhooks what they have not been told of."""
    webhook_messages.tell_webhooks(now)
    while sending.send_due(webhook_messages.send_webhook, clock.now(), webhook_messages.CHANNEL) == sending.BATCH:
        pass


def watch_outbox(now: datetime) -> None:
    """Log for how long the oldest message has waited, where that is long."""
    waited = sending.oldest_unsent_seconds(now)
    if waited > LONG_UNSENT_SECONDS:
        log.warning("messages_wait", oldest_unsent_seconds=round(waited))


def forget(now: datetime) -> None:
    """Drop kept answers, sent messages, notices, notes of job runs, tries, codes, sign-ins, who had a room and who
    did not come to an event, when their time is over."""
    for drop in (
        answers.forget,
        sending.forget_sent,
        inbox.forget_notices,
        job_runs.forget,
        throttle.forget_tries,
        codes.forget_codes,
        sign_in.forget_sign_ins,
        forget_bookings,
        forget_sign_ups,
    ):
        with unit_of_work() as session:
            drop(session, now)


JOBS: tuple[Job, ...] = (
    Job("heartbeat", beat, seconds=5),
    Job("seal", seal, seconds=1),
    Job("bring_in_log", bring_in, seconds=20),
    Job("anchor", anchor, seconds=60),
    Job("share_out", share_out, seconds=2),
    Job("send_sms", send("sms"), seconds=2),
    Job("send_wechat", send("wechat"), seconds=2),
    Job("send_email", send("email"), seconds=2),
    Job("send_webhooks", send_webhooks, seconds=2),
    Job("watch_outbox", watch_outbox, seconds=60),
    Job("redraw_areas", redraw_due, seconds=30),
    Job("draw_areas", draw_areas, seconds=10),
    Job("keep_pins", keep_pins, seconds=10),
    Job("end_roles_run_out", end_run_out, seconds=60),
    Job("watch_roster", watch_roster, seconds=60),
    Job("tell_of_identity_reads", tell_of_reads, seconds=60),
    Job("turn_colours", turn_colours, seconds=30),
    Job("resume_suspended", resume_due, seconds=30),
    Job("close_checked", close_checked, seconds=300),
    Job("dispatch_accepted", dispatch_accepted, seconds=5),
    Job("follow_linked_cases", keep_in_step, seconds=5),
    Job("tell_supporters", tell_supporters, seconds=60),
    Job("tidy_search", search.tidy, seconds=10),
    Job("refold_search", refold, seconds=300),
    Job("discard_unattached_evidence", discard_unattached, crontab="15 * * * *"),
    Job("discard_orphaned_evidence", discard_orphans, crontab="45 3 * * *"),
    Job("run_ended_periods", run_ended_periods, crontab="30 0 * * *"),
    Job("make_public_figures", make_public_figures, crontab="40 4 * * *"),
    Job("recompute_deadlines", recompute_open, crontab="0 2 * * *"),
    Job("learn_suggestions", learn_suggestions, crontab="40 3 * * *"),
    Job("forget", forget, crontab="10 3 * * *"),
    Job("forget_ended_cases", forget_ended, crontab="20 3 * * *"),
    Job("check_ledger", check_ledger, crontab="50 4 * * *"),
)


def last_due(job: Job, now: datetime) -> datetime | None:
    """The latest instant of a job's crontab that is not after `now`."""
    trigger, due = cron_trigger(job.crontab, TOWN_ZONE), None
    ahead = trigger.get_next_fire_time(None, now - LOOK_BACK)
    while ahead is not None and ahead <= now:
        due, ahead = ahead, trigger.get_next_fire_time(ahead, ahead)
    return due


def perform(app: Flask, job: Job) -> None:
    """Run a job now, unless its work is done. A failure is logged and kept from the other jobs."""
    try:
        with app.app_context():
            now = clock.now()
            if not job.crontab:
                job.work(now)
                return
            due = last_due(job, now)
            if due is None or job_runs.done_at(job.name, due.isoformat()):
                return
            job.work(now)
            with unit_of_work() as session:
                job_runs.mark_done(session, job.name, clock.now(), due.isoformat())
            log.info("job_done", job=job.name, due=due.isoformat())
    except Exception as error:
        log.error("job_failed", job=job.name, **described(error))


def trigger_of(job: Job) -> BaseTrigger:
    """When to look at a job."""
    if job.seconds:
        return IntervalTrigger(seconds=job.seconds, timezone=TOWN_ZONE)
    looks = IntervalTrigger(seconds=int(LOOK_AGAIN.total_seconds()), timezone=TOWN_ZONE)
    return OrTrigger([cron_trigger(job.crontab, TOWN_ZONE), looks])


def start(app: Flask, jobs: tuple[Job, ...] = JOBS) -> BackgroundScheduler:
    """Start running the jobs, each in a thread of its own, so that a long one delays no other."""
    scheduler = BackgroundScheduler(
        timezone=TOWN_ZONE,
        executors={"default": ThreadPoolExecutor(len(jobs))},
        # However late: several missed looks become one.
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    for job in jobs:
        first = clock.now() + (timedelta(0) if job.seconds else FIRST_LOOK)
        scheduler.add_job(perform, trigger_of(job), (app, job), id=job.name, next_run_time=first)
    scheduler.start()
    return scheduler


def lead(app: Flask, lock: Lock, stop: threading.Event, jobs: tuple[Job, ...] = JOBS) -> None:
    """Stand for election until told to stop, and run the jobs while elected."""
    while not stop.is_set():
        if lock.acquire():
            log.info("elected")
            scheduler = start(app, jobs)
            while lock.held() and not stop.wait(RETRY_SECONDS):
                pass
            close(scheduler, stop)
            lock.release()
            log.info("stepped_down")
        else:
            stop.wait(RETRY_SECONDS)


def close(scheduler: BackgroundScheduler, stop: threading.Event) -> None:
    """Begin no job any more and wait for those running; but once told to stop, for five seconds at most.

    A job cut off so is rolled back, and done again by whoever is elected next.
    """
    closing = threading.Thread(target=scheduler.shutdown, daemon=True)
    closing.start()
    while closing.is_alive():
        closing.join(STOP_SECONDS)
        if closing.is_alive() and stop.is_set():
            log.warning("stopped_during_a_job")
            os._exit(0)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    log_as_json()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    app = create_app()
    with app.app_context():
        keep_proofs()
    config: Config = app.config["TOWN_CONFIG"]
    lead(app, lock_for(config.database_url, config.INSTANCE), stop)


if __name__ == "__main__":
    main()
