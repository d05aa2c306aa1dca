"""Which country a name means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.country_codes import country_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *[(name, "DE") for name in ("Germany", "GERMANY", " ger-many.", "de", "DEU")],
        *[(name, "US") for name in ("United States", "United States of America", "USA", "UNITED  STATES")],
        *[(name, "GB") for name in ("United Kingdom", "Great Britain", "UK")],
        *[(name, "CI") for name in ("Cote d'Ivoire", "Côte d’Ivoire", "Ivory Coast")],
        *[(name, "TR") for name in ("Turkey", "Türkiye", "Turkiye")],
        *[(name, "NL") for name in ("Netherlands", "The Netherlands")],
        *[(name, "CZ") for name in ("Czech Republic", "Czechia")],
        *[(name, "KR") for name in ("Korea, Republic of", "South Korea", "Korea")],
        ("Korea, Democratic People's Republic of", "KP"),
        ("Congo, The Democratic Republic of the", "CD"),
        ("Bolivia, Plurinational State of", "BO"),
        ("Trinidad and Tobago", "TT"),
        ("Saint Lucia", "LC"),
        *[(name, None) for name in ("", "–", "Freedonia", "Europe", "EU", "Unknown Region", "ZZ", "the", "United")],
    ],
)
def test_a_country_is_known_by_its_names(name: str, code: str | None) -> None:
    assert country_code(name) == code


@given(st.text())
def test_any_text_is_a_country_or_not(name: str) -> None:
    code = country_code(name)
    assert code is None or country_code(code) == code
