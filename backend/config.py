"""Every setting of the product, read from the environment once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo


class WrongSetting(SystemExit):
    """A setting that cannot be used; nothing starts with it, and one line says why."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(f"{name}={value} 无法使用 cannot be used: {wanted}")


def _env(name: str, default: str) -> str:
    return os.environ.get(name) or default


def _number(name: str, default: str, least: int = 1, most: int = 1_000_000) -> int:
    written = _env(name, default)
    if not written.isdecimal() or not least <= int(written) <= most:
        raise WrongSetting(name, written, f"a whole number from {least} to {most}")
    return int(written)


def _one_of(name: str, default: str, *others: str) -> str:
    written = _env(name, default)
    if written not in (default, *others):
        raise WrongSetting(name, written, f"one of {default}, {', '.join(others)}")
    return written


def _address(name: str, default: str) -> str:
    written = _env(name, default)
    if not written.startswith(("https://", "http://")):
        raise WrongSetting(name, written, "an address that begins with https://")
    return written


def _base(name: str) -> str:
    return _address(name, "https://").rstrip("/") if _env(name, "") else ""


def _base_map(name: str) -> str:
    written = _env(name, "")
    xyz = written.startswith(("https://", "http://")) and all(part in written for part in ("{z}", "{x}", "{y}"))
    if written and not xyz and not written.startswith("pmtiles://"):
        raise WrongSetting(name, written, "an address as https://tiles.example.cn/{z}/{x}/{y}.png, or pmtiles://…")
    return written


def _smtp(name: str) -> str:
    written = _env(name, "")
    if written and not re.fullmatch(r"(smtp|smtps|smtp\+starttls)://[^/@:]+(:\d{1,5})?", written):
        raise WrongSetting(name, written, "an address as smtps://mail.example.cn")
    return written


def _networks(name: str) -> str:
    written = _env(name, "")
    try:
        [ip_network(network) for network in written.split(",") if network]
    except ValueError:
        raise WrongSetting(name, written, "networks as 10.1.0.0/16, with commas between") from None
    return written


def _database(name: str) -> str:
    written = _env(name, "")
    if written and not re.match(r"(postgres|postgresql|postgresql\+psycopg|sqlite):/", written):
        # Only what stands before its colon: behind it may be a password.
        wanted = "an address as postgresql://user@host/database or sqlite:////folder/file"
        raise WrongSetting(name, written.partition(":")[0], wanted)
    return written


def _with_driver(url: str) -> str:
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url[len(plain) :]
    return url


def _zone(written: str) -> ZoneInfo:
    try:
        return ZoneInfo(written)
    except (OSError, ValueError, LookupError):
        raise WrongSetting("TIMEZONE", written, "an IANA name such as Asia/Shanghai") from None


TOWN_ZONE = _zone(_env("TIMEZONE", "Asia/Shanghai"))
"""The town's time zone: times are kept in UTC and answered with this zone's offset."""


@dataclass(frozen=True)
class Config:
    """Settings; the environment variable of each has the field's name. `.env.example` lists them all."""

    INSTANCE: Path = field(default_factory=lambda: Path(_env("INSTANCE", "instance")).absolute())
    """Folder for what the server makes itself: database, keys, photos, development messages."""

    DATABASE_URL: str = field(default_factory=lambda: _database("DATABASE_URL"))
    """SQLAlchemy address of the database; empty: SQLite in INSTANCE."""

    HOST: str = field(default_factory=lambda: _env("HOST", "127.0.0.1"))
    """Address to listen on. With demo accounts present only a loopback address is accepted."""

    PORT: int = field(default_factory=lambda: _number("PORT", "8000", most=65_535))
    """TCP port to listen on."""

    PUBLIC_URL: str = field(default_factory=lambda: _base("PUBLIC_URL"))
    """Address by which everybody reaches this server, as https://grid.example.cn; empty: as each request names it."""

    TIMEZONE: str = field(default_factory=lambda: _env("TIMEZONE", "Asia/Shanghai"))
    """IANA name of the town's time zone."""

    TOWN: str = field(default_factory=lambda: _env("TOWN", "440605121"))
    """Nine-digit area code of the town this deployment serves first."""

    DEMO_PASSWORD: str = field(default_factory=lambda: _env("DEMO_PASSWORD", ""))
    """Password of the demo accounts; empty: the one made or given before, which INSTANCE keeps."""

    ACCESS_TOKEN_MINUTES: int = field(default_factory=lambda: _number("ACCESS_TOKEN_MINUTES", "30"))
    """Minutes an access token is valid."""

    REFRESH_TOKEN_DAYS: int = field(default_factory=lambda: _number("REFRESH_TOKEN_DAYS", "30"))
    """Days a refresh token is valid without being used."""

    REFRESH_GRACE_SECONDS: int = field(default_factory=lambda: _number("REFRESH_GRACE_SECONDS", "60", least=0))
    """Seconds in which a refresh token already used still gets its successor (the answer may have been lost)."""

    PHONE_REISSUED_DAYS: int = field(default_factory=lambda: _number("PHONE_REISSUED_DAYS", "90"))
    """Days after which carriers may give a left number to somebody else; a code alone is believed no longer."""

    WECHAT_API: str = field(default_factory=lambda: _address("WECHAT_API", "https://api.weixin.qq.com"))
    """Address of WeChat's server interface."""

    WECHAT_APP_ID: str = field(default_factory=lambda: _env("WECHAT_APP_ID", ""))
    """The mini-program's AppID; empty: no signing in by WeChat."""

    WECHAT_APP_SECRET: str = field(default_factory=lambda: _env("WECHAT_APP_SECRET", ""), repr=False)
    """The mini-program's AppSecret."""

    WECHAT_TEMPLATE: str = field(default_factory=lambda: _env("WECHAT_TEMPLATE", ""))
    """Id of the subscription message by which the mini-program tells of news; empty: no messages by WeChat."""

    WECHAT_TEMPLATE_FIELD: str = field(default_factory=lambda: _env("WECHAT_TEMPLATE_FIELD", "thing1"))
    """The keyword of that message that says what is new; one for things (thing...)."""

    WECHAT_PAGE: str = field(default_factory=lambda: _env("WECHAT_PAGE", "pages/notices/index"))
    """Page of the mini-program to which that message leads."""

    SMS_API: str = field(default_factory=lambda: _address("SMS_API", "https://dysmsapi.aliyuncs.com"))
    """Address of Alibaba Cloud's SMS interface."""

    SMS_KEY_ID: str = field(default_factory=lambda: _env("SMS_KEY_ID", ""))
    """AccessKey ID for Alibaba Cloud SMS; empty: SMS are written into OUTBOX_FOLDER."""

    SMS_KEY_SECRET: str = field(default_factory=lambda: _env("SMS_KEY_SECRET", ""), repr=False)
    """AccessKey secret for Alibaba Cloud SMS."""

    SMS_SIGN: str = field(default_factory=lambda: _env("SMS_SIGN", "九江网格"))
    """Registered signature under which SMS are sent."""

    SMS_TEMPLATES: str = field(default_factory=lambda: _env("SMS_TEMPLATES", "sms_templates.json"))
    """File with the codes of the registered texts: JSON, template -> language -> SMS_..."""

    SMTP_SERVER: str = field(default_factory=lambda: _smtp("SMTP_SERVER"))
    """Mail server: smtps://host, smtp+starttls://host or smtp://host, or with :port; empty: into OUTBOX_FOLDER."""

    SMTP_USER: str = field(default_factory=lambda: _env("SMTP_USER", ""))
    """User name at the mail server; empty: none is asked for."""

    SMTP_PASSWORD: str = field(default_factory=lambda: _env("SMTP_PASSWORD", ""), repr=False)
    """Password at the mail server."""

    MAIL_FROM: str = field(default_factory=lambda: _env("MAIL_FROM", "notices@localhost"))
    """Address from which mails are sent."""

    QUIET_HOURS: str = field(default_factory=lambda: _env("QUIET_HOURS", "22:00-07:00"))
    """Hours in which only urgent notices are sent, in local time; none: at any hour."""

    WEBHOOK_NETWORKS: str = field(default_factory=lambda: _networks("WEBHOOK_NETWORKS"))
    """Networks of one's own (as 10.1.0.0/16, with commas) that webhooks may lead to; empty: only the internet."""

    WORKING_HOURS: str = field(default_factory=lambda: _env("WORKING_HOURS", "08:30-12:00,14:00-17:30"))
    """Open minutes of a workday, as comma-separated intervals of local time."""

    PROTECTED_CHANNEL: str = field(
        default_factory=lambda: _env("PROTECTED_CHANNEL", "佛山市南海区纪委监委 12388（电话与网站）")
    )
    """The outside channel named to a person who asks for protection while nobody here is cleared to give it."""

    CLOSE_AFTER_WORKDAYS: int = field(default_factory=lambda: _number("CLOSE_AFTER_WORKDAYS", "5", most=250))
    """Workdays after its check on which a case closes by itself, unless whoever reported it says something."""

    REOPEN_WITHIN_DAYS: int = field(default_factory=lambda: _number("REOPEN_WITHIN_DAYS", "30", most=3650))
    """Days after its closing in which a case can be rated and reopened."""

    RETAIN_DAYS: int = field(default_factory=lambda: _number("RETAIN_DAYS", "730", least=183, most=36_500))
    """Days for which what is personal in a case (texts, place, files, names) is kept after its end: 183 or more."""

    SIMILAR_METRES: int = field(default_factory=lambda: _number("SIMILAR_METRES", "100", most=1_000))
    """Metres within which open cases are offered to somebody about to file one."""

    SIMILAR_DAYS: int = field(default_factory=lambda: _number("SIMILAR_DAYS", "30", most=365))
    """Days back to which they are looked for."""

    LOW_RATING: int = field(default_factory=lambda: _number("LOW_RATING", "2", least=0, most=4))
    """A rating so low or lower is looked into, 0 to 4; 0: none is. What is not solved is reopened anyway."""

    LOW_RATING_GOES: str = field(default_factory=lambda: _one_of("LOW_RATING_GOES", "inspector", "reopen"))
    """Where a low rating goes: inspector (who is told, the case stays closed) or reopen."""

    ROUTE_BY_ITSELF: str = field(default_factory=lambda: _one_of("ROUTE_BY_ITSELF", "no", "yes"))
    """Whether accepted cases are dispatched by the town's routing rules (yes), or the desk is only told (no)."""

    UPLOAD_MAX_MEGABYTES: int = field(default_factory=lambda: _number("UPLOAD_MAX_MEGABYTES", "20"))
    """Largest photo accepted, in megabytes (10^6 bytes)."""

    RECORDING_MAX_MEGABYTES: int = field(default_factory=lambda: _number("RECORDING_MAX_MEGABYTES", "100"))
    """Largest film or sound accepted, in megabytes (10^6 bytes)."""

    RECORDING_MAX_SECONDS: int = field(default_factory=lambda: _number("RECORDING_MAX_SECONDS", "300"))
    """Longest film or sound accepted, in seconds."""

    PHOTO_FAR_METRES: int = field(default_factory=lambda: _number("PHOTO_FAR_METRES", "200"))
    """Metres from the place of a case beyond which a photo of it is marked as taken elsewhere."""

    PHOTO_OLD_HOURS: int = field(default_factory=lambda: _number("PHOTO_OLD_HOURS", "24"))
    """Hours before it was attached beyond which a photo is marked as old."""

    BASE_MAP: str = field(default_factory=lambda: _base_map("BASE_MAP"))
    """Outside base map below the town's layers: https://…/{z}/{x}/{y}.png or pmtiles://…; empty: none."""

    TIANDITU_KEY: str = field(default_factory=lambda: _env("TIANDITU_KEY", ""), repr=False)
    """Browser key for Tianditu's base map 天地图, it wins over BASE_MAP; empty: none. Users can read it."""

    EVIDENCE_BUCKET: str = field(default_factory=lambda: _env("EVIDENCE_BUCKET", ""))
    """Bucket of an S3-compatible service for photos, films and sound; empty: they lie in INSTANCE."""

    EVIDENCE_ENDPOINT: str = field(default_factory=lambda: _env("EVIDENCE_ENDPOINT", ""))
    """Address of the service, with the bucket's name before it where the service wants that; empty: AWS."""

    EVIDENCE_REGION: str = field(default_factory=lambda: _env("EVIDENCE_REGION", "us-east-1"))
    """Region of the bucket."""

    EVIDENCE_KEY: str = field(default_factory=lambda: _env("EVIDENCE_KEY", ""))
    """Access key for the bucket."""

    EVIDENCE_SECRET: str = field(default_factory=lambda: _env("EVIDENCE_SECRET", ""), repr=False)
    """Secret of the access key."""

    OUTBOX_FOLDER: str = field(default_factory=lambda: _env("OUTBOX_FOLDER", ""))
    """Folder into which the development sender writes messages; empty: INSTANCE/outbox."""

    IDENTITY_KEYS: str = field(default_factory=lambda: _env("IDENTITY_KEYS", ""))
    """File with the keys that seal who reported and what few may read; empty: INSTANCE/identity.json, made once."""

    IDENTITY_DATABASE_URL: str = field(default_factory=lambda: _database("IDENTITY_DATABASE_URL"))
    """The same PostgreSQL for a role that alone may read who reported; empty: DATABASE_URL's role reads it itself."""

    IDENTITY_KMS: str = field(default_factory=lambda: _env("IDENTITY_KMS", ""))
    """Address of a transit engine (Vault, OpenBao) that holds the keys instead of a file, as https://kms/v1/transit."""

    IDENTITY_KMS_KEY: str = field(default_factory=lambda: _env("IDENTITY_KMS_KEY", "grid1258"))
    """Name of the key in the transit engine."""

    IDENTITY_KMS_TOKEN: str = field(default_factory=lambda: _env("IDENTITY_KMS_TOKEN", ""))
    """File with the token for the transit engine; empty: none is sent (an agent beside the server adds it)."""

    ANCHORS: str = field(default_factory=lambda: _env("ANCHORS", ""))
    """File that the heads of the ledger's chains are appended to, best on another disk; empty: INSTANCE/anchors.log."""

    PROXIES: int = field(default_factory=lambda: _number("PROXIES", "0", least=0))
    """How many proxies of one's own stand before the server; their X-Forwarded-For is then believed."""

    @property
    def largest_bodies(self) -> Mapping[str, int]:
        """Bytes that a body with a photo may have, and one with a recording, or whatever is larger."""
        photo, recording = self.UPLOAD_MAX_MEGABYTES, self.RECORDING_MAX_MEGABYTES
        return {"photo": photo * 1_000_000, "recording": max(photo, recording) * 1_000_000}

    @property
    def database_url(self) -> str:
        """The database's address with the driver this product uses."""
        return _with_driver(self.DATABASE_URL or f"sqlite:///{self.INSTANCE / 'town.db'}")

    @property
    def identity_database_url(self) -> str:
        """The address under which identities are read; empty: that of the database."""
        return _with_driver(self.IDENTITY_DATABASE_URL)

    @property
    def identity_keys(self) -> Path:
        """The file with the keys of the envelope."""
        return Path(self.IDENTITY_KEYS) if self.IDENTITY_KEYS else self.INSTANCE / "identity.json"

    @property
    def anchor_file(self) -> Path:
        """The file with the ledger's anchors."""
        return Path(self.ANCHORS) if self.ANCHORS else self.INSTANCE / "anchors.log"

    @property
    def webhook_networks(self) -> tuple[str, ...]:
        """The networks of one's own that webhooks may lead to."""
        return tuple(network for network in self.WEBHOOK_NETWORKS.split(",") if network)

    @property
    def outbox_folder(self) -> Path:
        """Where the development sender writes."""
        return Path(self.OUTBOX_FOLDER) if self.OUTBOX_FOLDER else self.INSTANCE / "outbox"
