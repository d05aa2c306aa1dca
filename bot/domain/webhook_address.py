"""Addresses of the vendor's own systems that get webhooks: which may be called, and how people read them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from bot.domain.webhook_event_types import EventType

_PORTS: Final = (443, 8443)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_UNICAST: Final = IPv6Network("2000::/3")
_KEY_LENGTH: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAddress:
    """An address, and the types of events that go there. Its path may be a secret, so people read its `name` alone."""

    url: str = field(repr=False)
    name: str
    """The host, with a number if several addresses are on it."""
    events: frozenset[EventType]

    @property
    def key(self) -> str:
        """A hash by which the database recognizes the address."""
        return sha256(self.url.encode()).hexdigest()[:_KEY_LENGTH]


def read_addresses(urls: Iterable[str], events: Iterable[EventType]) -> tuple[WebhookAddress, ...]:
    """Return the addresses, each once, in the order of the setting."""
    unique = tuple(dict.fromkeys(urls))
    hosts = [host_of(url) for url in unique]
    shared, seen, types = Counter(hosts), Counter[str](), frozenset(events)
    found = []
    for url, host in zip(unique, hosts, strict=True):
        seen[host] += 1
        name = host if shared[host] == 1 else f"{host} ({seen[host]})"
        found.append(WebhookAddress(url=url, name=name, events=types))
    return tuple(found)


def host_of(url: str) -> str:
    """Return the host of an address, in lower case."""
    return urlsplit(url).hostname or ""


def why_not_called(url: str, *, is_private_allowed: bool) -> str | None:
    """Return why an address may not be called, as the end of a sentence about it; None if nothing speaks against it.

    Where a name leads is not known here.
    """
    parts = urlsplit(url)
    host = host_of(url).rstrip(".")
    if parts.username is not None or parts.password is not None:
        return "has a user name or a password in it; a receiver knows the bot by its signature"
    if is_private_allowed:
        return None
    if host == "localhost" or host.endswith(".localhost") or not may_be_public(host):
        return "is not a public address; set WEBHOOK_PRIVATE=true if that is meant"
    if parts.scheme != "https":
        return "should begin with https://; set WEBHOOK_PRIVATE=true for http"
    if parts.port not in (None, *_PORTS):
        return "should have the port 443 or 8443; set WEBHOOK_PRIVATE=true for others"
    return None


def may_be_public(host: str) -> bool:
    """Return whether a host is a public IP address or a name."""
    try:
        return is_public(ip_address(host))
    except ValueError:
        return True


def are_public(found: Sequence[str]) -> bool:
    """Return whether a name leads to public addresses alone."""
    return all(is_public(ip_address(each)) for each in found)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an IP address is one of the public internet, also the one inside an IPv6 address."""
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    inside = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    if inside is not None:
        return is_public(inside)
    return address in _UNICAST and address.is_global
