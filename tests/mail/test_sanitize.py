"""Text from outside cannot bring its own markup, lines or direction into a mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.sanitize import LONGEST_VALUE, escape_markdown, one_line, strip_control_characters


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Acme & Söhne <GmbH>", "Acme & Söhne <GmbH>"),
        ("Acme\r\nBcc: eve@evil.test", "Acme Bcc: eve@evil.test"),
        ("[free](http://evil.test)", "(free)(http://evil.test)"),
        ("`rm -rf`", "'rm -rf'"),
        ("**ACME**", "∗∗ACME∗∗"),
        ("Acme\u202egnp.exe", "Acmegnp.exe"),
        ("A\x00c\x1bme\u2028Ltd", "Acme Ltd"),
        ("my_site_1.atlassian.net", "my_site_1.atlassian.net"),
        (" \t\n ", ""),
        ("_Acme_ my_site __init__", "＿Acme＿ my_site ＿＿init＿＿"),
        ("# Acme", "＃ Acme"),
        ("> Acme", "› Acme"),
        ("- Acme - Söhne -", "‐ Acme - Söhne -"),
        ("---", "‐--"),
        ("+ Acme +", "＋ Acme +"),
        ("~~~ Acme", "∼~~ Acme"),
        ("1. FC Acme 2. Liga", "1.\u00a0FC Acme 2. Liga"),
        ("1) Acme", "1)\u00a0Acme"),
        ("1.", "1"),
        ("1.5 Ltd", "1.5 Ltd"),
    ],
)
def test_a_value_stays_readable_and_loses_its_teeth(value: str, shown: str) -> None:
    assert escape_markdown(value) == shown


def test_an_absurdly_long_name_is_cut() -> None:
    assert escape_markdown("x" * 5000) == "x" * (LONGEST_VALUE - 1) + "…"


@given(st.text())
def test_one_line_is_one_line_in_every_alphabet(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_lines_of_a_body_survive_and_control_characters_do_not() -> None:
    assert strip_control_characters("Hello\r\n\r\n\tdear\x07 reader\ud800") == "Hello\n\n\tdear reader"
