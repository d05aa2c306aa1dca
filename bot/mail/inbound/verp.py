"""A return address for each mail (VERP), so that a bounce says by itself which mail came back."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from bot.errors import MailRefused, MailSetupWrong
from bot.mail.address import LONGEST_LOCAL, ascii_address

# 60 bits: nobody guesses it, and mail servers that lower the case of addresses do no harm.
_MAC_LENGTH = 12
_TAGGED = re.compile(
    rf"[^@]+\+(?P<id>[0-9]{{1,18}})-(?P<mac>[a-z2-7]{{{_MAC_LENGTH}}})@[^@]+", re.ASCII | re.IGNORECASE
)


def envelope_sender(base: str, mail_id: int, key: bytes) -> str:
    """Where the bounces of this mail go: `bounces+ID-MAC@domain`.

    MailSetupWrong: the base is no address, or leaves no room for the rest.
    """
    try:
        local, _, domain = ascii_address(base).rpartition("@")
    except MailRefused as exc:
        raise MailSetupWrong("MAIL_BOUNCES is not an address: write it as bounces@your-domain.") from exc
    tagged = f"{local}+{mail_id}-{_mac(mail_id, key)}"
    if len(tagged) > LONGEST_LOCAL:
        raise MailSetupWrong("MAIL_BOUNCES is too long: choose an address with at most 30 characters before the @.")
    return f"{tagged}@{domain}"


def read_return_address(address: str, keys: Iterable[bytes]) -> int | None:
    """The mail that this return address was made for, with any of the keys; None if it is not one of ours."""
    found = _TAGGED.fullmatch(address.strip().removeprefix("<").removesuffix(">"))
    if found is None:
        return None
    mail_id, mac = int(found["id"]), found["mac"].lower()
    # Every key is tried, so that the time tells nothing about which one fits.
    fits = [hmac.compare_digest(mac, _mac(mail_id, key)) for key in keys]
    return mail_id if any(fits) else None


def _mac(mail_id: int, key: bytes) -> str:
    digest = hmac.digest(key, b"bounce:%d" % mail_id, hashlib.sha256)
    return base64.b32encode(digest).decode("ascii")[:_MAC_LENGTH].lower()
