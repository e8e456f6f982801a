"""What evidence shows of the work on a case: the slot it fills, as its sender says, else as its action shows it."""

import uuid
from collections.abc import Mapping
from typing import Any

_SHOWS = {"report": "before", "reopen": "before", "hand_in": "after", "resolve": "after"}


def slots_of(action: str, request: Mapping[str, Any]) -> dict[uuid.UUID, str | None]:
    """What an action names as evidence, each with its slot: `photos` by slot, `evidence` by the action."""
    slots: dict[uuid.UUID, str | None] = dict.fromkeys(request.get("evidence", ()), _SHOWS.get(action))
    for slot, photos in request.get("photos", {}).items():
        slots |= dict.fromkeys(photos, slot)
    return slots
