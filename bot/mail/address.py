"""Addresses as they travel: the domain in ASCII, the local part as its owner writes it."""

import re
import unicodedata

import idna

from bot.errors import MailRefused

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
# RFC 5321, 4.5.3.1: octets, not characters. The angle brackets around an address are within the 256.
LONGEST_LOCAL = 64
_LONGEST_ADDRESS = 254
# Separators, controls, surrogates, private and unassigned characters: nobody's name is written with them.
_UNFIT = ("Z", "C")


def wire_address(address: str) -> str:
    """The address with its domain in ASCII (IDNA); MailRefused if it is malformed.

    A local part outside ASCII stays as it is: a server that offers SMTPUTF8 takes it.
    """
    local, _, domain = address.strip().rpartition("@")
    try:
        domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as exc:
        raise MailRefused("The address has a domain that cannot exist: ask for another one.") from exc
    fits = len(_octets(local)) <= LONGEST_LOCAL and len(_octets(f"{local}@{domain}")) <= _LONGEST_ADDRESS
    if not (fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and all(map(_fit, local))):
        raise MailRefused("The address is malformed: ask for another one.")
    return f"{local}@{domain}"


def ascii_address(address: str) -> str:
    """The address in ASCII throughout; MailRefused if it is malformed or its local part is not ASCII."""
    written = wire_address(address)
    if not written.isascii():
        raise MailRefused("The part of the address before the @ has letters outside ASCII.")
    return written


def _fit(char: str) -> bool:
    return not unicodedata.category(char).startswith(_UNFIT)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
