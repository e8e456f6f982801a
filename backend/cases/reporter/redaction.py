"""Taking what points at a person out of a text, for readers who may not see it: the one place that knows how.

A first look by machine: numbers by which people are known or reached, also with their digits apart or in words, number
plates, addresses of mail and chat, and what is a name by the words around it. A name that stands alone cannot be told
from other words by a pattern, but the reporter's own is known; a second look by a person comes before anything is
published.
"""

import re
from collections.abc import Iterator, Sequence

from backend.cases.search import folding
from backend.people.names import DOUBLE_SURNAMES, SURNAMES

MARK = "〔略〕"
# Traditional characters stand for simplified ones, and full-width letters, digits and signs for the plain ones, one for
# one, so that places in the text stay the same.
# Most texts have no other than stops and brackets, which the patterns know both ways: these need no folding.
_FOLD: dict[int, int | str] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x00A0: " "}
_FOLD |= dict.fromkeys(map(ord, "‐‑–—−"), "-")
for _one in "①⑴⒈❶":
    _FOLD |= {ord(_one) + number: str(number + 1) for number in range(9)}
_FOLD |= dict.fromkeys(map(ord, "⓪⓿"), "0")
_TO_FOLD = re.compile("[０-９Ａ-Ｚａ-ｚ＠．－＋＿\u3000\u00a0‐‑–—−①-⑨⑴-⑼⒈-⒐❶-❾⓪⓿]")
_WORDS = "〇零一幺二三四五六七八九壹贰叁肆伍陆柒捌玖"
_DIGITS = str.maketrans(_WORDS, "001123456789123456789")
_IN_WORDS = re.compile(rf"[{_WORDS}](?:[\s,，、.·-]{{0,2}}[{_WORDS}\d]){{6}}")

_S = r"[-\s.·_/]{0,2}"
_DIGIT = re.compile(r"\d+")
_RUN = re.compile(r"\d(?:[\s,，、.·:：/_+()（）-]{0,3}\d){6}")
_NUMBER = re.compile(
    rf"(?<!\d)\d{{6}}{_S}\d{{4}}{_S}\d{{4}}{_S}\d{{3}}[\dXx](?!\d)"  # identity card
    rf"|(?<!\d)62\d\d(?:{_S}\d{{4}}){{3}}(?:{_S}\d{{1,3}})?(?!\d)"  # bank card
    rf"|(?<!\d)(?<!\d[.])(?:(?:\+|00)?86{_S})?1{_S}[3-9](?:{_S}\d){{9}}(?!\d)"  # mobile phone
    r"|(?<!\d)1(?P<sign>\s?[,，、]\s?)[3-9](?:(?P=sign)\d){9}(?!\d)"  # one with a sign after each digit
    r"|(?<!\d)[(（]?0\d{2,3}[-. )）]{1,2}\d{3,4}[-. ]?\d{4}(?![\dA-Z号元])"  # fixed line
    r"|(?:(?<=电话)|(?<=话号码)|(?<=致电)|(?<=拨打)|(?<=座机)|(?<=打给)|(?<=手机))[是为:： ]{0,2}"
    r"\d(?:[- ]?\d){6,7}(?!-?\d|[.年月元万])"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·. ]?"
    r"(?=[A-Za-z]{0,3}\d[A-Za-z]{0,3}\d)[A-Za-z\d]{5,6}(?![A-Za-z\d])"
)
_CHAT = re.compile(
    r"(?:微信|薇信|威信|徽信|V信|v信|vx|VX|wx|WX|wechat|WeChat|QQ|qq|扣扣|企鹅|抖音|快手|小红书|微博|钉钉|加我|加V|加v|V:|v:|V：|v：)[Vv]?(?:号码|号|群)?[是为:：,，\s]{0,3}"
    r"(?P<it>[A-Za-z][A-Za-z\d_-]{4,19}|\d(?:[ -]?\d){4,10})(?![A-Za-z\d_])"
)
_PLAIN = re.compile(r"[A-Za-z\d]")
"""What plates and addresses have, and most texts have not."""
_AT = re.compile(r"@|艾特| at | AT |\(at\)|\[at\]")
_MAIL = re.compile(
    r"(?<![A-Za-z\d_.+-])[A-Za-z\d_.+-]{1,64}(?:\s?(?:@|艾特|[(\[]at[)\]])\s?[A-Za-z\d-]{1,64}"
    r"(?:\s?(?:\.|点|dot)\s?[A-Za-z\d-]{1,24}){1,4}|\s(?:at|AT)\s[A-Za-z\d-]{1,64}\.(?:com|cn|net|org)(?:\.cn)?)"
)

_HAN = "[㐀-鿿\U00020000-\U0003ffff]"
_DOUBLE = "|".join(DOUBLE_SURNAMES)
_SURNAMES = folding.plain(SURNAMES)  # as texts are looked through, in which 沈 is 沉
_ANY = f"(?:{_DOUBLE}|[{_SURNAMES}])"
# Where the words around tell less, not those that are mostly another word.
_MOSTLY_WORDS = (
    "于任向常时成应解和位来都全保台边车单连原但由利那党信满强权计花包卫门房敬初习查居谈游管费玉索衣闻印区"
    "楼施招储经司商申麻智能同"
)
_SURE = f"(?:{_DOUBLE}|[{''.join(name for name in _SURNAMES if name not in _MOSTLY_WORDS)}])"
_NOT_GIVEN = "[的了给与及和分两发报在是个名等都也还不有向把被让跟对副大总请问找说镇村县市区街部]"
_GIVEN = f"(?!{_NOT_GIVEN}){_HAN}"
_TITLES = (
    "先生|女士|小姐|师傅|阿姨|大叔|叔叔|大爷|大妈|大姐|大哥|主任|书记|队长|科长|局长|所长|经理|老师|医生"
    "|律师(?!函)|警官"
)
_END = r"(?=[\s,，。.、;；!！?？:：(（]|$)"
_SAYS_WHO = re.compile("我叫|我系|人叫|名叫|姓名|我是|本人|人[是为:： ]|户主|我姓|人姓|免贵")
_SAYS_NAME = (
    re.compile(
        r"(?:我叫|本人叫|名叫|姓名(?=[是为:：,， ])|户主(?=[:： ])|(?:举报|投诉|反映|申请|联系|上报)人(?=[是为:： ]))"
        rf"[是为:：,， “\"]{{0,3}}(?P<it>{_ANY}{_HAN}{{1,2}})"
    ),
    re.compile(rf"(?:我|人|免贵)姓(?P<it>{_ANY})"),
    re.compile(rf"(?:我是|我系|本人|姓名)(?P<it>{_SURE}{_HAN}{{1,2}})(?<![镇村县市区街人的])(?:{_END}|(?=[男女\d]))"),
)
_SAYS_TITLE = re.compile(f"{_TITLES}|您好|你好")
_WITH_TITLE = (
    re.compile(rf"(?P<it>{_SURE}(?:{_GIVEN}){{0,2}})(?=[副大总]?(?:{_TITLES}))"),
    re.compile(rf"(?<!{_HAN})(?P<it>{_SURE}{_HAN}{{1,2}})(?=[您你]好)"),
)
_LIKE_NAMES = (
    "任何 如何 相关 有关 无关 机关 海关 公关 关于 关注 关心 关门 关系 关键 高中 高三 高考 高校 高级 高层 高度 "
    "高新 提高 最高 较高 白天 白班 方面 方便 方式 方案 对方 双方 校方 园方 警方 院方 甲方 乙方 厂方 官方 地方 "
    "多方 各方 我方 你方 他方 资方 店方 本方 工程 课程 流程 过程 许多 不许 允许 也许 谢谢 感谢 多谢 致谢 周边 "
    "周围 周末 上周 本周 每周 下周 马上 马路 林业 园林 石油 给钱 交钱 带钱 花钱 有钱 其余 业余 标段 路段 阶段 "
    "地段 历史 不顾 照顾 纪委 顾客 夏天 现金 资金 金融 语文 中文 文明 文化 文员 项目 事项 农村 农民 农业 平安 治安 "
    "保安 公安 安全 安排 证明 说明 明确 法官 警官 教官 宿管 付费 应付 交付 支付 容易 交易 贸易 张贴 健康 武装 "
    "母亲 江边 下沉"
)
_NO_NAMES = frozenset(_LIKE_NAMES.split())
"""Words that one of the surnames begins or ends."""
_LIVES = re.compile("我们?[家住]|住[在址]|家[住在]")
_DOOR = re.compile(
    r"(?:我家|我们家|我住|我们住|住在|家住|家在|住址)[^,，。;；!！?？\n]{0,16}?(?<![月\d])"
    r"(?P<it>(?:[A-Za-z]?[\d一二三四五六七八九十百零-]{1,6}(?:号|栋|幢|座|巷|单元|楼|层)){0,4}"
    r"[A-Za-z]?[\d一二三四五六七八九十百零-]{1,6}(?:号(?!线)[栋楼院]?|栋|幢|座|房|室)\d{0,5})"
)


def redact(text: str, known: Sequence[str] = ()) -> str:
    """The text with what points at a person replaced by a mark, and with it what they are known by.

    `known`: names and numbers as `known_by` tells them, found however they are cased or spaced.
    """
    plain, digits = _folded(text)
    return _without(text, [*_reached_by(plain, digits), *_called(plain), *_known(plain, digits, known)])


def redacted(text: str, known: Sequence[str] = ()) -> str | None:
    """The same, or None where nothing is to be taken out."""
    worded = redact(text, known)
    return None if worded == text else worded


def without(text: str, known: Sequence[str]) -> str:
    """The text without what somebody is known by; all else stays."""
    plain, digits = _folded(text)
    return _without(text, list(_known(plain, digits, known)))


_Span = tuple[int, int]


def _folded(text: str) -> tuple[str, str]:
    """A text in simplified characters with plain letters and digits; and with digits for numbers in words, or nothing
    where none is as long as a person's."""
    plain = folding.plain(text)
    plain = plain.translate(_FOLD) if _TO_FOLD.search(plain) else plain
    digits = plain.translate(_DIGITS) if _IN_WORDS.search(plain) else plain
    return plain, digits if _RUN.search(digits) else ""


def _without(text: str, found: list[_Span]) -> str:
    """The text with a mark for each of the places, and one for those that touch."""
    kept, end = list[str](), 0
    for start, stop in sorted(found):
        if start > end or not kept:
            kept.append(text[end:start])
        end = max(end, stop)
    return MARK.join([*kept, text[end:]])


def _reached_by(plain: str, digits: str) -> Iterator[_Span]:
    """Numbers and addresses."""
    yield from (found.span() for found in _NUMBER.finditer(digits))
    if _PLAIN.search(digits or plain):
        yield from (found.span() for found in _PLATE.finditer(digits or plain))
        yield from (found.span("it") for found in _CHAT.finditer(digits or plain))
        if _AT.search(plain):
            yield from (found.span() for found in _MAIL.finditer(plain))


def _called(plain: str) -> Iterator[_Span]:
    """Names by the words around them, and the door where somebody says that they live."""
    if _LIVES.search(plain):
        yield from (found.span("it") for found in _DOOR.finditer(plain))
    for says, patterns in ((_SAYS_WHO, _SAYS_NAME), (_SAYS_TITLE, _WITH_TITLE)):
        if says.search(plain):  # most texts say neither
            for pattern in patterns:
                yield from _names(pattern, plain)


def _names(pattern: re.Pattern[str], plain: str) -> Iterator[_Span]:
    at = 0
    while found := pattern.search(plain, at):
        start, at = found.span("it")
        if plain[start : start + 2] in _NO_NAMES or plain[max(start - 1, 0) : start + 1] in _NO_NAMES:
            at = start + 1
        else:
            yield start, at


def _known(plain: str, digits: str, known: Sequence[str]) -> Iterator[_Span]:
    """What somebody is known by: names, and numbers within what is written of digits."""
    lower, only = plain.lower(), "".join(_DIGIT.findall(digits))
    for word in known:
        bare = "".join(folding.plain(word).translate(_FOLD).lower().split()).lstrip("+")
        number = bare.isdecimal()
        if bare in only if number else all(letter in lower for letter in bare):  # most texts need no pattern
            spaced = r"[\s,、.·:/_+()-]{0,3}".join(map(re.escape, bare))
            whole = rf"(?<![a-z]){spaced}(?![a-z])" if bare.isalpha() and bare.isascii() else spaced
            yield from (found.span() for found in re.finditer(whole, digits if number else plain, re.IGNORECASE))
