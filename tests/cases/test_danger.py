"""Danger to life is never missed in what somebody writes, however they write it, and ordinary matters stay ordinary."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.search.wording import wording_of
from backend.cases.suggestions.danger import danger_in, kinds

SAID = {
    "fire": (
        "3号楼着火了|楼下起火了快来人|厂房冒浓烟，看见火光|屋企着咗火|有人家失火|隔壁烧着了|仓库起大火|電動車自燃|"
        "著火了，快來|火灾！！！|没有着火，只是冒烟|充电棚的电动车烧起来了|山上有火苗，风很大|烧烤店火燭|"
        "there is a fire in building 3"
    ),
    "explosion": ("化工厂爆炸了|气罐炸了|we heard an explosion"),
    "gas": (
        "家里煤气泄漏|楼道闻到很浓的煤气味|天然气漏了|燃气管被挖断，漏气|有人煤气中毒|液化气罐漏气嘶嘶响|"
        "楼道一股煤氣味|冰厂氨气泄漏|gas leak in the kitchen"
    ),
    "drowning": (
        "有个小孩掉进鱼塘了|有人落水|老人跌落河涌|细路跌咗落涌|有人跳河|学生溺水，在水库|小朋友掉到井里了|"
        "有人被水冲走了|車翻落河|孩子遇溺|a boy fell into the pond"
    ),
    "collapse": (
        "房子塌了，有人压在下面|围墙倒塌压到人|冧楼啊|工地塌方有人被埋|脚手架垮了|有人困在电梯里|我被困在电梯|"
        "山体滑坡堵了路|桥塌了|路面突然塌陷，一辆车掉下去|the roof collapsed and people are trapped"
    ),
    "electric_shock": (
        "有人触电|电线掉在水里，路过被电到|高压线断了掉在地上|路灯杆漏电，狗被电死了|電箱爆炸冒火花|"
        "a live wire fell on the road"
    ),
    "medical": (
        "老人晕倒在路边|有人昏迷不醒|阿婆跌倒流好多血|学校集体食物中毒|没有呼吸了|心脏病发作|工人从脚手架上摔下来|"
        "被蛇咬了|河里有人喊救命|he is unconscious and not breathing"
    ),
    "violence": (
        "有人拿刀砍人|持刀伤人|两伙人打起来了|楼上家暴，女的在喊救命|小孩走失了|老人不见了|有人抢劫|佢揸住把刀"
    ),
    "suicide": (
        "有人要跳楼|有人在桥上想跳下去|我不想活了|她割腕了|有人喝农药|天台有人企图轻生|再不解决我就去跳楼|"
        "i want to kill myself"
    ),
    "traffic": ("发生车祸，有人受伤|小孩被车撞了|货车撞倒老人|摩托车翻车，人躺在路上"),
}
"""Our own words for each kind, in Mandarin, Cantonese, traditional characters and English."""

MORE = {
    "fire": "厨房油锅烧起来了|插座冒火，快来人|配电房里一股烧焦味，越来越浓|邻居家窗户冒火",
    "explosion": "烟花仓库爆了|工地挖出一枚炮弹|轰的一声，锅炉房没了|对面一声巨响，玻璃全碎|电瓶充着充着爆了",
    "gas": (
        "油罐车侧翻|硫酸洒了一地|挖机把燃气管挖破了|拉化学品的车翻在路边|冷库液氨罐漏了|气味刺鼻，几个人头晕想吐|"
        "一辆槽罐车翻咗，白色液体流到路面|加油站漏油"
    ),
    "drowning": (
        "井里有人|有人沉下去了|沙井里面有小孩在哭|河涌中间有人在挣扎|细路跌咗落粪坑|渔船翻了|小孩下水摸鱼没上来|"
        "有人陷在淤泥里|水库上漂着一个人|工人下到化粪池，上不来了|"
        "somebody fell down a manhole|井下作业的人没上来|水里有人喊救命"
    ),
    "collapse": (
        "墙快倒了|围墙歪得厉害，越来越斜|外墙瓷砖随时掉下来砸人|广告牌摇摇欲坠|大树眼看就要倒，底下有人|小孩反锁在车里|"
        "阿婆被关在屋里出不来|小朋友的头卡在栏杆里|工人的手卷进搅拌机|电梯突然急坠|塔吊快倒了|"
        "the wall is about to collapse|a baby is locked in a car|"
        "脚手架要倒|山上滚石砸到车|人被埋在土里|小孩卡在防盗网上|孩子爬到窗外|塘基崩塌|水浸上楼，人被困楼顶|"
        "桥要断了"
    ),
    "electric_shock": (
        "电线杆倒了，横在路上|高压线断落搭在铁皮屋顶上|摸到路灯杆发麻|有人被电得全身发黑|电线泡在水里，小孩在旁边玩|"
        "有个人挂在高压线上"
    ),
    "medical": (
        "老人跌倒不醒人事|阿伯瘫在楼梯口，怎么喊都没反应|我爸突然中风，嘴都歪了|有人满头是血坐在路边|工友头破血流|"
        "奶奶半边身子动不了|街坊胸口痛得直冒汗|小孩喝了洁厕液|一家人吃了野蘑菇|工人中暑倒在工地|孕妇快要生了，还没有车|"
        "小朋友被马蜂蜇了，喘不上气|割到大动脉|他吐了好多血|师傅从棚顶摔下来|外婆脑溢血|女子大量出血|孩子抽筋翻白眼|"
        "小孩被鱼刺卡住喉咙|独居老人几天没开门"
    ),
    "violence": (
        "两帮人拿钢管互殴|有人掏出匕首|他扬言要砍死全家|儿子昨晚出门至今没回家|老伴走丢了，有老年痴呆|"
        "女儿离家出走联系不上|她被锁在出租屋，不让走|楼梯口发现弃婴|有陌生男人尾随女学生|"
        "my son is missing since yesterday|有人往屋里泼汽油|有人打我|我老公打我，救命|楼下有人在打人|隔壁天天打孩子"
    ),
    "suicide": "有人爬到天台不肯下来|他说要一死了之|邻居吞了一瓶安眠药|阿妹想不开|有人准备卧轨|有人在楼顶要往下跳",
    "traffic": "泥头车侧翻压着人|校车翻下路基|面包车冲进店里|三轮车追尾货车，有人卡住|车底压着一个老人",
}
"""What was missed before, or could be: the body, what is about to fall, tank lorries, wells, wires, the locked in."""

ORDINARY = (
    "消防通道被杂物堵塞|请打我手机联系|请打我的电话|街上打人行道标线的车太吵|鱼塘边没有防溺水警示牌|落水管漏水到楼下|餐馆的烟囱天天冒烟|"
    "楼道堆满杂物，一旦发生火灾后果不堪设想|天然气什么时候接通|电梯坏了三天没人修|这是我的救命钱|"
    "困难家庭申请低保|附近房价大跳水|充电桩没电|看着火车开过去|孩子发烧到医院看病|打交道很难|火灾隐患排查|"
    "火车站广场垃圾多|孩子上学找不到学位|下水道堵了，里面有死老鼠|生意被困扰|长期被困境所逼|河里有人钓鱼|鱼塘里有人投药|水管爆裂，路面积水|"
    "店快要倒闭|楼上要倒水|路面沉下去一块|手续卡在村委|墙面开裂要求维修|声控灯没反应|喊了几次都没反应|铁门要生锈了|"
    "电线杆上贴小广告|工厂气味刺鼻|他们关着门不让进|车要翻新|流浪狗追人|他每天吃安眠药也睡不着|儿子还没落户|"
    "灭火器过期了|路面坑洼|漏电保护开关老是跳闸|落实河长制|垃圾没人清运|the fire hydrant is hidden behind bins"
)


def test_no_sentence_about_danger_is_missed_and_each_is_of_its_kind() -> None:
    missed = [
        (kind, said)
        for kind, sentences in (*SAID.items(), *MORE.items())
        for said in sentences.split("|")
        if (found := danger_in(wording_of(said))) is None or kind not in [one.code for one in found.kinds]
    ]
    assert missed == []
    assert set(SAID) == set(MORE) == {kind.code for kind in kinds()}


def test_ordinary_matters_are_no_danger() -> None:
    found = {said: danger_in(wording_of(said)) for said in ORDINARY.split("|")}
    assert {said: danger.spans for said, danger in found.items() if danger} == {}


@given(
    before=st.text("路灯村口在我家旁边的，。\n x1", max_size=30),
    after=st.text("请快处理谢谢！，\n y2", max_size=30),
    between=st.text(" \u3000\u200b\u00ad\t", max_size=3),
    danger=st.sampled_from(["着火了", "跌落河涌", "煤气泄漏", "触电", "有人跳楼", "倒塌"]),
)
def test_nothing_around_or_between_the_characters_silences_it(
    before: str, after: str, between: str, danger: str
) -> None:
    written = before + between.join(danger) + after
    wording = wording_of(written)
    found = danger_in(wording)
    assert found is not None
    told = ["".join(wording_of(written[slice(*wording.written(span))]).text) for span in found.spans]
    assert any(set(one) <= set(wording.text) and set(one) & set(danger) for one in told)


def test_the_likeliest_kind_leads_and_each_number_is_named_once() -> None:
    found = danger_in(wording_of("煤气泄漏，一直漏气，有煤气味，有人晕倒了"))
    assert found is not None
    assert [kind.code for kind in found.kinds] == ["gas", "medical"]
    assert found.call == ("119", "120")


@pytest.mark.parametrize("unit", ["人被", "电梯", "电线，", "煤气 ", "持刀", "a fire b "])
def test_the_longest_text_takes_no_longer_than_a_request_may(unit: str) -> None:
    written = (unit * 10_000)[:10_000]
    started = time.process_time()
    danger_in(wording_of(written))
    assert time.process_time() - started < 1.0
