"""Words that tell what a case is about or how it stands: no lock screen shows one of them."""

from sqlalchemy import bindparam, select

from backend.cases.rules.categories import catalogue
from backend.cases.workflow import STATUSES
from backend.http.reading import rows
from backend.people.tables import Department

_departments = select(Department.name).where(Department.town_code == bindparam("town"))
_CATCH_ALL = "other"


def names_of_matters(town: str) -> list[str]:
    """The names of a town's categories, of the statuses a case can have, and of the departments."""
    kinds = catalogue(town).present.values()
    named = [name for kind in kinds for name in (kind.zh, kind.en)]
    branches = [kind.parent_zh for kind in kinds if kind.parent != _CATCH_ALL]
    statuses = [name for status in STATUSES.items() for name in (status[0], status[1][0])]
    return [*dict.fromkeys((*named, *branches, *statuses, *(found.name for found in rows(_departments, town=town))))]
