"""The single parser of what people type as an address, a domain or a site: in commands, tables and settings."""

import re
from dataclasses import dataclass, field
from typing import Final

from bot.domain.address import QUOTES, ascii_domain, canonical, is_address, keys, mailbox_of, unwrap

SITES: Final = (".atlassian.net", ".jira.com")
"""The suffixes of the hosts of cloud sites."""

_SITE: Final = re.compile(r"site:\s*", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_ANYBODY_AT: Final = re.compile(r"\*?@")
"""The prefix in `@acme.example`, `*@acme.example`."""
_BELOW: Final = re.compile(r"(?:\*?\.)+")
"""The prefix in `*.acme.example`, `.acme.example`."""
_PORT: Final = re.compile(r":\d*\Z", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A site by its name alone, `acme-dev`."""
_LINKED: Final = re.compile(r"(?P<link>\S*<[^<>\s]+\|[^<>]*>\S*)(?P<rest>.*)", re.DOTALL)
"""A Slack link at the beginning; its label may contain spaces."""
_QUOTES: Final = f"[{QUOTES}]++"
_WHOLE_QUOTED: Final = re.compile(f"{_QUOTES}([^{QUOTES}]*+){_QUOTES}[.,;:!?]*+")
_QUOTED: Final = re.compile(
    rf"""{_QUOTES}
        (?P<inside>\S.*?)
        {_QUOTES}
        [.,;:!?]*+ (?:\s+|\Z)
        (?P<rest>.*)""",
    re.VERBOSE | re.DOTALL,
)
"""Text in quotes or code marks at the beginning; people often mix two kinds of quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A mailbox, in its canonical form."""

    value: str
    former: tuple[str, ...] = field(default=(), compare=False)
    """The forms by which earlier versions may have compared this spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A domain or a site, in ASCII and lower case; only the site's name if it was typed without a dot."""

    value: str
    is_site: bool = False
    """Whether it is a customer site, by its name or because it was typed as one: `site:jira.acme.example`."""
    is_below: bool = False
    """Whether the hosts below it are meant: `*.acme.example`."""


def read_typed(text: str) -> Address | Host | None:
    """Return the address or host that the text clearly names, without anything around it; None for any other text."""
    word, is_exact = unwrap(text)
    if is_exact:
        return _address(word)
    if (mailbox := mailbox_of(word)) != word:
        return _address(mailbox)
    if _is_of_mail(word):
        # Unwrapping would break a local part that is quoted as in RFC 5321: "ana"@acme.example.
        return _address(word) or _address(canonical(text))
    return _host(word)


def read_own_site(text: str) -> str | None:
    """Return a site or a mail domain in the form used for comparison, `*.acme.example` for all hosts below it; None for
    any other text.
    """
    found = read_typed(text)
    if not isinstance(found, Host):
        return None
    return f"*.{found.value}" if found.is_below and not found.is_site else found.value


def site_key(site: str) -> str:
    """Return a site of the report in the form used for comparison."""
    if (host := ascii_domain(site)) is not None:
        return host
    found = read_typed(site)
    return found.value if isinstance(found, Host) else canonical(site)


def bare_line(text: str) -> str:
    """Return the line without quotes or code marks that enclose all of it."""
    text = text.strip()
    is_full = _WHOLE_QUOTED.fullmatch(text)
    return is_full[1].strip() if is_full else text


def read_words(text: str) -> list[str]:
    """Return the words of a command in lower case, without quotes and marks around each."""
    return [found for word in text.split() if (found := unwrap(word).word.lower())]


def split_target(text: str) -> tuple[str, str]:
    """Return the target at the beginning of a line, as one unit if it is in quotes, and the rest of the line."""
    text = text.strip()
    if linked := _LINKED.fullmatch(text):
        return linked["link"], linked["rest"].strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted is None or (len(quoted["inside"].split()) > 1 and not quoted["rest"] and "<" not in quoted["inside"]):
        inside = text if quoted is None else quoted["inside"]
        first, *rest = inside.split(maxsplit=1) or [""]
        return first, "".join(rest).strip()
    return quoted["inside"], quoted["rest"].strip()


def is_another_target(word: str) -> bool:
    """Return whether a word names an address or all addresses at a domain: a second target for the same command."""
    return "@" in word and read_typed(word) is not None


def _is_of_mail(word: str) -> bool:
    return "@" in word and not (_ANYBODY_AT.match(word) or _SCHEME.match(word) or _SITE.match(word))


def _address(word: str) -> Address | None:
    value, *former = keys(word)
    return Address(value=value, former=tuple(former)) if is_address(word) and is_address(value) else None


def _host(word: str) -> Host | None:
    site, mail = _SITE.match(word), _ANYBODY_AT.match(word)
    named = site or mail
    word = word[named.end() :] if named else word
    scheme = _SCHEME.match(word)
    word = re.split(r"[/?#\\]", word[scheme.end() :] if scheme else word, maxsplit=1)[0]
    word = _PORT.sub("", word).rstrip(".")
    below = _BELOW.match(word)
    name = word[below.end() :] if below else word
    host = ascii_domain(name)
    if host is None:
        is_name = _NAME.fullmatch(name.lower()) and not (mail or below or site)
        return Host(value=name.lower(), is_site=True) if is_name else None
    if named is None:
        host = host.removeprefix("www.") if ascii_domain(host.removeprefix("www.")) else host
    if f".{host}" in SITES and mail is None:
        return None  # of every customer, or of nobody
    is_site = site is not None or (host.endswith(SITES) and mail is None)
    return Host(value=host, is_site=is_site, is_below=below is not None)
