"""What kinds of service points there are and which services they offer: coded lists, kept in `offers.csv`.

A service added there is one everywhere: in bodies, filters, files and on the page. (The database knows the kinds, too.)
"""

import csv
from collections.abc import Mapping
from pathlib import Path

with Path(__file__).with_name("offers.csv").open(encoding="utf-8", newline="") as _file:
    _rows = list(csv.DictReader(_file))


def _listed(name: str) -> Mapping[str, tuple[str, str]]:
    return {row["code"]: (row["zh"], row["en"]) for row in _rows if row["list"] == name}


KINDS = _listed("kind")
"""Kinds of points by code, in Chinese and English."""
SERVICES = _listed("service")
"""Services offered by code, in Chinese and English."""
