"""Runs and rankings over HTTP."""

import uuid
from typing import Any

from flask import Response, current_app
from sqlalchemy import Row
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import PageQuery, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound, language
from backend.http.reading import answer
from backend.ledger.answers import once
from backend.people.access import Caller, covers
from backend.people.caller import current_caller, optional_caller
from backend.rewards import ranking
from backend.rewards.publishing import publish
from backend.rewards.rule_sets import load_rule_set
from backend.rewards.running import keep, work_out
from backend.rewards.schemas import (
    RankingSchema,
    RunDetailSchema,
    RunSchema,
    RunsSchema,
    StartRunBody,
    TownPageQuery,
)
from backend.rewards.tables import Run
from backend.rewards.towns import read_town
from backend.territory.periods import read_period

room = Room("rewards", "Scoring the villages, and the ranking the committee publishes")


@room.post("/rewards/runs")
@room.resendable
@room.arguments(StartRunBody)
@room.response(201, RunSchema)
@room.alt_response(200, schema=RunSchema, description="A run of the same facts was there already")
@permission("start_run")
def start_run(body: dict[str, Any]) -> Response:
    """Score every village for a period; nothing new gives the run that is there already."""
    caller = current_caller()
    code = body.get("town") or _own_town(caller)
    if not _holds(caller, "start_run", code):
        raise NotFound

    def work(session: Session) -> Response:
        town = read_town(code)
        outcome = work_out(town, read_period(body["period"], town.zone), load_rule_set(), clock.now())
        run_id, new = keep(session, outcome, caller.account_id)
        return _run_answer(session.get_one(Run, run_id), caller, 201 if new else 200)

    return once(caller.account_id, work)


@room.get("/rewards/runs")
@room.arguments(TownPageQuery, location="query")
@room.response(200, RunsSchema)
@permission("public")
def list_runs(query: dict[str, Any]) -> Response:
    """Runs of a town, the newest first: the published ones for everybody, drafts for those who prepare them."""
    caller = optional_caller()
    town = query.get("town") or _own_town(caller)
    before = read_cursor(query["cursor"], uuid.UUID)
    found = ranking.newest_runs(town, caller, before[0] if before else None, query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda run: [run.id])
    drafts = ranking.reads_drafts(caller, town)
    return answer(listing([_described(run, drafts) for run in kept], cursor))


@room.get("/rewards/runs/<uuid:run_id>")
@room.response(200, RunDetailSchema)
@permission("public")
def one_run(run_id: uuid.UUID) -> Response:
    """A run, with the document of the rule set it went by."""
    caller = optional_caller()
    run = ranking.visible_run(run_id, caller)
    if run is None:
        raise NotFound
    detail = _described(run, ranking.reads_drafts(caller, run.town)) | {"rule_set_document": run.document}
    return answer(detail, etag=str(run.version))


@room.get("/rewards/runs/<uuid:run_id>/ranking")
@room.arguments(PageQuery, location="query")
@room.response(200, RankingSchema)
@permission("public")
def run_ranking(query: dict[str, Any], run_id: uuid.UUID) -> Response:
    """The ranking of a run, with every indicator's value, weight and points."""
    caller = optional_caller()
    return _ranking(ranking.visible_run(run_id, caller), caller, query)


@room.get("/rewards/runs/latest/ranking")
@room.arguments(TownPageQuery, location="query")
@room.response(200, RankingSchema)
@permission("public")
def latest_ranking(query: dict[str, Any]) -> Response:
    """The ranking of the latest period among the runs the caller may see."""
    caller = optional_caller()
    town = query.get("town") or _own_town(caller)
    return _ranking(ranking.latest_run(town, caller), caller, query)


@room.post("/rewards/runs/<uuid:run_id>/publish")
@room.resendable
@room.response(200, RunSchema)
@room.alt_response(202, schema=RunSchema, description="Proposed; a second member of the committee publishes it")
@permission("publish_ranking")
def publish_run(run_id: uuid.UUID) -> Response:
    """Propose a ranking, or publish the one that another member of the committee proposed."""
    caller = current_caller()
    run = ranking.visible_run(run_id, caller)
    if run is None or not _holds(caller, "publish_ranking", run.town):
        raise NotFound

    def work(session: Session) -> Response:
        status = publish(session, run_id, caller.account_id, clock.now())
        return _run_answer(session.get_one(Run, run_id), caller, 200 if status == "published" else 202)

    return once(caller.account_id, work)


def _own_town(caller: Caller | None) -> str:
    """The town meant where none is named: the server's first, or a town of the caller who has no role in that one."""
    first: str = current_app.config["TOWN_CONFIG"].TOWN
    own = caller.towns if caller else frozenset()
    return first if first in own or not own else min(own)


def _holds(caller: Caller, name: str, town: str) -> bool:
    return any(covers(grant.area_code, town) for grant, _ in caller.allowed(name))


def _ranking(run: Row[Any] | None, caller: Caller | None, query: dict[str, Any]) -> Response:
    if run is None:
        raise NotFound
    after = read_cursor(query["cursor"], _position)
    found = ranking.places(run.id, after[0] if after else 0, query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda place: [place.position])
    titles = "zh-CN" if language() == "zh" else "en"
    lines = ranking.items(run, kept, ranking.reads_counts(caller, run.town), titles)
    return answer({"run": _described(run, ranking.reads_drafts(caller, run.town)), **listing(lines, cursor)})


def _position(part: Any) -> int:
    if type(part) is not int or not 0 <= part < 1_000_000:
        raise ValueError("not a line of a ranking")
    return part


def _run_answer(run: Run, caller: Caller, status: int) -> Response:
    described = _described(run, ranking.reads_drafts(caller, run.town))
    where = {"Location": f"/api/v1/rewards/runs/{run.id}"}
    return answer(described, status, etag=str(run.version), headers=where)


def _described(run: Run | Row[Any], drafts: bool) -> dict[str, Any]:
    return {
        "id": run.id,
        "town": run.town,
        "period": run.period,
        "period_start": run.period_start,
        "period_end": run.period_end,
        "provisional": run.provisional,
        "status": run.status,
        "rule_set": f"{run.rule_set_code}-{run.rule_set_version}",
        "rule_set_hash": run.rule_set_hash,
        "facts_hash": run.facts_hash,
        "started_at": run.started_at,
        "started_by": run.started_by if drafts else None,
        "proposed_at": run.proposed_at,
        "proposed_by": run.proposed_by if drafts else None,
        "published_at": run.published_at,
        "published_by": run.published_by if drafts else None,
    }
