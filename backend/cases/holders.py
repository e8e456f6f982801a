"""Who can hold a case: a department of its town, or one of the town's villages."""

from typing import NamedTuple

from sqlalchemy import bindparam, select, union_all

from backend.http.problems import Problem
from backend.http.reading import Prepared
from backend.people.tables import Department
from backend.territory.tables import Area


class _Holder(NamedTuple):
    code: str


_holder = Prepared(
    union_all(
        select(Department.code).where(
            Department.code == bindparam("department"),
            Department.town_code == bindparam("town"),
            Department.closed_at.is_(None),
        ),
        select(Area.code).where(Area.code == bindparam("department"), Area.parent_code == bindparam("town")),
    ),
    _Holder,
)


class UnknownDepartment(Problem):
    """A department or village that cannot hold this case."""

    status, code = 422, "unknown_department"
    zh = "没有部门或村（社区）“{department}”，请从部门列表中选择。"
    en = "There is no department or village {department} in this town; choose a listed one."


def require_holder(town: str, department: str) -> None:
    """Refuse a code that is neither a department nor a village of the town. Raises UnknownDepartment."""
    if _holder.first(town=town, department=department) is None:
        raise UnknownDepartment(department=department)
