"""What the license types of the report mean: who pays, and what may be said of it."""

from typing import Final

_SOLD: Final = frozenset({"COMMERCIAL", "ACADEMIC"})
"""What a customer buys, academic ones at a discount.

All others count as granted: they are free (COMMUNITY, OPEN_SOURCE, FREE, FOUNDATION_FREE, DEMONSTRATION, CLASSROOM,
INTERNAL USE), or went for a gift to charity (STARTER), or the report does not say who pays (SOCIAL_IMPACT, and
whatever Atlassian invents next).
"""


def is_sold(license_type: str) -> bool:
    """Whether somebody who has such a license has bought the app; False where that is not certain."""
    return license_type in _SOLD


def type_in_words(license_type: str) -> str:
    """A license type as people write it: Open source."""
    return license_type.replace("_", " ").capitalize()
