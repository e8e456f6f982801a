"""Reports that accuse the village's officers: known by their words, and never looked at by who is accused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.cases.protection.accusing import accused, accuses
from tests.evidence import photos
from tests.town import People, carry

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
    assert accused("网 格 員 收 紅 包") == {"网格员"}


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
