"""`flask territory …` on both databases."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from flask import Flask

from backend.territory import work_calendar as work_calendars
from backend.territory.location import forget, territory
from backend.territory.work_calendar import work_calendar
from tests.territory.towns import collection, feature, square, town_features
from tests.town import TOWN


def run(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=["territory", *map(str, arguments)])


def codes(app: Flask) -> set[str]:
    with app.app_context():
        forget()
        return {code for code in territory().areas if code.startswith("999")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "town.geojson"
    path.write_bytes(orjson.dumps(collection(*town_features())))
    return path


def test_a_second_town_is_imported_beside_the_first_and_twice_changes_nothing(app: Flask, file: Path) -> None:
    for _ in range(2):
        done = run(app, "import", file, "--crs", "wgs84")
        assert done.exit_code == 0, done.output
        assert "7 of 7 features written, 0 with a fault" in done.output
        assert len(codes(app)) == 7


def test_a_fault_is_told_by_feature_and_keeps_everything_out(app: Flask, file: Path) -> None:
    broken = [*town_features(), feature("999000001001003", square(113.004, 22.8, 0.005))]
    file.write_bytes(orjson.dumps(collection(*broken)))
    done = run(app, "import", file, "--crs", "wgs84")
    assert done.exit_code == 1
    assert "8: 999000001001003: overlaps_sibling" in done.output
    assert "0 of 8 features written, 1 with a fault" in done.output
    assert codes(app) == set()

    done = run(app, "import", file, "--crs", "wgs84", "--good-only")
    assert done.exit_code == 1
    assert "7 of 8 features written" in done.output
    assert len(codes(app)) == 7


def test_a_dry_run_writes_nothing(app: Flask, file: Path) -> None:
    done = run(app, "import", file, "--crs", "wgs84", "--dry-run")
    assert done.exit_code == 0
    assert "7 of 7 features would be written" in done.output
    assert codes(app) == set()


def test_files_of_chinese_windows_are_read(app: Flask, file: Path) -> None:
    text = json.dumps(collection(*town_features()), ensure_ascii=False)
    for raw in (text.encode("gb18030"), b"\xef\xbb\xbf" + text.encode(), b"\xff\xfe" + text.encode("utf-16-le")):
        file.write_bytes(raw)
        done = run(app, "import", file, "--crs", "wgs84")
        assert done.exit_code == 0, done.output
        with app.app_context():
            forget()
            assert territory().areas["999000001"].name == "区域999000001"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"type": "Feature"}', b"\xff\xff\xff", b'{"features": 5}'])
def test_a_file_that_is_no_feature_collection_is_refused_in_one_line(app: Flask, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    done = run(app, "import", file, "--crs", "wgs84")
    assert done.exit_code == 1
    assert "GeoJSON" in done.output
    assert "Traceback" not in done.output


def test_an_unknown_crs_is_refused(app: Flask, file: Path) -> None:
    done = run(app, "import", file, "--crs", "utm")
    assert done.exit_code == 1
    assert "epsg:4491" in done.output
    assert run(app, "import", file).exit_code == 2


def test_a_typhoon_day_is_declared_off_and_taken_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_calendars, "FRESH", 0.0)
    typhoon = date(2026, 9, 23)

    def worked() -> bool:
        with app.app_context():
            return work_calendar(TOWN).is_workday(typhoon)

    assert worked()
    assert run(app, "set-day", TOWN, typhoon, "off", "--reason", "台风").exit_code == 0
    assert not worked()
    assert run(app, "set-day", TOWN, typhoon, "work", "--reason", "台风转向").exit_code == 0
    assert worked()
    assert run(app, "set-day", TOWN, typhoon, "off", "--reason", "台风").exit_code == 0
    assert run(app, "set-day", TOWN, typhoon, "as-announced", "--reason", "误报").exit_code == 0
    assert worked()


def test_a_day_of_no_town_cannot_be_set(app: Flask) -> None:
    for town in ("110101001", f"{TOWN}012", "x"):
        assert run(app, "set-day", town, "2026-09-23", "off", "--reason", "台风").exit_code == 1
    assert run(app, "set-day", TOWN, "2026-02-30", "off", "--reason", "台风").exit_code == 2
