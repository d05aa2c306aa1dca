"""What the license types of the report mean: who pays, and what may be said about it."""

from typing import Final

SOLD_TYPES: Final = frozenset({"COMMERCIAL", "ACADEMIC"})
"""Types that a customer buys, academic ones at a discount.

All others count as granted: they are free (COMMUNITY, OPEN_SOURCE, FREE, FOUNDATION_FREE, DEMONSTRATION, CLASSROOM,
INTERNAL USE), were given for a donation (STARTER), or the report does not say who pays (SOCIAL_IMPACT, and whatever
Atlassian adds later).
"""


def is_sold(license_type: str) -> bool:
    """Return whether the holder of such a license has bought the app; False if that is not certain."""
    return license_type in SOLD_TYPES


def type_in_words(license_type: str) -> str:
    """Return a license type as people write it: Open source."""
    return license_type.replace("_", " ").capitalize()
