"""Values of the business, with all filled in that a test does not care about; people and firms are invented."""

# ruff: noqa: ANN401  an override is of its field's type

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.domain.card import Card, Person, SentMail
from bot.domain.country_rules import Countries, CountryRule, Rule
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, Evaluation, License, State, Trial
from bot.domain.history import Entry, Kind
from bot.domain.history_details import unpack
from bot.domain.identity import KnownLicense, trials_of
from bot.domain.mail import Attempt, MailState
from bot.domain.mail_policy import MailContext, MailRules

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOON.date()
ALLOW = CountryRule(rule=Rule.ALLOW)
OPEN = MailRules(countries=Countries(others=ALLOW, unnamed=ALLOW))
"""No country asks for a legal basis."""
FREELY = MailRules(countries=OPEN.countries, at_most_every=timedelta(0))
"""And two mails to one address may follow each other at once."""


def ids(table: dict[str, tuple[Any, ...]]) -> Any:
    """The rows of a table of cases, each under its name."""
    return [pytest.param(*row, id=name) for name, row in table.items()]


def nov(day: int) -> date:
    """A day of the month in which the tests play."""
    return date(2026, 11, day)


def contact(**overrides: Any) -> Contact:
    """Ana of Acme."""
    return Contact(**{"email": "ana@acme.example", "name": "Ana Ash", **overrides})


def license_(**overrides: Any) -> License:
    """A running cloud trial of Acme: 20 November to 20 December, as reported on the 23rd."""
    given: dict[str, Any] = {
        "app_key": "com.example.roadmap",
        "app_name": "Roadmap for Jira",
        "aliases": frozenset({"E-1AA-2BB-3CC-4DD"}),
        "hosting": "Cloud",
        "license_type": "EVALUATION",
        "status": "active",
        "starts": nov(20),
        "updated": TODAY,
        "ends": date(2026, 12, 20),
        "latest_evaluation": nov(20),
        "company": "Acme",
        "technical": contact(),
    }
    return License(**{**given, **overrides})


def trial(**overrides: Any) -> Trial:
    """The trial of `license_()`."""
    return Trial(
        **{"started": nov(20), "ends": date(2026, 12, 20), "state": State.RUNNING, "reported_on": TODAY, **overrides}
    )


def known(seen: License | None = None, *trials: Trial) -> KnownLicense:
    """What the store holds of a license; its trials are the one that it tells of, unless others are given."""
    seen = seen or license_()
    return KnownLicense(ids=(1,), license=seen, trials=trials or trials_of(seen))


def case(**overrides: Any) -> MailContext:
    """Whether to email Ana about her trial; nothing forbids it."""
    seen = overrides.get("license", license_())
    return MailContext(**{"license": seen, "trial": trial(), "contact": seen.technical, **overrides})


def evaluation(**overrides: Any) -> Evaluation:
    """Acme's trial, first seen at noon, with neither owner nor card."""
    return Evaluation(**{"id": 7, "license": license_(), "trial": trial(), "first_seen": NOON, **overrides})


def card(**overrides: Any) -> Card:
    """The card of an evaluation; its people are those of the license, and nobody of them has opted out."""
    shown = overrides.get("evaluation", evaluation())
    people = tuple(Person(contact=each) for each in shown.license.contacts)
    return Card(**{"evaluation": shown, "people": people, **overrides})


def dnc_entry(**overrides: Any) -> DncEntry:
    """They asked Bo, who wrote it down at noon."""
    given = {"reason": DncReason.ASKED, "by": "U0BO", "at": NOON, "target": DncTarget.of_address("ana@acme.example")}
    return DncEntry(**{**given, **overrides})


def sent_mail(state: MailState = MailState.SENT, *, template: str = "welcome", by: str = "U0BO") -> SentMail:
    """A mail that Bo asked for at noon."""
    return SentMail(template=template, attempt=Attempt(state=state, by=by), at=NOON)


def entry(kind: Kind, *, actor: str | None = None, **details: str) -> Entry:
    """A fact of noon."""
    return Entry(at=NOON, actor=actor, fact=unpack(kind, details))
