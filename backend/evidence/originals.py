"""What an original told, sealed in its row: camera, moment and place are for those only who may read it."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson

from backend.config import TOWN_ZONE
from backend.http.envelope import envelope


@dataclass(frozen=True)
class Original:
    """What is known of a file as it was sent, and the `key` that opens its copies.

    `size` is in bytes, `width` and `height` are upright pixels, `lon` and `lat` degrees (WGS84), `sha256` and `look`
    (its difference hash) what it is compared by. All but the key is empty once its sender is forgotten.
    """

    key: bytes
    content_type: str
    size: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    sha256: bytes | None = None
    look: int | None = None
    taken_at: datetime | None = None
    lon: float | None = None
    lat: float | None = None


def seal_original(photo: uuid.UUID, original: Original) -> bytes:
    """What is told of the original of a photo, sealed for it."""
    hexed = {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(original).items()}
    return envelope().seal(orjson.dumps(hexed), _context(photo))


def original_of(photo: uuid.UUID, sealed: bytes) -> Original:
    """What was told of the original of a photo. Raises CannotOpen."""
    told = orjson.loads(envelope().open(sealed, _context(photo)))
    return Original(
        **told
        | {
            "key": bytes.fromhex(told["key"]),
            "sha256": told["sha256"] and bytes.fromhex(told["sha256"]),
            "taken_at": told["taken_at"] and datetime.fromisoformat(told["taken_at"]).astimezone(TOWN_ZONE),
        }
    )


def _context(photo: uuid.UUID) -> str:
    return f"photo {photo}"
