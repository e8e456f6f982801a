"""The demo town's cases: a season of reports, filed and carried through the loop by the product's own rules.

Seeded: the same day gives the same cases. The texts are made up.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from backend.cases.acting import act
from backend.cases.filing import Report, file_case
from backend.cases.rules.categories import Category, shipped
from backend.cases.viewing import read_case
from backend.http.work import unit_of_work
from backend.people.access import Caller
from backend.territory.calendar import WorkCalendar
from backend.territory.governance_model import shipped as shipped_model

_TEXTS = {
    "litter": (
        "村口垃圾堆放多日，气味很大，请处理。",
        "榕树头旁边有人倒建筑垃圾，占了半条路。",
        "市场后巷垃圾桶满了没人清。",
    ),
    "sewage": ("屋后排水沟堵塞，污水流到路面。", "下雨后化粪池污水倒灌到巷口。"),
    "toilet": ("公厕没有水冲，地面很脏。", "篮球场旁公厕的灯坏了，门也关不上。"),
    "river": ("河涌水发黑发臭，有死鱼漂着。", "鱼塘尾水直接排进河涌，水面有泡沫。"),
    "clutter": ("巷道里堆了很多旧木板，电动车过不去。", "祠堂门口停满废旧三轮车。"),
    "clearing": ("宅基地边杂草比人高，蚊虫多。", "排水渠淤泥很久没清。"),
    "tidying": ("村道两边的水沟需要整治。",),
    "street_light": ("幸福路12号门口路灯不亮，晚上很黑。", "村道转弯处两盏路灯一闪一闪。"),
    "manhole": ("路中间井盖松动，车压过去响。", "雨水井盖不见了，很危险。"),
    "road": ("村道有个大坑，下雨积水看不见。", "水泥路面断裂，老人容易绊倒。"),
    "waterworks": ("排灌站水闸生锈打不开。",),
    "fire": ("出租屋楼梯间停满充电的电动车。", "消防通道被货物堵住。"),
    "electricity": ("电线垂得很低，碰到树枝。",),
    "water_safety": ("鱼塘边没有护栏，孩子放学经过。",),
    "neighbours": ("邻居空调水滴到我家阳台，多次沟通无效。",),
    "livelihood_service": ("长者饭堂的送餐时间能不能早一点。",),
    "other_matter": ("建议在文化广场加几张石凳。",),
}
_ELEMENTS = {branch: one.code for one in shipped_model().elements.values() for branch in one.branches}
"""The element of the governance model that suggests itself, by branch."""
_PUBLIC_TEXTS = (
    "已安排人员处理，感谢反映。",
    "已转有关村（社区）现场核实并整改。",
    "已列入本周工作，完成后将再次核查。",
)
_NOTES = ("已清理并消杀。", "已派人修复。", "已联系责任人整改完毕。", "已现场处理，恢复正常。")


@dataclass
class Cast:
    """Who acts in the demo: the reporter, the desk, the inspector, and for each village its officer."""

    reporter: Caller
    dispatcher: Caller
    inspector: Caller
    officers: dict[str, Caller]
    spots: dict[str, list[tuple[float, float]]]
    diligence: dict[str, float] = field(default_factory=dict)


def load_cases(
    cast: Cast, calendar: WorkCalendar, first: datetime, now: datetime, count: int, seed: int = 1258
) -> None:
    """File `count` cases from `first` to `now` over the cast's villages, and carry each as far as time allows."""
    random = Random(f"{seed} cases")
    cast.diligence = {village: random.uniform(0.35, 0.98) for village in sorted(cast.spots)}
    seconds = int((now - first).total_seconds())
    for at in sorted(first + timedelta(seconds=random.randrange(seconds)) for _ in range(count)):
        _one(cast, calendar, at, now, random)


def _photographed(kind: Category) -> bool:
    # The demo has no photos.
    return kind.needs_photo or bool(kind.hand_in_photos)


def _one(cast: Cast, calendar: WorkCalendar, at: datetime, now: datetime, random: Random) -> None:
    village = random.choice(sorted(cast.spots))
    code = random.choice([code for code in _TEXTS if not _photographed(shipped()[code])])
    lon, lat = random.choice(cast.spots[village])
    place = {"lon": round(lon, 6), "lat": round(lat, 6), "crs": "wgs84"}
    report = Report(
        category=code,
        description=random.choice(_TEXTS[code]),
        id=uuid.UUID(int=random.getrandbits(128), version=4),
        location=place,
        reporting=random.choice(("named", "named", "anonymous")),
    )
    with unit_of_work() as session:
        case = file_case(session, cast.reporter, report, calendar, at)
    for caller, action, moment in _course(cast, village, code, calendar, at, random):
        if moment >= now:
            return
        with unit_of_work() as session:
            _do(session, caller, case.id, action, calendar, moment)


def _do(
    session: Session,
    caller: Caller,
    case_id: uuid.UUID,
    action: dict[str, object],
    calendar: WorkCalendar,
    at: datetime,
) -> None:
    row, _ = read_case(caller, case_id)
    act(session, caller, row, action, calendar, at)


def _course(
    cast: Cast, village: str, code: str, calendar: WorkCalendar, at: datetime, random: Random
) -> Iterator[tuple[Caller, dict[str, object], datetime]]:
    officer = cast.officers[village]
    moment = calendar.add_work_minutes(at, random.randint(10, 200))
    if random.random() < 0.04:
        yield cast.dispatcher, {"action": "decline", "reason": "不属于本镇受理范围，已告知反映渠道。"}, moment
        return
    yield cast.dispatcher, {"action": "accept"}, moment
    if shipped()[code].public and int(at.timestamp()) % 3 == 0:
        words = _PUBLIC_TEXTS[int(at.timestamp()) // 3 % len(_PUBLIC_TEXTS)]
        drafted: dict[str, object] = {"action": "draft_public_text", "public_text": words}
        yield cast.dispatcher, drafted, moment + timedelta(minutes=1)
        yield cast.inspector, {"action": "release_public_text"}, moment + timedelta(minutes=3)
    element = _ELEMENTS.get(shipped()[code].parent)
    if element and int(at.timestamp()) % 2 == 0:
        yield cast.dispatcher, {"action": "tag", "tags": [element]}, moment + timedelta(minutes=4)
    moment = calendar.add_work_minutes(moment, random.randint(5, 120))
    yield cast.dispatcher, {"action": "dispatch", "department": village}, moment
    moment = calendar.add_work_minutes(moment, random.randint(10, 240))
    yield officer, {"action": "start"}, moment
    limit = {"urgent_hours": 160, "work_hours": 420, "workdays": 420}[shipped()[code].limits["handle"].unit]
    limit *= shipped()[code].limits["handle"].amount if limit == 420 else 1
    late = random.random() > cast.diligence[village]
    moment = calendar.add_work_minutes(
        moment, int(limit * (random.uniform(1.1, 1.8) if late else random.uniform(0.1, 0.7)))
    )
    yield officer, {"action": "hand_in", "note": random.choice(_NOTES)}, moment
    if random.random() < 0.25 * (1.1 - cast.diligence[village]):
        moment = calendar.add_work_minutes(moment, random.randint(60, 400))
        yield cast.inspector, {"action": "rework", "reason": "现场仍未处理干净。"}, moment
        moment = calendar.add_work_minutes(moment, random.randint(60, 600))
        yield officer, {"action": "hand_in", "note": "已按要求返工。"}, moment
    moment = calendar.add_work_minutes(moment, random.randint(60, 500))
    yield cast.inspector, {"action": "pass_check"}, moment
    moment = calendar.add_work_minutes(moment, random.randint(30, 300))
    yield cast.dispatcher, {"action": "close"}, moment
    if random.random() < 0.5:
        moment = moment + timedelta(hours=random.uniform(1, 40))
        yield cast.reporter, {"action": "rate", "score": random.choice((3, 4, 4, 5, 5, 5))}, moment
