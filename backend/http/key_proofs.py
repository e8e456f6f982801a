"""Whether the keys at hand are those over whose data the database stands: a missing or another key is a clear refusal.

Beside the data stands a proof of each key: something sealed by the envelope, and sealed likewise, a keyed hash. Who has
other keys can neither open the one nor make the other.
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, LargeBinary, String, insert, inspect, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from backend.config import Config, WrongSetting
from backend.extensions import Base
from backend.http.envelope import CannotOpen, KeyProvider, envelope, init_envelope
from backend.http.key_file import KeyFile, UnusableKeys
from backend.http.kms import KeyService, KeyServiceUnavailable
from backend.http.reading import rows
from backend.http.secrets import secret
from backend.http.tags import init_tags, keyed_hash
from backend.http.work import unit_of_work

_WORDS = b"the keys of this database"


class KeyProof(Base):
    """A proof that a key is the one in use: of the identity keys known words, of the tag key their keyed hash."""

    __tablename__ = "key_proofs"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class NobodyKnows(SystemExit):
    """A key that is missing while the database does not answer: it may hold what was sealed with that key."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"数据库无法连接（请检查 DATABASE_URL），而 {what} 不存在：请先启动数据库，或恢复密钥文件。"
            f" The database does not answer (check DATABASE_URL) and {what} is missing: start the database, or put the"
            " file back."
            " No new key is made while nobody knows whether there is data under an old one."
        )


class WrongKeys(SystemExit):
    """A key that is missing, or another than the one the data was sealed with. Nothing starts with it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} 与数据库不符，请恢复原来的密钥文件后再启动。"
            f" The key in {what} is missing or not the one that this database's data was sealed with;"
            " put the original file back. No new key is made over old data."
        )


def known_proofs(engine: Engine) -> Mapping[str, bytes] | None:
    """The proofs in a database, none in one that was never used; None where it does not answer."""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(KeyProof.__tablename__):
                return {}
            return {found.name: found.sealed for found in connection.execute(select(KeyProof.name, KeyProof.sealed))}
    except OperationalError:
        return None


def init_keys(app: Flask, config: Config, known: Mapping[str, bytes] | None) -> None:
    """Give the app its envelope and the key of its tags; made now if the database is known to need no others.

    Raises WrongKeys, and NobodyKnows where a key is missing and the database (`known` is None) does not answer.
    """
    identity, tags = str(config.IDENTITY_KMS or config.identity_keys), config.INSTANCE / "tags.key"
    there = {identity: bool(config.IDENTITY_KMS) or config.identity_keys.exists(), str(tags): tags.exists()}
    for name, path in (("identity", identity), ("tags", str(tags))):
        if known is None and not there[path]:
            raise NobodyKnows(path)
        if known and name in known and not there[path]:
            raise WrongKeys(path)
    proofs = known or {}
    try:
        init_envelope(app, _provider(config))
    except UnusableKeys:
        raise WrongKeys(identity) from None
    init_tags(app, secret(config.INSTANCE, "tags"))
    with app.app_context():
        for name, expected in _contents().items():
            if name not in proofs:
                continue
            try:
                proven = envelope().open(proofs[name], _context(name))
            except CannotOpen:
                raise WrongKeys(identity) from None
            except KeyServiceUnavailable:
                raise _no_service(config) from None
            if not hmac.compare_digest(proven, expected):
                raise WrongKeys(str(tags))


def _provider(config: Config) -> KeyProvider:
    if not config.IDENTITY_KMS:
        return KeyFile(config.identity_keys)
    token = Path(config.IDENTITY_KMS_TOKEN) if config.IDENTITY_KMS_TOKEN else None
    try:
        return KeyService(config.IDENTITY_KMS, config.IDENTITY_KMS_KEY, token)
    except KeyServiceUnavailable:
        raise _no_service(config) from None


def _no_service(config: Config) -> WrongSetting:
    return WrongSetting("IDENTITY_KMS", config.IDENTITY_KMS, "a transit engine that answers, with the key in it")


def keep_proofs() -> None:
    """Put down proofs of the keys at hand where there are none yet: once the database is migrated, and before anything
    is written into it. Another process may be doing the same."""
    known = {found.name for found in rows(select(KeyProof.name))}
    for name, content in _contents().items():
        if name not in known:
            with suppress(IntegrityError), unit_of_work() as session:
                session.execute(insert(KeyProof), {"name": name, "sealed": envelope().seal(content, _context(name))})


def _contents() -> Mapping[str, bytes]:
    return {"identity": _WORDS, "tags": keyed_hash("key proof", _WORDS)}


def _context(name: str) -> str:
    return f"key proof {name}"
