"""A return address says which mail it belongs to, and nobody can make one up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import MailSetupWrong
from bot.mail.inbound.verp import envelope_sender, read_return_address

BASE = "bounces@vendor.example"
KEY, OLD_KEY = b"new key", b"old key"
MAIL_IDS = st.integers(min_value=1, max_value=2**53)


@given(MAIL_IDS)
def test_a_return_address_leads_back_to_its_mail(mail_id: int) -> None:
    address = envelope_sender(BASE, mail_id, KEY)

    assert address.startswith(f"bounces+{mail_id}-")
    assert address.endswith("@vendor.example")
    assert read_return_address(address, [KEY]) == mail_id
    assert read_return_address(f" <{address.upper()}>", [KEY]) == mail_id


def test_it_stays_the_same_for_a_mail_that_is_tried_again() -> None:
    assert envelope_sender(BASE, 7, KEY) == envelope_sender(BASE, 7, KEY) == "bounces+7-27zpsdw3wkgy@vendor.example"


def test_after_a_change_of_keys_old_mails_are_still_known() -> None:
    address = envelope_sender(BASE, 7, OLD_KEY)

    assert read_return_address(address, [KEY, OLD_KEY]) == 7
    assert read_return_address(address, [KEY]) is None
    assert read_return_address(address, []) is None


@given(MAIL_IDS, MAIL_IDS)
def test_a_code_fits_its_own_mail_alone(mail_id: int, other: int) -> None:
    address = envelope_sender(BASE, mail_id, KEY).replace(f"+{mail_id}-", f"+{other}-")

    assert read_return_address(address, [KEY]) == (mail_id if other == mail_id else None)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "<>",
        BASE,
        "bounces+7@vendor.example",
        "bounces+7-aaaaaaaaaaaa@vendor.example",
        "+7-ſſſſſſſſſſſſ@vendor.example",
    ],
)
def test_an_address_that_is_not_ours_is_no_mail(address: str) -> None:
    assert read_return_address(address, [KEY]) is None


@given(st.text())
def test_whatever_comes_in_is_read_without_complaint(address: str) -> None:
    assert read_return_address(address, [KEY]) is None
    assert read_return_address(f"{address}+7-{address}@{address}", [KEY]) is None


def test_a_base_with_a_tag_of_its_own_and_an_international_domain_will_do() -> None:
    address = envelope_sender("bot+b@bücher.example", 12, KEY)

    assert address.endswith("@xn--bcher-kva.example")
    assert read_return_address(address, [KEY]) == 12


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("nobody", "not an address"),
        ("zoë@vendor.example", "not an address"),
        (f"{'b' * 50}@vendor.example", "too long"),
    ],
)
def test_a_base_that_cannot_carry_a_mail_is_a_matter_of_settings(base: str, sentence: str) -> None:
    with pytest.raises(MailSetupWrong, match=sentence):
        envelope_sender(base, 7, KEY)


@given(MAIL_IDS)
def test_thirty_characters_before_the_at_are_always_few_enough(mail_id: int) -> None:
    assert len(envelope_sender(f"{'b' * 30}@vendor.example", mail_id, KEY).partition("@")[0]) <= 64
