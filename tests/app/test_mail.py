"""The post office as the settings describe it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app.mail import build_links, build_mailer, sender_name
from bot.config.loader import settings_of
from bot.config.settings import Settings
from bot.errors import MailSetupWrong
from bot.mail.inbound.verp import envelope_sender, read_return_address
from bot.security.keyring import Keyring
from bot.services.mail.links import Link, LinkKind
from tests.config.test_settings import NEEDED

MAIL = {
    "smtp_host": "mail.vendor.example",
    "mail_from": "Ana Sample <hello@vendor.example>",
    "mail_postal_address": "1 Sample Street, Springfield",
}
DKIM = {"dkim_domain": "vendor.example", "dkim_selector": "bot", "dkim_key": "key.pem"}
KEYS = Keyring([NEEDED["SECRET_KEY"]])


def settings(**given: Any) -> Settings:  # noqa: ANN401  of its setting's type
    """Settings with all that mail needs, and nothing of the machine's own."""
    needed = {name.lower(): value for name, value in NEEDED.items()}
    return settings_of(**{**needed, **MAIL, **given})


@pytest.mark.parametrize("missing", MAIL)
def test_mail_is_off_until_server_sender_and_address_are_set(missing: str) -> None:
    assert build_mailer(settings(**{missing: None})) is None


def test_with_no_more_than_these_there_is_nothing_optional() -> None:
    post = build_mailer(settings())
    assert post is not None
    assert (post.signer, post.links, post.verp, post.vendor) == (None, None, None, None)
    assert post.kept == timedelta(days=730)


def test_what_is_set_is_there() -> None:
    post = build_mailer(
        settings(
            mail_vendor="Sample Vendor",
            mail_bounces="bounces@vendor.example",
            public_url="https://bot.vendor.example",
            retention="90d",
        )
    )
    assert post is not None
    assert post.verp is not None
    assert (post.vendor, post.kept, post.verp.address) == (
        "Sample Vendor",
        timedelta(days=90),
        "bounces@vendor.example",
    )
    assert read_return_address(envelope_sender(post.verp.address, 7, post.verp.key), KEYS.return_keys) == 7


@pytest.mark.parametrize("missing", DKIM)
def test_a_signature_needs_domain_selector_and_key(missing: str) -> None:
    with pytest.raises(MailSetupWrong, match="belong together"):
        build_mailer(settings(**DKIM | {missing: None}))


@pytest.mark.parametrize("content", [None, b"no key"], ids=["not there", "no key"])
def test_a_key_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MailSetupWrong, match="DKIM_KEY"):
        build_mailer(settings(**DKIM | {"dkim_key": path}))


@pytest.mark.parametrize("kind", LinkKind)
def test_links_exist_for_a_bot_that_can_be_reached_each_for_one_page(kind: LinkKind) -> None:
    assert build_links(settings(), kind) is None
    ours = build_links(settings(public_url="https://bot.vendor.example/"), kind)
    assert ours is not None
    url = ours.url("ana@acme.example", 7)
    assert url.startswith(f"https://bot.vendor.example/{kind}/")
    found = [build_links(settings(public_url="https://bot.vendor.example"), each) for each in LinkKind]
    assert [each and each.read(url.rpartition("/")[2]) for each in found] == [
        Link(address="ana@acme.example", mail_id=7) if each is kind else None for each in LinkKind
    ]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"mail_vendor": "Sample Vendor"}, "Sample Vendor"),
        ({}, "Ana Sample"),
        ({"mail_from": "hello@vendor.example"}, "vendor.example"),
        ({"mail_from": None}, "us"),
    ],
    ids=["company", "sender", "domain", "nothing"],
)
def test_a_page_of_ours_says_who_we_are(given: dict[str, Any], name: str) -> None:
    assert sender_name(settings(**given)) == name
