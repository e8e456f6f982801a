"""Whether the keys at hand are those over whose data the database stands: a missing or another key is a clear refusal.

Beside the data stands a proof of each key: something sealed by the envelope, and a keyed hash. Who has other keys can
neither open the one nor make the other.
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, LargeBinary, String, insert, inspect, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base
from backend.http.envelope import CannotOpen, envelope
from backend.http.reading import rows
from backend.http.tags import keyed_hash
from backend.http.work import unit_of_work

_CONTENT, _CONTEXT = b"the keys of this database", "key proof"


class KeyProof(Base):
    """A proof that a key is the one in use: of the identity keys something sealed, of the tag key a keyed hash."""

    __tablename__ = "key_proofs"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    proof: Mapped[bytes] = mapped_column(LargeBinary)


class WrongKeys(SystemExit):
    """A key that is missing, or another than the one the data was sealed with. Nothing starts with it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} 与数据库不符，请恢复原来的密钥文件后再启动。"
            f" The key in {what} is missing or not the one that this database's data was sealed with;"
            " put the original file back. No new key is made over old data."
        )


def known_proofs(engine: Engine) -> Mapping[str, bytes]:
    """The proofs in a database; none in one that is not there yet, or was never used."""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(KeyProof.__tablename__):
                return {}
            return {found.name: found.proof for found in connection.execute(select(KeyProof.name, KeyProof.proof))}
    except OperationalError:
        return {}


def refuse_missing(proofs: Mapping[str, bytes], files: Mapping[str, Path]) -> None:
    """Refuse to make keys anew that a database needs. Raises WrongKeys."""
    for name, path in files.items():
        if name in proofs and not path.exists():
            raise WrongKeys(str(path))


def check_keys(app: Flask, proofs: Mapping[str, bytes], places: Mapping[str, str]) -> None:
    """Refuse to go on with other keys than those the proofs are of; `places` says where each is. Raises WrongKeys."""
    with app.app_context():
        try:
            if "identity" in proofs:
                envelope().open(proofs["identity"], _CONTEXT)
        except CannotOpen:
            raise WrongKeys(places["identity"]) from None
        if "tags" in proofs and not hmac.compare_digest(proofs["tags"], keyed_hash(_CONTEXT, _CONTENT)):
            raise WrongKeys(places["tags"])


def keep_proofs() -> None:
    """Put down proofs of the keys at hand where there are none yet: once the database is migrated, and before anything
    is written into it. Another process may be doing the same."""
    known = {found.name for found in rows(select(KeyProof.name))}
    proofs = {"identity": envelope().seal(_CONTENT, _CONTEXT), "tags": keyed_hash(_CONTEXT, _CONTENT)}
    for name in sorted(set(proofs) - known):
        with suppress(IntegrityError), unit_of_work() as session:
            session.execute(insert(KeyProof), {"name": name, "proof": proofs[name]})
