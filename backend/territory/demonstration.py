"""The demonstration town: real villages with made-up outlines, households and people, marked as such."""

import orjson
from sqlalchemy.orm import Session

from backend.http import clock
from backend.territory.areas import lock_areas, put_areas
from backend.territory.demonstration_drawing import FOLDER
from backend.territory.features import read_feature

SOURCE = "demonstration"


def load_territory(session: Session) -> None:
    """Put the demonstration town into the database, with its villages and grids. Commits nothing."""
    collection = orjson.loads((FOLDER / "demonstration.geojson").read_bytes())
    drafts = [read_feature(number, feature, "wgs84", {}) for number, feature in enumerate(collection["features"], 1)]
    put_areas(
        session,
        [draft.row(SOURCE, demonstration=True) for draft in drafts],
        [{**draft.population, "source": SOURCE} for draft in drafts if draft.population],
        revision=lock_areas(session),
        actor=None,
        now=clock.now(),
        source=SOURCE,
    )
