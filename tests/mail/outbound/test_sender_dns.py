"""What receivers ask the DNS about the domain that we send from, and what is missing there."""

import pytest

from bot.errors import DnsUnavailable, MailSetupWrong
from bot.mail.outbound.dkim import Signer
from bot.mail.outbound.sender_dns import is_public, parents, txt_records, verify_dkim, verify_dmarc, verify_spf
from tests.dns_server import Zone, serving

DOMAIN = "vendor.example"
SPF = "v=spf1 include:mail.example ~all"


async def test_the_records_of_a_name_are_read_whole_and_none_is_no_error(signer: Signer) -> None:
    zone = Zone({DOMAIN: [SPF, "another=1"], signer.record_name: [signer.record], f"empty.{DOMAIN}": []})
    async with serving(zone) as resolver:
        assert sorted(await txt_records(resolver, DOMAIN)) == ["another=1", SPF]
        assert await txt_records(resolver, signer.record_name) == [signer.record]  # of two strings
        assert await txt_records(resolver, f"empty.{DOMAIN}") == []
        assert await txt_records(resolver, f"nothing.{DOMAIN}") == []


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        (Zone(is_silent=True), rf"^The DNS did not answer about {DOMAIN}\. Try again later\.$"),
        (Zone(fails=True), rf"^The DNS cannot answer about {DOMAIN} now\. Try again later\.$"),
    ],
    ids=["silence", "SERVFAIL"],
)
async def test_a_dns_that_is_down_may_answer_later(zone: Zone, sentence: str) -> None:
    async with serving(zone) as resolver:
        with pytest.raises(DnsUnavailable, match=sentence):
            await txt_records(resolver, DOMAIN)


async def test_a_name_that_no_dns_can_have_is_no_crash() -> None:
    async with serving(Zone()) as resolver:
        with pytest.raises(DnsUnavailable):
            await txt_records(resolver, f"{'x' * 64}.example")


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([], "vendor.example has no SPF record. Add the TXT record"),
        (["v=spf10 x", "spf1"], "has no SPF record"),
        ([SPF, "V=SPF1 -all"], "has 2 SPF records, so receivers use none. Merge them into one."),
    ],
)
def test_what_is_wrong_with_spf_is_named(records: list[str], sentence: str) -> None:
    with pytest.raises(MailSetupWrong, match=sentence):
        verify_spf(DOMAIN, records)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (["v=spf1 -all"], "vendor.example has no DMARC record. Set one TXT record _dmarc.vendor.example"),
        (["v=DMARC1; p=none", "v=DMARC1;p=reject"], "has 2 DMARC records, so receivers use none"),
    ],
)
def test_what_is_wrong_with_dmarc_is_named(records: list[str], sentence: str) -> None:
    with pytest.raises(MailSetupWrong, match=sentence):
        verify_dmarc(DOMAIN, records)


def test_one_record_of_each_kind_is_enough(signer: Signer) -> None:
    verify_spf(DOMAIN, ["x=1", SPF])
    verify_dmarc(DOMAIN, ["v = DMARC1 ; p=none"])
    verify_dkim("bot", ["v=DKIM1; k=rsa; p=other", signer.record.replace("p=", "p= ")], expected=signer.record)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([], "^The DNS has no key at bot. Add the TXT record bot with v=DKIM1; k=rsa; p="),
        (["v=DKIM1; p="], "^The DNS has no key at bot."),  # revoked
        (["v=DKIM1; k=rsa; p=other"], "^The DNS has another key at bot. Set that TXT record to v=DKIM1"),
    ],
)
def test_what_is_wrong_with_the_key_is_named(signer: Signer, records: list[str], sentence: str) -> None:
    with pytest.raises(MailSetupWrong, match=sentence):
        verify_dkim("bot", records, expected=signer.record)


def test_dmarc_may_stand_at_the_registered_domain() -> None:
    assert parents("mail.vendor.example") == ["mail.vendor.example", "vendor.example"]
    assert parents(DOMAIN) == [DOMAIN]


@pytest.mark.parametrize(
    ("domain", "is_in_dns"), [("vendor.com", True), ("vendor.example", False), ("mail.Test.", False), ("printer", True)]
)
def test_reserved_domains_are_not_in_the_public_dns(domain: str, *, is_in_dns: bool) -> None:
    assert is_public(domain) is is_in_dns
