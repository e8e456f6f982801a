"""Tasks of the town's own."""

from typing import Any

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.cases.protection.task_words import require_no_quotes
from backend.cases.protection.tasks import Task, check_words, give
from backend.cases.rules.categories import catalogue
from backend.cases.schemas import OneCaseSchema
from backend.cases.sight import Sight
from backend.cases.viewing import show_one
from backend.config import Config
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Instant, Strict, Text
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer
from backend.ledger.answers import once
from backend.people.access import town_scope
from backend.people.caller import current_caller

room = Room("tasks", "Tasks that the town gives out")


class TaskBody(Strict):
    """A task in the town's own words."""

    category = Text(40, required=True, metadata={"example": "litter"})
    words = Text(
        2_000, required=True, metadata={"description": "without a number of anybody", "example": "请核查祠堂修缮账目"}
    )
    department = Text(40, required=True, metadata={"description": "code of a department or village"})
    until = Instant(required=True, metadata={"description": "when it is to be handed in: with offset"})


@room.post("/tasks")
@room.resendable
@room.arguments(TaskBody)
@room.response(201, OneCaseSchema)
@permission("give_task")
def give_task(body: dict[str, Any]) -> Response:
    """Give out a task of the town's own: a case that nobody reported, with its holder and its deadline at once."""
    caller, now = current_caller(), clock.now()
    config: Config = current_app.config["TOWN_CONFIG"]
    if config.TOWN not in town_scope(caller, "give_task"):
        raise NotFound
    catalogue(config.TOWN).require(body["category"])
    require_no_quotes(caller, body["words"])
    task = Task(body["category"], body["words"], body["department"], body["until"])

    def work(session: Session) -> Response:
        check_words(task.words)
        given = give(session, config.TOWN, caller.account_id, task, now)
        return answer(show_one(caller, given, Sight(text=True, place=True)), 201, etag="1")

    return once(caller.account_id, work)
