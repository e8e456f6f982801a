"""The workflow as others read it: as JSON, as tables and as a diagram, all from the one table."""

from typing import Any

from backend.cases.reporter.rating import REASONS
from backend.cases.workflow import ACTIONS, BY_ITSELF, STATUSES, STEP, Action, leads_to
from backend.people.access import TABLE

START, END = "<!-- the workflow -->", "<!-- /the workflow -->"
"""What stands around the generated part of the page."""


def workflow() -> dict[str, Any]:
    """Statuses and actions, with the roles that the access table names for each action and their scope letters."""
    return {
        "statuses": [_status(code) for code in STATUSES],
        "actions": [_action(row) for row in ACTIONS.values()],
        "by_itself": [
            {"action": row.name, "name": row.zh, "from": list(row.from_), "to": row.to} for row in BY_ITSELF.values()
        ],
        "rating_reasons": [{"code": code, "name": zh, "name_en": en} for code, (zh, en) in REASONS.items()],
    }


def workflow_page(page: str) -> str:
    """The page with its generated part written anew. ValueError for a page without one."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError("the page has no place for the workflow")
    lines = [START, *_diagram(), "", *_actions(), "", *_by_itself(), "", *_statuses(), END]
    return before + "\n".join(lines) + after


def workflow_table() -> str:
    """The actions as a table in Markdown, for the description of the route that does them: who are the roles of the
    access table, and `reporter` whoever reported the case."""
    head = ["| action | from | to | who | needs |", "|---|---|---|---|---|"]
    lines = [
        f"| `{row.name}` {row.zh} | {', '.join(row.from_)} | {_to(row)} | {_roles(row)} | {', '.join(row.needs)} |"
        for row in ACTIONS.values()
    ]
    return "\n".join([*head, *lines])


def _roles(row: Action) -> str:
    named = ", ".join(TABLE[row.permission])
    return f"reporter ({named})" if row.reporter == "only" else named


def _status(code: str) -> dict[str, Any]:
    zh, en = STATUSES[code]
    return {"code": code, "name": zh, "name_en": en, "step": STEP.get(code)}


def _action(row: Action) -> dict[str, Any]:
    return {
        "action": row.name,
        "name": row.zh,
        "from": list(row.from_),
        "to": row.to,
        "undoes": row.back or None,
        "or_to": row.or_to,
        "stays": list(row.stays),
        "permission": row.permission,
        "roles": TABLE[row.permission],
        "needs": list(row.needs),
        "takes": list(row.takes),
        "own_work": row.own_work,
        "second_to": list(row.second_to),
        "outweighs": row.outweighs or None,
        "reporter": row.reporter or None,
        "protected": row.protected,
        "only": row.only or None,
    }


def _diagram() -> list[str]:
    """A Mermaid state diagram: the main line, and the side lines that change the status."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{zh} {code}" as {code}' for code, (zh, _) in STATUSES.items()]
    lines += [
        "    [*] --> reported: report 上报",
        "    [*] --> apart: report 上报",
        "    [*] --> dispatched: part 拆分件",
        "    [*] --> dispatched: give_task 下达任务",
    ]
    for row in (*ACTIONS.values(), *BY_ITSELF.values()):
        lines += [f"    {status} --> {to}: {row.name} {row.zh}" for status in row.from_ for to in leads_to(row, status)]
    ends = [status for status in STATUSES if status not in STEP and status != "merged"]
    return [*lines, *(f"    {status} --> [*]" for status in ends), "```"]


def _to(row: Action) -> str:
    to = f"(as before {row.back})" if row.back else row.to or "(stays)"
    stays = f" ({', '.join(row.stays)} stay)" if row.stays else ""
    return f"{to}{stays}" if row.or_to is None else f"{to} or {row.or_to}"


def _actions() -> list[str]:
    head = ["| action | 中文 | from | to | permission | only | needs | takes |", "|---|---|---|---|---|---|---|---|"]
    return head + [
        f"| {row.name} | {row.zh} | {', '.join(row.from_)} | {_to(row)} | {_who(row)}"
        f" | {_only(row)} | {', '.join(row.needs)} | {', '.join(row.takes)} |"
        for row in ACTIONS.values()
    ]


def _who(row: Action) -> str:
    own_report = f"{row.reporter} own report" if row.reporter else ""
    firsts = " or ".join(name for name in row.second_to if name != row.outweighs)
    last = f"{row.outweighs} last, else {firsts}" if row.outweighs else firsts
    second = f"never who did {last}" if row.second_to else ""
    return ", ".join(filter(None, (row.permission, "" if row.own_work else "never own work", own_report, second)))


def _by_itself() -> list[str]:
    head = ["| by itself | 中文 | from | to |", "|---|---|---|---|"]
    rows = BY_ITSELF.values()
    return head + [f"| {row.name} | {row.zh} | {', '.join(row.from_)} | {_to(row)} |" for row in rows]


def _statuses() -> list[str]:
    head = ["| status | 中文 | waits for the step |", "|---|---|---|"]
    return head + [f"| {code} | {zh} | {STEP.get(code, '–')} |" for code, (zh, _) in STATUSES.items()]


def _only(row: Action) -> str:
    kinds = {"never": [], "too": ["protected too"], "only": ["protected"]}
    return ", ".join([*kinds[row.protected], *([row.only.replace("_", " ")] if row.only else [])])
