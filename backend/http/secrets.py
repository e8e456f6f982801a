"""Keys the server makes once and keeps in its instance folder, readable by its own user only."""

import os
import secrets
from datetime import date
from functools import lru_cache
from pathlib import Path


def secret(instance: Path, name: str) -> str:
    """The secret of that name: from the file, or made now (32 random bytes); two processes at once get the same."""
    path = instance / f"{name}.key"
    if not path.exists():
        instance.mkdir(parents=True, exist_ok=True)
        draft = instance / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)  # fails if another process was first: its key is the key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


@lru_cache(maxsize=8)
def secret_of_day(instance: Path, name: str, day: date) -> str:
    """A secret that holds for a day: made when first asked for, and those of other days deleted for good."""
    found = secret(instance, f"{name}_{day:%Y%m%d}")
    for other in instance.glob(f"{name}_????????.key"):
        if other.stem < f"{name}_{day:%Y%m%d}":
            other.unlink(missing_ok=True)
    return found
