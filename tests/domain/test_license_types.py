"""What license types mean."""

import pytest

from bot.domain.license_types import is_sold, type_in_words


@pytest.mark.parametrize(
    ("license_type", "sold", "said"),
    [
        ("COMMERCIAL", True, "Commercial"),
        ("ACADEMIC", True, "Academic"),
        ("COMMUNITY", False, "Community"),
        ("OPEN_SOURCE", False, "Open source"),
        ("FREE", False, "Free"),
        ("FOUNDATION_FREE", False, "Foundation free"),
        ("DEMONSTRATION", False, "Demonstration"),
        ("STARTER", False, "Starter"),
        ("CLASSROOM", False, "Classroom"),
        ("INTERNAL USE", False, "Internal use"),
        ("SOCIAL_IMPACT_GLOBAL_ACCESS", False, "Social impact global access"),
        ("EVALUATION", False, "Evaluation"),
        ("SOMETHING_NEW", False, "Something new"),
    ],
)
def test_only_what_is_surely_paid_for_counts_as_sold(license_type: str, said: str, *, sold: bool) -> None:
    assert is_sold(license_type) is sold
    assert type_in_words(license_type) == said
