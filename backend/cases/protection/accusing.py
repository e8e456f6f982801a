"""Reports that accuse the village or its officers: the desk looks first, before anything else is done with them.

Such a report, even one by name, is set apart when it is filed: not accepted, touched by nothing that goes on by itself,
and the dispatcher may raise it to a protected one first. It is known by the reporter's tick, or by its words: somebody
who holds an office here, and near to it, in the same sentence, a deed that they would be called to account for. Deeds
stand by their kinds in deeds.json. Some are told of nobody else (strong); others neighbours do as well (weak), so that
these must come soon after the office, of which nothing friendly is said. What goes to an officer's family is one, too.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from backend.cases.search.folding import NOTHING, compared, plain
from backend.people.names import known_by

GRID = "网格"
"""How the offices of the grid begin."""
OFFICES = re.compile(
    # What they begin with first: most texts have none of it.
    "(?=[网格村居两社党支书干镇乡街片楼巷河所包驻带主治妇组队会出记报文经工当管监理民联巡协专护头一领])(?:"
    f"{GRID}[员长]|村官|村干(?![净涸旱燥活])|[村居]民?委|两委|社委|支委|党委|党?支部|支书|书记|村书(?!面)|干部|"
    "(?:村里?|镇里?|包村|驻村|社区|带队)领导|"
    "(?<!班)(?<!车间)(?<!系)(?<!科)(?<!教导)(?<!教务)(?<!业委会)(?<!物业)(?<!医院)主任|治保|妇联|村长|"
    "(?<!班)(?<!施工)(?<!项目)(?<!课题)(?<!工作)组长|(?<!保安)(?<!分)(?<!大)(?<!施工)(?<!船)队长|社长|"
    "(?<![厕风规价资性严])[镇乡街片楼巷河所格]长(?![期年满时出了草久达约大])|楼栋长|理事长|"
    "监委会|监督委员|民兵[营连排]长|治安(?:队|员)|[联巡]防队|社区工作者|协管员|专干|护林员|领导班子|一把手(?!电)|"
    "(?<![砖石木丫码馒额水龙罐骨])头头(?!是道)|"
    "会计(?!师)|出纳|[记报]账员|村账|文书|"
    "经联社|经济社|工作站|(?:社区|居委会?|村委会?|村里)的?工作人员|当官的|管事的|带头人)"
)
_SAYING = re.compile("层层(?:扒皮|克扣|盘剥|截留)|雁过拔毛|吃拿卡要|优亲厚友|贪官|村霸|土皇帝")
"""What is said of officers only, so that they need no name."""
_VILLAGE = re.compile("(?=[村队组大镇社])(?:村[里上](?!领导|的?工作人员)|[队组]上|大队(?!部)|镇上|社区里)")
"""Who decides there without being named: said of deeds that are told of nobody else only."""
_PLACE = re.compile(
    "会?的?(?:门[口前外]|[旁侧]边?|对面|隔壁|附近|[楼屋]?[后前下上]面|[楼]下|院|仓库|厕所|广场|大门|"
    "办公[室楼]|会议室|卫生室|公[告示]栏|"
    "电[梯动]|停车|大院|水管|电线|群里|家(?:的?(?:门|旁|后|前|隔壁|附近|对面|房|水|电|狗|羊|牛|鸡|孩子)))"
)
"""Behind an office that tells where something is."""

_KIN = (
    "(?:家属|亲[戚属家友人]|熟人|朋友|关系户|小?舅子|小姨子|老[婆公]|媳妇|丈夫|爱人|儿子|女儿|女婿|儿媳|"
    "孙[子女]|侄[子女儿]|外甥|外孙|连襟|亲家|"
    "老丈人|岳[父母]|[堂表]?(?:兄弟|姐妹|哥哥?|弟弟?|姐姐?|妹妹?)|[他她]?[爹娘爸妈]|自[家己]|屋里)"
)
_FAMILY = re.compile(f"^(?:的|他|她|家|那个|们|老|本人|自己){{0,3}}{_KIN}")
_HARMED = re.compile("摔|病|走[失丢]|迷路|住院|受伤|去世|被[偷撞打咬骗]")
"""What befalls an officer's family, as anybody's."""
_HOUSE = re.compile("^[他她]?家")
_OTHERS = re.compile("我[们家]|别人|人家|其他人|老百姓|低保|天天|摆酒|名额|分了|补[贴助偿]")
"""Beside an officer's house those who have less, or what it has of them."""
_FOR_FAMILY = re.compile(f"[给批分包租让留安排][给了由]{{0,2}}[他她]?(?:的|家)?{_KIN}|[是给买][他她]{_KIN}")


def _deeds() -> Iterator[re.Pattern[str]]:
    """What officers would be called to account for (deeds.json), by kinds: of nobody else, and of others as well."""
    table = json.loads(Path(__file__).with_name("deeds.json").read_text(encoding="utf-8"))
    for kinds in (table["strong"], table["weak"]):
        yield re.compile("|".join(deed for kind in kinds.values() for deed in kind))


_strong, _weak = _deeds()
_AGAINST = re.compile("(?:举报|检举|控告|揭发|状告)[^,，。]{0,8}$")
_ASKED = re.compile(
    "(?:请|望|求|尊敬的|感谢|谢谢|表扬|建议)[^,，。]{0,3}$|(?:冒充|自称|假冒|骗子|想当|竞选)[^,，。]{0,5}$"
)
"""Before an officer who is asked for help, not accused."""
_TURNED_TO = re.compile("(?:找过?|问过?|告诉)[^,，。]{0,3}$")
_HELPS = (
    "调解|劝|帮|陪|[来去]看|[来看到]过|知道|通知|提醒|登记|拍[过了]?照|协助|巡[查逻河]|发现|宣传|转告|在场|"
    "催|带[我人头路]|代为|一起|报[的上给]|救|负责|认真|热心|耐心|辛苦|送[来饭药过]|组织|"
    "抓到|教|建议|拦|叫停|处理[过了]|灭了|清[了沟淤]|报警|入户|统计|[取采]了?[^,，。]{0,2}样|申请|联系|"
    "测[过量了]|检查|试过"
)
_FRIENDLY = re.compile(f"^[^,，。]{{0,6}}(?:{_HELPS})")
_HARMLESS = re.compile(
    f"^[们会里上]?[^,，。]{{0,5}}(?:{_HELPS}|来[了人]|装的|发的|家访)"
    "|^[^,，。]{0,4}(?:说|讲|让我|叫[我他])[^,，。]{0,8}(?:可以|找你|归|打|来|报|问|在|要[报停做]|系统|是|"
    "月底|今晚|他去|那个|水|电|雨|拆)"
    "|^[^,，。]{0,6}(?:电话|手机|号码|上班|几点|不在|请[^,，。]{0,2}假|休|调走|退休|病了|哪里|是谁|换|接替|"
    "生病|值班|开会|加了|今年|怎么|能不能|什么时候)"
    "|^[^,，。]{0,4}(?:摔|被[偷撞打咬骗砸狗]|受伤|追悼|的[狗羊牛])|^[您你,，]|^(?:好|同志|小|老)|"
    "^会?的?(?:喇叭|广播|声音|选举|招标|公告|通知|进出|鱼塘边)|^医师|^[^,，。]{0,4}的?(?:电脑|系统)"
)
"""Behind an officer of whom nothing bad is told."""
_TURNED_TO_OR_ELSEWHERE = re.compile(
    "(?:找|问|让|叫|由|向|给|跟|和|打给|联系|通过|认识|交给|咬了|砸了|偷了|骂|爱人是|前任|谁是|离|靠近|路过|"
    "挨着|扔在|倒在|停在)[^,，。]{0,5}$|已经[^,，。]{0,3}$"
)
_CLAUSE = re.compile("[,，]")
"""What ends a clause: an officer who comes last, behind the matter itself, is mostly the one who was told of it."""
_PUBLIC_GOODS = re.compile(
    "补[助贴偿]|奖补|津贴|救[灾济]|捐[来款的]|低保|五保|困难户|贫困户|名额|指标|评上|集体|公家|公章|合作社|"
    "扶贫|物资|慰问|帐篷|分红|租金|承包|公示|招聘|合同|[工账]钱|拨款|[贷罚]款|社保|医保|宅基地"
)
_QUESTION = re.compile(
    "请|[?？吗呢]|怎么|什么|哪[里天个儿]|几[号点天]|多少|能不能|可不可以|是不是|有没有|想[问了申]|希望|麻烦|谢"
)
"""What belongs to all, told of an officer by somebody who asks nothing."""
_GRIEVANCE = re.compile(
    "不[给肯准让算去批认]|没[给有批][^,，。]{0,2}(?:上报|说|一个|过我|户头)|没上报|没投|满了|要先|先打给|"
    "再说|从来|从不|一直没|根本|年年|多少年|自己|[他她]家|就不|真正|变成|转给|过给|卖给|"
    "罚款|名单上|一半|没说|列入|指标|给了别|少[一二两三几]?[百千万]|[还都]没[^,，。]{0,2}(?:同意|商量|答应)|"
    "没[^,，。]{0,2}(?:同意|商量|告诉我)|不[^,，。]{0,2}(?:贴|公布|告示)|后填|空着|说漏嘴|挨[批骂罚]|"
    "过节|(?:评上|录|选|定|安排|分到)的(?:都|全|是)|(?:都|全|就)是[^,，。]{0,3}干部|外面[才只]?卖|"
    "上面[发拨给]|到手|经手|交代的|说[得不]清|敲[^,，。]{0,6}门|直接[拉拿搬拖]|散了|只[在去][^,，。]{0,4}家|"
    "心寒|凭什么|"
    "为什么[不没]|怎么[会就]|管不[着了]|没人敢|不敢|反而|偏偏|却"
)
"""What people say who were wronged, in the same sentence."""
_BY_OFFICE = re.compile("[被让]$")
_AND_THEY = re.compile("[,，][^,，。]{0,2}[他她][^,，。]{0,8}(?:骂|推|打|吼|踢|拍桌|滚|不)")
"""Behind an officer whom somebody turned to."""
_BEHIND_IT = re.compile(
    "^[^,，。]{0,4}(?:在现场指|指挥|指使|授意|唆使|干的|批准?的|经手|经办|安排的|叫人|找人|点了?头|默认)"
)
_IS_WHO = re.compile("(?:经办|经手|带头|领头|为首|背后|指使|动手|干)[^,，。]{0,3}[是系][老前]?[村镇社区]{0,2}$")
"""Around an officer of whom the deed is told before."""
_FAR, _NEAR = 40, 24
"""Characters between an officer and a deed that is told of nobody else, and one that is."""
_MOST = 40
"""Officers of a text that are looked at."""
_APART = re.compile(f"[ \\t\u3000\u00a0{NOTHING}]+|(?<=[\u4e00-\u9fff])[-.·•・*_~|/\\\\^+=]+(?=[\u4e00-\u9fff])")
"""Blanks, and signs that end no sentence, which mean nothing between Chinese characters."""
_ACCOUNTS = re.compile("帐(?!篷)")
"""Another way to write what deeds and offices have as 账."""
_SENTENCE = re.compile("[。！!？?；;\n]")


def accused(text: str) -> frozenset[str]:
    """The offices that a text accuses, in simplified characters; empty where it accuses nobody who holds one here."""
    text = _folded(text)
    found = {who.group() for who in _each(OFFICES, text) if _is_accused(*_around(text, who))}
    found |= {who.group() for who in _each(_VILLAGE, text) if _strong.search(_around(text, who)[1][:_NEAR])}
    return frozenset(found | {said.group() for said in _SAYING.finditer(text)})


def accuses(text: str) -> bool:
    """Whether a text accuses the village's officers, or tells of them something that is not plainly harmless.

    Who accuses in a roundabout way names a deed that no table has. A look too many costs the desk little, and one too
    few may cost the reporter much: so an officer is enough who is neither a place nor asked, helps, informs or suffers.
    """
    if accused(text):
        return True
    text = _folded(text)
    return any(_is_told_of(*_around(text, who)) for who in _each(OFFICES, text))


def accuses_person(text: str, name: str, grid_worker: bool) -> bool:
    """Whether a text accuses somebody: by name, or as the worker of the grid of which it is told."""
    offices = accused(text)
    of_grid = grid_worker and any(office.startswith((GRID, "格长")) for office in offices)
    return of_grid or (bool(offices) and _names(text, name))


def _names(text: str, name: str) -> bool:
    """Whether a text has a name, both without blanks and signs, in simplified characters."""
    told, name = _bare(text), compared(name)
    words = map(_bare, (*known_by(name), *known_by(_bare(name))))
    return any(len(word) > 1 and word in told for word in words)


def _bare(text: str) -> str:
    return "".join(sign for sign in compared(text) if sign.isalnum())


def _folded(text: str) -> str:
    return _ACCOUNTS.sub("账", _APART.sub("", _APART.sub("", plain(text))))


def _each(offices: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    return islice(offices.finditer(text), _MOST)


def _is_told_of(before: str, after: str) -> bool:
    """Whether something is told of an officer that is not plainly harmless."""
    if _ASKED.search(before) or _PLACE.match(after):
        return False
    if _PUBLIC_GOODS.search(before + after) and not _QUESTION.search(before + after):
        return True
    named_last = _CLAUSE.search(before) and not _CLAUSE.search(after) and len(after) < 10
    if named_last or _TURNED_TO_OR_ELSEWHERE.search(before) or _HARMLESS.match(after):
        return bool(_GRIEVANCE.search(after) or _GRIEVANCE.search(before)) and not _FRIENDLY.match(after)
    return True


def _around(text: str, who: re.Match[str]) -> tuple[str, str]:
    """What is said before an office and after it, in the same sentence."""
    before = _SENTENCE.split(text[max(0, who.start() - _FAR) : who.start()])[-1]
    return before, _SENTENCE.split(text[who.end() : who.end() + _FAR])[0]


def _is_accused(before: str, after: str) -> bool:
    if _AGAINST.search(before):
        return True
    if _ASKED.search(before) or _PLACE.match(after):
        return False
    if _strong.search(after) or _FOR_FAMILY.search(after):
        return True
    if _FAMILY.match(after) and not _HARMED.search(after):
        return True
    if _HOUSE.match(after) and _OTHERS.search(after):
        return True
    if (_BEHIND_IT.match(after) or _IS_WHO.search(before)) and (_strong.search(before) or _weak.search(before)):
        return True
    friendly = _FRIENDLY.match(after) or (_TURNED_TO.search(before) and not _AND_THEY.search(after))
    return bool(_weak.search(after if _AND_THEY.search(after) else after[:_NEAR])) and (
        not friendly or bool(_BY_OFFICE.search(before))
    )
