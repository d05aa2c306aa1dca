"""Look up what receivers ask the DNS about the domain that we send from: SPF, DKIM and DMARC."""

import re
from collections.abc import Sequence
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.resolver

from bot.errors import DnsUnavailable, MailSetupWrong

_LIFETIME_S: Final = 8.0
_NOT_PUBLIC: Final = frozenset({"example", "internal", "invalid", "lan", "local", "localhost", "test"})
"""Top-level domains that are not in the public DNS."""


def is_public(domain: str) -> bool:
    """Return whether a domain can be in the public DNS."""
    return domain.rstrip(".").rpartition(".")[2].lower() not in _NOT_PUBLIC


def system_resolver() -> dns.asyncresolver.Resolver:
    """Return the resolver of this machine. Raises DnsUnavailable if it has none."""
    try:
        resolver = dns.asyncresolver.Resolver()
    except (dns.exception.DNSException, OSError) as exc:
        raise DnsUnavailable("This machine has no DNS server. Check /etc/resolv.conf.") from exc
    resolver.lifetime = _LIFETIME_S
    return resolver


async def txt_records(resolver: dns.asyncresolver.Resolver, name: str) -> list[str]:
    """Return the TXT records of a name; none if there are none, or no such name. Raises DnsUnavailable."""
    try:
        answer = await resolver.resolve(name, "TXT", search=False, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    except dns.exception.Timeout as exc:
        raise DnsUnavailable(f"The DNS did not answer about {name}. Try again later.") from exc
    except (dns.exception.DNSException, OSError, UnicodeError) as exc:
        raise DnsUnavailable(f"The DNS cannot answer about {name} now. Try again later.") from exc
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def verify_spf(domain: str, records: Sequence[str]) -> None:
    """Raise MailSetupWrong unless exactly one of the domain's records is for SPF."""
    found = [record for record in records if re.match(r"v=spf1(\s|$)", record, re.IGNORECASE)]
    if not found:
        raise MailSetupWrong(
            f"{domain} has no SPF record. Add the TXT record that your mail service names, like v=spf1 include:… ~all."
        )
    if len(found) > 1:
        raise MailSetupWrong(f"{domain} has {len(found)} SPF records, so receivers use none. Merge them into one.")


def verify_dmarc(domain: str, records: Sequence[str]) -> None:
    """Raise MailSetupWrong unless exactly one of the records is for DMARC."""
    found = [record for record in records if re.match(r"v\s*=\s*DMARC1\s*(;|$)", record)]
    if len(found) != 1:
        what = "no DMARC record" if not found else f"{len(found)} DMARC records, so receivers use none"
        raise MailSetupWrong(f"{domain} has {what}. Set one TXT record _dmarc.{domain}, at least v=DMARC1; p=none")


def verify_dkim(name: str, records: Sequence[str], *, expected: str) -> None:
    """Raise MailSetupWrong unless one of the records of the selector has the public key of the expected record."""
    keys = [_key_of(record) for record in records]
    if not any(key is not None for key in keys):
        raise MailSetupWrong(f"The DNS has no key at {name}. Add the TXT record {name} with {expected}")
    if _key_of(expected) not in keys:
        raise MailSetupWrong(f"The DNS has another key at {name}. Set that TXT record to {expected}")


def parents(domain: str) -> list[str]:
    """Return the domain and the one that its organization registered, where receivers look for DMARC.

    The last two labels are taken for it, which is wrong under suffixes like co.uk: there, a missing record is noticed
    only at the domain itself.
    """
    return list(dict.fromkeys((domain, ".".join(domain.split(".")[-2:]))))


def _key_of(record: str) -> str | None:
    """Return the public key in a DKIM record, or None."""
    tags = dict(part.split("=", 1) for part in re.sub(r"\s", "", record).split(";") if "=" in part)
    return tags.get("p") or None
