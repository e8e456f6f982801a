"""Who somebody is to WeChat: the mini-program's login code exchanged for an openid (code2session).

https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html. The session key that comes
with the openid is of no use to us and goes no further than this module.
"""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime
from typing import Any

import structlog
from flask import current_app, request
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.config import Config
from backend.http.problems import Problem
from backend.http.reading import row
from backend.http.work import unit_of_work
from backend.ledger.record import SYSTEM, record
from backend.people.sign_in import Device, Tokens, begin, may_enter
from backend.people.tables import Account
from backend.people.throttle import take_tries

TIMEOUT_SECONDS = 3.0
_WRONG_CODE = {40029, 40163}
"""Not a code (or one for another mini-program, or too old), and a code used before."""
_TOO_OFTEN, _HIGH_RISK = 45011, 40226
log = structlog.get_logger()


class WechatOff(Problem):
    """This town has no mini-program."""

    status, code = 409, "wechat_off"
    zh, en = "本镇未开通微信登录，请用手机号登录。", "Signing in by WeChat is not set up here; sign in by phone."


class WrongWechatCode(Problem):
    """A login code that WeChat does not know, or that was used."""

    status, code = 401, "wrong_wechat_code"
    zh, en = "微信登录凭证已失效，请重试。", "WeChat does not know this login code any more; try again."


class WechatRefuses(Problem):
    """WeChat holds the user for dangerous."""

    status, code = 403, "wechat_refuses"
    zh, en = "微信限制了该用户登录，请用手机号登录。", "WeChat refuses this user; sign in by phone."


class WechatBusy(Problem):
    """WeChat was asked too often about this user."""

    status, code = 429, "wechat_busy"
    zh, en = (
        "操作过于频繁，请在 {seconds} 秒后再试。",
        "WeChat was asked too often; wait {seconds} seconds and try again.",
    )


class WechatUnavailable(Problem):
    """WeChat does not answer, or not as its documentation says."""

    status, code = 503, "wechat_unavailable"
    zh, en = "微信登录暂时不可用，请稍后再试或用手机号登录。", "WeChat does not answer; try later or sign in by phone."


class WechatNotLinked(Problem):
    """A WeChat user who has not proved a phone here yet."""

    status, code = 409, "wechat_not_linked"
    zh = "该微信尚未绑定账号，请用手机验证码登录或注册，并一并提交微信凭证。"
    en = "No account is linked to this WeChat user; register or sign in by a code to the phone, with wechat_code."


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """The address holds the secret: it goes where the setting says and nowhere else."""


_opener = urllib.request.build_opener(_NoRedirect)


def openid_of(js_code: str) -> str:
    """The openid behind a login code of `wx.login()`. Raises the problems above."""
    config: Config = current_app.config["TOWN_CONFIG"]
    if not config.WECHAT_APP_ID or not config.WECHAT_APP_SECRET:
        raise WechatOff
    told = _ask(config, js_code)
    number = told.get("errcode", 0)
    if number in _WRONG_CODE:
        raise WrongWechatCode
    if number == _HIGH_RISK:
        raise WechatRefuses
    if number == _TOO_OFTEN:
        raise WechatBusy(headers={"Retry-After": "60"}, seconds=60)
    openid = told.get("openid")
    if number or not isinstance(openid, str) or not 0 < len(openid) <= 64:
        # Busy (-1), or a wrong id or secret (40013, 40125), which whoever runs the town must see.
        log.warning("wechat_refused", errcode=number if isinstance(number, int) else None)
        raise WechatUnavailable
    return openid


def _ask(config: Config, js_code: str) -> dict[str, Any]:
    query = {
        "appid": config.WECHAT_APP_ID,
        "secret": config.WECHAT_APP_SECRET,
        "js_code": js_code,
        "grant_type": "authorization_code",
    }
    address = f"{config.WECHAT_API.rstrip('/')}/sns/jscode2session?{urllib.parse.urlencode(query)}"
    try:
        with _opener.open(address, timeout=TIMEOUT_SECONDS) as answer:
            told = json.loads(answer.read(10_000))
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        log.warning(
            "wechat_silent", error=type(error).__name__
        )  # its own words may hold the address, and so the secret
        raise WechatUnavailable from None
    if not isinstance(told, dict):
        raise WechatUnavailable
    return told


_account = select(Account.id, Account.active, Account.demonstration).where(Account.wechat_openid == bindparam("openid"))


def sign_in_by_wechat(js_code: str, device: Device, now: datetime) -> Tokens:
    """Sign in to the account that was linked to this WeChat user. Raises TooManyTries or one of the problems above."""
    take_tries(now, wechat=request.remote_addr or "")
    account = row(_account, openid=openid_of(js_code))
    if account is None or not may_enter(account.active, account.demonstration):
        raise WechatNotLinked
    with unit_of_work() as session:
        return begin(session, account.id, device, now)


def link(session: Session, account: uuid.UUID, openid: str, now: datetime) -> None:
    """Let a WeChat user sign in to an account from now on, and to no other. The phone was proved before."""
    others = (Account.wechat_openid == openid, Account.id != account)
    session.execute(update(Account).where(*others).values(wechat_openid=None))
    session.execute(update(Account).where(Account.id == account).values(wechat_openid=openid))
    thing = ("account", str(account))
    record(session, town=SYSTEM, actor=account, action="link_wechat", thing=thing, version=0, occurred_at=now)
