"""A town with many cases and all they leave behind, made by the database itself from a pool of texts and places."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Connection, Engine, text

from backend.cases.reporter.reporters import Identity, sealed_row
from backend.cases.search.folding import searchable, tokens
from backend.http.envelope import Envelope
from backend.territory.cells import cell
from bench.texts import texts

POOL = 5_000
"""Different texts, places and reporters, from which every case takes one of each."""

_FILLED = ("cases", "case_reporters", "reporter_identities", "case_events", "case_texts", "ledger_entries")
_PLACES = "SELECT code, lon, lat FROM areas WHERE kind = 'grid' ORDER BY code"
_POOL = f"""
    CREATE TEMPORARY TABLE said (number int PRIMARY KEY, description text, folded text, tokens tsvector);
    CREATE TEMPORARY TABLE places (
        number int PRIMARY KEY, code text, lon float, lat float, cell bigint, coarse_lon float, coarse_lat float
    );
    INSERT INTO accounts (id, phone, password_hash, name, active, demonstration, created_at)
    SELECT md5(n::text)::uuid, '+86139' || lpad(n::text, 8, '0'), '', '居民', true, false, now()
    FROM generate_series(0, {POOL} - 1) n;
"""
_SAID = "INSERT INTO said VALUES (:number, :description, :folded, array_to_tsvector(string_to_array(:tokens, ' ')))"
_PLACE = "INSERT INTO places VALUES (:number, :code, :lon, :lat, :cell, :coarse_lon, :coarse_lat)"

# How far a case has come is told by its version: each action of the main line made one. Half of all are closed. They
# have a source, like imported cases, and so keep their deadlines when the scheduler computes those of the others anew.
_CASES = f"""
    INSERT INTO cases (id, number, town_code, village_code, area_code, status, version, category, description,
        lon, lat, cell, original_lon, original_lat, original_crs, coarse_lon, coarse_lat, reporting, holder,
        occurred_at, recorded_at, accepted_at, step_started_at, due_at, case_started_at, case_due_at, closed_at,
        public_at, source)
    SELECT
        (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7' || left(hash, 3) || '8' || right(hash, 15))::uuid,
        to_char(at, 'YYYYMMDD') || '-' || lpad(n::text, 9, '0'), left(code, 9), left(code, 12), code,
        (ARRAY['reported', 'accepted', 'dispatched', 'handling', 'handled', 'checked', 'closed'])[version],
        version, 'litter', description,
        lon, lat, cell, lon, lat, 'wgs84', coarse_lon, coarse_lat, 'named',
        CASE WHEN version > 2 THEN left(code, 12) END, at, at,
        CASE WHEN version > 1 THEN at + interval '2 hours' END, at,
        CASE WHEN version < 7 THEN at + interval '3 days' END, at, at + interval '7 days',
        CASE WHEN version = 7 THEN at + interval '4 days' END,
        CASE WHEN version > 1 THEN at + interval '2 days' END, 'bench'
    FROM (
        SELECT n, md5(n::text) AS hash, (ARRAY[1, 2, 4, 7, 7, 7])[1 + n % 6] AS version,
            now() - interval '625 days' * (1 - n::float / :count) AS at
        FROM generate_series(1, :count) n
    ) drawn
    JOIN said ON said.number = n::bigint * 7919 % {POOL}
    JOIN places ON places.number = n::bigint * 104729 % {POOL}
    ORDER BY n
"""
_REPORTERS = f"""
    INSERT INTO case_reporters (case_id, tag, pseudonym, for_caller, occurred_at)
    SELECT id, md5('tag' || mod(abs(hashtext(number)), {POOL}))::uuid, md5(id::text)::uuid, false, occurred_at
    FROM cases
"""
_REPORTED = f"SELECT id, md5(mod(abs(hashtext(number)), {POOL})::text)::uuid AS account FROM cases"
_TEXTS = """
    INSERT INTO case_texts (case_id, folded, tokens)
    SELECT cases.id, folded,
        tokens || array_to_tsvector(ARRAY['d' || day, 'e' || day / 8, 'f' || day / 64])
    FROM cases JOIN said ON said.description = cases.description,
        LATERAL (SELECT floor(extract(epoch FROM occurred_at) / 86400)::int AS day) days
"""
_EVENTS = """
    INSERT INTO case_events (case_id, version, action, from_status, to_status, actor_role, details, holder, step,
        step_started_at, step_due_at, occurred_at, recorded_at)
    SELECT id, made.version, action, before, after, role, '{}', CASE WHEN made.version > 3 THEN holder END, step,
        CASE WHEN step IS NOT NULL THEN occurred_at END,
        CASE WHEN step IS NOT NULL THEN occurred_at + interval '3 days' END,
        occurred_at + interval '9 hours' * made.version, occurred_at + interval '9 hours' * made.version
    FROM cases
    JOIN (VALUES
        (1, 'report', NULL, 'reported', 'resident', NULL),
        (2, 'accept', 'reported', 'accepted', 'dispatcher', 'accept'),
        (3, 'dispatch', 'accepted', 'dispatched', 'dispatcher', 'dispatch'),
        (4, 'start', 'dispatched', 'handling', 'village_officer', NULL),
        (5, 'hand_in', 'handling', 'handled', 'village_officer', 'handle'),
        (6, 'pass_check', 'handled', 'checked', 'inspector', 'check'),
        (7, 'close', 'checked', 'closed', 'dispatcher', 'close')
    ) made (version, action, before, after, role, step) ON made.version <= cases.version
"""
# Numbered like entries that were sealed; nothing measured here follows the chain, so its hashes are made up.
_LEDGER = """
    INSERT INTO ledger_entries (chain, seq, hash, salt, payload, action, thing_kind, thing_id, thing_version,
        occurred_at)
    SELECT town_code, row_number() OVER (ORDER BY e.occurred_at, e.case_id), sha256(e.case_id::text::bytea),
        decode(md5(e.case_id::text || e.version), 'hex'),
        convert_to(json_build_object(
            'action', action, 'thing', ARRAY['case', e.case_id::text], 'version', e.version,
            'details', json_build_object('from', from_status, 'to', to_status, 'role', actor_role, 'note', note)
        )::text, 'UTF8'),
        action, 'case', e.case_id::text, e.version, e.occurred_at
    FROM case_events e JOIN cases ON cases.id = e.case_id
"""


def fill(engine: Engine, count: int, envelope: Envelope) -> None:
    """Add `count` cases to an empty town, spread over its grids, 5,000 reporters and the 625 days up to now.

    Who reported is sealed in the town's own `envelope`: an action opens it.
    """
    with engine.begin() as connection:
        # Foreign keys need no check here: each row is made from the row it points to.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
        connection.exec_driver_sql("SET LOCAL work_mem = '256MB'")
        _make_pool(connection)
        with _indexes_made_at_the_end(connection):
            connection.execute(text(_CASES), {"count": count})
            for statement in (_REPORTERS, _TEXTS, _EVENTS, _LEDGER):
                connection.exec_driver_sql(statement)
            _seal_identities(connection, envelope)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE, PROCESS_TOAST FALSE)")
        connection.exec_driver_sql("CHECKPOINT")


def _seal_identities(connection: Connection, envelope: Envelope) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    reported = driver.execute(_REPORTED).fetchall()
    with driver.cursor().copy("COPY reporter_identities (case_id, sealed) FROM STDIN") as copy:
        for case, account in reported:
            copy.write_row(sealed_row(case, Identity(account, "named", "居民", "+8613900000000"), envelope).values())


def _make_pool(connection: Connection) -> None:
    connection.exec_driver_sql(_POOL)
    connection.execute(text(_SAID), _texts_with_tokens())
    grids = [(grid.code, grid.lon, grid.lat) for grid in connection.execute(text(_PLACES))]
    connection.execute(text(_PLACE), list(_near(grids)))
    connection.exec_driver_sql("ANALYZE said, places")


@cache
def _texts_with_tokens() -> list[dict[str, object]]:
    folded = [(said, searchable(said)) for said in texts(POOL)]
    return [
        {"number": number, "description": said, "folded": plain, "tokens": " ".join(tokens(plain))}
        for number, (said, plain) in enumerate(folded)
    ]


def _near(grids: list[tuple[str, float, float]]) -> Iterator[dict[str, object]]:
    """Places within some hundred metres of the centres of grids."""
    chance = random.Random(1258)
    for number in range(POOL):
        code, coarse_lon, coarse_lat = chance.choice(grids)
        lon, lat = (round(degree + chance.uniform(-0.002, 0.002), 6) for degree in (coarse_lon, coarse_lat))
        coarse = {"coarse_lon": coarse_lon, "coarse_lat": coarse_lat}
        yield {"number": number, "code": code, "lon": lon, "lat": lat, "cell": cell(lon, lat)} | coarse


@contextmanager
def _indexes_made_at_the_end(connection: Connection) -> Iterator[None]:
    """Made in one go, an index costs a fraction of what it costs row by row."""
    found = connection.execute(
        text(
            "SELECT indexname AS name, indexdef AS made FROM pg_indexes WHERE tablename = ANY(:tables)"
            " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)"
        ),
        {"tables": list(_FILLED)},
    ).all()
    for index in found:
        connection.exec_driver_sql(f"DROP INDEX {index.name}")
    yield
    for index in found:
        connection.exec_driver_sql(index.made)


def ids(engine: Engine, status: str | None, most: int) -> list[str]:
    """Ids of up to `most` cases, of a status if one is given, in no order."""
    where = "WHERE status = :status" if status else ""
    statement = text(f"SELECT id FROM cases {where} ORDER BY md5(id::text) LIMIT :most")
    values = {"most": most} | ({"status": status} if status else {})
    with engine.connect() as connection:
        return [str(row.id) for row in connection.execute(statement, values)]
