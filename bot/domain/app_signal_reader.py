"""Read the signals that a vendor's own backend sends, and the events that Forge sends."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.app_signal import AppSignal, SignalKind
from bot.domain.place_reader import PLACE_FIELDS, RequestInvalid, read_place

_SITE_ARI: Final = re.compile(r"ari:cloud:[a-z-]{1,40}::site/(?P<cloud>[A-Za-z0-9-]{1,100})")
_CLOCKS_DIFFER: Final = timedelta(minutes=10)
_NO_LETTER: Final = re.compile(r"[^a-z]")
_PERSONAL: Final = frozenset(
    """accountid address contact displayname email emailaddress familyname firstname fullname givenname installer
    installeraccountid lastname mail name nickname person phone phonenumber telephone user useremail userid username
    """.split()
)
"""Names of fields that hold a person's data, without anything but letters."""
_READ: Final = frozenset({"type", "app", "at", "evaluation", "trial_ends", "users", "edition", *PLACE_FIELDS})
_FORGE_KINDS: Final = {
    "avi:forge:installed:app": SignalKind.INSTALLED,
    "avi:forge:uninstalled:app": SignalKind.UNINSTALLED,
}


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
    """Return the signal in the body of a signed request. Raises RequestInvalid."""
    if not isinstance(body, dict):
        raise RequestInvalid("The body should be a JSON object.")
    personal = find_personal(body)
    if personal is not None:
        raise RequestInvalid(f"{personal} looks like personal data, which a signal needs none of. Leave it out.")
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in set(SignalKind):
        raise RequestInvalid(f"/type should be one of {', '.join(SignalKind)}.")
    place = read_place(body)
    signal = AppSignal(
        key=f"webhook:{message_id}",
        app_key=place.app_key,
        kind=SignalKind(kind),
        at=_time(body.get("at"), now),
        cloud_id=place.cloud_id,
        site=place.site,
        aliases=place.aliases,
    )
    return ReadSignal(signal=signal, unknown=len(body.keys() - _READ))


def read_lifecycle_event(
    body: object, *, app_key: str, installation: str | None, cloud_id: str | None, site: str | None, now: datetime
) -> AppSignal | None:
    """Return the signal in a lifecycle event as Forge sends it, or None if it is about nothing of interest.

    `app_key`, and whatever the body leaves out, come from the token. Raises RequestInvalid.
    """
    if not isinstance(body, dict):
        raise RequestInvalid("The body should be a JSON object.")
    event = body.get("eventType")
    if not isinstance(event, str):
        raise RequestInvalid("/eventType should be a text, like avi:forge:installed:app.")
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


def _time(value: object, now: datetime) -> datetime:
    found = None
    if isinstance(value, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(value)
    if found is None or found.tzinfo is None:
        raise RequestInvalid("/at should be a time with a zone, like 2026-11-30T10:04:00Z.")
    if found > now + _CLOCKS_DIFFER:
        raise RequestInvalid("/at is in the future. Check the clock of the sender.")
    return found
