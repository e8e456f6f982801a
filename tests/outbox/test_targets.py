"""A webhook leads out into the internet, to the very address that was looked at, and nowhere else."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.outbox import targets
from backend.outbox.targets import TargetRefused, check_written, deliver, target
from tests.outbox.gateway_server import Answer, Asked, serving

_getaddrinfo = socket.getaddrinfo
LOOPBACK = ("127.0.0.0/8",)


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name stand for these addresses; answers which names were asked for."""
    asked = list[str]()

    def resolve(host: str, port: int, *others: Any, **named: Any) -> list[Any]:
        with suppress(ValueError):
            ipaddress.ip_address(host)
            return list(_getaddrinfo(host, port, *others, **named))
        asked.append(host)
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [(kind, 1, 6, "", (address, port)) for kind, address in zip(kinds, addresses, strict=True)]

    monkeypatch.setattr(targets.socket, "getaddrinfo", resolve)
    return asked


INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # metadata of most clouds
    "100.100.100.200",  # of Alibaba Cloud
    "168.63.129.16",  # of Azure
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata of Amazon
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2001:db8::1",
    "::127.0.0.1",
    "::ffff:0:7f00:1",
    "64:ff9b:1::7f00:1",  # NAT64 of a network's own
    "fec0::1",  # local to a site
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_lies_inside_is_refused_by_name_and_by_number(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(TargetRefused):
        check_written(f"https://{literal}/hook")
    answers(monkeypatch, address)
    with pytest.raises(TargetRefused):
        target("https://hooks.example.org/in")


@pytest.mark.parametrize("written", ["2130706433", "0x7f000001", "017700000001", "127.1", "localhost"])
def test_other_spellings_of_this_machine_are_found_out_when_they_are_resolved(written: str) -> None:
    with pytest.raises(TargetRefused):
        target(f"https://{written}/hook")


def test_one_address_inside_among_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(TargetRefused):
        target("https://hooks.example.org/in")


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "64:ff9b::808:808"])
def test_the_internet_is_open(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    answers(monkeypatch, address)
    place = target("https://hooks.example.org:8443/in?town=9")
    assert (place.address, place.port, place.host, place.path) == (
        address,
        8443,
        "hooks.example.org",
        "/in?town=9",
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "ftp://hooks.example.org/",
        "https://",
        "https:///x",
        "https://user:secret@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/\r\nHost: x",
        "https://[::1",
        "https://例子.cn/",
        "javascript:alert(1)",
        "hooks.example.org",
    ],
)
def test_what_is_no_plain_https_address_is_refused_before_anybody_is_asked(url: str) -> None:
    with pytest.raises(TargetRefused):
        check_written(url)


def test_a_name_that_means_another_place_the_second_time_leads_to_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _asked: (204, {}, b"")) as server:
        asked = answers(monkeypatch, "127.0.0.1")
        place = target(f"http://rebinding.example.org:{server.port}/in", LOOPBACK)
        later = answers(monkeypatch, "10.0.0.1")
        assert deliver(place, b"{}", {"Content-Type": "application/json"}) == 204
    assert (asked, later) == (["rebinding.example.org"], [])
    (got,) = server.asked
    assert (got.headers["host"], got.path, got.body) == (f"rebinding.example.org:{server.port}", "/in", b"{}")


def test_a_redirect_is_not_followed() -> None:
    with serving(lambda _asked: (204, {}, b"")) as inside:

        def away(_asked: Asked) -> Answer:
            return 307, {"Location": f"{inside.address}/secret"}, b""

        with serving(away) as server:
            assert deliver(target(server.address, LOOPBACK), b"{}", {}) == 307
        assert inside.asked == []


def test_whoever_answers_a_byte_now_and_then_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "WHOLE_SECONDS", 0.5)
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                while not done.wait(0.1):
                    try:
                        connection.send(b"H")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        with pytest.raises((OSError, urllib3.exceptions.HTTPError, Exception)):
            deliver(target(f"http://127.0.0.1:{listening.getsockname()[1]}/", LOOPBACK), b"{}", {})
        assert time.monotonic() - began < 3
        done.set()


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The context of a server called `name`, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(pem))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=made.public_bytes(pem).decode())


def test_the_certificate_has_to_be_of_the_name_although_the_connection_goes_to_a_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, "127.0.0.1")
    server_side, trusted = certificate(tmp_path, "hooks.example.org")
    with serving(lambda _asked: (200, {}, b"ok"), server_side) as server:
        place = target(f"https://hooks.example.org:{server.port}/in", LOOPBACK)
        assert deliver(place, b"{}", {}, trusted) == 200
        other = target(f"https://other.example.org:{server.port}/in", LOOPBACK)
        for wrong, trust in ((other, trusted), (place, None)):
            with pytest.raises((ssl.SSLError, urllib3.exceptions.HTTPError)):
                deliver(wrong, b"{}", {}, trust)
    assert ipaddress.ip_address(place.address).is_loopback
