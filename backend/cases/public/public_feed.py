"""The news of an area as an Atom feed (RFC 4287), made with the standard library's ElementTree.

Its ids are stable: the feed's is made from the area's code, an entry's is the public id of its case. Times are days, as
everywhere on the public face: an entry is changed at the beginning of the day on which something of it last changed.
Links are whole addresses: readers fetch a feed and show it elsewhere.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import Row

from backend.cases.public.publication import public_id, show_public
from backend.config import TOWN_ZONE
from backend.http.tags import tag

_ATOM = "http://www.w3.org/2005/Atom"
# What no XML 1.0 document can hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without entries was last changed."""


def atom(code: str, name: str, cases: Sequence[Row[Any]], base: str) -> bytes:
    """The feed of an area with its published cases, in UTF-8. `base` is what its links begin with, https://host."""
    base = _xml(base)  # a request names its host itself
    here = f"{base}/api/v1/public/areas/{code}/feed.atom"
    feed = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": "zh-CN"})
    _add(feed, "id", f"urn:uuid:{tag('public feed', code.encode())}")
    _add(feed, "title", f"{name} · 公开事项")
    _add(feed, "updated", max((_changed(case) for case in cases), default=NEVER).isoformat())
    ElementTree.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": here})
    ElementTree.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{base}/"})
    _add(ElementTree.SubElement(feed, "author"), "name", "九江网格")
    for case in cases:
        _add_entry(feed, case, base)
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _add_entry(feed: ElementTree.Element, case: Row[Any], base: str) -> None:
    shown, entry = show_public(case), ElementTree.SubElement(feed, "entry")
    what, where, how_far = shown["category"]["name"], shown["village"]["name"], shown["status_name"]
    _add(entry, "id", f"urn:uuid:{public_id(case.id)}")
    _add(entry, "title", f"{where} · {what} · {how_far}")
    _add(entry, "updated", _changed(case).isoformat())
    _add(entry, "published", _day(case.public_at).isoformat())
    ElementTree.SubElement(entry, "category", {"term": _xml(shown["category"]["code"]), "label": _xml(what)})
    whole = f"{base}/api/v1/public/cases/{shown['id']}"
    ElementTree.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": f"{base}/#cases"})
    ElementTree.SubElement(entry, "link", {"rel": "related", "type": "application/json", "href": whole})
    _add(entry, "summary", shown["text"] or f"{shown['day']} 反映，{how_far}。")


def _add(parent: ElementTree.Element, name: str, said: str) -> None:
    ElementTree.SubElement(parent, name).text = _xml(said)


def _xml(said: str) -> str:
    return _NOT_XML.sub("�", said)


def _changed(case: Row[Any]) -> datetime:
    moments = (case.public_at, case.decided_at, case.changed_at)
    return max(_day(moment) for moment in moments if moment is not None)


def _day(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(TOWN_ZONE).date(), time(), TOWN_ZONE)
