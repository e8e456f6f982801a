"""Reports that accuse the village or its officers: the desk looks first, before anything else is done with them.

Such a report, even one by name, is set apart when it is filed: not accepted, touched by nothing that goes on by itself,
and the dispatcher may raise it to a protected one first. It is known by the reporter's tick, or by its words: somebody
who holds an office here, and near to it, in the same sentence, a deed that they would be called to account for.
"""

import re

from backend.cases.search.folding import NOTHING, plain

GRID_WORKER = "网格员"
_WHO = re.compile(
    f"{GRID_WORKER}|网格长|村干部|社区干部|镇干部|干部|村官|村委|居委|两委|社委|党委|村支书|支书|村书记|社区书记|书记|村主任|"
    "社区主任|居委主任|治保主任|妇[女联]主任|村长|小组长|村民组长|(?<!保安)(?<!分)(?<!大)队长|社长|会计(?!师)|出纳|"
    "村领导|村里领导|经联社|经济社|工作站|治保"
)
_DEED = re.compile(
    # takes
    "贪污|贪[了钱]|[受行索]贿|贿赂|回扣|好处费|保护费|红包|收[了取过受]?[^,，。]{0,4}(?:钱|礼|好处|烟|酒)|拿了?[^,，。]{0,4}(?:钱|好处)|"
    "要[烟酒钱]|[让要]我给|不给钱|[发送塞]钱|请客|口袋|腰包|[拿取]走|乱收费|索要|勒索|敲诈|吃拿卡要|吃喝|宴请|中饱私囊|据为己有|"
    # public money and goods
    "公款|公家的|公车(?!站|专)|挪用|侵[占吞]|私[分吞用]|截留|克扣|扣[下着]|压着不发|冒领|虚报|多报|套[取钱]|骗[取补]|吃空饷|亏空|"
    "占用[^,，。]{0,4}(?:公|集体)|[霸强]占|卖钱|卖[^,，。]{0,5}(?:集体|公|地|树|林|房|指标)|[贱偷倒]卖|低价[租包卖]|[用拿][^,，。]{0,5}款|"
    "假账|假票|账目[^,，。]{0,4}不[清公]|没有公开|去向不明|账本?[^,，。]{0,3}不[让给]看|不招标|私刻|"
    # partiality
    "[给租包分]给?[了他她]?(?:自己|自家|亲|熟人|关系户)|(?:亲[戚属弟]|[儿侄][子女]|小舅子|兄弟|老婆)[^,，。]{0,6}(?:占|抢|低保|工程|承包|名额)|"
    "优亲厚友|亲兄弟|是亲戚|违建没人|没人敢|[以利]用?[权职][务谋]|假公济私|徇私|包庇|袒护|偏袒|纵容|放任|勾结|串通|穿一条裤子|"
    "(?<!没)有关系|有一腿|内定|暗箱|利益输送|保护伞|黑恶|涉黑|村霸|"
    # conduct in office
    "违纪|违规[^停建搭养]|违法乱纪|腐败|一手遮天|滥用职权|[不乱]作为|渎职|失职|弄虚作假|造假|假造|虚假|伪造|编的|泄露|情妇|"
    "贿选|拉选?票|买票|刁难|公报私仇|打压|报复|威胁|恐吓|殴打|打[人伤骂了]|骂人|辱骂|动手|耍流氓|骚扰"
)
_AGAINST = re.compile("(?:举报|检举|控告|揭发|状告)[^,，。]{0,8}$")
_ASKED = re.compile("(?:请|望|求|尊敬的|找过?|感谢)[^,，。]{0,3}$")
"""Before an officer who is asked for help, not accused."""
_FAR = 20
"""Characters between an officer and the deed."""
_APART = re.compile(f"[ \\t\u3000\u00a0{NOTHING}]+")
"""Blanks, which mean nothing between Chinese characters."""
_SENTENCE = re.compile("[。！!？?；;\n]")


def accused(text: str) -> frozenset[str]:
    """The offices that a text accuses, in simplified characters; empty where it accuses nobody who holds one here."""
    found, text = set[str](), _APART.sub("", plain(text))
    for who in _WHO.finditer(text):
        before = _SENTENCE.split(text[max(0, who.start() - _FAR) : who.start()])[-1]
        after = _SENTENCE.split(text[who.end() : who.end() + _FAR])[0]
        if _AGAINST.search(before) or (_DEED.search(after) and not _ASKED.search(before)):
            found.add(who.group())
    return frozenset(found)


def accuses(text: str) -> bool:
    """Whether a text speaks of the village's officers and of what they would be called to account for."""
    return bool(accused(text))
