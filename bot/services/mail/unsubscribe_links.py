"""The unsubscribe link of an email. It names its recipient, whatever became of the email since."""

from dataclasses import dataclass, field
from typing import Final

from bot.security.keyring import Keyring

_PATH: Final = "/u/"
_PURPOSE: Final = "u"
"""Keeps other tokens encrypted with the same key from being unsubscribe links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The recipient an unsubscribe link was made for, and the email it is in."""

    address: str = field(repr=False)
    mail_id: int


class Links:
    """Unsubscribe links: opaque, valid forever, and without a row in the database."""

    def __init__(self, keyring: Keyring, *, public_url: str) -> None:
        self._keyring = keyring
        self._base = public_url.rstrip("/") + _PATH

    @property
    def sample(self) -> str:
        """A link that looks like the others and belongs to nobody."""
        return f"{self._base}personal-link"

    def url(self, address: str, mail_id: int) -> str:
        """Return the address of the unsubscribe page for this recipient of this email."""
        return self._base + self._keyring.token(f"{_PURPOSE} {mail_id} {address}")

    def read(self, token: str) -> Link | None:
        """Return the link in a token, or None if the token is not ours."""
        purpose, _, rest = (self._keyring.read_token(token) or "").partition(" ")
        mail_id, _, address = rest.partition(" ")
        return Link(address=address, mail_id=int(mail_id)) if purpose == _PURPOSE else None
