"""Read where something happened, as an app or a vendor's backend says it: ids of a license, or a site."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_ALIASES: Final = ("entitlement_id", "entitlement_number", "license_id")
PLACE_FIELDS: Final = ("cloud_id", "site", *_ALIASES)
"""The names of the fields, one of which is needed."""


class RequestInvalid(Exception):
    """A request cannot be read; the text names the field by its JSON pointer, and what is wrong, never a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An app at a customer: at least one of the ids, or the site."""

    app_key: str
    cloud_id: str | None = None
    site: str | None = None
    """The host, in lower case."""
    aliases: tuple[str, ...] = ()
    """Ids of the license: the best one first."""

    @property
    def name(self) -> str:
        """The best name of the place."""
        return self.cloud_id or self.site or self.aliases[0]


def read_place(body: Mapping[str, Any], *, app_key: str | None = None) -> Place:
    """Return the place that a request names; `app_key` if its token says of which app it is. Raises RequestInvalid."""
    app_key = app_key or read_id(body, "app")
    if app_key is None:
        raise RequestInvalid("/app should be the app's key, as in the licenses report.")
    cloud_id, site = read_id(body, "cloud_id"), None if body.get("site") is None else read_host(body["site"])
    if body.get("site") is not None and site is None:
        raise RequestInvalid("/site should be a host, like acme.atlassian.net.")
    aliases = tuple(found for name in _ALIASES if (found := read_id(body, name)) is not None)
    if cloud_id is None and site is None and not aliases:
        raise RequestInvalid(f"One of /{', /'.join(PLACE_FIELDS)} is needed.")
    return Place(app_key=app_key, cloud_id=cloud_id, site=site, aliases=aliases)


def read_id(body: Mapping[str, Any], name: str) -> str | None:
    """Return the id in a field, or None if it is not set. Raises RequestInvalid for anything else."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise RequestInvalid(f"/{name} should be an id: letters, digits, dots and dashes, 100 at most.")
    return value


def read_host(value: object) -> str | None:
    """Return the host of a site or of its address, in lower case, or None if it is neither."""
    if not isinstance(value, str):
        return None
    with suppress(ValueError):
        host = (urlsplit(value).hostname if "//" in value else value.strip().rstrip("/")) or ""
        return host.lower() if _HOST.fullmatch(host.lower()) else None
    return None
