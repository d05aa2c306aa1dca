"""The settings, from the environment or a `.env` file; nothing else reads either."""

import re
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Secret,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from bot.domain.typed import read_own_site
from bot.errors import SettingsWrong

_DURATION: Final = re.compile(r"(\d{1,5})\s*([smhd])", re.ASCII)
_PUBLIC: Final = r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^\s?#]*)?$"
"""Mail programs unsubscribe with one click over https alone; on the machine itself it may be http, to try it out."""
_ALIKE: Final = 0.8
"""How much of two names is the same where one may be the other misspelt."""
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    """`30s`, `10m`, `24h`, `7d`."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else value


def _listed(value: object) -> object:
    """A list written with commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _hosts(value: object) -> object:
    """A list written with commas, semicolons or spaces: no host has one in it."""
    return tuple(filter(None, re.split(r"[\s,;]+", value))) if isinstance(value, str) else value


def _own_site(value: str) -> str:
    """A site or a mail domain, however it was written."""
    if (found := read_own_site(value)) is None:
        raise ValueError("neither a site nor a domain")
    return found


def _zone(value: object) -> object:
    try:
        return ZoneInfo(value) if isinstance(value, str) else value
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:  # `Europe` is a folder
        raise ValueError("unknown zone") from exc


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]
Token = Annotated[SecretStr, Field(min_length=1)]
Key = Annotated[str, StringConstraints(min_length=32)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
OwnSite = Annotated[str, AfterValidator(_own_site)]
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,}$")]
ActorId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,}$")]


class Settings(BaseSettings):
    """Everything that can be set. The description of a field completes the sentence `NAME should be …`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        validate_default=True,
        hide_input_in_errors=True,
    )

    slack_bot_token: Secret[Annotated[str, StringConstraints(pattern=r"^xoxb-")]] = Field(
        description="the Bot User OAuth Token (xoxb-…): your app's page, OAuth & Permissions"
    )
    slack_app_token: Secret[Annotated[str, StringConstraints(pattern=r"^xapp-")]] | None = Field(
        None, description="an app-level token (xapp-…) with connections:write: your app's page, Basic Information"
    )
    slack_signing_secret: Token | None = Field(
        None, description="the Signing Secret: your app's page, Basic Information"
    )
    slack_channel: Annotated[Text, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,}$")] = Field(
        description="the id (C…) of the channel for cards: the channel's details, at the bottom"
    )
    slack_admins: Annotated[tuple[UserId, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="user ids (U…) with commas between: a person's profile in Slack, ⋮, Copy member ID"
    )
    slack_actors: Annotated[tuple[ActorId, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="ids of users (U…) and user groups (S…) with commas between, who may mail and lift marks"
    )
    slack_api_url: Annotated[Text, StringConstraints(pattern=r"^https?://")] = Field(
        "https://slack.com/api/", description="the base address of Slack's Web API"
    )
    marketplace_user: Text = Field(description="the e-mail address of the Atlassian account that reads the reports")
    marketplace_token: Token = Field(description="an API token of that account: id.atlassian.com, Security, API tokens")
    marketplace_vendor_id: Annotated[Text, StringConstraints(pattern=r"^\d+$")] | None = Field(
        None, description="the number in the address of your vendor page at marketplace.atlassian.com"
    )
    marketplace_developer_id: Annotated[Text, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")] | None = Field(
        None, description="the UUID of your developer space"
    )
    marketplace_api_url: Annotated[Text, StringConstraints(pattern=r"^https?://")] = Field(
        "https://api.atlassian.com/marketplace", description="the base address of the Marketplace API"
    )
    poll_every: Duration = Field(timedelta(minutes=10), description="a duration like 30s, 10m or 24h")
    sweep_every: Duration = Field(timedelta(hours=24), description="a duration like 30s, 10m or 24h")
    first_run_days: int = Field(
        1, ge=0, le=365, description="how many days back the very first run announces, 0 to 365"
    )
    test_sites: Annotated[tuple[OwnSite, ...], NoDecode, BeforeValidator(_hosts)] = Field(
        (), description="sites (acme-dev.atlassian.net) and mail domains of your own, with commas between"
    )
    database_url: Text = Field(
        "sqlite+aiosqlite:///evaluators.db",
        description="a SQLAlchemy address like sqlite+aiosqlite:///evaluators.db",
        repr=False,  # may hold a password
    )
    smtp_host: Text | None = Field(None, description="the name of your mail server")
    smtp_port: int = Field(587, ge=1, le=65535, description="the port of your mail server, mostly 587 or 465")
    smtp_username: Text | None = Field(None, description="the login at your mail server")
    smtp_password: Token | None = Field(None, description="the password at your mail server")
    smtp_tls: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls, tls or none")
    mail_from: Text | None = Field(None, description="who writes: Name <name@your-domain>")
    mail_reply_to: Text | None = Field(None, description="where answers go, if not to MAIL_FROM")
    mail_postal_address: Text | None = Field(None, description="your postal address, which the law asks for")
    mail_privacy_url: Text | None = Field(None, description="the https address of your privacy policy")
    mail_vendor: Text | None = Field(None, description="the name of your company, as mails give it")
    mail_templates: Path | None = Field(None, description="a folder with templates of your own")
    mail_countries: Path | None = Field(None, description="a TOML file with your own rules by country")
    mail_hold: Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))] = Field(
        timedelta(seconds=10), description="a duration like 10s: how long a mail can be taken back; 0s: not at all"
    )
    mail_at_most_every: Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))] = Field(
        timedelta(days=7), description="a duration like 7d between two mails to one address; 0s: no pause"
    )
    mail_bounces: Text | None = Field(None, description="an address whose mail is given to `evaluator-bot bounce`")
    bounces_secret: Annotated[SecretStr, Field(min_length=32)] | None = Field(
        None, description="at least 32 random characters that sign what is sent to /bounces"
    )
    dkim_domain: Text | None = Field(None, description="the domain that signs, mostly that of MAIL_FROM")
    dkim_selector: Text | None = Field(None, description="the selector under which the public key is in the DNS")
    dkim_key: Path | None = Field(None, description="a file with the private RSA key, in PEM")
    public_url: Annotated[Text, StringConstraints(pattern=_PUBLIC)] | None = Field(
        None, description="the https address under which the world reaches this bot, for unsubscribe links"
    )
    retention: Duration = Field(
        timedelta(days=730),
        description="a duration like 730d after which contacts are forgotten, counted from the last event",
    )
    secret_key: Annotated[tuple[Key, ...], NoDecode, BeforeValidator(_listed), Field(min_length=1)] = Field(
        description="at least 32 random characters: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        repr=False,
    )
    http_host: Text = Field("127.0.0.1", description="the address that the HTTP endpoints listen on")
    http_port: int = Field(8080, ge=0, le=65535, description="the port that the HTTP endpoints listen on")
    timezone: Annotated[ZoneInfo, BeforeValidator(_zone)] = Field(
        ZoneInfo("UTC"), description="the team's time zone, like Europe/Berlin"
    )
    log_format: Literal["console", "json"] = Field("console", description="console or json")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lambda v: str(v).lower())] = (
        Field("info", description="debug, info, warning or error")
    )

    @field_validator("slack_signing_secret", "marketplace_developer_id")
    @classmethod
    def _one_of_two(cls, value: object, info: ValidationInfo) -> object:
        """Each of these may be left out only where the other one is set."""
        other = {"slack_signing_secret": "slack_app_token", "marketplace_developer_id": "marketplace_vendor_id"}[
            str(info.field_name)
        ]
        if value is None and info.data.get(other, "wrong, which is said already") is None:
            raise PydanticCustomError("missing_both", "{other}", {"other": other})
        return value


def _asked(name: str) -> str:
    return Settings.model_fields[name].description or "set"


def load_settings(**given: Any) -> Settings:  # noqa: ANN401  each setting has a type of its own
    """The settings; what is `given` wins over the environment. SettingsWrong names everything that is wrong at once."""
    try:
        return Settings(**given)
    except ValidationError as exc:
        raise SettingsWrong(list(dict.fromkeys(_line(error) for error in exc.errors()))) from exc
    except (OSError, UnicodeDecodeError):  # whose text may quote the file
        raise SettingsWrong([".env cannot be read. It should be a UTF-8 text that the bot's user may read."]) from None


def misspelt() -> dict[str, str | None]:
    """Names in `.env` that look like settings and are none, each with the one that may be meant.

    Only what begins as a setting does, or nearly is one: the file may serve others, and a stray line may be a secret.
    """
    settings = list(Settings.model_fields)
    families = {name.partition("_")[0] for name in settings if "_" in name}
    found = {}
    for name in DotEnvSettingsSource(Settings).env_vars:
        meant = next(iter(get_close_matches(name, settings, n=1, cutoff=_ALIKE)), None)
        if name not in settings and (meant or name.partition("_")[0] in families):
            found[name.upper()] = meant and meant.upper()
    return found


def _line(error: Any) -> str:  # noqa: ANN401  pydantic's own dictionary
    """A problem in words; never the value, which may be a secret."""
    name = error["ctx"]["other"] if error["type"] == "missing_both" else str(error["loc"][0])
    what = "is missing" if error["type"] in {"missing", "missing_both"} else "cannot be used"
    line = f"{name.upper()} {what}. It should be {_asked(name)}."
    is_of_many = error["type"] == "value_error" and len(error["loc"]) > 1
    return f"{line} Look at entry {error['loc'][1] + 1}." if is_of_many else line
