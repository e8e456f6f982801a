"""Tags: finding what belongs to somebody or something without keeping who or what it is.

A tag is the beginning of a keyed hash (HMAC-SHA256, RFC 2104), as a UUID so that databases keep and index it well. The
same content under the same purpose has the same tag; without the key nobody gets from one to the other.
"""

import hashlib
import hmac
import uuid

from flask import Flask, current_app


def keyed_hash(purpose: str, content: bytes) -> bytes:
    """The keyed hash of a content: 32 bytes, another for each purpose."""
    key: bytes = current_app.extensions["tag_key"]
    return hmac.digest(key, purpose.encode() + b"\0" + content, hashlib.sha256)


def tag(purpose: str, content: bytes) -> uuid.UUID:
    """The tag of a content for a purpose."""
    return uuid.UUID(bytes=keyed_hash(purpose, content)[:16])


def init_tags(app: Flask, key: str) -> None:
    """Give the app the key of its tags. With another key nobody would find again what is theirs."""
    app.extensions["tag_key"] = key.encode()
