"""Read the signals that a vendor's own backend sends, and the events that Forge sends."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from bot.domain.app_signal import AppSignal, SignalKind

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_SITE_ARI: Final = re.compile(r"ari:cloud:[a-z-]{1,40}::site/(?P<cloud>[A-Za-z0-9-]{1,100})")
_CLOCKS_DIFFER: Final = timedelta(minutes=10)
_NO_LETTER: Final = re.compile(r"[^a-z]")
_PERSONAL: Final = frozenset(
    """accountid address contact displayname email emailaddress familyname firstname fullname givenname installer
    installeraccountid lastname mail name nickname person phone phonenumber telephone user useremail userid username
    """.split()
)
"""Names of fields that hold a person's data, without anything but letters."""
_ALIASES: Final = ("entitlement_id", "entitlement_number", "license_id")
_OTHERS: Final = ("cloud_id", "site")
_READ: Final = frozenset({"type", "app", "at", "evaluation", "trial_ends", "users", "edition", *_ALIASES, *_OTHERS})
_FORGE_KINDS: Final = {
    "avi:forge:installed:app": SignalKind.INSTALLED,
    "avi:forge:uninstalled:app": SignalKind.UNINSTALLED,
}


class SignalInvalid(Exception):
    """A signal cannot be read; the text names the field by its JSON pointer, and what is wrong, never a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSignal:
    """A signal, and how many fields of its request have no meaning here."""

    signal: AppSignal
    unknown: int


def find_personal(value: object, pointer: str = "") -> str | None:
    """Return the JSON pointer of the first field whose name says that it holds a person's data, or None."""
    return next(_personal(value, pointer), None)


def _personal(value: object, pointer: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            here = f"{pointer}/{str(name)[:60].replace('~', '~0').replace('/', '~1')}"
            if _NO_LETTER.sub("", str(name).lower()) in _PERSONAL:
                yield here
            yield from _personal(inner, here)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, inner in enumerate(value):
            yield from _personal(inner, f"{pointer}/{number}")


def read_signal(body: object, *, message_id: str, now: datetime) -> ReadSignal:
    """Return the signal in the body of a signed request. Raises SignalInvalid."""
    if not isinstance(body, dict):
        raise SignalInvalid("The body should be a JSON object.")
    personal = find_personal(body)
    if personal is not None:
        raise SignalInvalid(f"{personal} looks like personal data, which a signal needs none of. Leave it out.")
    kind = body.get("type")
    if kind not in set(SignalKind):
        raise SignalInvalid(f"/type should be one of {', '.join(SignalKind)}.")
    app_key = _id(body, "app")
    if app_key is None:
        raise SignalInvalid("/app should be the app's key, as in the licenses report.")
    cloud_id, site = _id(body, "cloud_id"), None if body.get("site") is None else read_host(body["site"])
    if body.get("site") is not None and site is None:
        raise SignalInvalid("/site should be a host, like acme.atlassian.net.")
    aliases = tuple(found for name in _ALIASES if (found := _id(body, name)) is not None)
    if cloud_id is None and site is None and not aliases:
        raise SignalInvalid(f"One of /{', /'.join((*_OTHERS, *_ALIASES))} is needed.")
    signal = AppSignal(
        key=f"webhook:{message_id}",
        app_key=app_key,
        kind=SignalKind(kind),
        at=_time(body.get("at"), now),
        cloud_id=cloud_id,
        site=site,
        aliases=aliases,
    )
    return ReadSignal(signal=signal, unknown=len(body.keys() - _READ))


def read_lifecycle_event(
    body: object, *, app_key: str, installation: str | None, cloud_id: str | None, site: str | None, now: datetime
) -> AppSignal | None:
    """Return the signal in a lifecycle event as Forge sends it, or None if it is about nothing of interest.

    `app_key`, and whatever the body leaves out, come from the token. Raises SignalInvalid.
    """
    if not isinstance(body, dict):
        raise SignalInvalid("The body should be a JSON object.")
    event = body.get("eventType")
    if not isinstance(event, str):
        raise SignalInvalid("/eventType should be a text, like avi:forge:installed:app.")
    kind = _FORGE_KINDS.get(event)
    context = body.get("context")
    named = _SITE_ARI.fullmatch(context) if isinstance(context, str) else None
    cloud_id = named["cloud"] if named else cloud_id
    if kind is None or cloud_id is None:
        return None
    about = body.get("app")
    version = about.get("version") if isinstance(about, dict) else None
    given = body.get("id")
    source = given if isinstance(given, str) and len(given) <= 200 else installation  # noqa: PLR2004  an ARI
    return AppSignal(
        key=f"forge:{source or cloud_id}:{kind}:{str(version)[:40]}",
        app_key=app_key,
        kind=kind,
        at=now,
        cloud_id=cloud_id,
        site=site,
    )


def read_host(value: object) -> str | None:
    """Return the host of a site or of its address, in lower case, or None if it is neither."""
    if not isinstance(value, str):
        return None
    with suppress(ValueError):
        host = (urlsplit(value).hostname if "//" in value else value.strip().rstrip("/")) or ""
        return host.lower() if _HOST.fullmatch(host.lower()) else None
    return None


def _id(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise SignalInvalid(f"/{name} should be an id: letters, digits, dots and dashes, 100 at most.")
    return value


def _time(value: object, now: datetime) -> datetime:
    found = None
    if isinstance(value, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(value)
    if found is None or found.tzinfo is None:
        raise SignalInvalid("/at should be a time with a zone, like 2026-11-30T10:04:00Z.")
    if found > now + _CLOCKS_DIFFER:
        raise SignalInvalid("/at is in the future. Check the clock of the sender.")
    return found
