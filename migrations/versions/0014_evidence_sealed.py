"""evidence_sealed

Revision 0014, after 0012: what an original told is sealed in its row, and the files under a key that stands there too;
photos have slots, and are compared by prints of their own. Broken off, it can be run again: the keys of files that were
there before are made from their ids. Going back opens the files of the folder and drops films and sound, which were not
known before; what lies in a bucket stays there.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import orjson
import sqlalchemy as sa
from alembic import op
from flask import current_app

from backend.evidence.folder_store import FolderStore
from backend.evidence.sealing import OpenedFile, seal_file
from backend.evidence.store import KINDS, Kind
from backend.extensions import UtcDateTime
from backend.http.envelope import CannotOpen, envelope
from backend.http.tags import keyed_hash

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

PHOTO = "image/jpeg"
NOTHING, ZERO = sa.text("''"), sa.text("0")
NEEDED = {
    "sha256": (sa.LargeBinary(length=32), NOTHING),
    "content_type": (sa.String(length=20), NOTHING),
    "bytes": (sa.Integer(), ZERO),
    "width": (sa.Integer(), ZERO),
    "height": (sa.Integer(), ZERO),
}
KNOWN = {"taken_at": UtcDateTime(), "lon": sa.Float(), "lat": sa.Float()}
TOLD = (*NEEDED, *KNOWN)
photos = sa.table(
    "evidence",
    sa.column("id", sa.Uuid),
    sa.column("media", sa.String),
    sa.column("sealed", sa.LargeBinary),
    *(sa.column(name, kind) for name, (kind, _) in NEEDED.items()),
    *(sa.column(name, kind) for name, kind in KNOWN.items()),
)


def upgrade() -> None:
    op.add_column("evidence", sa.Column("media", sa.String(length=20), nullable=False, server_default=PHOTO))
    op.add_column("evidence", sa.Column("slot", sa.String(length=10), nullable=True))
    op.add_column("evidence", sa.Column("sealed", sa.LargeBinary(), nullable=False, server_default=NOTHING))
    for one in found(op.get_bind(), *(photos.c[name] for name in TOLD)):
        seal(op.get_bind(), one)
    for name in TOLD:
        op.drop_column("evidence", name)
    op.create_table(
        "evidence_prints",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("exact", sa.Uuid(), nullable=False),
        *(sa.Column(f"look_{quarter}", sa.Integer(), nullable=True) for quarter in range(4)),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_prints_evidence_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence_prints")),
    )
    for name in ("exact", *(f"look_{quarter}" for quarter in range(4))):
        op.create_index(f"ix_evidence_prints_{name}", "evidence_prints", [name])


def downgrade() -> None:
    op.drop_table("evidence_prints")
    for name, (kind, default) in NEEDED.items():
        op.add_column("evidence", sa.Column(name, kind, nullable=False, server_default=default))
    for name, kind in KNOWN.items():
        op.add_column("evidence", sa.Column(name, kind, nullable=True))
    for one in found(op.get_bind(), photos.c.media, photos.c.sealed):
        unseal(op.get_bind(), one)
    for name in ("media", "slot", "sealed"):
        op.drop_column("evidence", name)


def found(connection: sa.Connection, *columns: sa.ColumnElement) -> Iterator[sa.Row]:
    batch = sa.select(photos.c.id, *columns).where(photos.c.id > sa.bindparam("after", type_=sa.Uuid))
    batch, after = batch.order_by(photos.c.id).limit(200), uuid.UUID(int=0)
    while rows := connection.execute(batch, {"after": after}).all():
        yield from rows
        after = rows[-1].id


def seal(connection: sa.Connection, one: sa.Row) -> None:
    key = keyed_hash("files of evidence", one.id.bytes)
    for kind in KINDS:
        if not is_sealed(kind, one.id, key):
            rewrite(kind, one.id, partial(seal_file, key=key, kind=kind))
    told = {name: getattr(one, name) for name in TOLD}
    told |= {"sha256": bytes(one.sha256).hex(), "key": key.hex(), "size": told.pop("bytes")}
    values = {"media": PHOTO, "sealed": envelope().seal(orjson.dumps(told), f"photo {one.id}")}
    connection.execute(sa.update(photos).where(photos.c.id == one.id).values(values))


def unseal(connection: sa.Connection, one: sa.Row) -> None:
    if one.media != PHOTO:
        connection.execute(sa.delete(photos).where(photos.c.id == one.id))
        store().delete(one.id)
        return
    told = orjson.loads(envelope().open(one.sealed, f"photo {one.id}"))
    key = bytes.fromhex(told["key"])
    for kind in KINDS:
        if is_sealed(kind, one.id, key):
            opened = OpenedFile(store(), kind, one.id, key).readall()
            rewrite(kind, one.id, lambda _, target, content=opened: target.write_bytes(content))
    values = {name: told[name] for name in ("content_type", "lon", "lat")} | {"bytes": told["size"]}
    values |= {name: told[name] or 0 for name in ("width", "height")}  # unknown of who was forgotten
    values["sha256"] = bytes.fromhex(told["sha256"] or "00" * 32)
    values["taken_at"] = told["taken_at"] and datetime.fromisoformat(told["taken_at"])
    connection.execute(sa.update(photos).where(photos.c.id == one.id).values(values))


def store() -> FolderStore:
    return FolderStore(current_app.config["TOWN_CONFIG"].INSTANCE / "evidence")


def is_sealed(kind: Kind, photo: uuid.UUID, key: bytes) -> bool:
    try:
        OpenedFile(store(), kind, photo, key)
    except (CannotOpen, FileNotFoundError):
        return False
    return True


def rewrite(kind: Kind, photo: uuid.UUID, write) -> None:
    path = store().root / kind / photo.hex[-2:] / str(photo)
    anew = path.with_suffix(".anew")
    if path.exists():
        write(path, anew)
        store().put(kind, photo, Path(anew))
