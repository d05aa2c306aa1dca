"""One key for each mailbox, and one check of what an address is.

`canonical` is the form in which addresses are compared for do-not-contact entries, pauses, erasures and bounces;
`sendable` is the form that is sent over the wire. Two spellings with one wire form have one canonical form.

- The domain is in ASCII by UTS 46, without transitional mappings, and in lower case: this is the form that servers
  look up.
- The local part is in NFC and case folded. Only its own server knows whether case matters, and no server is known where
  it does, so a do-not-contact entry covers every case. Folding goes further than lower case (ß is ss): it is how
  Unicode defines comparison, and an entry that covers a mailbox too many harms nobody. Dotless ı stays distinct from i.
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
"""Top-level domains that no public server has but a company's own may. Their mail goes to the vendor's own server."""
# The library documents editing this list as the way to allow them.
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [
    name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES if name not in _IN_HOUSE
]

LONGEST: Final = 254
"""Octets of an address, without the angle brackets (RFC 5321, 4.5.3.1.3)."""
LONGEST_LOCAL: Final = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""
_LONGEST_LABEL: Final = 63
"""Octets of a domain label (RFC 1035, 2.3.1)."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL: Final = r"[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_LAST_LABEL: Final = r"(?:[A-Za-z0-9]++-)*+[A-Za-z0-9]*[A-Za-z]"
_PLAIN_HOST: Final = re.compile(rf"(?:{_LABEL}\.)++{_LAST_LABEL}")
_PLAIN: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@{_PLAIN_HOST.pattern}")
"""Matches an ASCII address without a label like `xn--…`. If it has at most `LONGEST_LOCAL` characters in all, the
library gives the same result but takes a hundred times as long.
"""
_REMEMBERED: Final = 1024
"""How many other addresses have their validation cached: each is checked several times in a row."""
_RESERVED: Final = tuple(f".{name}" for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)

_LONGEST_TYPED: Final = 2_000
"""Characters of a word with everything around it. A longer word is not an address and would take long to unwrap."""
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
"""How Slack escapes these three characters."""
_FULL_WIDTH: Final = {0xFF01 + n: 0x21 + n for n in range(94)} | {0x3002: ".", 0xFF61: ".", 0xFE6B: "@"}
"""What a Chinese or Japanese input method writes in place of ASCII."""
QUOTES: Final = "\"'“”„‟«»‹›‘’‚‛`´「」『』〝〞〟"
_OPENERS: Final = "([<【〔〈《"
_CLOSERS: Final = ")]>}】〕〉》"
_ENDING: Final = ".,;:!?…、/ "
_EMPHASIS: Final = "*_~|="
_BULLET: Final = re.compile(r"(?:[•·‣▪–—-]\s+)++")
_MAILTO: Final = re.compile(r"mailto:", re.IGNORECASE)
_LINK: Final = re.compile(r"<((?:mailto:|https?://)[^<>|\s]+)(?:\|([^<>]*))?>", re.IGNORECASE)
"""How Slack writes a link: `<mailto:ana@acme.example|ana@acme.example>`, `<https://acme.example>`."""
_ANGLED: Final = re.compile(r"(?:[^<>@]*\s)?<([^<>]+)>")
"""`<ana@acme.example>`, with or without a name before it."""


class Unwrapped(NamedTuple):
    """A word without the text around it. `is_exact` is set if it stood in angle brackets and is an address."""

    word: str
    is_exact: bool = False


def canonical(address: str) -> str:
    """Return the form in which an address is compared. Text that is not an address gets a form that no address has."""
    return address.lower() if _is_plain(address) else _canonical(address)


def keys(address: str) -> tuple[str, ...]:
    """Return the canonical form, then the forms in which earlier versions may have compared this address.

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
    """Return the address as it is sent over the wire, or None if no email can be sent to it.

    A local part outside ASCII is kept: a server that offers SMTPUTF8 accepts it.
    """
    found = _validated(_tidied(address))
    return None if found is None else f"{found.local_part}@{found.ascii_domain}"


def is_address(text: str) -> bool:
    """Return whether an email can be sent to this text."""
    if _is_plain(text):
        return not text.lower().endswith(_RESERVED)
    return "@" in text and sendable(text) is not None


def domain_of(address: str | None) -> str | None:
    """Return the domain of an address, in ASCII and lower case, or None if there is no domain."""
    if address is None:
        return None
    written = address.lower() if _is_plain(address) else sendable(address)
    return None if written is None or written.endswith(_RESERVED) else written.rpartition("@")[2]


def ascii_domain(host: str) -> str | None:
    """Return a host in ASCII (UTS 46) and lower case, or None if no email can be sent to such a domain."""
    if len(host) <= _LONGEST_LABEL and _PLAIN_HOST.fullmatch(host):
        written = host.lower()
        return None if f".{written}".endswith(_RESERVED) else written
    found = _validated(f"a@{_tidied(host)}")
    return None if found is None else found.ascii_domain


def unicode_domain(host: str) -> str:
    """Return an ASCII host in Unicode, as people write it."""
    found = _validated(f"a@{host}") if "xn--" in host else None
    return host if found is None else found.domain


def fold(text: str) -> str:
    """Return the form of a text for caseless comparison: canonical caseless matching (Unicode, D145), in NFC.

    It is decomposed first, since folding depends on how a letter is composed, and composed last, since folding may
    decompose.
    """
    tidied = _tidied(text)
    if tidied.isascii():
        return tidied.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", tidied).casefold())


def unwrap(text: str) -> Unwrapped:
    """Return the text without the quotes, brackets, code marks and punctuation around it.

    Text in angle brackets is taken as it is if it is an address: `<'ana@acme.example>` begins with a quote.
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
    """Return the address in a `mailto:` link, without its headers such as the subject; any other word unchanged."""
    found = _MAILTO.match(word)
    return unquote(word[found.end() :].partition("?")[0]) if found else word


def _as_typed(link: re.Match[str]) -> str:
    """Return the text that a person typed and Slack made a link, or the link's target if it shows something else."""
    label = link[2] or ""
    return label if "@" in label or "." in label else link[1]


def _bared(word: str) -> str:
    """Return the word without one layer of the text around it."""
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
    """Return the address, or the one that is plainly meant, or None. It is used to find the person."""
    tidied = _tidied(address)
    return _validated(tidied) or _validated(tidied, quoted=True) or _validated(mailbox_of(unwrap(address).word))


@lru_cache(maxsize=_REMEMBERED)
def _validated(text: str, *, quoted: bool = False) -> ValidatedEmail | None:
    """Return the library's reading of a text, or None if it is not an address. Few servers accept a quoted
    local part.
    """
    if "@" not in text or len(text) > LONGEST:
        return None
    try:
        return validate_email(text, strict=True, allow_quoted_local=quoted, check_deliverability=False)
    except EmailNotValidError:
        return None


def _tidied(text: str) -> str:
    return " ".join(strip_invisible(text).split())
