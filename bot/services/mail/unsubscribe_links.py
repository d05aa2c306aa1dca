"""The links in a mail: each knows whose it is, whatever became of the mail since."""

from dataclasses import dataclass, field
from typing import Final

from bot.security.keyring import Keyring

_PATH: Final = "/u/"
_PURPOSE: Final = "u"
"""What else is ever sealed with the same key is no link to unsubscribe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Whom an unsubscribe link was written for, and in which mail."""

    address: str = field(repr=False)
    mail_id: int


class Links:
    """Unsubscribe links, opaque and never out of date; they name their recipient, so that no row has to."""

    def __init__(self, keyring: Keyring, *, public_url: str) -> None:
        self._keyring = keyring
        self._base = public_url.rstrip("/") + _PATH

    def url(self, address: str, mail_id: int) -> str:
        """The address of the page on which this recipient of this mail unsubscribes."""
        return self._base + self._keyring.token(f"{_PURPOSE} {mail_id} {address}")

    def read(self, token: str) -> Link | None:
        """Whose link it is; None for what is no link of ours."""
        purpose, _, rest = (self._keyring.read_token(token) or "").partition(" ")
        mail_id, _, address = rest.partition(" ")
        return Link(address=address, mail_id=int(mail_id)) if purpose == _PURPOSE else None
