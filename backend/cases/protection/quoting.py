"""What a task has of the words of the report it comes of: what would tell the accused side who wrote that.

Refused are six characters in a row, blanks and signs aside, that are not names and plain words of the town, or twelve
with these; and, however short, what only one report has: a number of four digits, a day, a time to the minute, a sum of
money, what it gives as said by somebody, its own address without the names that everybody uses, and the number of its
house. Shorter runs are marked for the second look. Texts are compared as a search
compares them.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from backend.cases.matters import names_of_matters
from backend.cases.protection.accusing import OFFICES
from backend.cases.search.wording import Wording, merged, wording_of
from backend.territory.location import territory

QUOTED, SENTENCE = 6, 12
"""Characters in a row that a task and a report may not share: names and plain words aside, and with these."""
MARKED = 3
"""Characters of a run, names and plain words aside, from which on it is marked for whoever releases the task."""

Span = tuple[int, int]

_PLAIN_WORDS = (
    "最低生活保障 低保 五保 特困 供养 临时救助 医疗救助 危房改造 危旧房 征地 补偿款 补偿 补助 补贴 拆迁 安置 "
    "青苗 耕地地力保护 种粮 退耕还林 "
    "公益林 农村合作医疗 合作医疗 居民医保 养老保险 高龄津贴 残疾人 公益性岗位 集体资金 集体资产 集体经济 "
    "集体土地 集体收入 村集体 集体 村务公开 "
    "财务公开 财务 账目 收支 会计账簿 账簿 原始凭证 凭证 流水 工程 项目 招标投标 招投标 招标 投标 合同 施工 "
    "承包 租赁 租金 宅基地 审批 土地 流转 "
    "一事一议 村民代表大会 村民代表会议 村民代表 村民大会 村民小组 村民 人居环境整治 环境整治 高标准农田 "
    "乡村振兴 扶贫 救灾 物资 慰问金 垃圾 清运 "
    "违章建筑 违建 道路 硬化 水利 水渠 路灯 河道 山塘 鱼塘 林地 学校 祠堂 情况 问题 发放 使用 管理 申请 名单 "
    "公示 名额 资金 去向"
)
"""Names of programmes and papers, and words without which no task can be worded."""
_PLACE = (
    "[\u4e00-\u9fff]{1,2}(?:大道|公路|水库|祠堂|小学|中学|市场|广场|公园|码头|工业区|卫生站)"
    "|[\u4e00-\u9fff]{1,2}(?:[路街巷桥涌]\\d{1,3}号?|[路街巷])"
)
_QUOTE = re.compile('[“「『"‘]([^”」』"’“「『‘]{2,60})[”」』"’]')

_FIGURES = "0123456789"
_WORDS = "〇零一二三四五六七八九"
_VALUE = {sign: number for signs in (_FIGURES, _WORDS[1:]) for number, sign in enumerate(signs)} | {
    "〇": 0,
    "两": 2,
    "俩": 2,
    "壹": 1,
    "贰": 2,
    "叁": 3,
    "肆": 4,
    "伍": 5,
    "陆": 6,
    "柒": 7,
    "捌": 8,
    "玖": 9,
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000, "万": 10_000, "亿": 100_000_000}
_NUMERAL = f"[{''.join(_VALUE)}{''.join(_UNITS)}](?:[,.]?[{''.join(_VALUE)}{''.join(_UNITS)}])*"
_SUM = re.compile(f"(?P<number>{_NUMERAL})(?:多|来)?(?P<money>元|块|圆)?(?P<year>年)?")
_DAY = re.compile(
    f"(?:(?<![\\d])\\d{{4}}[-/.])?(?<![\\d.])(?P<m>\\d{{1,2}})[-/](?P<d>\\d{{1,2}})(?!\\d)"
    f"|(?P<month>[{_FIGURES}{_WORDS}十]{{1,3}})月(?:份)?(?P<day>[{_FIGURES}{_WORDS}十]{{1,3}})[日号]?"
)
_TIME = re.compile(
    f"(?P<hour>[{_FIGURES}{_WORDS}十两]{{1,3}})(?:点钟?|时|:)(?P<minute>半|[一三]刻|[{_FIGURES}{_WORDS}十]{{1,3}})分?"
)
_LEAST_TELLING = 1_000
_DIGIT = f"[{''.join(_VALUE)}十百]"
_HOUSE = re.compile(f"(?<!{_DIGIT})(?<!月)(?P<house>{_DIGIT}+)(?:[-—之]{_DIGIT}+)?(?:号|栋|幢|座|单元|室|弄)")


class Overlap(NamedTuple):
    """A place in a task where it has words of the report, and whether that is refused."""

    span: Span
    refused: bool


def overlaps(words: str, report: str, names: Collection[str] = (), address: str = "") -> list[Overlap]:
    """Where the words of a task have something of a report, in the order of the task. `names`: of the town; `address`:
    the report's own."""
    said, told, where = _Bare(wording_of(words)), _Bare(wording_of(f"{report}\n{address}")), wording_of(address)
    of_town = sorted(filter(None, map(_bare, names)), key=len, reverse=True)
    known = re.compile("|".join([*of_town, *_KNOWN]))
    found = [
        Overlap(said.written(run), telling >= QUOTED or run[1] - run[0] >= SENTENCE)
        for run in _shared(said.text, told.text)
        if (telling := _telling(said.text[slice(*run)], known)) >= MARKED
    ]
    quotes = {_bare(quote) for quote in _QUOTE.findall(report)}
    for quote in quotes:
        if len(quote) >= MARKED and _telling(quote, known):
            found += [Overlap(said.written(span), True) for span in _places(said.text, quote)]
    for part in re.split("|".join(of_town), _Bare(where).text) if of_town else [_Bare(where).text]:
        if _telling(part, known) >= MARKED:
            found += [Overlap(said.written(span), True) for span in _places(said.text, part)]
    houses = {what for what, _ in _houses(where)}
    found += [Overlap(said.wording.written(span), True) for what, span in _houses(said.wording) if what in houses]
    there = {what for what, _ in _facts(told.wording)}
    found += [Overlap(said.wording.written(span), True) for what, span in _facts(said.wording) if what in there]
    return sorted(found)


def refused_phrases(words: str, found: Sequence[Overlap]) -> list[str]:
    """The parts of a task that are not to stand in it, as they are written."""
    return list(dict.fromkeys(words[begin:end] for begin, end in merged([one.span for one in found if one.refused])))


def marked(words: str, found: Sequence[Overlap]) -> list[tuple[str, bool]]:
    """The task in parts, each with whether the report has it, too."""
    parts, at = list[tuple[str, bool]](), 0
    for begin, end in merged([one.span for one in found]):
        parts += [(words[at:begin], False), (words[begin:end], True)]
        at = end
    return [part for part in (*parts, (words[at:], False)) if part[0]]


def names_of_town(town: str) -> set[str]:
    """What everybody in a town calls things by: areas, departments, categories."""
    areas = {area.name for area in territory().areas.values() if area.code.startswith(town)}
    return areas | set(names_of_matters(town))


class _Bare:
    """A text's letters and figures alone, with the place of each in the text as written."""

    def __init__(self, wording: Wording) -> None:
        self.wording = wording
        self._at = [at for at, sign in enumerate(wording.text) if sign.isalnum()]
        self.text = "".join(wording.text[at] for at in self._at)

    def written(self, run: Span) -> Span:
        return self.wording.written((self._at[run[0]], self._at[run[1] - 1] + 1))


def _bare(text: str) -> str:
    return _Bare(wording_of(text)).text


_KNOWN = (*sorted(map(_bare, _PLAIN_WORDS.split()), key=len, reverse=True), OFFICES.pattern, _PLACE)


def _shared(said: str, told: str) -> Iterator[Span]:
    """The longest runs of two characters and more that both texts have, by their places in the first."""
    end = 0
    for begin in range(len(said)):
        reached, end = end, max(end, begin)
        while end < len(said) and said[begin : end + 1] in told:
            end += 1
        if end > reached and end - begin > 1:
            yield begin, end


def _telling(run: str, known: re.Pattern[str]) -> int:
    """How many characters of a run are no names and no plain words."""
    return len(run) - sum(found.end() - found.start() for found in known.finditer(run))


def _places(text: str, part: str) -> Iterator[Span]:
    at = text.find(part)
    while at >= 0:
        yield at, at + len(part)
        at = text.find(part, at + 1)


def _facts(wording: Wording) -> Iterator[tuple[tuple[object, ...], Span]]:
    """What only one report has, however it is written, each with its place."""
    for found in _DAY.finditer(wording.text):
        month, day = (_number(found[one] or found[other] or "") for one, other in (("m", "month"), ("d", "day")))
        if month and day and 1 <= month <= 12 and 1 <= day <= 31:
            yield ("day", month, day), found.span()
    for found in _TIME.finditer(wording.text):
        quarter = {"半": 30.0, "一刻": 15.0, "三刻": 45.0}
        hour, minute = _number(found["hour"]), quarter.get(found["minute"], _number(found["minute"]))
        if hour is not None and minute is not None and hour < 25 and minute < 60:
            yield ("time", hour % 12, minute), found.span()
    for found in _SUM.finditer(wording.text):
        number = _number(found["number"])
        if number is None or (found["year"] and 1900 <= number < 2100):
            continue  # a year alone is a period, which a task may need to name
        if found["money"] or number >= _LEAST_TELLING or len(re.sub(r"\D", "", found["number"])) >= 4:
            yield ("number", number), found.span()


def _houses(wording: Wording) -> Iterator[tuple[float | None, Span]]:
    """The numbers of houses, however they are written, each with its place."""
    return ((_number(found["house"]), found.span()) for found in _HOUSE.finditer(wording.text))


def _number(numeral: str) -> float | None:
    """What a numeral means, in figures or words: 3.2万, 三万二, 32,000; None for what is no number."""
    plain = numeral.replace(",", "")
    if not any(sign in _UNITS for sign in plain):
        figures = "".join(sign if sign == "." else str(_VALUE.get(sign, "")) for sign in plain)
        return float(figures) if re.fullmatch(r"\d+(?:\.\d+)?", figures) else None
    whole = section = 0.0
    pending, unit = "", 0
    for sign in plain:
        if sign not in _UNITS:
            pending += sign
            continue
        before, unit = _number(pending) if pending else None, _UNITS[sign]
        if pending and before is None:
            return None
        if unit >= 10_000:
            whole, section = (whole + section + (before or 0.0) or 1.0) * unit, 0.0
        else:
            section += (1.0 if before is None else before) * unit
        pending = ""
    if not pending:
        return whole + section
    last = _number(pending)
    if last is None:
        return None
    # 三万二 is 32,000; 三万零二 is 30,002.
    spoken = unit > 10 and len(pending) == 1 and pending not in "〇零"
    return whole + section + (last * unit / 10 if spoken else last)
