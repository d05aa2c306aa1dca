"""What is said to the person who pressed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.card import Card, Person, Recipient, mailable
from bot.domain.cautions import CustomerContext
from bot.domain.country_rules import CountryRule, Rule
from bot.domain.dnc import DncAddResult, DncLiftResult, DncScope, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, ContactRole, Partner
from bot.domain.mail import LastMail, MailState
from bot.domain.mail_policy import Allowed, MailRules, RefusalReason, Refused
from bot.slack.views import email_form, replies
from tests.builders import NOON, OPEN, card, contact, dnc_entry, evaluation, license_, sent_mail
from tests.slack.checks import NAMES, check_text

LATER = NOON + timedelta(minutes=5)
AT_NOON = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"

DOMAIN = dnc_entry(reason=DncReason.TEAM, target=DncTarget(scope=DncScope.DOMAIN, value="acme.example"))


def of(**seen: Any) -> Card:  # noqa: ANN401  of the license's fields
    return card(evaluation=evaluation(license=license_(**seen)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(
            replies.refused(Refused(RefusalReason.OVER), now=LATER),
            ":no_entry_sign: The trial is over.",
            id="refused by the facts",
        ),
        pytest.param(
            replies.refused(Refused(RefusalReason.SENT, by="U0BO", at=NOON), now=LATER),
            ":no_entry_sign: This template was already sent for this evaluation. (<@U0BO>, 5 minutes ago)",
            id="refused because somebody was faster",
        ),
        pytest.param(replies.lost("U0BO", NOON, now=LATER), "<@U0BO> became the owner 5 minutes ago.", id="taken"),
        pytest.param(replies.lost("U0BO", None, now=LATER), "<@U0BO> became the owner before.", id="taken long ago"),
        pytest.param(
            replies.lost(None, NOON, now=LATER),
            "It was released 5 minutes ago, and nobody owns it. You can claim it now.",
            id="given back",
        ),
        pytest.param(
            replies.blocked(DncAddResult(changed=True, entry=dnc_entry()), now=LATER),
            ":white_check_mark: Blocked. Nobody can email this address from here.",
            id="marked",
        ),
        pytest.param(
            replies.blocked(DncAddResult(changed=True, entry=DOMAIN), now=LATER),
            ":white_check_mark: Blocked. Nobody can email anyone at acme.example from here.",
            id="a domain marked",
        ),
        pytest.param(
            replies.blocked(DncAddResult(changed=False, entry=dnc_entry()), now=LATER),
            "<@U0BO> already blocked this, 5 minutes ago: They asked us not to email them.",
            id="marked by somebody else",
        ),
        pytest.param(
            replies.blocked(DncAddResult(changed=False, entry=dnc_entry(by=None)), now=LATER),
            "This was blocked already, 5 minutes ago: They asked us not to email them.",
            id="marked by themselves",
        ),
        pytest.param(
            replies.lifted(DncLiftResult(changed=True, by="U0BO", at=NOON, remaining=None), now=NOON),
            ":white_check_mark: Unblocked. They can be emailed again.",
            id="lifted",
        ),
        pytest.param(
            replies.lifted(DncLiftResult(changed=True, by="U0BO", at=NOON, remaining=DOMAIN), now=NOON),
            ":white_check_mark: Unblocked. Still blocked: The team decided (anyone at acme.example).",
            id="lifted, and another mark stands",
        ),
        pytest.param(
            replies.lifted(DncLiftResult(changed=False, by="U0BO", at=NOON, remaining=None), now=LATER),
            "<@U0BO> already unblocked this, 5 minutes ago.",
            id="lifted already",
        ),
        pytest.param(
            replies.lifted(DncLiftResult(changed=False, by=None, at=None, remaining=None), now=LATER),
            "There is no block to remove any more.",
            id="nothing to lift",
        ),
        pytest.param(
            replies.lifted(
                DncLiftResult(
                    changed=False, by=None, at=None, remaining=dnc_entry(reason=DncReason.UNSUBSCRIBED, by=None)
                ),
                now=LATER,
            ),
            ":no_entry_sign: Not unblocked. Still blocked: They unsubscribed. Only an admin can lift this, and only "
            "with their written consent.",
            id="not theirs to lift",
        ),
        pytest.param(
            replies.lifted(DncLiftResult(changed=False, by=None, at=None, remaining=DOMAIN), now=LATER),
            ":no_entry_sign: Not unblocked. Still blocked: The team decided (anyone at acme.example).",
            id="another mark than the one that was to be lifted",
        ),
        pytest.param(
            replies.undone(MailState.CANCELLED, by="U0BO", user="U0BO", changed=True),
            ":leftwards_arrow_with_hook: Cancelled. Nothing was sent.",
            id="taken back",
        ),
        pytest.param(
            replies.undone(MailState.CANCELLED, by="U0BO", user="U0BO", changed=False),
            ":leftwards_arrow_with_hook: Cancelled. Nothing was sent.",
            id="taken back, pressed twice",
        ),
        pytest.param(
            replies.undone(MailState.QUEUED, by="U0BO", user="U0ANA", changed=False, about="Acme · Gantt"),
            "*Acme · Gantt*: Only <@U0BO>, who sent it, can cancel it.",
            id="somebody else's to take back",
        ),
        *(
            pytest.param(
                replies.undone(state, by="U0BO", user="U0BO", changed=False, about="Acme · Gantt"),
                f":warning: *Acme · Gantt*: Too late – {why}.",
                id=f"too late to take back: {state}",
            )
            for state, why in {
                MailState.SENDING: "it's being sent right now",
                MailState.SENT: "it's already been sent",
                MailState.UNKNOWN: "it's already been sent, and we don't know whether it arrived",
                MailState.FAILED: "it couldn't be sent anyway; the card's thread says why",
            }.items()
        ),
        pytest.param(
            replies.settled(MailState.SENT, by="U0BO", at=LATER, changed=True, now=LATER),
            ":white_check_mark: Noted. The card now says that it arrived.",
            id="arrived",
        ),
        pytest.param(
            replies.settled(MailState.SENT, by="U0BO", at=NOON, changed=False, now=LATER, about="Acme · Gantt"),
            "*Acme · Gantt*: <@U0BO> already marked it as sent, 5 minutes ago.",
            id="settled by somebody else",
        ),
        pytest.param(
            replies.settled(MailState.SENDING, by="U0BO", at=NOON, changed=False, now=LATER),
            "<@U0BO> is sending it again, 5 minutes ago.",
            id="being sent again",
        ),
        pytest.param(
            replies.settled(MailState.FAILED, by="U0BO", at=NOON, changed=False, now=LATER),
            "<@U0BO> tried again, and it wasn't sent, 5 minutes ago.",
            id="sent again in vain",
        ),
    ],
)
def test_an_answer_says_what_happened(answer: str, said: str) -> None:
    assert answer == said


def test_what_nobody_foresaw_has_a_reference_to_look_for() -> None:
    assert "`1f2e3d4c`" in replies.broken("1f2e3d4c")


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        pytest.param(of(), [], id="nothing"),
        pytest.param(
            of(technical=contact(email="info@gmail.com")),
            ["Free email provider", "Role address, not a person"],
            id="flags",
        ),
        pytest.param(
            of(partner=Partner(name="Resell & <Co>")),
            ["Through Resell &amp; &lt;Co&gt;: the contact may be theirs, not the customer's"],
            id="partner",
        ),
        pytest.param(
            card(context=CustomerContext(sites=4)),
            ["This address is on 4 other sites: perhaps a consultant or reseller"],
            id="what the vendor's other licenses tell",
        ),
        pytest.param(
            card(mails=tuple(sent_mail(state, template=f"to-{state}") for state in MailState)),
            [
                f"<@U0BO> is sending To held, {AT_NOON}",
                f"<@U0BO> is sending To sending, {AT_NOON}",
                f"<@U0BO> is sending To deferred, {AT_NOON}",
                f"<@U0BO> sent To sent, {AT_NOON}",
                f"<@U0BO> may have sent To unknown, {AT_NOON}",
            ],
            id="every mail that may have arrived",
        ),
    ],
)
def test_before_somebody_writes_they_are_warned(shown: Card, said: list[str]) -> None:
    assert warnings(shown) == said


def warnings(shown: Card, to: Contact | None = None, rules: MailRules = OPEN) -> list[str]:
    """What is said before somebody writes to a contact; where none is given, to the first."""
    who = next(each for each in shown.people if to in (None, each.contact))
    decision = mailable(shown, who, rules)
    assert not isinstance(decision, Refused)
    return replies.warnings(shown, who.contact, decision)


def test_warnings_are_about_the_contact_who_is_written_to() -> None:
    desk = contact(email="billing@acme.example")
    assert warnings(of(billing=desk), desk) == ["Role address, not a person"]
    assert warnings(of(billing=desk), contact()) == []


def test_the_answer_names_a_mail_to_the_same_address_about_another_evaluation() -> None:
    last = LastMail(template="welcome", by="U0BO", at=NOON)
    shown = card(people=(Person(contact=contact(), last_mail=last),))
    assert warnings(shown) == [f"<@U0BO> emailed this address about another evaluation, {AT_NOON}"]
    assert warnings(replace(shown, mails=(sent_mail(),))) == [f"<@U0BO> sent Welcome, {AT_NOON}"]


@given(name=NAMES, other=st.none() | NAMES)
def test_an_answer_escapes_every_name(name: str, other: str | None) -> None:
    domain = dnc_entry(target=DncTarget(scope=DncScope.DOMAIN, value=name))
    check_text(replies.held_text(timedelta(seconds=10), name))
    for said in (
        replies.blocked(DncAddResult(changed=True, entry=domain), now=LATER),
        replies.blocked(DncAddResult(changed=False, entry=domain), now=LATER),
        replies.lifted(DncLiftResult(changed=True, by="U0BO", at=NOON, remaining=domain), now=LATER),
        *replies.warnings(card(mails=(sent_mail(template=name),)), contact(), Allowed(name)),
        email_form.country_rule(other, CountryRule(rule=Rule.CONFIRM, why=name, law=name)),
    ):
        check_text(said)


def test_of_the_other_contact_the_form_says_who_was_faster_and_until_when() -> None:
    refusal = Refused(RefusalReason.TOO_SOON, by="U0ANA", at=NOON - timedelta(hours=2), until=NOON + timedelta(days=7))
    who = Recipient(role=ContactRole.TECHNICAL, person=Person(contact=contact(name="Ada")), decision=refusal)
    said = replies.not_open(who, now=NOON)
    assert said.startswith("Ada (technical contact) can't be emailed. <@U0ANA> emailed this address 2 hours ago.")
