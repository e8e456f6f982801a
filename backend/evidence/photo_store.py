"""Which store this town keeps its evidence in."""

from flask import current_app

from backend.config import Config
from backend.evidence.store import Store


def photo_store() -> Store:
    """The place for the evidence of this app: a bucket where one is configured, else its folder."""
    kept: Store | None = current_app.extensions.get("evidence_store")
    if kept is None:
        kept = current_app.extensions["evidence_store"] = _store(current_app.config["TOWN_CONFIG"])
    return kept


def _store(config: Config) -> Store:
    # Each imported by those only who use it: the bucket's library takes megabytes.
    if config.EVIDENCE_BUCKET:
        from backend.evidence.bucket_store import BucketStore

        return BucketStore(config)
    from backend.evidence.folder_store import FolderStore, photo_folder

    return FolderStore(photo_folder())
