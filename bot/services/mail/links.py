"""The links in an email that name its recipient, whatever became of the email since."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.security.keyring import Keyring


class LinkKind(StrEnum):
    """Where a link leads. Its value is in the path and in the token, so that no token works for another page."""

    UNSUBSCRIBE = "u"
    FEEDBACK = "f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The recipient a link was made for, and the email it is in."""

    address: str = field(repr=False)
    mail_id: int


class Links:
    """Links of one kind: opaque, and without a row in the database."""

    def __init__(self, keyring: Keyring, *, public_url: str, kind: LinkKind = LinkKind.UNSUBSCRIBE) -> None:
        self._keyring = keyring
        self._base = f"{public_url.rstrip('/')}/{kind}/"
        self._kind = kind

    @property
    def sample(self) -> str:
        """A link that looks like the others and belongs to nobody."""
        return f"{self._base}personal-link"

    def url(self, address: str, mail_id: int) -> str:
        """Return the address of the page for this recipient of this email."""
        return self._base + self._keyring.token(f"{self._kind} {mail_id} {address}")

    def read(self, token: str) -> Link | None:
        """Return the link in a token, or None if the token is not one of ours for this page."""
        kind, _, rest = (self._keyring.read_token(token) or "").partition(" ")
        mail_id, _, address = rest.partition(" ")
        return Link(address=address, mail_id=int(mail_id)) if kind == self._kind else None
