"""Places are asked for by many threads at once."""

import subprocess
import sys

ASKED_AT_ONCE = """
import random, sys, threading
from contextlib import suppress
import orjson
from backend.territory.demonstration_drawing import FOLDER
from backend.territory.places import OutsideTown, Territory
from tests.territory.towns import rows

areas = rows(orjson.loads((FOLDER / "demonstration.geojson").read_bytes())["features"])
sys.setswitchinterval(1e-6)

def ask(town, start):
    chance = random.Random(1258)
    start.wait()
    for _ in range(50):
        with suppress(OutsideTown):
            town.locate(chance.uniform(112.94, 113.06), chance.uniform(22.81, 22.92))

for round in range(150):
    town, start = Territory(areas), threading.Barrier(4)
    threads = [threading.Thread(target=ask, args=(town, start)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_a_fresh_territory_asked_by_threads_at_once_does_not_end_the_process() -> None:
    # In a process of its own: the fault it guards against is a segmentation fault.
    assert subprocess.run([sys.executable, "-c", ASKED_AT_ONCE], check=False).returncode == 0
