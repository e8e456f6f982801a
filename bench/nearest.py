"""The ten nearest of 5,000 service points: requests about places all over the town, and of these that are open now."""

import random
import uuid
from collections.abc import Callable, Mapping
from itertools import cycle

from sqlalchemy import Engine, insert

from backend.partymap.demonstration import demonstration_points
from backend.partymap.keeping import place_columns
from backend.partymap.tables import ServicePoint
from bench.figures import measured, print_rates
from bench.load import request
from bench.requests import AREA, LAT, LON, Stream
from bench.servers import Town, filled_town, yardstick

POINTS, PLACES = 5_000, 2_000


def nearest() -> None:
    """Print how many nearest-10 are answered, as a share of the yardstick's."""
    print(f"Nearest ten of {POINTS:,} service points as a share of a bare route's:")
    with filled_town(10_000) as town, yardstick() as bare:
        _fill(town.engine)
        kinds: Mapping[str, Callable[[Town], Stream]] = {
            "nearest 10": _asking(""),
            "nearest 10 open now": _asking("&open=now"),
        }
        print_rates(list(measured(town, bare, {name: make(town) for name, make in kinds.items()})))


def _asking(more: str) -> Callable[[Town], Stream]:
    chance = random.Random(12)
    spots = [(LON + chance.uniform(-4, 4) * AREA, LAT + chance.uniform(-4, 4) * AREA) for _ in range(PLACES)]
    path = "/api/v1/partymap/points/nearest?crs=gcj02&k=10"
    asked = [request("GET", f"{path}&lon={lon:.6f}&lat={lat:.6f}{more}") for lon, lat in spots]
    return lambda _town: Stream(cycle(asked), 200)


def _fill(engine: Engine) -> None:
    """Points of the demonstration town, laid out anew all over it."""
    chance, models = random.Random(5), demonstration_points()
    rows = []
    for number in range(POINTS):
        place = place_columns(LON + chance.uniform(-5, 5) * AREA, LAT + chance.uniform(-5, 5) * AREA, "wgs84")
        row = {**models[number % len(models)], **place, "name": f"服务点{number}"}
        rows.append(row | {"id": uuid.UUID(int=chance.getrandbits(128), version=4)})
    with engine.begin() as connection:
        connection.execute(ServicePoint.__table__.delete())
        connection.execute(insert(ServicePoint), rows)
        connection.exec_driver_sql("ANALYZE service_points")
