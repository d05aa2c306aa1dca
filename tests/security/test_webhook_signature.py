"""Requests signed by the scheme of Standard Webhooks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.security.webhook_signature import is_signed, sign, signing_key

# The example of the specification.
KEY = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNATURE}


def test_a_signature_is_what_the_specification_says() -> None:
    assert sign(KEY, ID, AT, BODY) == SIGNATURE
    assert is_signed(KEY, HEADERS, BODY, now=AT)


def test_a_secret_without_prefix_is_the_key() -> None:
    # printf 'r1.1773307804.hello' | openssl dgst -sha256 -hmac 'what the mail server signs with' -binary | base64
    expected = "Aa7MOX5Ga64MIwpwJaL99q8nG2ZaQKSCrBGQU5DY+EY="

    assert sign(signing_key("what the mail server signs with"), "r1", 1773307804, b"hello") == f"v1,{expected}"


def test_a_key_that_is_not_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="not Base64"):
        signing_key("whsec_what the mail server signs with")


@pytest.mark.parametrize(("late", "taken"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_signature_is_good_for_five_minutes(late: int, taken: bool) -> None:  # noqa: FBT001  # a case
    assert is_signed(KEY, HEADERS, BODY, now=AT + late) is taken


def test_one_of_several_signatures_is_enough() -> None:
    for several in (f"v1,AAAA {SIGNATURE}", f"{SIGNATURE} v1a,AAAA", f"v2,x  {SIGNATURE}"):
        assert is_signed(KEY, HEADERS | {"webhook-signature": several}, BODY, now=AT)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_another"},
        {"webhook-id": ""},
        {"webhook-id": f"{ID}\u00e9"},
        {"webhook-timestamp": str(AT + 1)},
        {"webhook-timestamp": f"0{AT}"},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": "nan"},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": SIGNATURE[:-1]},
        {"webhook-signature": SIGNATURE.replace("v1", "v2")},
        {"webhook-signature": SIGNATURE.upper()},
        {"webhook-signature": "v1,\udcff"},
    ],
)
def test_anything_else_is_not_signed(change: dict[str, str]) -> None:
    assert not is_signed(KEY, HEADERS | change, BODY, now=AT)
    assert not is_signed(KEY, HEADERS, BODY + b" ", now=AT)
    assert not is_signed(b"another", HEADERS, BODY, now=AT)


@given(st.binary(), st.binary(min_size=1))
def test_any_bytes_can_be_signed(body: bytes, key: bytes) -> None:
    headers = HEADERS | {"webhook-signature": sign(key, ID, AT, body)}
    assert is_signed(key, headers, body, now=AT)
    assert not is_signed(key, headers, body + b"x", now=AT)
