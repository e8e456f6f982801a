"""What a task may have of its report's words, and what not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.protection.quoting import QUOTED, marked, overlaps, refused_phrases

NAMES = ("敦根社区", "九江镇", "垃圾乱堆", "镇综治办")
REPORT = (
    "敦根社区村主任去年5月3日把征地补偿款三万二千元打进他小舅子的卡里，2023年低保名单上有他丈母娘，"
    "开会时他说“谁敢告就断谁的水”，晚上8点半在幸福路12号祠堂分的钱，凭证号20230517，我家八棵荔枝树被他叫人砍了"
)


@pytest.mark.parametrize(
    "task",
    [
        "请敦根社区说明2023年征地补偿款发放情况，提交原始凭证",
        "请敦根社區說明徵地補償款發放情況",
        "请核查2023年低保名单，并说明评议经过",
        "请村民委员会主任、村党支部书记和网格员说明集体资金收支情况",
        "请到幸福路12号祠堂看垃圾乱堆是否清运",
        "请说明近三年来树木砍伐与补偿",
        "请核查去年上半年的会议记录和 500 元以上支出",
    ],
)
def test_places_offices_programmes_and_words_of_one_s_own_are_allowed(task: str) -> None:
    assert refused_phrases(task, overlaps(task, REPORT, NAMES)) == []


@pytest.mark.parametrize(
    ("task", "phrase"),
    [
        ("请核查款项打进他小舅子的卡里一事", "打进他小舅子的卡里"),
        ("请核查是否打 进 他，小舅子 的卡裡", "打 进 他，小舅子 的卡裡"),
        ("请说明砍伐我家八棵荔枝树的经过", "我家八棵荔枝树"),
        ("请说明5月3号的会议", "5月3号"),
        ("请说明五月三日的支出", "五月三日"),
        ("请说明 3.2万元 的去向", "3.2万元"),
        ("请说明32,000的去向", "32,000"),
        ("请说明三万二的去向", "三万二"),
        ("请说明20:30的活动", "20:30"),
        ("请说明凭证２０２３０５１７", "２０２３０５１７"),
        ("请说明会上“谁敢告就断谁的水”的说法", "谁敢告就断谁的水"),
    ],
)
def test_a_telling_phrase_is_refused_however_it_is_written(task: str, phrase: str) -> None:
    assert refused_phrases(task, overlaps(task, REPORT, NAMES)) == [phrase]


def test_a_short_thing_said_is_refused_and_a_plain_word_in_quotation_marks_is_not() -> None:
    report = "书记讲“看着办”，又说是“集体资金”"
    assert refused_phrases("不要看着办", overlaps("不要看着办", report)) == ["看着办"]
    assert overlaps("集体资金", report) == []


ADDRESS = "九江镇敦根社区桥头大榕树下之二铁皮屋77-2号"


@pytest.mark.parametrize(
    ("task", "phrase"),
    [
        ("请到敦根社区桥头大榕树下之二铁皮屋看看", "敦根社区桥头大榕树下之二铁皮屋"),
        ("请看七十七号的水管", "七十七号"),
        ("请到77－2号", "77－2号"),
    ],
)
def test_the_report_s_own_address_is_refused(task: str, phrase: str) -> None:
    assert refused_phrases(task, overlaps(task, "", NAMES, ADDRESS)) == [phrase]


def test_a_short_address_is_refused_in_whole_and_one_of_names_alone_is_not() -> None:
    assert refused_phrases("请看大榕树的垃圾", overlaps("请看大榕树的垃圾", "", NAMES, "敦根社区大榕树")) == ["大榕树"]
    for plain in ("敦根社区", "敦根社区居委会", "敦根社区幸福路"):
        assert refused_phrases(f"请到{plain}", overlaps(f"请到{plain}", "", NAMES, plain)) == [], plain
    assert refused_phrases("7月12号和第112号", overlaps("7月12号和第112号", "", NAMES, "幸福路12号")) == []


@given(st.text("甲乙丙丁 ，", max_size=40), st.text("甲乙丙丁 ，", max_size=40))
def test_so_many_signs_in_a_row_are_refused_and_the_parts_make_the_task(task: str, report: str) -> None:
    bare, told = (text.replace(" ", "").replace("，", "") for text in (task, report))
    repeats = any(bare[at : at + QUOTED] in told for at in range(len(bare) - QUOTED + 1))
    found = overlaps(task, report)
    assert any(one.refused for one in found) == repeats
    assert "".join(part for part, _ in marked(task, found)) == task
