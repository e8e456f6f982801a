"""The server's clock, in one place so that tests can set it."""

from datetime import datetime

from backend.config import TOWN_ZONE


def now() -> datetime:
    """This instant, in the town's zone."""
    return datetime.now(TOWN_ZONE)
