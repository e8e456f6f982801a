"""The closed loop of a case (GB/T 30428.8) as one table: action → from, to, who, what it needs.

Read by the code, the OpenAPI description and the documentation alike.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

STEP: Mapping[str, str] = {
    "reported": "accept",
    "apart": "accept",
    "accepted": "dispatch",
    "reopened": "dispatch",
    "dispatched": "handle",
    "handling": "handle",
    "suspended": "handle",
    "split": "case",
    "handled": "check",
    "checked": "close",
    "drafted": "dispatch",
    "tasked": "handle",
}
"""The step, with its own time limit, that a case in a status waits for. A case in another status waits for nothing.

A case that was split is due when the whole case is: the steps are its parts'."""

STATUSES: Mapping[str, tuple[str, str]] = {
    "reported": ("已上报", "reported"),
    "apart": ("先行审看", "set apart, for the desk to look at first"),
    "accepted": ("已立案", "accepted"),
    "declined": ("不予受理", "declined"),
    "dispatched": ("已派遣", "dispatched"),
    "handling": ("处置中", "being handled"),
    "suspended": ("已挂账", "suspended"),
    "split": ("已拆分", "split into parts that are being handled"),
    "handled": ("待核查", "handled, to be checked"),
    "checked": ("已核查", "checked"),
    "closed": ("已结案", "closed"),
    "reopened": ("已重开", "reopened"),
    "withdrawn": ("已撤回", "withdrawn"),
    "merged": ("已并案", "merged into another case"),
    "drafted": ("任务待复核", "protected: a task waits for the second look"),
    "tasked": ("任务已下达", "protected: a task was given out"),
}

ENDED = ("closed", "declined", "withdrawn")
"""The statuses in which a case is at an end: its time begins after which what is personal in it goes."""

HANDLING = ("start", "hand_in", "send_back", "resolve")
"""The actions that make a person the one who handled a case: they never check or close it."""


@dataclass(frozen=True)
class Action:
    """A row of the workflow: who may take a case from where to where, and what has to be said with it.

    `permission` is a row of the access table; `to` is empty where the status stays, `or_to` where it leads instead by
    the rule of ratings (rating.py), `stays` the statuses that it leaves as they are; `own_work` says whether who
    handled the case may do it, `reporter` whether who reported it may: "" as their roles let them, "only" nobody else,
    "never" not even with such a role. `only` is what must be true of the case besides its status: lately_closed,
    unrated (and lately closed), nothing_asked, extension_asked, suspension_asked, transfer_asked, lowering_asked,
    anything_asked, whole (no part of another, nor a task), held (by somebody), called (who acts, and not answered
    yet), publishable, public_draft (a text for the public waits for its second look) or public (shown to everybody, or
    about to be). `protected`: whether it is done on protected reports: never, too or only; there by the cleared, and by
    who reported it. `second_to`: actions of which one was done, the last by somebody else: two people, both on record;
    of an action that is done on other reports, too, that holds on protected ones; `outweighs` is the one of them that
    counts alone once it was done. `back`
    names the action that this one undoes: the status is again what it was before. `internal`: its event is not for
    whoever reported the case.
    """

    name: str
    zh: str
    from_: tuple[str, ...]
    to: str | None
    permission: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    own_work: bool = True
    reporter: str = ""
    only: str = ""
    protected: str = "never"
    second_to: tuple[str, ...] = ()
    outweighs: str = ""
    back: str = ""
    internal: bool = False
    or_to: str | None = None
    stays: tuple[str, ...] = ()


_NEW = ("reported", "apart")
_TASK = ("drafted", "tasked")
_DRAFT = ("drafted",)
_KEPT = ("accepted", "reopened", "tasked")
_SETTLED = ("reported", "accepted", "reopened", "closed")
_HELD = ("dispatched", "handling")
# Also what somebody holds: a holder who cannot handle it, or does nothing, must not be the end of it.
_DISPATCHABLE = ("accepted", "reopened", "dispatched", "handling")
_MERGEABLE = ("reported", "accepted", "reopened", "dispatched", "handling")
_UNFINISHED = ("reported", "apart", "accepted", "reopened", "dispatched", "handling", "suspended", "split")
OPEN = (*_UNFINISHED, "handled", "checked")
_PUBLIC = ("accepted", "dispatched", "handling", "suspended", "split", "handled", "checked", "closed", "reopened")
_TALKED_OF = (*OPEN, *_TASK, "closed", "merged")
_OVER = ("declined", "withdrawn")
_CALLABLE = ("accepted", "reopened", "dispatched", "handling", "suspended")

_WORDS = ("department", "until", "note")

ACTIONS: Mapping[str, Action] = {
    action.name: action
    for action in (
        Action("accept", "立案", _NEW, "accepted", "accept", takes=("note",), protected="too"),
        Action(
            "decline",
            "不予受理",
            _NEW,
            "declined",
            "decline",
            needs=("reason",),
            protected="too",
            second_to=("ask_decline",),
        ),
        Action("assign", "指派", ("reported", "handled"), None, "assign", ("person",), ("note",)),
        Action("excuse", "请求另派", ("reported", "handled"), None, "excuse", takes=("note",)),
        Action("verify", "核实", ("reported",), None, "verify", ("finding", "note"), ("evidence",), reporter="never"),
        Action("resolve", "即办", ("reported",), "handled", "resolve", ("note", "evidence"), reporter="only"),
        Action("entrust", "认领", _DISPATCHABLE, "dispatched", "dispatch", ("person",), ("note",)),
        Action("dispatch", "派遣", _DISPATCHABLE, "dispatched", "dispatch", ("department",), ("note",)),
        Action("start", "开始处置", ("dispatched",), "handling", "handle", takes=("note",)),
        Action("send_back", "回退", ("dispatched", "handling"), "accepted", "handle", needs=("reason",)),
        Action("hand_in", "处置反馈", ("handling",), "handled", "handle", ("note",), ("evidence", "photos")),
        Action(
            "rework", "返工", ("handled",), "handling", "check", ("reason",), ("evidence",), own_work=False, only="held"
        ),
        Action("pass_check", "核查通过", ("handled",), "checked", "check", (), ("note", "evidence"), own_work=False),
        Action("close", "结案", ("checked",), "closed", "close", takes=("note",), own_work=False),
        Action(
            "rate",
            "评价",
            ("closed",),
            None,
            "rate",
            ("score",),
            ("note", "solved", "reasons"),
            only="unrated",
            protected="too",
            or_to="reopened",
        ),
        Action(
            "reopen",
            "重开",
            ("closed",),
            "reopened",
            "reopen",
            ("reason",),
            ("evidence",),
            only="lately_closed",
            protected="too",
        ),
        Action(
            "withdraw",
            "撤回",
            (*_UNFINISHED, *_TASK, "merged"),
            "withdrawn",
            "withdraw",
            takes=("reason",),
            protected="too",
        ),
        Action("ask_extension", "申请延期", _HELD, None, "handle", ("reason", "until"), only="nothing_asked"),
        Action("ask_suspension", "申请挂账", _HELD, None, "handle", ("reason", "until"), only="nothing_asked"),
        Action("ask_transfer", "申请移交", _HELD, None, "handle", ("reason", "department"), only="nothing_asked"),
        Action("extend", "同意延期", _HELD, None, "grant", takes=("note",), only="extension_asked"),
        Action("suspend", "同意挂账", _HELD, "suspended", "grant", takes=("note",), only="suspension_asked"),
        Action("refuse", "不同意", _HELD, None, "grant", ("reason",), only="anything_asked"),
        Action("resume", "恢复处置", ("suspended",), "handling", "grant", takes=("note",)),
        Action("merge", "并案", _MERGEABLE, "merged", "merge", ("into",), ("reason",), only="whole", internal=True),
        Action("unmerge", "取消并案", ("merged",), None, "merge", ("reason",), back="merge", internal=True),
        Action("split", "拆分", _DISPATCHABLE, "split", "split", ("parts",), ("note",), only="whole"),
        Action(
            "correct_place", "更正位置", OPEN, None, "correct_place", ("reason",), ("location", "area_code", "address")
        ),
        Action("whistle", "吹哨", _CALLABLE, None, "whistle", ("departments", "reason"), ("until",)),
        Action("answer", "报到", OPEN, None, "answer_whistle", ("answer",), ("note",), only="called"),
        Action("correct_category", "更正类别", OPEN, None, "correct", ("category", "reason")),
        Action("urge", "催办", (*OPEN, "merged"), None, "urge", takes=("note",)),
        Action("supervise", "督办", OPEN, None, "supervise", ("leader", "until"), ("note",)),
        Action("tag", "标注要素", (*OPEN, "closed"), None, "tag_case", ("tags",)),
        Action(
            "draft_public_text",
            "拟公开稿",
            _PUBLIC,
            None,
            "draft_public_text",
            ("public_text",),
            ("public_photos",),
            only="publishable",
            internal=True,
        ),
        Action(
            "release_public_text",
            "复核公开",
            _PUBLIC,
            None,
            "release_public_text",
            only="public_draft",
            second_to=("draft_public_text",),
        ),
        Action(
            "drop_public_text",
            "退回公开稿",
            _PUBLIC,
            None,
            "release_public_text",
            ("reason",),
            only="public_draft",
            second_to=("draft_public_text",),
            internal=True,
        ),
        Action("unpublish", "撤下公开", (*_PUBLIC, "merged"), None, "unpublish", ("reason",), only="public"),
        Action("note", "备注", _TALKED_OF, None, "note", ("note",), ("internal",), protected="too"),
        Action(
            "ask",
            "询问",
            _TALKED_OF,
            None,
            "message_reporter",
            ("note",),
            reporter="never",
            protected="too",
        ),
        Action(
            "reply",
            "答复",
            _TALKED_OF,
            None,
            "reply",
            ("note",),
            ("evidence",),
            reporter="only",
            protected="too",
        ),
        Action("let_through", "放行留言", _TALKED_OF, None, "accept", takes=("note",), internal=True),
        Action("draft_task", "拟定任务", _KEPT, "drafted", "draft_task", _WORDS, protected="only", internal=True),
        Action("reword_task", "改写任务", _DRAFT, None, "release_task", _WORDS, protected="only", internal=True),
        Action(
            "drop_task", "退回任务", _DRAFT, "accepted", "release_task", ("reason",), protected="only", internal=True
        ),
        Action(
            "release_task",
            "复核放行",
            _DRAFT,
            "tasked",
            "release_task",
            protected="only",
            second_to=("draft_task", "reword_task"),
        ),
        Action(
            "conclude",
            "办结",
            _KEPT,
            "closed",
            "conclude",
            ("note",),
            own_work=False,
            protected="only",
            second_to=("accept", "draft_task", "reword_task", "release_task"),
            outweighs="release_task",
        ),
        Action(
            "ask_decline",
            "提请不予受理",
            ("reported",),
            None,
            "decline",
            ("reason",),
            protected="only",
            internal=True,
        ),
        Action(
            "raise_secrecy",
            "转为保密",
            (*OPEN, "closed", "merged", *_OVER),
            "reported",
            "raise_secrecy",
            takes=("reason",),
            only="whole",
            stays=_OVER,
        ),
        Action(
            "ask_lowering",
            "申请解除保密",
            _SETTLED,
            None,
            "lower_secrecy",
            ("reason",),
            only="nothing_asked",
            protected="only",
        ),
        Action(
            "lower_secrecy",
            "同意解除保密",
            _SETTLED,
            "reported",
            "lower_secrecy",
            only="lowering_asked",
            protected="only",
            second_to=("ask_lowering",),
        ),
        Action(
            "keep_secrecy",
            "维持保密",
            _SETTLED,
            None,
            "lower_secrecy",
            takes=("reason",),
            only="lowering_asked",
            protected="only",
        ),
    )
}

SYSTEM = "system"
"""In place of a permission: nobody does it, it follows from something else."""

BY_ITSELF: Mapping[str, Action] = {
    action.name: action
    for action in (
        Action("hand_over", "交接", (*_HELD, "suspended"), "accepted", SYSTEM),
        Action("recompute", "期限重算", (*OPEN, *_TASK), None, SYSTEM),
        Action("follow", "主案进展", ("merged",), None, SYSTEM),
        Action("close_with_head", "随主案结案", ("merged",), "closed", SYSTEM),
        Action("parts_done", "各部分均已办毕", ("split",), "handled", SYSTEM),
        Action("part_undone", "有部分重办", ("handled", "checked", "closed"), "split", SYSTEM),
        Action("expire", "到期清除个人信息", ENDED, None, SYSTEM),
    )
}
"""What happens to a case by itself. Beside these, some actions also happen by themselves: an accepted case is
dispatched where the town says so, a suspended one is resumed on its day, a merged one comes back when its head is
declined, withdrawn or raised to a protected report, parts are withdrawn with the whole as far as they could be
withdrawn themselves."""

PART_DONE = ("checked", *ENDED)
"""The statuses in which a part of a case is done. The whole is never further than its parts: it is handed in when all
of them are done, and waits again, be it handed in, checked or closed by then, when one is reopened."""

SHOWING = tuple(
    name
    for name, row in ACTIONS.items()
    if "evidence" in row.needs + row.takes and row.permission in ("handle", "check", "resolve")
)
"""The actions whose photos show the work done: they are for all who see the case, a reporter's own are not."""


WORKERS = ("handle", "check", "verify", "excuse", "whistle")
"""The permissions of a worker's work: told as the worker's, also on what they reported. Told as the reporter's, it
would say who reported."""

LOOKING = ("verify", "check")
"""The permissions of whoever looks on site: never somebody whom the report accuses."""

HOLDING = ("dispatch", "entrust", "resolve", "send_back")
"""The actions after which somebody else holds the case, or nobody."""

NAMED: Mapping[str, str] = {"reported": "verify", "handled": "check", **dict.fromkeys(_DISPATCHABLE, "handle")}
"""What a person can be asked for by name in a status: to verify, to check, or to take the case up."""

PROTECTED_STEP: Mapping[str, str] = {
    "reported": "accept",
    "accepted": "draft_task",
    "reopened": "draft_task",
    "drafted": "release_task",
    "tasked": "conclude",
}
"""The action that a protected report in a status waits for. One whose task was given out waits for the cleared to
follow that task: nobody else knows that they go together."""

PROTECTED_SECOND: Mapping[str, str] = {"reported": "decline"}
"""The action that it waits for besides, from somebody who does not do the other one, once another has asked for it."""

ASKING: Mapping[str, str] = {"ask_extension": "extension", "ask_suspension": "suspension", "ask_transfer": "transfer"}
"""What is asked for by which action, as the case keeps it."""


NOT_SO: Mapping[str, tuple[str, str]] = {
    "lately_closed": ("结案后可以答复的期限已过。", "the time to answer the closing is over."),
    "unrated": ("这次结案已经评价过，或评价期限已过。", "this closing was rated already, or the time for it is over."),
    "nothing_asked": (
        "已有一项申请尚未答复，请等待答复后再提。",
        "something was asked for and not answered yet; wait for that.",
    ),
    "extension_asked": ("没有待答复的延期申请。", "no extension is asked for."),
    "suspension_asked": ("没有待答复的挂账申请。", "no suspension is asked for."),
    "lowering_asked": ("没有待答复的解除保密申请。", "lowering the secrecy is not asked for."),
    "anything_asked": ("没有待答复的申请。", "nothing is asked for."),
    "whole": ("这是拆分出的子案件或下达的任务。", "this is a part of another case, or a task."),
    "held": ("案件没有承办方。", "nobody holds the case."),
    "called": ("没有等您答复的吹哨，已经答复过的不必再答。", "no call waits for your answer; it is given once."),
    "publishable": ("这个案件不属于可以公开的。", "this case is none that is made public."),
    "public_draft": ("没有待复核的公开稿。", "no text for the public waits for its second look."),
    "public": ("案件没有公开。", "the case is not public."),
}
"""What is the matter where the status has an action and what must be true besides (`Action.only`) is not."""


def offered(
    status: str,
    rated: bool,
    asked: str | None,
    over: bool = False,
    whole: bool = True,
    held: bool = True,
    called: bool = False,
    public: Collection[str] = (),
) -> list[Action]:
    """The actions that the table has for a case in a status, whoever asks.

    A closing is rated once. `asked`: what its holder asked for and was not answered yet: extension, suspension or
    transfer. `over`: the time in which its closing could be answered has passed. `whole`: no part of another case, nor
    a task; `held`: somebody holds it; `called`: who asks was called to it and has not answered.
    """
    true = {"", "nothing_asked"} if asked is None else {"", "anything_asked", f"{asked}_asked"}
    true |= set(public)
    true |= {name for name, so in (("whole", whole), ("held", held), ("called", called)) if so}
    if not over:
        true |= {"lately_closed"} if rated else {"lately_closed", "unrated"}
    return [action for action in ACTIONS.values() if status in action.from_ and action.only in true]


def leads_to(action: Action, status: str) -> tuple[str, ...]:
    """The statuses an action can take a case in a status to; none where the status stays."""
    if status in action.stays:
        return ()
    if action.back:
        return ACTIONS[action.back].from_
    return tuple(to for to in (action.to, action.or_to) if to is not None)
