"""The quotes that customers accept, as the Marketplace reports them."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedQuote:
    """A quote that a customer accepted, for one license. Texts are as the Marketplace wrote them."""

    number: str
    aliases: tuple[str, ...]
    """Ids of the license: the entitlement number first."""
    accepted: date | None = None
    starts: date | None = None
    users: str | None = None
    edition: str | None = None
    price: str | None = None
    created_by_domain: str | None = None
    """The mail domain of the person who made the quote; maybe a reseller's."""
