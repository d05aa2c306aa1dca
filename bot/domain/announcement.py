"""Decide which trials get a card, and name the reason for those that do not."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from bot.domain.address import domain_of
from bot.domain.evaluation import License, State, Trial
from bot.domain.target_parser import SITES, site_key

_GIVEN_AWAY: Final = frozenset({"FREE", "COMMUNITY"})


class SkipReason(StrEnum):
    """Why a trial gets no card; the value is the text shown to people."""

    ATLASSIAN = "Atlassian's own license"
    OWN_SITE = "one of your own test sites"
    GIVEN_AWAY = "a free license"
    OVER = "trial already over"
    EARLIER = "trial started before the first poll"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementPolicy:
    """Decides whether to post a card for a trial seen for the first time.

    `quiet_before` is set during the first import of history: trials that began earlier predate the bot. `own_sites`
    holds the vendor's sites (`acme-dev` or `acme-dev.atlassian.net`) and mail domains, as `target_parser.read_own_site`
    returns them.
    """

    today: date
    quiet_before: date | None = None
    own_sites: AbstractSet[str] = frozenset()

    def skip_reason(self, license_: License, trial: Trial) -> SkipReason | None:
        """Return why no card is posted for this trial, or None if one is due.

        A running trial is announced however late it was discovered. A trial that is over is not: old records come back
        in the report.
        """
        if license_.atlassian:
            return SkipReason.ATLASSIAN
        if self.own_sites and not self.own_sites.isdisjoint(_places(license_)):
            return SkipReason.OWN_SITE
        if license_.license_type in _GIVEN_AWAY:
            return SkipReason.GIVEN_AWAY
        if trial.state is not State.RUNNING or (trial.ends is not None and trial.ends < self.today):
            return SkipReason.OVER
        before = self.quiet_before is not None and trial.started < self.quiet_before
        return SkipReason.EARLIER if before else None


def is_own_site(site: str, own_sites: AbstractSet[str]) -> bool:
    """Return whether a site is one of the vendor's own, as `AnnouncementPolicy` has them."""
    key = site_key(site)
    return not own_sites.isdisjoint(_names(key, {key}))


def _places(license_: License) -> set[str]:
    """Return the names by which a license may be the vendor's own."""
    site = site_key(license_.site) if license_.site else ""
    return _names(site, {site, *(domain_of(contact.email) or "" for contact in license_.contacts)})


def _names(site: str, hosts: AbstractSet[str]) -> set[str]:
    """Return the hosts, the site's name alone, and `*.` before each domain above them."""
    names = {site.removesuffix(suffix) for suffix in SITES}
    below = {f"*.{'.'.join(labels[n:])}" for host in hosts if (labels := host.split(".")) for n in range(len(labels))}
    return (names | hosts | below) - {"", "*."}
