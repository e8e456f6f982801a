"""SMS go to Alibaba Cloud as its documentation says: a signed SendSms, and an answer that is read."""

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.outbox.alibaba_sms import alibaba_sender, signed
from backend.outbox.calling import GatewayFailed
from backend.outbox.sending import Message, Sender, Undeliverable
from tests.outbox.gateway_server import Answer, Asked, serving

KEY_ID, SECRET = "LTAI-test", "a secret of thirty signs or so"
ID = uuid.UUID("01930000-0000-7000-8000-000000000001")
MESSAGE = Message(ID, "sms", "+8613800000001", "验证码 123456", "code_sign_in", "zh", {"code": "123456"})


def test_the_signature_is_that_of_the_documentations_own_example() -> None:
    headers = signed(
        "ecs.cn-shanghai.aliyuncs.com",
        "RunInstances",
        "2014-05-26",
        {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"},
        ("YourAccessKeyId", "YourAccessKeySecret"),
        datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        "3156853299f313e23d1673dc12e1703d",
    )
    assert headers["Authorization"].endswith(
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def is_signed(asked: Asked) -> bool:
    """Whether a request is signed as the gateway checks it: over the very bytes that came."""
    found = re.fullmatch(
        r"ACS3-HMAC-SHA256 Credential=(\S+),SignedHeaders=(\S+),Signature=([0-9a-f]{64})",
        asked.headers["authorization"],
    )
    assert found is not None
    names = found[2].split(";")
    lines = "".join(f"{name}:{asked.headers[name]}\n" for name in names)
    query, body = asked.target.partition("?")[2], hashlib.sha256(asked.body).hexdigest()
    request = f"{asked.method}\n{asked.path}\n{query}\n{lines}\n{found[2]}\n{body}"
    told = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    return found[1] == KEY_ID and hmac.new(SECRET.encode(), told.encode(), "sha256").hexdigest() == found[3]


def answering(**told: object) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        if not is_signed(asked):
            return 400, {}, b'{"Code": "SignatureDoesNotMatch"}'
        return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()

    return answer


def sender(address: str, folder: Path, secret: str = SECRET) -> Sender:
    templates = folder / "templates.json"
    templates.write_text(json.dumps({"code_sign_in": {"zh": "SMS_154950909"}}))
    return alibaba_sender(address, KEY_ID, secret, "九江网格", templates)


def test_a_message_names_the_registered_text_the_number_and_its_own_id(tmp_path: Path) -> None:
    with serving(answering(Code="OK", BizId="9006^0")) as gateway:
        sender(gateway.address, tmp_path)(MESSAGE)
    (asked,) = gateway.asked
    assert (asked.headers["x-acs-action"], asked.headers["x-acs-version"]) == ("SendSms", "2017-05-25")
    assert asked.query == {
        "PhoneNumbers": "8613800000001",
        "SignName": "九江网格",
        "TemplateCode": "SMS_154950909",
        "TemplateParam": '{"code":"123456"}',
        "OutId": str(ID),
    }


def test_another_secret_is_refused_by_the_gateway(tmp_path: Path) -> None:
    with serving(answering(Code="OK")) as gateway, pytest.raises(GatewayFailed):
        sender(gateway.address, tmp_path, "another")(MESSAGE)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", GatewayFailed),
        ("isp.SYSTEM_ERROR", GatewayFailed),
        ("isv.MOBILE_NUMBER_ILLEGAL", Undeliverable),
    ],
)
def test_a_gateway_that_is_busy_is_asked_again_and_a_number_that_is_none_is_not(
    tmp_path: Path, code: str, error: type[Exception]
) -> None:
    with serving(answering(Code=code)) as gateway, pytest.raises(error):
        sender(gateway.address, tmp_path)(MESSAGE)


@pytest.mark.parametrize(
    "answer", [(502, {}, b"<html>"), (200, {}, b"[]"), (302, {"Location": "http://127.0.0.1:9/"}, b"")]
)
def test_an_answer_that_is_none_counts_as_not_sent(tmp_path: Path, answer: Answer) -> None:
    with serving(lambda _asked: answer) as gateway, pytest.raises(GatewayFailed) as raised:
        sender(gateway.address, tmp_path)(MESSAGE)
    assert "13800000001" not in str(raised.value) and raised.value.__cause__ is None
    assert len(gateway.asked) == 1


def test_nobody_listening_counts_as_not_sent(tmp_path: Path) -> None:
    with serving(answering(Code="OK")) as gateway:
        address = gateway.address
    with pytest.raises(GatewayFailed):
        sender(address, tmp_path)(MESSAGE)
