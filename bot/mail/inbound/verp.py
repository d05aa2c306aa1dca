"""Addresses for a single email, so that what comes back shows which one it is about.

There is a return address for bounces (VERP), and an address for replies.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from enum import StrEnum

from bot.errors import MailRefused, MailSetupWrong
from bot.mail.address import LONGEST_LOCAL, ascii_address

# 60 bits: nobody can guess it, and servers that change addresses to lower case do no harm.
_MAC_LENGTH = 12
_TAGGED = re.compile(
    rf"[^@]+\+(?P<id>[0-9]{{1,18}})-(?P<mac>[a-z2-7]{{{_MAC_LENGTH}}})@[^@]+", re.ASCII | re.IGNORECASE
)


class Purpose(StrEnum):
    """What an address is for. One made for another purpose is not read."""

    BOUNCE = "bounce"
    REPLY = "reply"

    @property
    def setting(self) -> str:
        """The setting that holds the address without a tag."""
        return "MAIL_BOUNCES" if self is Purpose.BOUNCE else "MAIL_REPLIES"


def envelope_sender(base: str, mail_id: int, key: bytes) -> str:
    """Return the return address of an email. MailSetupWrong as `tagged_address` says."""
    return tagged_address(base, mail_id, key, Purpose.BOUNCE)


def read_return_address(address: str, keys: Iterable[bytes]) -> int | None:
    """Return the id of the email that a return address was made for, with any of the keys; None if it is not ours."""
    return read_tagged_address(address, keys, Purpose.BOUNCE)


def tagged_address(base: str, mail_id: int, key: bytes, purpose: Purpose) -> str:
    """Return the address for one email: `bounces+ID-MAC@domain`.

    MailSetupWrong if the base is not an address or leaves no room.
    """
    setting = purpose.setting
    try:
        local, _, domain = ascii_address(base).rpartition("@")
    except MailRefused as exc:
        example = setting.rpartition("_")[2].lower()
        raise MailSetupWrong(f"{setting} is not an address: write it as {example}@your-domain.") from exc
    tagged = f"{local}+{mail_id}-{_mac(mail_id, key, purpose)}"
    if len(tagged) > LONGEST_LOCAL:
        raise MailSetupWrong(f"{setting} is too long: choose an address with at most 30 characters before the @.")
    return f"{tagged}@{domain}"


def read_tagged_address(address: str, keys: Iterable[bytes], purpose: Purpose) -> int | None:
    """Return the id of the email that an address was made for, with any of the keys; None if it is not ours."""
    found = _TAGGED.fullmatch(address.strip().removeprefix("<").removesuffix(">"))
    if found is None:
        return None
    mail_id, mac = int(found["id"]), found["mac"].lower()
    # Every key is tried, so that the time does not show which one fits.
    fits = [hmac.compare_digest(mac, _mac(mail_id, key, purpose)) for key in keys]
    return mail_id if any(fits) else None


def _mac(mail_id: int, key: bytes, purpose: Purpose) -> str:
    digest = hmac.digest(key, b"%s:%d" % (purpose.encode(), mail_id), hashlib.sha256)
    return base64.b32encode(digest).decode("ascii")[:_MAC_LENGTH].lower()
