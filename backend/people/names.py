"""Names of people: the usual Chinese surnames, and what a person is known by in a text."""

import re

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜"
    "崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛段郝顾龚邵覃武钱戴严莫孔向常汤康易乔赖文庞樊万"
    "兰殷施洪翟安颜倪牛温芦季俞章鲁葛伍傅申尤毕聂柴焦柳邢岳齐梅庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄"
    "项曲成游阳裴席卫查屈鲍位霍翁隋植甘景薄单包司柏宁柯阮桂闵解强丛华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来"
    "苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩稽井练仲乐虞卞封竺冼原"
    "官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙伏岑习胥保和蔺尚储粟慕祖楼满闻厉权凤伊容亢阎仝邝危麦招区禤劳湛阚农麻"
    "敬羊母乌裘亓赫况那宿鲜印逯茹诺战玉由索宣初门云芮普阙浦戈鹿雍阿萧幸奉衡富尧闭利呼居檀信阴昝智斯元束尉冶巴卿狄昌"
)
"""The usual ones of a single character, the most frequent first, with those of the Pearl River."""
_DOUBLE = "欧阳 司徒 上官 司马 诸葛 夏侯 皇甫 尉迟 公孙 慕容 长孙 宇文 令狐 端木 独孤 南宫 东方 西门 呼延 闻人 钟离"
DOUBLE_SURNAMES = tuple(_DOUBLE.split())
_NO_NAME = re.compile(
    "(?:居民|村民|党员|(?:网格|委|管理|审计|督查|调度)员|干部|干事|坐席|主任|书记|[队科局所]长|经理|老师|医生|先生|女士|小姐|师傅|阿姨|匿名|用户|"
    "(?<=...)(?:中心|[员所办委局站]))$"
)
"""How what stands beside a name in an account ends, a title or an office: it is said of many."""


def known_by(name: str | None, phone: str | None = None) -> list[str]:
    """A name, those of its parts that have two characters or more, what follows the surname in one of three
    characters, and a number with and without the country's."""
    parts = [" ".join((name or "").split()), *(name or "").split()]
    given = [part[1:] for part in parts if len(part) == 3 and part[0] in SURNAMES]
    numbers = [phone, phone[-11:]] if phone else []
    return [word for word in dict.fromkeys([*parts, *given, *numbers]) if len(word) > 1 and not _NO_NAME.search(word)]
