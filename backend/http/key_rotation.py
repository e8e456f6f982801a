"""Rotation: a new key, all data keys wrapped anew under it, then the old key dropped. What is sealed stays as it is.

Broken off, it goes on where it has to: what is under the present key already is left alone.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Row,
    Table,
    bindparam,
    select,
    tuple_,
    update,
)

from backend.extensions import Base
from backend.http.envelope import CannotOpen, Envelope
from backend.http.key_proofs import KeyProof
from backend.http.reading import identity_engine, rows
from backend.http.work import unit_of_work

BATCH = 200
SETTLE_SECONDS = 10.0
"""Longer than between sealing a content and committing it: nothing is under the old key any more when this is over."""
GIVE_WAY = 0.02
SEALED = "sealed"


def sealed_tables() -> list[Table]:
    """The tables with sealed contents; last the proofs, whose key tells whether all went before."""
    found = [table for table in Base.metadata.sorted_tables if SEALED in table.c and table.name != _proofs().name]
    return [*found, _proofs()]


def rotate(envelope: Envelope, told: Callable[[str], None], pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Wrap everything sealed anew under a new key and drop the old ones; answers their names.

    A rotation that was broken off is gone on with, without another new key. Raises CannotOpen for what has no key.
    """
    if not _under_way(envelope):
        told(f"new key: {envelope.provider.add_key()}")
    while _pass(envelope, told):
        pass
    pause(SETTLE_SECONDS)
    _pass(envelope, told)
    return envelope.provider.drop_keys()


def unopenable(envelope: Envelope) -> Iterator[tuple[str, int]]:
    """For each table how many of its sealed contents have no key here."""
    for table in sealed_tables():
        lost = 0
        for batch in _batches(table):
            for row in batch:
                try:
                    envelope.check(row[-1])
                except CannotOpen:
                    lost += 1
        yield table.name, lost


def _under_way(envelope: Envelope) -> bool:
    """Whether a rotation before this one was not ended: the proofs are wrapped anew last."""
    proofs = rows(select(KeyProof.sealed))
    return any(envelope.wrapped_anew(proof.sealed) is not None for proof in proofs)


def _pass(envelope: Envelope, told: Callable[[str], None]) -> int:
    total = 0
    for table in sealed_tables():
        done = 0
        for batch in _batches(table):
            done += _wrap(envelope, table, batch)
        if done:
            told(f"{table.name}: {done:,} wrapped anew")
        total += done
    return total


def _wrap(envelope: Envelope, table: Table, batch: Sequence[Row[Any]]) -> int:
    anew = [(row, envelope.wrapped_anew(row[-1])) for row in batch]
    changed = [(row, sealed) for row, sealed in anew if sealed is not None]
    if not changed:
        return 0
    keys = _keys(table)
    statement = (
        update(table)
        .where(*(column == bindparam(f"key_{column.name}", type_=column.type) for column in keys))
        .where(table.c[SEALED] == bindparam("before", type_=table.c[SEALED].type))  # or it was sealed anew just now
        .values({SEALED: bindparam("after", type_=table.c[SEALED].type)})
    )
    with _writing(table) as connection:
        for row, sealed in changed:
            values = {f"key_{column.name}": row[number] for number, column in enumerate(keys)}
            connection.execute(statement, values | {"before": row[-1], "after": sealed})
    time.sleep(GIVE_WAY)
    return len(changed)


def _batches(table: Table) -> Iterator[Sequence[Row[Any]]]:
    keys = _keys(table)
    page = select(*keys, table.c[SEALED]).where(table.c[SEALED].is_not(None)).order_by(*keys).limit(BATCH)
    after: ColumnElement[bool] = tuple_(*keys) > tuple_(
        *(bindparam(f"after_{column.name}", type_=column.type) for column in keys)
    )
    apart = identity_engine() if table.info.get("apart") else None
    read = partial(_rows_apart, apart) if apart is not None else rows
    batch = read(page)
    while batch:
        yield batch
        values = {f"after_{column.name}": batch[-1][number] for number, column in enumerate(keys)}
        batch = read(page.where(after), **values)


def _rows_apart(engine: Engine, statement: Executable, **values: Any) -> Sequence[Row[Any]]:
    with engine.connect() as connection:
        return connection.execute(statement, values).all()


@contextmanager
def _writing(table: Table) -> Iterator[Connection]:
    apart = identity_engine() if table.info.get("apart") else None
    if apart is not None:
        with apart.begin() as connection:
            yield connection
    else:
        with unit_of_work() as session:
            yield session.connection()


def _keys(table: Table) -> Sequence[Column[Any]]:
    return list(table.primary_key.columns)


def _proofs() -> Table:
    return Base.metadata.tables[KeyProof.__tablename__]
