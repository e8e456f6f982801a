"""SMS by Alibaba Cloud: SendSms of 2017-05-25, signed by ACS3-HMAC-SHA256.

https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms and
https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature. The carrier keeps the texts: each is
registered there once, and a message names it by its code.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import orjson

from backend.http import clock
from backend.outbox.calling import GatewayFailed, call
from backend.outbox.sending import Message, Sender, Undeliverable

VERSION, ACTION = "2017-05-25", "SendSms"
NO_USE = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.MOBILE_COUNT_OVER_LIMIT", "isv.INVALID_PARAMETERS"})
"""Answers that would be the same the next time: the number is none."""


def alibaba_sender(address: str, key_id: str, key_secret: str, sign: str, templates: Path) -> Sender:
    """A sender to the interface at `address`, as the signature `sign` (短信签名).

    `templates` is a JSON file: template → language → code of the registered text (SMS_…).
    """
    codes: Mapping[str, Mapping[str, str]] = orjson.loads(templates.read_bytes())

    def send(message: Message) -> None:
        query = {
            "PhoneNumbers": message.address.removeprefix("+"),
            "SignName": sign,
            "TemplateCode": codes[message.template][message.language],
            "TemplateParam": orjson.dumps(dict(message.params)).decode(),
            "OutId": str(message.id),
        }
        headers = signed(urlsplit(address).netloc, ACTION, VERSION, query, (key_id, key_secret), clock.now())
        told = call("POST", f"{address.rstrip('/')}/?{canonical(query)}", headers)
        if told.get("Code") in NO_USE:
            raise Undeliverable
        if told.get("Code") != "OK":
            raise GatewayFailed

    return send


def signed(
    host: str,
    action: str,
    version: str,
    query: Mapping[str, str],
    key: tuple[str, str],
    now: datetime,
    nonce: str | None = None,
) -> dict[str, str]:
    """The headers of a POST with this query and no body, signed with a key (id, secret)."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce or secrets.token_hex(16),
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(("POST", "/", canonical(query), lines, names, headers["x-acs-content-sha256"]))
    told = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(key[1].encode(), told.encode(), hashlib.sha256).hex()
    return headers | {
        "Authorization": f"ACS3-HMAC-SHA256 Credential={key[0]},SignedHeaders={names},Signature={signature}"
    }


def canonical(query: Mapping[str, str]) -> str:
    """A query as it is signed: sorted, and quoted as RFC 3986 has it."""
    return "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))
