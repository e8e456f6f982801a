"""Keys the server makes once and keeps in its instance folder, readable by its own user only."""

import os
import secrets
from datetime import date
from functools import lru_cache
from pathlib import Path

LEAST = 8
"""Characters of a secret: what is shorter is a file that was cut off."""


class UnusableSecret(SystemExit):
    """A key file that cannot be read, or is empty or cut off. Nothing starts with it, and no new one is made."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} 无法读取或内容不完整，请恢复原来的文件后再启动。"
            f" {path} cannot be read, or is empty or cut off; put the original file back."
        )


def secret(instance: Path, name: str) -> str:
    """The secret of that name: from the file, or made now (32 random bytes); two processes at once get the same.

    Raises UnusableSecret.
    """
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
    try:
        found = path.read_text()
    except (OSError, UnicodeDecodeError):
        raise UnusableSecret(path) from None
    if len(found) < LEAST:
        raise UnusableSecret(path)
    return found


@lru_cache(maxsize=8)
def secret_of_day(instance: Path, name: str, day: date) -> str:
    """A secret that holds for a day: made when first asked for, and those of other days deleted for good."""
    found = secret(instance, f"{name}_{day:%Y%m%d}")
    for other in instance.glob(f"{name}_????????.key"):
        if other.stem < f"{name}_{day:%Y%m%d}":
            other.unlink(missing_ok=True)
    return found
