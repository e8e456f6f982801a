"""Danger to life is never missed in what somebody writes, however they write it, and ordinary matters stay ordinary."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.danger import danger_in, kinds
from backend.cases.wording import wording_of

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

ORDINARY = (
    "消防通道被杂物堵塞|鱼塘边没有防溺水警示牌|落水管漏水到楼下|餐馆的烟囱天天冒烟|"
    "楼道堆满杂物，一旦发生火灾后果不堪设想|天然气什么时候接通|电梯坏了三天没人修|这是我的救命钱|"
    "困难家庭申请低保|附近房价大跳水|充电桩没电|看着火车开过去|孩子发烧到医院看病|打交道很难|火灾隐患排查|"
    "灭火器过期了|路面坑洼|漏电保护开关老是跳闸|落实河长制|垃圾没人清运|the fire hydrant is hidden behind bins"
)


def test_no_sentence_about_danger_is_missed_and_each_is_of_its_kind() -> None:
    missed = [
        (kind, said)
        for kind, sentences in SAID.items()
        for said in sentences.split("|")
        if (found := danger_in(wording_of(said))) is None or kind not in [one.code for one in found.kinds]
    ]
    assert missed == []
    assert set(SAID) == {kind.code for kind in kinds()}


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
