"""Questions and answers between whoever works on a case and whoever reported it: neither side learns who the other is.

What is said goes through the case's history, under a role. Before anybody reads it, numbers by which a person is known
or reached are taken out of it, and names: the two sides' own, and what looks like one by the words around it.
"""

import re
import uuid
from collections.abc import Sequence

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, aliased

from backend.cases.case_row import CaseRow
from backend.cases.redaction import MARK, redact
from backend.cases.reporters import names_of_reporter
from backend.cases.tables import CaseEvent
from backend.http.reading import row, rows
from backend.outbox.messages import ACCOUNT, NOTICE, post
from backend.people.access import Caller
from backend.people.tables import Account

ASK, REPLY = "ask", "reply"

_step = aliased(CaseEvent)
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁沈姚卢姜崔钟谭"
    "陆汪范石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔汤岑麦冼霍简伍甘劳欧"
)
_NAME = f"(?:欧阳|司徒|上官|诸葛|[{_SURNAMES}])"
_TITLES = "先生|女士|小姐|师傅|阿姨|大叔|叔叔|主任|书记|队长|科长|经理|老师|医生"
_END = r"(?=[\s，。,.、；;！!？?：:（(]|$)"
_NAMES = re.compile(
    rf"(?<=我叫){_NAME}[一-鿿]{{1,2}}|(?<=名叫){_NAME}[一-鿿]{{1,2}}|(?<=姓名)[是为：: ]{{0,2}}{_NAME}[一-鿿]{{1,2}}"
    rf"|(?<=我是){_NAME}[一-鿿]{{1,2}}{_END}|(?<=本人){_NAME}[一-鿿]{{1,2}}{_END}"
    rf"|{_NAME}[一-鿿]{{0,2}}(?=(?:{_TITLES}))|(?<=我姓){_NAME}"
)
_NUMBERS = re.compile(
    r"(?<!\d)1(?:[\s.,·，、-]{0,2}\d){10}(?!\d)"  # a mobile phone, its digits apart
    r"|[一二三四五六七八九〇零幺]{11}"  # one in words
    r"|(?:(?<=电话)|(?<=致电)|(?<=拨打)|(?<=座机)|(?<=打给))[是为：: ]{0,2}\d{7,8}(?!\d)"  # a fixed line
    r"|(?:(?<=微信)|(?<=QQ)|(?<=qq))号?[是为：: ]{0,2}[A-Za-z0-9_-]{5,20}"
)
# Whoever asked before a case became protected may not know of it any more.
_raised = (
    select(func.coalesce(func.max(_step.version), 0))
    .where(_step.case_id == bindparam("case"), _step.action == "raise_secrecy")
    .scalar_subquery()
)
_asker = (
    select(Account.id)
    .join(CaseEvent, CaseEvent.actor_id == Account.id)
    .where(CaseEvent.case_id == bindparam("case"), CaseEvent.action == ASK, CaseEvent.version > _raised, Account.active)
    .order_by(CaseEvent.version.desc())
    .limit(1)
)
_workers = (
    select(Account.name)
    .join(CaseEvent, CaseEvent.actor_id == Account.id)
    .where(CaseEvent.case_id == bindparam("case"))
    .distinct()
)


def relayed(text: str, names: Sequence[str] = ()) -> str:
    """What may be read of a text by the other side."""
    return _NAMES.sub(MARK, _NUMBERS.sub(MARK, redact(text, names)))


def as_relayed(caller: Caller, case: CaseRow, text: str) -> str:
    """What a caller says to the other side of a case, without the names of either."""
    known = [caller.name, *names_of_reporter(case.id), *(one.name for one in rows(_workers, case=case.id))]
    return relayed(text, [part for name in known for part in name.split()])


def tell_asker(session: Session, case_id: uuid.UUID) -> None:
    """Tell whoever asked last that there is an answer."""
    asker = row(_asker, case=case_id)
    if asker is not None:
        post(session, NOTICE, f"{ACCOUNT}:{asker.id}", "case_answered", about=case_id)
