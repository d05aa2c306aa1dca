"""Signatures, as a receiver checks them who has the key from DNS."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from bot.errors import MailSetupWrong
from bot.mail.outbound.dkim import Signer
from tests.mail.conftest import Judge
from tests.mail.letters import letter, read

URL = "https://bot.vendor.example/u/token"


@pytest.fixture
def signed(signer: Signer) -> bytes:
    return signer.sign(letter(unsubscribe_url=URL, subject="Grüße").as_bytes())


def test_a_signed_mail_is_genuine_and_otherwise_as_it_was(signed: bytes, signer: Signer, genuine: Judge) -> None:
    mail = read(signed)

    assert genuine(signed)
    assert mail.keys()[0] == "DKIM-Signature"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "d=vendor.example" in mail["DKIM-Signature"]
    assert signer.record_name == "bot2026._domainkey.vendor.example"


def test_both_unsubscribe_headers_are_signed(signed: bytes) -> None:
    fields = dict(field.strip().split("=", 1) for field in read(signed)["DKIM-Signature"].split(";"))
    names = fields["h"].replace(" ", "").split(":")

    assert {"list-unsubscribe", "list-unsubscribe-post", "from", "to", "reply-to", "subject"} <= set(names)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/u/token", b"/u/other"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"Reply-To: ben@", b"Reply-To: eve@"),
        (b"Hello Ana", b"Hello Eve"),
        (b"\r\nFrom: ", b"\r\nFrom: eve@evil.test\r\nFrom: "),
        (b"\r\nSubject: ", b"\r\nSubject: Cheap\r\nSubject: "),
        (b"\r\nList-Unsubscribe: ", b"\r\nList-Unsubscribe: <https://evil.test>\r\nList-Unsubscribe: "),
    ],
)
def test_a_mail_that_was_changed_on_its_way_is_not_genuine(
    signed: bytes, genuine: Judge, old: bytes, new: bytes
) -> None:
    assert old in signed
    assert not genuine(signed.replace(old, new, 1))


def test_nobody_can_add_a_button_where_there_was_none(signer: Signer, genuine: Judge) -> None:
    signed = signer.sign(letter().as_bytes())
    added = signed.replace(
        b"\r\nMIME-Version", b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version", 1
    )

    assert genuine(signed)
    assert added != signed
    assert not genuine(added)


def test_a_mail_in_utf_8_can_be_signed(signer: Signer, genuine: Judge) -> None:
    assert genuine(signer.sign(letter(to_address="zoë@acme.example", subject="Grüße").as_bytes()))


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


LOCKED = rsa.generate_private_key(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
)


# Of 512 bits, which the library still reads and no longer makes.
SHORT = b"""\
-----BEGIN RSA PRIVATE KEY-----
MIIBOQIBAAJBALdeZx/+fyvZwvpu1CpZFPr1t/I9Lz9Wh5Pjk3QmsYnCXjVcQLpJ
3NC8E3oPMwM3GUg2R5MV/uyJZqj8jstW1RECAwEAAQJAXgcUjn1sLMo/hzepqAWC
EqZJqvfg8HOolhdOl3L3+xFHibJGnbuqK4b2OPC0CpXb2xYd6ZSIdRrzuDVb18YA
AQIhAOhqT9OEw27fBn649scIsFwU37sJH3lsxT3jdSPYEG0RAiEAyfn1rYR86Hkk
phuticTp7ugHoypvDFmi+GfaiqV/6AECIFEboMYJRAayMFsTA5QMFTfdVQK5uVEv
w1nIwj2DDqBxAiBumuyX/hKs+BJCyKtq46O7yeLMzqMLX1bos26xOFpoAQIgLmMt
YIqt4C7f8Xl7BpkHuvQOafLDkfB84hk0GmBesno=
-----END RSA PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (b"", "cannot be read"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (LOCKED, "without a password"),
        (SHORT, "too short"),
        (_pem(ed25519.Ed25519PrivateKey.generate()), "make an RSA key"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "make an RSA key"),
    ],
)
def test_a_key_that_cannot_sign_is_a_matter_of_settings(key: bytes, sentence: str) -> None:
    with pytest.raises(MailSetupWrong, match=sentence) as caught:
        Signer("vendor.example", "bot", key)

    assert str(caught.value).startswith("DKIM_KEY ")


@pytest.mark.parametrize(
    ("domain", "selector", "setting"),
    [
        ("bücher.example", "bot", "DKIM_DOMAIN"),
        ("", "bot", "DKIM_DOMAIN"),
        ("vendor.example", "bot; d=evil.test", "DKIM_SELECTOR"),
        ("vendor.example", "bot\r\nX", "DKIM_SELECTOR"),
    ],
)
def test_a_name_that_cannot_stand_in_dns_is_a_matter_of_settings(
    rsa_pem: bytes, domain: str, selector: str, setting: str
) -> None:
    with pytest.raises(MailSetupWrong, match=setting):
        Signer(domain, selector, rsa_pem)


@pytest.mark.parametrize("domain", ["vendor.example", "Vendor.Example", "mail.vendor.example"])
def test_a_signature_counts_for_its_domain_and_those_below(signer: Signer, domain: str) -> None:
    assert signer.vouches_for(domain)


@pytest.mark.parametrize("domain", ["vendor.example", "news.vendor.example"])
def test_a_signature_of_a_domain_below_counts_for_the_one_above_and_those_beside(rsa_pem: bytes, domain: str) -> None:
    assert Signer("mail.vendor.example", "bot", rsa_pem).vouches_for(domain)


@pytest.mark.parametrize("domain", ["othervendor.example", "vendor.example.test", "vendor.test"])
def test_a_signature_counts_for_no_other_domain(signer: Signer, domain: str) -> None:
    assert not signer.vouches_for(domain)
