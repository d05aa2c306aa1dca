"""What becomes of an address on its way to a server."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import MailRefused
from bot.mail.address import ascii_address, wire_address


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (" ana@acme.example ", "ana@acme.example"),
        ("o'hara+test@mail.acme.example", "o'hara+test@mail.acme.example"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("zoë@bücher.example", "zoë@xn--bcher-kva.example"),
        ("用户@例え.test", "用户@xn--r8jz45g.test"),
        (f"{'a' * 64}@acme.example", f"{'a' * 64}@acme.example"),
    ],
)
def test_the_domain_is_written_in_ascii_and_the_local_part_as_its_owner_does(address: str, written: str) -> None:
    assert wire_address(address) == written


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ana@\u2028.example", "malformed"),
        ("ana", "malformed"),
        ("", "malformed"),
        ("@acme.example", "malformed"),
        ("ana@", "malformed"),
        ("ana lima@acme.example", "malformed"),
        ("ana@acme.example\r\nRCPT TO:<eve@evil.test>", "malformed"),
        ("a@b@acme.example", "malformed"),
        ("<ana@acme.example>", "malformed"),
        ("ana.@acme.example", "malformed"),
        ("an\u00a0a@acme.example", "malformed"),
        (f"{'a' * 65}@acme.example", "malformed"),
        (f"ana@{'acme.' * 60}example", "malformed"),
    ],
)
def test_an_address_that_cannot_be_written_to_is_refused_without_being_quoted(address: str, reason: str) -> None:
    with pytest.raises(MailRefused, match=reason) as caught:
        wire_address(address)

    assert "acme" not in str(caught.value)


def test_an_address_of_ours_has_ascii_letters_alone() -> None:
    assert ascii_address("hello@bücher.example") == "hello@xn--bcher-kva.example"
    with pytest.raises(MailRefused, match="outside ASCII"):
        ascii_address("zoë@vendor.example")


@given(st.text(max_size=80), st.text(max_size=80))
@example("ana", "ﬀ.example")
def test_what_comes_out_can_stand_on_a_line_of_smtp(local: str, domain: str) -> None:
    try:
        written = wire_address(f"{local}@{domain}")
    except MailRefused:
        return

    assert written.count("@") == 1
    assert not set(written) & set('\r\n\0 <>",;:()[]\\')
    assert written.encode()
    assert wire_address(written) == written
