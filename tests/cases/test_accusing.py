"""Reports that accuse the village's officers: known by their words, and never looked at by who is accused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.cases.protection.accusing import accused, accuses, accuses_person
from tests.evidence import photos
from tests.town import VILLAGE, People, carry

WORDINGS = Path(__file__).parent / "wordings"
"""What people write of officers. The table was widened by `accusing` and `harmless`; those that end in `unseen` were
written afterwards, and nothing was ever added to the table because of them."""


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("accusing", 0.94, 1.0), ("accusing_unseen", 0.75, 1.0), ("harmless", 0.0, 0.15), ("harmless_unseen", 0.0, 0.3)],
)
def test_so_many_wordings_are_set_apart(
    kind: str, least: float, most: float, record_property: Callable[[str, object], None]
) -> None:
    written = (WORDINGS / f"{kind}.txt").read_text(encoding="utf-8").split()
    told = [one for one in written if accuses(one)]
    record_property("accusing", f"{kind}: {len(told)} of {len(written)} set apart")
    assert least <= len(told) / len(written) <= most


def test_an_officer_alone_who_helps_or_is_asked_accuses_nobody() -> None:
    for said in ("请村委会给后山装个护栏", "网格员来看过了，井盖还没换", "村委会门口的灯坏了", "书记您好，路面裂了"):
        assert not accuses(said), said
    assert accused("网 格 員 收 紅 包") == accused("网·格·员收红包") == {"网格员"}


@pytest.mark.parametrize(
    "office",
    [
        "社区工作者",
        "民兵营长",
        "支委",
        "支部委员",
        "头头",
        "镇长",
        "副镇長",
        "派出所所长",
        "格长",
        "網格長",
        "社区协管员",
        "楼栋长",
        "报帐员",
        "理事长",
        "村干",
    ],
)
def test_whoever_holds_an_office_here_is_one(office: str) -> None:
    assert accused(f"{office}收了别人的红包") and accuses(f"这个{office}总让我们不放心")


def test_the_account_of_the_village_is_one_and_what_only_looks_like_an_office_is_not() -> None:
    assert accuses("村帐对不上") and accuses("村账对不上") and accused("干部管的帐目不清")
    for said in ("厕所长期没人打扫", "街长年积水", "河长满水草", "丢了一把手电筒", "电线杆严格长期倾斜"):
        assert not accuses(said), said


@pytest.mark.parametrize("written", ["陳志強", "陈 志 强", "陈·志-强", "陈\u3000志\u200b强", "志强"])
@pytest.mark.parametrize("name", ["陈志强", "陳志強", "督查员 陈志强", "陈 志 强"])
def test_a_name_is_found_however_it_is_written(written: str, name: str) -> None:
    assert accuses_person(f"督查書記{written}收紅包", name, grid_worker=False)
    assert not accuses_person(f"督查书记{written}收红包", "陈志国", grid_worker=False)


@pytest.mark.parametrize("said", ["网格员收了废品站的好处", "村委包庇，{name}动手打人"])
def test_who_is_accused_neither_checks_nor_finds_it_among_their_work(people: People, said: str) -> None:
    worker = people["grid_worker"]
    name = str(worker.get("/me").json["name"]).split()[-1]
    told, other = (
        str(people["resident"].file(description=text)["id"]) for text in (said.format(name=name), "垃圾没清")
    )
    for case in (told, other):
        carry(people, case, "hand_in", holder="sanitation")
    refused = worker.act(told, "pass_check")
    assert (refused.status_code, refused.json["code"]) == (403, "action_not_permitted")
    allowed = [worker.get(f"/cases/{case}").json["allowed_actions"] for case in (told, other)]
    assert not {"pass_check", "rework"} & set(allowed[0]) and {"pass_check", "rework"} <= set(allowed[1])
    waits = [one["case"]["id"] for one in worker.get("/cases/to-do").json["items"]]
    assert other in waits and (told in waits) is ("{name}" in said)  # by name is looked at one by one only
    assert people["inspector"].act(told, "pass_check").status_code == 200


def test_what_a_grid_worker_does_on_the_spot_names_officers_in_passing(people: People) -> None:
    worker = people["grid_worker"]

    def photo(seed: int) -> str:
        form = {"file": (io.BytesIO(photos.jpeg(photos.scene(seed, (64, 48)))), "a.jpg")}
        return str(people.client.post("/api/v1/evidence", data=form, headers=worker.headers).json["id"])

    body = {"category": "litter", "description": "村主任和书记到场，垃圾当场清了", "note": "已清"}
    body |= {"location": {"lon": 113.0055, "lat": 22.8667, "crs": "gcj02"}, "before": [photo(1)], "after": [photo(2)]}
    assert accuses(str(body["description"])) and not accused(str(body["description"]))
    assert worker.post("/cases/on-the-spot", body).status_code == 201


def test_what_its_reporter_says_later_of_an_officer_the_desk_reads_first(people: People) -> None:
    told = "书记收了开发商三万元红包"
    case = str(people["resident"].file(description="垃圾没清")["id"])
    carry(people, case, "start", holder=VILLAGE)
    assert people["village_officer"].act(case, "ask", note="在哪里？").status_code == 200
    for action in ("reply", "note"):
        assert people["resident"].act(case, action, note=f"{told}，{action}").status_code == 200
    assert people["resident"].act(case, "reply", note="在桥头").status_code == 200

    def read(who: str) -> str:
        return str(people[who].get(f"/cases/{case}/timeline").text)

    others = ("village_officer", "grid_worker", "inspector", "committee")
    assert all(told[:2] not in read(who) and "在桥头" in read(who) for who in others)
    marked = [event["apart"] for event in people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]]
    assert marked[-3:] == [True, True, False] and told in read("dispatcher") and told in read("resident")
    assert '"apart":true' not in read("village_officer")
    assert people["village_officer"].act(case, "let_through").status_code == 403
    assert people["dispatcher"].act(case, "let_through").status_code == 200
    assert all("收了开发商" in read(who) for who in others) and '"apart":true' not in read("dispatcher")
    again = people["dispatcher"].act(case, "let_through")
    assert (again.status_code, again.json["code"]) == (409, "nothing_apart")
    for action in ("hand_in", "pass_check", "close"):
        who = {"hand_in": "village_officer", "pass_check": "inspector", "close": "dispatcher"}[action]
        assert people[who].act(case, action, **({"note": "已清"} if action == "hand_in" else {})).status_code == 200
    assert people["resident"].act(case, "rate", score=1, note="村主任打人", solved=False).status_code == 200
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    assert "打人" not in read("village_officer") and "打人" in read("dispatcher")


def test_what_is_said_before_the_desk_accepts_is_looked_at_with_the_report(people: People) -> None:
    case = str(people["resident"].file(description="垃圾没清")["id"])
    assert people["resident"].act(case, "note", note="村主任打人").status_code == 200
    carry(people, case, "dispatch")
    assert "打人" in people["village_officer"].get(f"/cases/{case}/timeline").text
