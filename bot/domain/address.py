"""One key for one mailbox, and one judge of what is an address.

`canonical` is the form by which addresses are compared wherever a no, a pause, an erasure or a report of a lost mail
counts; `sendable` is the form that goes on the wire. Two spellings with one wire form have one canonical form.

- The domain is in ASCII, by UTS 46, without transitional mappings, and in lower case: what servers look up.
- The local part is in NFC and case folded. Only its own server knows whether case counts in it, and none is known
  where it does; a no covers every case of it. Folding goes further than lower case (ß is ss): it is what Unicode
  defines for comparing, and a no that covers a mailbox too many harms nobody. Dotless ı stays another letter than i.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

import email_validator
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from bot.domain.invisible_characters import strip_invisible

_IN_HOUSE: Final = frozenset({"local", "test"})
"""Domains that no public server has, and a company's own may: mail is handed to the vendor's own server."""
# The library documents this list as the place to say so.
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [
    name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES if name not in _IN_HOUSE
]

LONGEST: Final = 254
"""Octets of an address: RFC 5321, 4.5.3.1.3, without the angle brackets."""
LONGEST_LOCAL: Final = 64
"""Characters before the @: RFC 5321, 4.5.3.1.1."""
_LONGEST_LABEL: Final = 63
"""Octets of a part of a domain: RFC 1035, 2.3.1."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL: Final = r"[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_LAST_LABEL: Final = r"(?:[A-Za-z0-9]++-)*+[A-Za-z0-9]*[A-Za-z]"
_PLAIN_HOST: Final = re.compile(rf"(?:{_LABEL}\.)++{_LAST_LABEL}")
_PLAIN: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@{_PLAIN_HOST.pattern}")
"""An address in ASCII, without a label like `xn--…`: with at most `LONGEST_LOCAL` characters in all, the library says
the same of it, and takes a hundred times as long."""
_REMEMBERED: Final = 1024
"""Other addresses of which it is remembered what the library said: each is asked for several times in a row."""
_RESERVED: Final = tuple(f".{name}" for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)

_LONGEST_TYPED: Final = 2_000
"""Characters of a word with all that stands around it; a longer one is no address, and would take long to unwrap."""
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
"""What Slack writes for these three."""
_FULL_WIDTH: Final = {0xFF01 + n: 0x21 + n for n in range(94)} | {0x3002: ".", 0xFF61: ".", 0xFE6B: "@"}
"""What an input method for Chinese or Japanese writes in place of ASCII."""
QUOTES: Final = "\"'“”„‟«»‹›‘’‚‛`´「」『』〝〞〟"
_OPENERS: Final = "([<【〔〈《"
_CLOSERS: Final = ")]>}】〕〉》"
_ENDING: Final = ".,;:!?…、/ "
_EMPHASIS: Final = "*_~|="
_BULLET: Final = re.compile(r"(?:[•·‣▪–—-]\s+)++")
_MAILTO: Final = re.compile(r"mailto:", re.IGNORECASE)
_LINK: Final = re.compile(r"<((?:mailto:|https?://)[^<>|\s]+)(?:\|([^<>]*))?>", re.IGNORECASE)
"""As Slack writes what it makes a link of: `<mailto:ana@acme.example|ana@acme.example>`, `<https://acme.example>`."""
_ANGLED: Final = re.compile(r"(?:[^<>@]*\s)?<([^<>]+)>")
"""`<ana@acme.example>`, with a name before it or without."""


class Unwrapped(NamedTuple):
    """A word without what stood around it; `is_exact` where it stood in angle brackets, and is an address."""

    word: str
    is_exact: bool = False


def canonical(address: str) -> str:
    """Return the form by which an address is compared; of what is no address, a form that never is one's."""
    return address.lower() if _is_plain(address) else _canonical(address)


def keys(address: str) -> tuple[str, ...]:
    """Return the canonical form, then the forms that earlier versions may have compared this address by.

    They compared in lower case, with the domain as it was spelled.
    """
    if _is_plain(address):
        return (address.lower(),)
    now, found = _canonical(address), _meant(address)
    before = [address.strip().lower()]
    if found is not None:
        locals_ = (found.local_part.lower(), now.rpartition("@")[0])
        before += [f"{local}@{domain}" for local in locals_ for domain in (found.domain, found.ascii_domain)]
    return tuple(dict.fromkeys((now, *before)))


def sendable(address: str) -> str | None:
    """Return the address as it goes on the wire, or None where no mail can be sent to it.

    A local part outside ASCII stays so: a server that offers SMTPUTF8 takes it.
    """
    found = _validated(_tidied(address))
    return None if found is None else f"{found.local_part}@{found.ascii_domain}"


def is_address(text: str) -> bool:
    """Return whether mail can be sent to this text."""
    if _is_plain(text):
        return not text.lower().endswith(_RESERVED)
    return "@" in text and sendable(text) is not None


def domain_of(address: str | None) -> str | None:
    """Return the domain of an address, in ASCII and lower case; None where it has none."""
    if address is None:
        return None
    written = address.lower() if _is_plain(address) else sendable(address)
    return None if written is None or written.endswith(_RESERVED) else written.rpartition("@")[2]


def ascii_domain(host: str) -> str | None:
    """Return a host in ASCII (UTS 46) and lower case; None where mail could be at no such domain."""
    if len(host) <= _LONGEST_LABEL and _PLAIN_HOST.fullmatch(host):
        written = host.lower()
        return None if f".{written}".endswith(_RESERVED) else written
    found = _validated(f"a@{_tidied(host)}")
    return None if found is None else found.ascii_domain


def unicode_domain(host: str) -> str:
    """Return a host in ASCII as people write it."""
    found = _validated(f"a@{host}") if "xn--" in host else None
    return host if found is None else found.domain


def fold(text: str) -> str:
    """Return a text by which it is compared without case: canonical caseless matching (Unicode, D145), in NFC.

    Decomposed first, since folding depends on how a letter is composed; composed last, since folding may decompose.
    """
    tidied = _tidied(text)
    if tidied.isascii():
        return tidied.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", tidied).casefold())


def unwrap(text: str) -> Unwrapped:
    """Return what somebody plainly meant: without quotes, brackets, code marks and punctuation around it.

    What stands in angle brackets is taken as it is, if it is an address: `<'ana@acme.example>` begins with a quote.
    """
    for entity, char in _ENTITIES:
        text = text.replace(entity, char)
    word = _tidied(_LINK.sub(_as_typed, text).translate(_FULL_WIDTH))
    while len(word) <= _LONGEST_TYPED:
        angled = _ANGLED.fullmatch(word)
        if angled and is_address(angled[1]):
            return Unwrapped(angled[1], is_exact=True)
        shorter = angled[1] if angled else _bared(word)
        if shorter == word:
            break
        word = shorter
    return Unwrapped(word)


def mailbox_of(word: str) -> str:
    """Return what a `mailto:` names, without what it proposes for the letter; any other word as it is."""
    found = _MAILTO.match(word)
    return unquote(word[found.end() :].partition("?")[0]) if found else word


def _as_typed(link: re.Match[str]) -> str:
    """What a person typed that Slack made a link of; its target, where it shows something else."""
    label = link[2] or ""
    return label if "@" in label or "." in label else link[1]


def _bared(word: str) -> str:
    """The word without one layer of what stands around it."""
    bare = word.rstrip(_ENDING)
    if bare != word:
        return bare
    is_braced = bare.endswith("}")
    bare = bare.rstrip(_CLOSERS + QUOTES).lstrip(_OPENERS + QUOTES + ("{" if is_braced else ""))
    if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in _EMPHASIS:  # noqa: PLR2004  the two, and something between
        bare = bare[1:-1]
    bullet = _BULLET.match(bare)
    return (bare[bullet.end() :] if bullet else bare).strip()


def _is_plain(text: str) -> bool:
    return len(text) <= LONGEST_LOCAL and _PLAIN.fullmatch(text) is not None


def _canonical(address: str) -> str:
    if (found := _meant(address)) is not None:
        return f"{fold(found.local_part)}@{found.ascii_domain}"
    local, at, domain = _tidied(address).rpartition("@")
    return f"{fold(local)}{at}{ascii_domain(domain) or fold(domain)}"


def _meant(address: str) -> ValidatedEmail | None:
    """The address, or the one that is plainly meant, by which the person should be found."""
    tidied = _tidied(address)
    return _validated(tidied) or _validated(tidied, quoted=True) or _validated(mailbox_of(unwrap(address).word))


@lru_cache(maxsize=_REMEMBERED)
def _validated(text: str, *, quoted: bool = False) -> ValidatedEmail | None:
    """What the library makes of a text; None where it is no address. Few servers take a local part in quotes."""
    if "@" not in text or len(text) > LONGEST:
        return None
    try:
        return validate_email(text, strict=True, allow_quoted_local=quoted, check_deliverability=False)
    except EmailNotValidError:
        return None


def _tidied(text: str) -> str:
    return " ".join(strip_invisible(text).split())
