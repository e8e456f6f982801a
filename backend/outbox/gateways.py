"""By which gateway each channel goes in this deployment: a real one where it is configured, else the folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.config import Config
from backend.outbox.alibaba_sms import alibaba_sender
from backend.outbox.folder import folder_sender
from backend.outbox.mail import mail_sender
from backend.outbox.sending import Sender
from backend.outbox.wechat_messages import wechat_sender


@dataclass(frozen=True)
class Gateway:
    """Who takes the messages of a channel, and whether that may wake somebody: a folder wakes nobody."""

    send: Sender
    wakes: bool = True


@cache
def gateways(config: Config) -> Mapping[str, Gateway]:
    """The gateways by channel. WeChat has none unless it is configured: nobody could have subscribed."""
    folder = Gateway(folder_sender(config.outbox_folder), wakes=False)
    found = {"sms": folder, "email": folder}
    if config.SMS_KEY_ID:
        templates = Path(config.SMS_TEMPLATES)
        key = (config.SMS_KEY_ID, config.SMS_KEY_SECRET)
        found["sms"] = Gateway(alibaba_sender(config.SMS_API, *key, config.SMS_SIGN, templates))
    if config.SMTP_SERVER:
        account = (config.SMTP_USER, config.SMTP_PASSWORD)
        found["email"] = Gateway(mail_sender(config.SMTP_SERVER, *account, config.MAIL_FROM))
    if config.WECHAT_TEMPLATE:
        app = (config.WECHAT_APP_ID, config.WECHAT_APP_SECRET)
        place = (config.WECHAT_TEMPLATE, config.WECHAT_TEMPLATE_FIELD, config.WECHAT_PAGE)
        found["wechat"] = Gateway(wechat_sender(config.WECHAT_API, app, *place))
    return found
