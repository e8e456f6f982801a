"""Logs: one JSON object a line on standard output, without personal data."""

import logging
import traceback
from pathlib import Path

import structlog


def log_as_json() -> None:
    """Make this process log as JSON; called once, by the program and not by the app."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        cache_logger_on_first_use=True,
    )
    # It tells of every run that was put off, and prints an error's own words.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


def described(error: BaseException) -> dict[str, object]:
    """What may be logged of an error: its kind and where it arose. Its own words may hold anybody's name or number."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "error": type(error).__name__,
        "where": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }
