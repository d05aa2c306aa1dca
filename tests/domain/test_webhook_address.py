"""Which addresses may be called, and what people read of them."""

import pytest

from bot.domain.webhook_address import are_public, read_addresses, why_not_called
from bot.domain.webhook_event_types import EventType


@pytest.mark.parametrize("url", ["https://crm.example/hook", "https://crm.example:8443/", "https://8.8.8.8/"])
def test_a_public_address_may_be_called(url: str) -> None:
    assert why_not_called(url, is_private_allowed=False) is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://crm.example/", "https://"),
        ("https://crm.example:8080/", "port 443 or 8443"),
        ("https://localhost/", "not a public address"),
        ("https://crm.localhost./", "not a public address"),
        ("https://127.0.0.1/", "not a public address"),
        ("http://10.1.2.3:9000/", "not a public address"),
        ("https://169.254.169.254/", "not a public address"),
        ("https://[::1]/", "not a public address"),
        ("https://[fd00::1]/", "not a public address"),
    ],
)
def test_a_private_one_is_allowed_by_a_setting(url: str, says: str) -> None:
    found = why_not_called(url, is_private_allowed=False)
    assert found is not None
    assert says in found
    assert "WEBHOOK_PRIVATE=true" in found
    assert why_not_called(url, is_private_allowed=True) is None


@pytest.mark.parametrize("is_private_allowed", [True, False])
def test_a_password_in_an_address_is_refused(is_private_allowed: bool) -> None:  # noqa: FBT001  a case
    assert why_not_called("https://bot:pw@crm.example/", is_private_allowed=is_private_allowed) is not None


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("0.0.0.0", False),  # noqa: S104  nothing listens
        ("0.1.2.3", False),
        ("100.64.0.1", False),
        ("172.31.255.255", False),
        ("192.168.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("2606:4700::1111", True),
        ("::", False),
        ("::1", False),
        ("fe80::1%2", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:192.168.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("2002:808:808::", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2001:db8::1", False),
        ("2001:0:7f00:1::", False),
    ],
)
def test_an_ip_address_is_public_or_not(address: str, public: bool) -> None:  # noqa: FBT001  a case
    assert are_public([address]) is public
    assert are_public(["8.8.8.8", address]) is public


def test_people_read_the_host_and_a_number_if_several_are_on_it() -> None:
    urls = ["https://crm.example/a-secret", "https://Log.example/", "https://crm.example/b", "https://crm.example/b"]
    found = read_addresses(urls, EventType)
    assert [each.name for each in found] == ["crm.example (1)", "log.example", "crm.example (2)"]
    assert len({each.key for each in found}) == 3
    assert "a-secret" not in repr(found)
