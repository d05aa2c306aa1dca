"""The settings, from the environment or a `.env` file; nothing else reads either."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Final, Literal
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
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.config.env_file import CONTROL, NO_FILE, EnvFile, read_env_file
from bot.config.network import CA_VARIABLES, PROXY_VARIABLES, Network, read_network
from bot.domain.address import is_address
from bot.domain.target_parser import read_own_site
from bot.errors import SettingsMissing, SettingsWrong
from bot.security.webhook_signature import signing_key

_DURATION: Final = re.compile(r"(\d{1,5})\s*([smhd])", re.ASCII)
_PUBLIC: Final = r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^\s?#]*)?$"
"""One-click unsubscribe works over https only. On the machine itself it may be http, to try it out."""
_PASSWORD: Final = re.compile(r"://[^:@/]*:([^@]+)@")
_ALIKE: Final = 0.8
"""How similar two names are if one may be a misspelling of the other."""
DEFAULT_FILE: Final = Path(".env")
_SEVERAL_LINES: Final = frozenset({"mail_postal_address"})
_RESTRICTIONS: Final = frozenset({"slack_actors", "test_sites", "mail_countries", "mail_at_most_every", "retention"})
"""Settings that restrict the bot. A misspelled name must not drop the restriction."""
_PATHS: Final = ("mail_templates", "mail_countries", "dkim_key")
_SQLITE_FILE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:|\?)(?=.)", re.IGNORECASE)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _signing_secret(value: SecretStr) -> SecretStr:
    """ValueError if the secret is no key for signatures."""
    signing_key(value.get_secret_value())
    return value


def _duration(value: object) -> object:
    """Read `30s`, `10m`, `24h`, `7d`."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else value


def _listed(value: object) -> object:
    """Split a list at commas. A list without an entry is rejected, so that a restriction is not dropped with it."""
    parts = tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else ()
    return parts or value


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
ActorId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,}$")]


class Settings(BaseModel):
    """Every setting. A field's description completes the sentence `NAME should be …`."""

    model_config = ConfigDict(extra="forbid", validate_default=True, hide_input_in_errors=True)

    _network: Network = PrivateAttr(default_factory=Network)

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
    slack_admins: Annotated[tuple[UserId, ...], BeforeValidator(_listed)] = Field(
        (), description="user ids (U…) with commas between: a person's profile in Slack, ⋮, Copy member ID"
    )
    slack_actors: Annotated[tuple[ActorId, ...], BeforeValidator(_listed)] = Field(
        (), description="ids of users (U…) and user groups (S…) with commas between, who may mail and lift marks"
    )
    slack_api_url: WebAddress = Field("https://slack.com/api/", description="the base address of Slack's Web API")
    marketplace_user: Text = Field(description="the email address of the Atlassian account that reads the reports")
    marketplace_token: Token = Field(description="an API token of that account: id.atlassian.com, Security, API tokens")
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
        1, ge=0, le=365, description="how many days back the very first run announces, 0 to 365"
    )
    test_sites: Annotated[tuple[OwnSite, ...], BeforeValidator(_hosts)] = Field(
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
    mail_from: Mailbox | None = Field(None, description="who writes: Name <name@your-domain>")
    mail_reply_to: Mailbox | None = Field(None, description="where answers go, if not to MAIL_FROM")
    mail_postal_address: Annotated[Text | None, BeforeValidator(_lines)] = Field(
        None, description="your postal address, which the law asks for"
    )
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
    mail_bounces: Mailbox | None = Field(None, description="an address whose mail is given to `evaluator-bot bounce`")
    bounces_secret: Annotated[SecretStr, Field(min_length=32), AfterValidator(_signing_secret)] | None = Field(
        None, description="at least 32 random characters, or whsec_ and Base64; it signs what is sent to /bounces"
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
    secret_key: Annotated[tuple[Key, ...], BeforeValidator(_listed), Field(min_length=1)] = Field(
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

    @property
    def network(self) -> Network:
        """The connection to other servers, read with the settings but from variables that are not ours."""
        return self._network

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

    def secrets(self) -> list[str]:
        """Return every secret value."""
        hidden = [value.get_secret_value() for value in dict(self).values() if isinstance(value, SecretStr | Secret)]
        password = _PASSWORD.search(self.database_url)
        return [*hidden, *self.secret_key, *([unquote(password[1])] if password else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings, and names in the file that look like settings but are not, each with the setting that
    may be meant.
    """

    settings: Settings
    unknown: Mapping[str, str | None]


def settings_of(**given: Any) -> Settings:  # noqa: ANN401  each setting has a type of its own
    """Return the given settings, regardless of the environment. Raises SettingsWrong, which names every problem."""
    if strange := given.keys() - Settings.model_fields.keys():
        raise TypeError(f"no such setting: {', '.join(sorted(strange))}")
    settings, problems = _validated(given, NO_FILE, "")
    return _unless_wrong(settings, problems)


def load_settings(env_file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Return the settings from the environment, or else from the named file, or from `.env` if it exists.

    A relative path in them is resolved against the folder of the named file, or else the working folder. Raises
    SettingsWrong with every problem at once, or SettingsMissing if the only problem is that some are missing.
    """
    path = env_file or DEFAULT_FILE
    names = frozenset(Settings.model_fields)
    known = names | {name.lower() for name in (*PROXY_VARIABLES, *CA_VARIABLES)}
    nothing = env_file is None and not os.path.lexists(path)
    file = NO_FILE if nothing else read_env_file(path, known=known, several_lines=_SEVERAL_LINES)
    values = {name: value for name, value in file.values.items() if name in names and value}
    values |= {name.lower(): value for name, value in environment.items() if name.lower() in names and value}
    settings, problems = _validated(_rooted(values, path.parent), file, str(path))
    network, unusable = read_network(_variables(environment, file, path.parent))
    unknown = _unknown(file.values)
    lost = [
        f"Line {file.lines[name]} of {path} sets {ascii(name.upper())[1:-1]}, which is no setting. Write {meant}."
        for name, meant in unknown.items()
        if meant is not None and meant.lower() in _RESTRICTIONS - set(values)
    ]
    settings = _unless_wrong(settings, problems, also=[*file.problems, *lost, *unusable])
    settings._network = network  # noqa: SLF001  our own
    return Loaded(settings=settings, unknown={name.upper(): meant for name, meant in unknown.items()})


def _validated(values: Mapping[str, Any], file: EnvFile, path: str) -> tuple[Settings | None, dict[str, bool]]:
    """Return the settings, or None if validation fails, and the problems: each a line, and whether something is
    missing.
    """
    usable = {name: value.strip("\r\n") if isinstance(value, str) else value for name, value in values.items()}
    broken = [
        name
        for name, value in usable.items()
        if isinstance(value, str) and name not in _SEVERAL_LINES and CONTROL.search(value)
    ]
    problems = {f"{name.upper()} holds a line break or another control character. Remove it.": False for name in broken}
    try:
        return Settings.model_validate(usable), problems
    except ValidationError as exc:
        for error in exc.errors():
            name = _name(error)
            if name in broken or (name in file.unread and _is_missing(error)):
                continue
            of_file = name in file.values and file.values[name] == values.get(name)
            at = f" (line {file.lines[name]} of {path})" if of_file else ""
            what = "is missing" if _is_missing(error) else "cannot be used"
            advice = f"It should be {Settings.model_fields[name].description}.{_place(error)}"
            problems[f"{name.upper()}{at} {what}. {advice}"] = _is_missing(error)
        return None, problems


def _unless_wrong(settings: Settings | None, problems: Mapping[str, bool], *, also: Sequence[str] = ()) -> Settings:
    lines = [*also, *problems]
    if settings is None or lines:
        missing_alone = not also and all(problems.values())
        raise (SettingsMissing if missing_alone else SettingsWrong)(lines) from None
    return settings


def _rooted(values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the values with their relative paths resolved against a folder."""
    if folder == Path():
        return dict(values)
    found = dict(values)
    found |= {name: str(folder / values[name]) for name in _PATHS if name in values}
    url = values.get("database_url", str(Settings.model_fields["database_url"].default))
    return {**found, "database_url": _SQLITE_FILE.sub(lambda scheme: f"{scheme[1]}{folder}/", url.strip())}


def _variables(environment: Mapping[str, str], file: EnvFile, folder: Path) -> dict[str, str]:
    """Return the network variables from the environment, or else from the file."""
    wanted = (*PROXY_VARIABLES, *CA_VARIABLES)
    found = {name: environment[name] for name in wanted if name in environment}
    set_there = {name.lower() for name, value in found.items() if value}
    for name in {*CA_VARIABLES, *(name.upper() for name in PROXY_VARIABLES)}:
        value = file.values.get(name.lower())
        if value and name.lower() not in set_there:
            found[name] = str(folder / value) if name in CA_VARIABLES else value
    return found


def _unknown(written: Mapping[str, str]) -> dict[str, str | None]:
    """Return names in the file that look like settings but are not, each with the one that may be meant.

    Only names that begin or nearly read like a setting count: the file may serve others, and a stray line may be a
    secret.
    """
    settings = list(Settings.model_fields)
    others = {name.lower() for name in (*PROXY_VARIABLES, *CA_VARIABLES)}
    families = {name.partition("_")[0] for name in settings if "_" in name}
    found = {}
    for name in (name for name, value in written.items() if value):
        meant = next(iter(get_close_matches(name, settings, n=1, cutoff=_ALIKE)), None)
        if name not in settings and name not in others and (meant or name.partition("_")[0] in families):
            found[name] = meant and meant.upper()
    return found


def _name(error: Any) -> str:  # noqa: ANN401  pydantic's own dictionary
    """Return the name of the setting that an error is about."""
    return str(error["ctx"]["other"] if error["type"] == "missing_both" else error["loc"][0])


def _place(error: Any) -> str:  # noqa: ANN401  as above
    """Return a hint about which entry of a list is wrong, or an empty text."""
    is_of_many = error["type"] == "value_error" and len(error["loc"]) > 1
    return f" Look at entry {error['loc'][1] + 1}." if is_of_many else ""


def _is_missing(error: Any) -> bool:  # noqa: ANN401  as above
    return error["type"] in {"missing", "missing_both"}
