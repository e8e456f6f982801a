"""The product as it ships, but that it writes no ledger rows: what the ledger costs is the difference."""

from backend.ledger import record

record.entry = lambda *_: {}
record.add = lambda *_: None

from wsgi import app  # noqa: E402  # made only now

__all__ = ["app"]
