"""Vector tiles: what one costs beside a bare route, and beside the same of a town with a hundredth of the cases."""

import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text

from backend import create_app
from backend.cases.public import pinning
from backend.config import Config
from backend.http import clock
from backend.http.registry import layers
from backend.partymap.encoding import encode
from backend.territory.cells import ZOOM
from backend.territory.drawings import draw_areas
from backend.territory.tiles import Tile
from bench.figures import ROUNDS, SECONDS, DoesNotCount, print_rates
from bench.load import drive, request
from bench.map_filling import APART, SIDE, SOUTH, STEP, WEST, fill_map
from bench.servers import free_port, process, small_town, wait_for, yardstick
from serve import SPARING, web_server
from tests import postgres

FEW, MANY = 10_000, 1_000_000
pinning.BATCH = 2_000  # nobody waits here
REPEATS = 15
AT_MOST = 1.3
MIDDLE = (WEST + SIDE * STEP / 2, SOUTH + SIDE * STEP / 2)
WANTED = {f"{name}, anew": 0.08 for name in ("public_cases", "service_points", "grids", "case_heat")} | {
    "not changed (304)": 0.5,
    "kept (200)": 0.5,
}


def tiles() -> None:
    """Print how a tile's cost grows with the cases, on both databases, and what one costs over HTTP."""
    for kind in ("sqlite", "postgresql"):
        with ExitStack() as stack:
            few, many = (stack.enter_context(_map_town(kind, cases)) for cases in (FEW, MANY))
            _growth(kind, few, many)
            if kind == "postgresql":
                _throughput(many)


@contextmanager
def _map_town(kind: str, cases: int) -> Iterator[Flask]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        address = f"sqlite:///{folder}/town.db"
        if kind == "postgresql":
            address = stack.enter_context(postgres.running(durable=True)).url()
        small_town({"DATABASE_URL": address, "INSTANCE": folder})
        app = create_app(Config(INSTANCE=Path(folder), DATABASE_URL=address), commands=False)
        engine = create_engine(Config(INSTANCE=Path(folder), DATABASE_URL=address).database_url)
        stack.callback(engine.dispose)
        with app.app_context():
            took = [_seconds(lambda: fill_map(engine, cases))]
            took += [_seconds(lambda: draw_areas(clock.now())), _seconds(lambda: pinning.keep_pins(clock.now()))]
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        print(
            f"  {kind}, {cases:,} cases: filled in {took[0]:.0f} s, drawn in {took[1]:.1f} s, pinned in {took[2]:.0f} s"
        )
        yield app


def _growth(kind: str, few: Flask, many: Flask) -> None:
    print(f"A tile with {MANY:,} cases in times one with {FEW:,} ({kind}; the fastest of {REPEATS} in turn):")
    places = {"town": MIDDLE, "apart": APART}
    shown = [("public_cases", "town"), ("public_cases", "apart"), ("case_heat", "town"), ("service_points", "town")]
    for name, where in shown:
        for z in range(8, 19):
            tile = _tile_at(*places[where], z)
            took = [[_made(app, name, tile) for app in (few, many)] for _ in range(REPEATS)]
            fastest = [min(one[size][0] for one in took) for size in (0, 1)]
            counts = [features for _, features in took[0]]
            times, alike = fastest[1] / fastest[0], counts[0] == counts[1]
            verdict = "not as many features" if not alike else "met" if times <= AT_MOST else "MISSED"
            figures = f"{times:5.2f}  {fastest[1] * 1000:6.1f} ms  {counts[0]:>5} and {counts[1]:>5} features"
            print(f"  {name:<15} {where:<6} z{z:<3} {figures}  {verdict}", flush=True)


def _made(app: Flask, name: str, tile: Tile) -> tuple[float, int]:
    """Seconds to make a tile, and how many features it has."""
    with app.app_context():
        layer = layers()[name]
        started = time.perf_counter()
        found = layer.tile(tile, frozenset({""}), layer.points_from)
        encode(name, found, tile)
        return time.perf_counter() - started, len(next(iter(found.told.values()), ()))


def _tile_at(lon: float, lat: float, z: int) -> Tile:
    from backend.territory.cells import _tile

    column, row = _tile(lon + 1e-4, lat + 1e-4)
    return Tile(z, column >> ZOOM - z, row >> ZOOM - z)


def _throughput(town: Flask) -> None:
    config: Config = town.config["TOWN_CONFIG"]
    environment = {"DATABASE_URL": config.database_url, "INSTANCE": str(config.INSTANCE), **SPARING}
    print("Tiles of about 1,000 features over HTTP as a share of a bare route's:")
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        for port, app in zip(ports, ("wsgi:app", "bench.tiles_anew:app"), strict=True):
            stack.enter_context(process([*web_server("127.0.0.1", port)[:-1], app], **environment))
            wait_for(port)
        kept, anew = ports
        bare = stack.enter_context(yardstick())
        chosen = {name: _fullest(town, name) for name in ("public_cases", "service_points", "grids", "case_heat")}
        streams = {f"{name}, anew": (anew, request("GET", path), 200) for name, (path, _) in chosen.items()}
        path = chosen["public_cases"][0]
        with urllib.request.urlopen(f"http://127.0.0.1:{kept}{path}") as answer:
            etag = answer.headers["ETag"]
        streams["not changed (304)"] = (kept, request("GET", path, {"If-None-Match": etag}), 304)
        streams["kept (200)"] = (kept, request("GET", path), 200)
        print("  " + ", ".join(f"{name} {features} features" for name, (_, features) in chosen.items()))
        print_rates([rate for _ in range(ROUNDS) for rate in _rates(bare, streams)], WANTED)


def _rates(bare: int, streams: Mapping[str, tuple[int, bytes, int]]) -> Iterator[tuple[str, float, float]]:
    for name, (port, asked, status) in streams.items():
        yard = drive(bare, cycle([request("GET", "/")]), SECONDS / 2).rate
        outcome = drive(port, cycle([asked]), SECONDS)
        if set(outcome.statuses) != {status}:
            raise DoesNotCount(f"{name}: answers {dict(outcome.statuses)}")
        yield name, outcome.rate, yard


def _fullest(town: Flask, name: str) -> tuple[str, int]:
    """The address of the tile near the middle, of any zoom, that has the most features, and how many."""
    middles = [_tile_at(*MIDDLE, z) for z in range(12, 18)]
    near = [Tile(at.z, at.x + dx, at.y + dy) for at in middles for dx in range(-2, 3) for dy in range(-2, 3)]
    features, tile = max(((_made(town, name, tile)[1], tile) for tile in near), key=lambda found: found[0])
    return f"/api/v1/partymap/tiles/{name}/{tile.z}/{tile.x}/{tile.y}.mvt", features


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
