"""Evidence in a bucket of an S3-compatible service (AWS, MinIO, OSS, COS …)."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from backend.config import Config
from backend.evidence.store import FIRST, KINDS, Kind, StorageUnavailable

_LATER = {"Retry-After": "30"}
_AT_ONCE = 2
"""Parts of a large file on their way at a time, five megabytes each: a worker's memory is small."""


class BucketStore:
    """A store in a bucket: `kind/id`. The service is spoken to in the way its address says: where it begins with the
    bucket's name, by that (OSS, COS), else by paths (MinIO)."""

    def __init__(self, config: Config) -> None:
        address, bucket = config.EVIDENCE_ENDPOINT, config.EVIDENCE_BUCKET
        parts = urlsplit(address)
        options: dict[str, Any] = {"endpoint": address} if address else {}
        if address:
            options["virtual_hosted_style_request"] = (parts.hostname or "").startswith(f"{bucket}.")
        self._bucket = S3Store(
            bucket,
            region=config.EVIDENCE_REGION,
            access_key_id=config.EVIDENCE_KEY,
            secret_access_key=config.EVIDENCE_SECRET,
            client_options={"allow_http": parts.scheme == "http", "timeout": "30s"},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
            **options,
        )

    def put(self, kind: Kind, photo: uuid.UUID, file: Path) -> None:
        """Send a file of the workroom."""
        with _asked():
            try:
                obstore.put(self._bucket, _name(kind, photo), file, max_concurrency=_AT_ONCE)
            except FileNotFoundError as error:  # the bucket is not there
                raise StorageUnavailable(headers=_LATER) from error

    def size(self, kind: Kind, photo: uuid.UUID) -> int:
        """The bytes of a file. Raises FileNotFoundError."""
        with _asked():
            return obstore.head(self._bucket, _name(kind, photo))["size"]

    def read(self, kind: Kind, photo: uuid.UUID, start: int, length: int) -> bytes:
        """A part of a file. Raises FileNotFoundError."""
        with _asked():
            return bytes(obstore.get_range(self._bucket, _name(kind, photo), start=start, length=length))

    def delete(self, photo: uuid.UUID, kinds: Sequence[Kind] = KINDS) -> None:
        """Delete the files of a photo."""
        for kind in sorted(kinds, key=FIRST.__eq__):
            with _asked():
                try:
                    obstore.delete(self._bucket, _name(kind, photo))
                except FileNotFoundError:
                    continue

    def put_before(self, moment: datetime) -> Iterator[uuid.UUID]:
        """The photos whose FIRST file was put before a moment."""
        with _asked():
            for page in obstore.list(self._bucket, prefix=FIRST):
                yield from (uuid.UUID(one["path"].split("/")[-1]) for one in page if one["last_modified"] < moment)


@contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise StorageUnavailable(headers=_LATER) from error


def _name(kind: Kind, photo: uuid.UUID) -> str:
    return f"{kind}/{photo}"
