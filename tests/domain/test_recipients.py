"""One rule says who can be emailed: what the card offers and what the form offers cannot differ."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.card import Action, Card, Person, actions, recipients
from bot.domain.evaluation import Contact, ContactRole, State
from bot.domain.mail import LastMail
from bot.domain.mail_policy import MailRules, RefusalReason, Refused
from tests.builders import NOON, OPEN, card, contact, dnc_entry, evaluation, license_, trial

BO = contact(email="bo@acme.example", name="Bo Beech")
KINDS: dict[str, tuple[Contact | None, bool, RefusalReason | None]] = {
    "free": (contact(), False, None),
    "marked": (contact(), True, RefusalReason.DO_NOT_CONTACT),
    "forgotten": (Contact(forgotten=True), False, RefusalReason.FORGOTTEN),
    "without an address": (Contact(name="Cy"), False, RefusalReason.NO_CONTACT),
    "none": (None, False, None),
}


PAIRS = list(itertools.product(KINDS, KINDS))


def of(technical: str, billing: str, **changes: Any) -> Card:  # noqa: ANN401  of its field's type
    """A card whose license has two contacts of these kinds."""
    (first, is_first_marked, _), (second, is_second_marked, _) = KINDS[technical], KINDS[billing]
    second = BO if second is not None and second.email else second
    seen = license_(technical=first, billing=second)
    people = [
        Person(contact=each, dnc_entry=dnc_entry() if is_marked else None)
        for each, is_marked in ((first, is_first_marked), (second, is_second_marked))
        if each is not None
    ]
    return card(evaluation=evaluation(license=seen, **changes), people=tuple(people))


@pytest.mark.parametrize(("technical", "billing"), PAIRS)
def test_an_email_is_offered_if_one_of_both_can_be_emailed(technical: str, billing: str) -> None:
    shown = of(technical, billing)
    assert (Action.EMAIL in actions(shown, OPEN)) is ("free" in (technical, billing))
    found = {each.role: each for each in recipients(shown, OPEN)}
    assert list(found) == [
        role for role, kind in ((ContactRole.TECHNICAL, technical), (ContactRole.BILLING, billing)) if kind != "none"
    ]
    for role, kind in ((ContactRole.TECHNICAL, technical), (ContactRole.BILLING, billing)):
        if kind != "none":
            reason = KINDS[kind][2]
            assert found[role].is_open is (reason is None)
            assert reason is None or found[role].decision == Refused(reason)


@pytest.mark.parametrize(("technical", "billing"), PAIRS)
def test_do_not_contact_is_offered_if_one_of_both_can_be_blocked(technical: str, billing: str) -> None:
    assert (Action.DO_NOT_CONTACT in actions(of(technical, billing))) is ("free" in (technical, billing))


def test_of_a_trial_that_is_over_nobody_can_be_emailed() -> None:
    shown = of("free", "free", trial=trial(state=State.EXPIRED))
    assert [each.decision for each in recipients(shown)] == [Refused(RefusalReason.OVER)] * 2
    assert Action.EMAIL not in actions(shown)


def test_a_pause_holds_for_the_form_and_does_not_take_the_button_away() -> None:
    last = LastMail(template="welcome", by="U0BO", at=NOON, went=NOON)
    free = of("free", "free")
    shown = card(evaluation=free.evaluation, people=(Person(contact=contact(), last_mail=last), free.people[1]))
    rules = MailRules(countries=OPEN.countries, at_most_every=timedelta(days=7))
    soon = [each.is_open for each in recipients(shown, rules, now=NOON + timedelta(days=1))]
    assert soon == [False, True]
    assert [each.is_open for each in recipients(shown, rules)] == [True, True]
    assert Action.EMAIL in actions(shown, rules)
