"""The settings: their names, types and defaults, and what each should be."""

import re
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    Secret,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.config.feedback_settings import FeedbackSettings
from bot.config.imap_settings import ImapSettings
from bot.config.network import Network
from bot.domain.address import is_address
from bot.domain.target_parser import read_own_site
from bot.domain.webhook_event_types import EventType
from bot.security.webhook_signature import PREFIX, signing_key

_DURATION: Final = re.compile(r"(\d{1,5})\s*([smhd])", re.ASCII)
_PUBLIC: Final = r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^\s?#]*)?$"
"""One-click unsubscribe works over https only. On the machine itself it may be http, to try it out."""
_HEARTBEAT: Final = r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)(/[^\s#]*)?$"
"""A person who reads the address can silence the alarm, so it travels encrypted or not beyond this machine."""
_PASSWORD: Final = re.compile(r"://[^:@/]*:([^@]+)@")
_FORGE_APP: Final = re.compile(
    r"(?P<ari>ari:cloud:ecosystem::app/[0-9a-f-]{36})\s*=\s*(?P<key>[A-Za-z0-9._-]{1,100})", re.IGNORECASE | re.ASCII
)
_WEBHOOK_KEY_BYTES: Final = 24
"""What Standard Webhooks asks for."""
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _signing_secret(value: SecretStr) -> SecretStr:
    """ValueError if the secret is no key for signatures."""
    signing_key(value.get_secret_value())
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    """ValueError unless the secret has the form that receivers' libraries read."""
    secret = value.get_secret_value()
    if not secret.startswith(PREFIX) or len(signing_key(secret)) < _WEBHOOK_KEY_BYTES:
        raise ValueError("not a secret for webhooks")
    return value


def _webhook_event(value: EventType) -> EventType:
    """ValueError for what is sent by a command alone."""
    if value is EventType.PING:
        raise ValueError("sent by a command alone")
    return value


def _duration(value: object) -> object:
    """Read `30s`, `10m`, `24h`, `7d`."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else value


def _listed(value: object) -> object:
    """Split a list at commas. A list without an entry is rejected, so that a restriction is not dropped with it."""
    parts = tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else ()
    return parts or value


def _on_off(value: object) -> object:
    """Read `on`, `off`, `true` or `false`."""
    return {"true": "on", "false": "off"}.get(str(value).lower(), str(value).lower())


def _upper_listed(value: object) -> object:
    return _listed(value.upper()) if isinstance(value, str) else value


def _forge_apps(value: object) -> object:
    """Split `ari…=app.key, ari…=app.key`. Raises ValueError for other text, and for an app that is given twice."""
    if not isinstance(value, str):
        return value
    pairs = [_FORGE_APP.fullmatch(part.strip()) for part in value.split(",") if part.strip()]
    found = tuple((pair["ari"].lower(), pair["key"]) for pair in pairs if pair is not None)
    if not found or None in pairs or len(dict(found)) < len(found):
        raise ValueError("not pairs of an app's ARI and its key")
    return found


def _lines(value: object) -> object:
    r"""Split text into lines. A literal `\n` counts as a line break too, for files with one line for each setting."""
    if not isinstance(value, str):
        return value
    broken = value.replace("\\r\\n", "\n").replace("\\n", "\n")
    return "\n".join(line.strip() for line in broken.splitlines() if line.strip())


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or re.search(r"\s", value):
        raise ValueError("not a web address")
    return value


def _hosts(value: object) -> object:
    """Split a list at commas, semicolons or spaces: no host contains one. A list without an entry is rejected."""
    parts = tuple(filter(None, re.split(r"[\s,;]+", value))) if isinstance(value, str) else ()
    return parts or value


def _own_site(value: str) -> str:
    """Return a site or a mail domain in its normal form. Raises ValueError for other text."""
    if (found := read_own_site(value)) is None:
        raise ValueError("neither a site nor a domain")
    return found


def _mailbox(value: str) -> str:
    """Return `name@domain` or `Name <name@domain>` unchanged. Raises ValueError for other text."""
    if not is_address(parseaddr(value)[1]):
        raise ValueError("not an email address")
    return value


def _zone(value: object) -> object:
    try:
        return ZoneInfo(value) if isinstance(value, str) else value
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:  # `Europe` is a folder
        raise ValueError("unknown zone") from exc


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]
Token = Annotated[SecretStr, Field(min_length=1)]
Key = Annotated[str, StringConstraints(min_length=32)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Mailbox = Annotated[Text, AfterValidator(_mailbox)]
WebAddress = Annotated[Text, AfterValidator(_web_address)]
OwnSite = Annotated[str, AfterValidator(_own_site)]
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,}$")]
UserIds = Annotated[tuple[UserId, ...], BeforeValidator(_listed)]
ChannelId = Annotated[Text, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,}$")]
ActorId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,}$")]

_CHANNEL: Final = "the id (C…) of the channel for cards, at the bottom of the channel's details"
_COUNTRIES: Final = "a TOML file with your own rules by country"
_ADMINS: Final = "user ids (U…) with commas between, from ⋮ › Copy member ID in each profile"


class SomeSettings(BaseModel):
    """A part of the settings. A field's description completes the sentences `NAME should be …` and `Use …`."""

    model_config = ConfigDict(extra="forbid", validate_default=True, hide_input_in_errors=True)


class HttpSettings(SomeSettings):
    """Where the HTTP endpoints listen."""

    http_host: Text = Field("127.0.0.1", description="the address that the HTTP endpoints listen on")
    http_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="a number from 0 to 65535: the port that the HTTP endpoints listen on; 0 takes a free one",
    )
    metrics: Annotated[Literal["on", "off"], BeforeValidator(lambda v: str(v).lower())] = Field(
        "off", description="on or off: whether /metrics shows figures for Prometheus"
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="a number from 1 to 65535: a port of its own for /metrics, which is then on there alone",
    )

    @property
    def has_metrics(self) -> bool:
        """Whether figures are kept and shown, on either port."""
        return self.metrics == "on" or self.metrics_port is not None


class DatabaseSettings(SomeSettings):
    """The settings of a command that only uses the database."""

    database_url: Text = Field(
        "sqlite+aiosqlite:///evaluators.db",
        pattern=r"^(sqlite\+aiosqlite|postgresql\+asyncpg)://",
        description="an address like sqlite+aiosqlite:///evaluators.db or "
        "postgresql+asyncpg://user:password@host:5432/name, with @ : / in the password as %40 %3A %2F",
        repr=False,  # may hold a password
    )
    secret_key: Annotated[tuple[Key, ...], BeforeValidator(_listed), Field(min_length=1)] = Field(
        description="at least 32 random characters, from python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        repr=False,
    )
    log_format: Literal["console", "json"] = Field("console", description="console or json")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lambda v: str(v).lower())] = (
        Field("info", description="debug, info, warning or error")
    )

    def secrets(self) -> list[str]:
        """Return every secret value."""
        values = [each for value in dict(self).values() for each in (value if isinstance(value, tuple) else [value])]
        hidden = [value.get_secret_value() for value in values if isinstance(value, SecretStr | Secret)]
        password = _PASSWORD.search(self.database_url)
        return [*hidden, *self.secret_key, *([unquote(password[1])] if password else [])]


class ChannelSettings(DatabaseSettings):
    """The settings of a command that needs no Slack, but has use for the channel and the admins if they are set."""

    slack_channel: ChannelId | None = Field(None, description=_CHANNEL)
    slack_admins: UserIds = Field((), description=_ADMINS)


class ExportSettings(DatabaseSettings):
    """The settings of `export`, which needs no mail server, but knows the rules by country if they are set."""

    mail_countries: Path | None = Field(None, description=_COUNTRIES)


class ReportSettings(DatabaseSettings):
    """The settings of `report`: which trials count, and when a day begins."""

    test_sites: Annotated[tuple[OwnSite, ...], BeforeValidator(_hosts)] = Field(
        (), description="sites (acme-dev.atlassian.net) and email domains of your own, with commas between"
    )
    timezone: Annotated[ZoneInfo, BeforeValidator(_zone)] = Field(
        ZoneInfo("UTC"), description="the team's time zone, like Europe/Berlin"
    )

    @property
    def own_sites(self) -> frozenset[str]:
        """The vendor's own sites and domains, in lower case."""
        return frozenset(site.lower() for site in self.test_sites)


class WebhookSettings(ChannelSettings):
    """The settings of `webhook`, which needs no Slack, but tells the admins if an address works again."""

    _network: Network = PrivateAttr(default_factory=Network)

    webhook_private: bool = Field(
        default=False, description="true or false: whether webhooks may go to private addresses, over http, to any port"
    )
    webhook_urls: Annotated[tuple[Secret[WebAddress], ...], BeforeValidator(_listed)] = Field(
        (), description="https addresses of your own systems, with commas between"
    )
    webhook_secret: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_webhook_secret)], ...], BeforeValidator(_listed)
    ] = Field(
        (),
        description="whsec_ and Base64 of at least 24 random bytes, from "
        "python3 -c 'import base64, secrets; print(\"whsec_\" + base64.b64encode(secrets.token_bytes(32)).decode())'",
    )
    webhook_events: Annotated[
        tuple[Annotated[EventType, AfterValidator(_webhook_event)], ...], BeforeValidator(_listed)
    ] = Field(
        tuple(each for each in EventType if each is not EventType.PING),
        description="types of events with commas between, like evaluation.started; docs/webhooks.md lists them",
    )
    webhook_contacts: bool = Field(
        default=False, description="true or false: whether webhooks name the contact, unless that person said no"
    )

    @property
    def network(self) -> Network:
        """The connection to other servers, read with the settings but from variables that are not ours."""
        return self._network


class Settings(HttpSettings, ReportSettings, WebhookSettings, ImapSettings, FeedbackSettings):
    """Every setting."""

    slack_bot_token: Secret[Annotated[str, StringConstraints(pattern=r"^xoxb-")]] = Field(
        description="the Bot User OAuth Token (xoxb-…) from OAuth & Permissions on your app's page"
    )
    slack_app_token: Secret[Annotated[str, StringConstraints(pattern=r"^xapp-")]] | None = Field(
        None,
        description="an app-level token (xapp-…) with connections:write, from Basic Information on your app's page",
    )
    slack_signing_secret: Token | None = Field(
        None, description="the Signing Secret from Basic Information on your app's page"
    )
    slack_channel: ChannelId = Field(description=_CHANNEL)
    slack_admins: UserIds = Field((), description=_ADMINS)
    slack_actors: Annotated[tuple[ActorId, ...], BeforeValidator(_listed)] = Field(
        (), description="ids of users (U…) and user groups (S…) with commas between, who may email and unblock"
    )
    reactions: Annotated[Literal["on", "off"], BeforeValidator(lambda v: str(v).lower())] = Field(
        "off", description="on or off: whether reactions on a card claim it, say that it is done, or snooze it"
    )
    slack_api_url: WebAddress = Field("https://slack.com/api/", description="the base address of Slack's Web API")
    marketplace_user: Text = Field(description="the email address of the Atlassian account that reads the reports")
    marketplace_token: Token = Field(description="an API token of that account, from id.atlassian.com › Security")
    marketplace_vendor_id: Annotated[Text, StringConstraints(pattern=r"^\d+$")] | None = Field(
        None, description="the number in the address of your vendor page at marketplace.atlassian.com"
    )
    marketplace_developer_id: Annotated[Text, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")] | None = Field(
        None, description="the UUID of your developer space"
    )
    marketplace_api_url: WebAddress = Field(
        "https://api.atlassian.com/marketplace", description="the base address of the Marketplace API"
    )
    poll_every: Duration = Field(timedelta(minutes=10), description="a duration like 30s, 10m or 24h")
    sweep_every: Duration = Field(timedelta(hours=24), description="a duration like 30s, 10m or 24h")
    first_run_days: int = Field(
        1, ge=0, le=365, description="a number of days from 0 to 365: how far back the first run announces"
    )
    smtp_host: Text | None = Field(None, description="the name of your mail server")
    smtp_port: int = Field(
        587, ge=1, le=65535, description="a number from 1 to 65535: the port of your mail server, mostly 587 or 465"
    )
    smtp_username: Text | None = Field(None, description="the login at your mail server")
    smtp_password: Token | None = Field(None, description="the password at your mail server")
    smtp_tls: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls, tls or none")
    mail_from: Mailbox | None = Field(None, description="the sender, as Name <name@your-domain>")
    mail_reply_to: Mailbox | None = Field(None, description="an email address for replies, if not MAIL_FROM")
    mail_postal_address: Annotated[Text | None, BeforeValidator(_lines)] = Field(
        None, description="your postal address, which many laws require"
    )
    mail_privacy_url: Text | None = Field(None, description="the https address of your privacy policy")
    mail_vendor: Text | None = Field(None, description="the name of your company, as emails give it")
    mail_templates: Path | None = Field(None, description="a folder with templates of your own")
    mail_countries: Path | None = Field(None, description=_COUNTRIES)
    mail_hold: Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))] = Field(
        timedelta(seconds=10), description="a duration like 10s in which Undo is possible; 0s sends at once"
    )
    mail_at_most_every: Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))] = Field(
        timedelta(days=7), description="a duration like 7d between two emails to one address; 0s means no pause"
    )
    mail_bounces: Mailbox | None = Field(None, description="an address whose email goes to `evaluator-bot bounce`")
    mail_replies: Mailbox | None = Field(None, description="an address with plus tags, read in the IMAP mailbox")
    bounces_secret: Annotated[SecretStr, Field(min_length=32), AfterValidator(_signing_secret)] | None = Field(
        None, description="at least 32 random characters, or whsec_ and Base64, that sign requests to /bounces"
    )
    dkim_domain: Text | None = Field(None, description="the domain that signs, usually the one of MAIL_FROM")
    dkim_selector: Text | None = Field(None, description="the selector of the DNS record with the public key")
    dkim_key: Path | None = Field(None, description="a file with the private RSA key, in PEM")
    signals_secret: Annotated[SecretStr, Field(min_length=32), AfterValidator(_signing_secret)] | None = Field(
        None, description="at least 32 random characters, or whsec_ and Base64, that sign requests to /signals"
    )
    forge_apps: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_forge_apps)] = Field(
        (),
        description=(
            "pairs like ari:cloud:ecosystem::app/UUID=app.key with commas between: each Forge app and its key in the "
            "licenses report"
        ),
    )
    forge_environments: Annotated[
        tuple[Literal["PRODUCTION", "STAGING", "DEVELOPMENT"], ...], BeforeValidator(_upper_listed)
    ] = Field(("PRODUCTION",), description="PRODUCTION, STAGING, DEVELOPMENT, or several with commas between")
    forge_jwks_url: WebAddress = Field(
        "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json",
        description="the address of the keys that sign the tokens of Forge",
    )
    show_prices: Annotated[Literal["on", "off"], BeforeValidator(_on_off)] = Field(
        "off", description="on or off: whether accepted quotes are shown with their price"
    )
    early_cards: Annotated[Literal["off", "known", "all"], BeforeValidator(lambda v: str(v).lower())] = Field(
        "off", description="off, known or all: for which apps a card is posted before the report has the license"
    )
    early_cards_wait: Duration = Field(
        timedelta(days=7), description="a duration like 7d after which an early card says that no license followed"
    )
    public_url: Annotated[Text, StringConstraints(pattern=_PUBLIC)] | None = Field(
        None, description="the https address under which the world reaches this bot, for unsubscribe links"
    )
    retention: Duration = Field(
        timedelta(days=730),
        description="a duration like 730d after the last event, when contacts are erased",
    )
    heartbeat_url: Secret[Annotated[str, StringConstraints(pattern=_HEARTBEAT)]] | None = Field(
        None, description="the https address of a monitoring service, which is called after each good poll"
    )

    @field_validator("slack_signing_secret", "marketplace_developer_id")
    @classmethod
    def _one_of_two(cls, value: object, info: ValidationInfo) -> object:
        """Each of these may be missing only if the other one is set."""
        other = {"slack_signing_secret": "slack_app_token", "marketplace_developer_id": "marketplace_vendor_id"}[
            str(info.field_name)
        ]
        if value is None and info.data.get(other, "wrong, which is said already") is None:
            raise PydanticCustomError("missing_both", "{other}", {"other": other})
        return value
