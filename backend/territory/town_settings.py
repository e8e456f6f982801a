"""What a town's admin can set without a restart, every version kept: who set what, and when.

Where nothing is set, or a setting is given back (None), the deployment's own configuration holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app

from backend.http.fields import blank
from backend.http.problems import Invalid
from backend.territory.calendar import hours_of
from backend.territory.quiet_hours import quiet_of
from backend.territory.town_rules import newest


@dataclass(frozen=True)
class Setting:
    """A setting: what the deployment calls it, what must not raise ValueError for a value, and what then is told."""

    configured: str
    check: Callable[[str], object]
    told: tuple[str, str]


def _line(text: str) -> None:
    if blank(text) or "\n" in text:
        raise ValueError


def _whole(most: int, least: int = 1) -> Callable[[str], object]:
    def check(text: str) -> None:
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise ValueError

    return check


def _told_whole(most: int, least: int = 1) -> tuple[str, str]:
    return f"应为 {least} 到 {most} 的整数。", f"This is a whole number from {least} to {most}."


def _one_of(*values: str) -> Callable[[str], object]:
    """What raises ValueError for anything but these."""
    return values.index


SETTINGS: Mapping[str, Setting] = {
    "working_hours": Setting(
        "WORKING_HOURS",
        hours_of,
        (
            "应写作如 08:30-12:00,14:00-17:30，各段按先后排列、互不重叠。",
            "Write the hours as 08:30-12:00,14:00-17:30, in their order and without overlap.",
        ),
    ),
    "quiet_hours": Setting(
        "QUIET_HOURS",
        quiet_of,
        ("应写作如 22:00-07:00，或 none（不设）。", "Write the hours as 22:00-07:00, or none."),
    ),
    "protected_channel": Setting("PROTECTED_CHANNEL", _line, ("应为一行文字。", "This is one line of text.")),
    "close_after_workdays": Setting("CLOSE_AFTER_WORKDAYS", _whole(250), _told_whole(250)),
    "reopen_within_days": Setting("REOPEN_WITHIN_DAYS", _whole(3650), _told_whole(3650)),
    "retain_days": Setting("RETAIN_DAYS", _whole(36_500, 183), _told_whole(36_500, 183)),
    "photo_far_metres": Setting("PHOTO_FAR_METRES", _whole(999_999), _told_whole(999_999)),
    "photo_old_hours": Setting("PHOTO_OLD_HOURS", _whole(999_999), _told_whole(999_999)),
    "similar_metres": Setting("SIMILAR_METRES", _whole(1_000), _told_whole(1_000)),
    "similar_days": Setting("SIMILAR_DAYS", _whole(365), _told_whole(365)),
    "low_rating": Setting("LOW_RATING", _one_of("0", "1", "2", "3", "4"), ("应为 0 到 4。", "Give 0 to 4.")),
    "route_by_itself": Setting("ROUTE_BY_ITSELF", _one_of("no", "yes"), ("应为 no 或 yes。", "Give no or yes.")),
    "low_rating_goes": Setting(
        "LOW_RATING_GOES", _one_of("inspector", "reopen"), ("应为 inspector 或 reopen。", "Give inspector or reopen.")
    ),
}
KIND = "setting"


def setting(town: str, name: str) -> str:
    """The value of a setting as it holds in a town now. KeyError for an unknown name."""
    return str(shown(town, name)["value"])


def shown(town: str, name: str) -> dict[str, Any]:
    """A setting as it holds in a town, with its version (0: never set) and what the deployment has."""
    default = str(getattr(current_app.config["TOWN_CONFIG"], SETTINGS[name].configured))
    held = newest(town, KIND, name)
    value = held.value if held else None
    return {
        "name": name,
        "value": default if value is None else value,
        "default": default,
        "version": held.version if held else 0,
        "set_at": held.set_at if held else None,
    }


def checked_setting(name: str, value: str | None) -> str | None:
    """A value that a setting can have, or None, which gives it back. Raises Invalid."""
    try:
        if value is not None:
            SETTINGS[name].check(value)
    except ValueError as error:
        raise Invalid({"value": [SETTINGS[name].told]}) from error
    return value
