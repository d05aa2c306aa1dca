"""Connections to Slack and the Marketplace: proxies and certificate authorities from the standard environment
variables.

All clients share one reading by curl's rules, since each library has its own: the Slack SDK ignores NO_PROXY, httpx
ends in a traceback, aiohttp ignores the variables.
"""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
PROXY_VARIABLES: Final = tuple(sorted({*_PROXIES, "no_proxy"} | {name.upper() for name in (*_PROXIES, "no_proxy")}))
"""Both spellings; the lower-case one wins, as usual."""
CA_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_SAME: Final = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[^\W_](?:[\w.-]*\w)?")
_BRACKETS: Final = re.compile(r"^\[([^\[\]]+)\](/\d+)?$")
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")
"""The file names by which OpenSSL finds certificates in a folder."""


@dataclass(frozen=True, slots=True)
class _Exempt:
    """An entry of NO_PROXY: a domain with its subdomains, or a network. With a port, it covers only that port."""

    place: str | IPv4Network | IPv6Network
    port: int | None = None

    def covers(self, host: str, port: int | None) -> bool:
        if self.port is not None and self.port != port:
            return False
        if isinstance(self.place, str):
            below = host.endswith(f".{self.place}") and not _is_address(host)
            return self.place in {"*", host} or below
        try:
            return ip_address(host) in self.place
        except ValueError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How each address is reached. `trust` is None if the variables name no certificate authorities."""

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold passwords
    exempt: tuple[_Exempt, ...] = ()
    trust: ssl.SSLContext | None = None

    def proxy_for(self, url: str) -> str | None:
        """Return the address of the proxy for a URL (http, https, ws, wss), or None for a direct connection."""
        parts = urlsplit(url)
        scheme = _SAME.get(parts.scheme, parts.scheme)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or _DEFAULT_PORTS.get(scheme)
        if any(each.covers(host, port) for each in self.exempt):
            return None
        return self.proxies.get(scheme, self.proxies.get("all"))


def read_network(values: Mapping[str, str]) -> tuple[Network, list[str]]:
    """Return the network that the variables describe, and a sentence for each unusable variable; no value is shown."""
    proxies: dict[str, str] = {}
    problems: list[str] = []
    for name in _PROXIES:
        spelled, value = _given(values, name)
        proxy = _proxy(value) if value else None
        if proxy is not None:
            proxies[name.removesuffix("_proxy")] = proxy
        elif value:
            problems.append(
                f"{spelled} cannot be used. It should be the address of an HTTP proxy, like http://proxy.example:3128; "
                "SOCKS is not supported."
            )
    spelled, value = _given(values, "no_proxy")
    exempt = tuple(_exempts(value))
    if None in exempt:
        problems.append(
            f"{spelled} cannot be used: entry {exempt.index(None) + 1} is not a host, a domain, an address or a "
            "network. It should be a list with commas, like .example.com,10.0.0.0/8,[::1]."
        )
    trust, distrusted = _trust(values)
    network = Network(proxies=proxies, exempt=tuple(each for each in exempt if each is not None), trust=trust)
    return network, [*problems, *distrusted]


def _given(values: Mapping[str, str], name: str) -> tuple[str, str]:
    spelled = name if name in values else name.upper()
    return spelled, values.get(spelled, "").strip()


def _proxy(value: str) -> str | None:
    """Return the address of a proxy in a form that every client reads alike, or None. Without a scheme it is http, as
    for curl.
    """
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or port == 0 or parts.path not in {"", "/"}:
        return None
    if parts.query or parts.fragment or not (_is_address(host) or _HOST.fullmatch(host)):
        return None
    login = "" if parts.username is None else f"{_requoted(parts.username)}:{_requoted(parts.password or '')}@"
    where = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{login}{where}" + (f":{port}" if port else "")


def _requoted(part: str) -> str:
    return quote(unquote(part), safe="")


def _exempts(value: str) -> Iterator[_Exempt | None]:
    """Yield the entries of NO_PROXY; None for one that cannot be read."""
    for entry in re.split(r"[,\s]+", value):
        if entry:
            yield _exempt(entry.lower())


def _exempt(entry: str) -> _Exempt | None:
    if entry == "*":
        return _Exempt("*")
    entry = entry.removeprefix("http://").removeprefix("https://")
    network = _network(entry)
    if network is not None:
        return _Exempt(network)
    try:
        parts = urlsplit(f"//{entry}")
        host, port = (parts.hostname or "").removeprefix("*").strip("."), parts.port
    except ValueError:
        return None
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        return None
    if (network := _network(host)) is not None:
        return _Exempt(network, port)
    return _Exempt(host, port) if _HOST.fullmatch(host) else None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(_BRACKETS.sub(r"\1\2", text), strict=False)
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _trust(values: Mapping[str, str]) -> tuple[ssl.SSLContext | None, list[str]]:
    """Return the SSL context that the variables describe, as OpenSSL reads them, and their problems.

    Each variable replaces half of the system's trust: SSL_CERT_FILE its file, SSL_CERT_DIR its folder.
    """
    file, folders = (values.get(name) or None for name in CA_VARIABLES)
    if file is None and folders is None:
        return None, []
    problems = []
    if file is not None and not _loads(file):
        problems.append("SSL_CERT_FILE cannot be used. It should be a file with certificates (PEM) that can be read.")
    if folders is not None and not all(map(_has_certificates, folders.split(os.pathsep))):
        problems.append(
            "SSL_CERT_DIR cannot be used. It should be a folder with certificates (PEM) under the names that "
            "`openssl rehash` gives them."
        )
    if problems:
        return None, problems
    system = ssl.get_default_verify_paths()
    if file is None and _loads(system.openssl_cafile):
        file = system.openssl_cafile
    return ssl.create_default_context(cafile=file, capath=folders or system.openssl_capath), []


def _loads(file: str) -> bool:
    try:
        ssl.create_default_context(cafile=file)
    except (OSError, ValueError):
        return False
    return True


def _has_certificates(folder: str) -> bool:
    try:
        return any(_HASHED.fullmatch(path.name) for path in Path(folder).iterdir())
    except (OSError, ValueError):
        return False
