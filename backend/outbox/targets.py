"""Where a webhook may go: out into the internet and nowhere else, checked when the connection is made.

The name is resolved here, every address it has is looked at, and the connection goes to the very address that was
looked at: so no second answer of a name server leads it inside. Redirects are not followed.
"""

import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Networks = Sequence[str]
"""Networks that are allowed besides, such as 127.0.0.0/8; to these http:// may be used, too."""
CONNECT_SECONDS, WHOLE_SECONDS = 3.0, 9.0
_NAT64 = IPv6Network("64:ff9b::/96")
_INTERNET = IPv6Network("2000::/3")
"""The addresses of IPv6 that lead out: beside them lie local ones that Python takes for global (fec0::/10,
64:ff9b:1::/48), and forms in which an IPv4 address hides (::127.0.0.1)."""
_CLOUD = frozenset({IPv4Address("168.63.129.16")})
"""A public address that means the inside of a cloud (Azure)."""


class TargetRefused(Exception):
    """An address that a webhook may not go to."""


@dataclass(frozen=True)
class Target:
    """An address that was looked at, and what to ask of it."""

    address: str
    port: int
    host: str
    path: str
    secure: bool


def target(url: str, allowed: Networks = ()) -> Target:
    """Where a URL leads now. Raises TargetRefused."""
    written = check_written(url, allowed)
    try:
        found = socket.getaddrinfo(written.host, written.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TargetRefused from None
    addresses = [ip_address(str(place[4][0]).partition("%")[0]) for place in found]
    if not addresses or not all(_outside(address) or _in(address, allowed) for address in addresses):
        raise TargetRefused
    if not written.secure and not all(_in(address, allowed) for address in addresses):
        raise TargetRefused
    return Target(str(addresses[0]), written.port, written.host, written.path, written.secure)


def check_written(url: str, allowed: Networks = ()) -> Target:
    """A URL as it is written, before anybody is asked where it leads. Raises TargetRefused."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise TargetRefused from None
    secure = parts.scheme == "https"
    bad = any(not 32 < ord(character) < 127 for character in url)  # a name in Chinese is written as xn--…
    if bad or not host or "@" in parts.netloc or parts.fragment or not (secure or (parts.scheme == "http" and allowed)):
        raise TargetRefused
    with suppress(ValueError):
        literal = ip_address(host)
        if not _outside(literal) and not _in(literal, allowed):
            raise TargetRefused
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port or (443 if secure else 80), host, path, secure)


def deliver(place: Target, body: bytes, headers: Mapping[str, str], trust: ssl.SSLContext | None = None) -> int:
    """Send a body to a target; answers the status. Raises OSError or urllib3's HTTPError. Takes nine seconds."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    if place.secure:
        context = trust or ssl.create_default_context()
        connection: HTTPConnection = HTTPSConnection(
            place.address,
            place.port,
            timeout=CONNECT_SECONDS,
            ssl_context=context,
            server_hostname=place.host,
        )
    else:
        connection = HTTPConnection(place.address, place.port, timeout=CONNECT_SECONDS)
    # Each read has its own timeout: whoever answers a byte now and then would hold up all other messages.
    watch = threading.Timer(WHOLE_SECONDS, _cut, (connection,))
    watch.daemon = True
    watch.start()
    try:
        host = f"[{place.host}]" if ":" in place.host else place.host
        named = host if place.port == (443 if place.secure else 80) else f"{host}:{place.port}"
        sent = {"Host": named, **headers}
        connection.request("POST", place.path, body=body, headers=sent, preload_content=False)
        return connection.getresponse().status
    finally:
        watch.cancel()
        connection.close()


def _cut(connection: object) -> None:
    held = getattr(connection, "sock", None)
    if held is not None:
        with suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)


def _in(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(address in ip_network(network) for network in networks)


def _outside(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _outside(inner)
        if address not in _INTERNET:
            return False
    return address.is_global and not address.is_multicast and address not in _CLOUD
