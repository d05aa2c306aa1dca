"""What is said to the person who pressed."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.card import Card
from bot.domain.evaluation import Partner
from bot.domain.policy import MailState, Reason, Refused
from bot.domain.trust import Context
from bot.slack import answers
from tests.builders import NOON, card, contact, evaluation, license_, opt_out, sent_mail
from tests.slack.checks import NAMES, check_text

LATER = NOON + timedelta(minutes=5)
AT_NOON = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"


def of(**seen: Any) -> Card:  # noqa: ANN401  of the license's fields
    return card(evaluation=evaluation(license=license_(**seen)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(
            answers.refused(Refused(Reason.OVER), now=LATER),
            ":no_entry_sign: The trial is over.",
            id="refused by the facts",
        ),
        pytest.param(
            answers.refused(Refused(Reason.SENT, by="U0BO", at=NOON), now=LATER),
            ":no_entry_sign: This template has already been sent for this evaluation. (<@U0BO>, 5 min ago)",
            id="refused because somebody was faster",
        ),
        pytest.param(
            answers.sent("Ana Ash", "ana@acme.example"), ":white_check_mark: Sent to Ana Ash.", id="sent to a name"
        ),
        pytest.param(
            answers.sent(None, "ana@acme.example"),
            ":white_check_mark: Sent to ana@acme.example.",
            id="sent to an address",
        ),
        pytest.param(answers.sent(None, None), ":white_check_mark: Sent to the contact.", id="sent to who knows whom"),
        pytest.param(
            answers.not_sent("The server said no.", unsure=False), ":warning: The server said no.", id="not sent"
        ),
        pytest.param(
            answers.not_sent("The line went dead.", unsure=True), ":grey_question: The line went dead.", id="who knows"
        ),
        pytest.param(answers.lost("U0BO", NOON, now=LATER), "<@U0BO> took it 5 min ago.", id="taken"),
        pytest.param(answers.lost("U0BO", None, now=LATER), "<@U0BO> took it.", id="taken long ago"),
        pytest.param(
            answers.lost(None, NOON, now=LATER),
            "It was given back 5 min ago; nobody owns it. Claim it anew.",
            id="given back",
        ),
        pytest.param(
            answers.marked(opt_out(), won=True, now=LATER),
            ":white_check_mark: Marked. Nobody can mail this address from here any more.",
            id="marked",
        ),
        pytest.param(
            answers.marked(opt_out(), won=False, now=LATER),
            "It was marked already by <@U0BO>, 5 min ago: They asked us not to write.",
            id="marked by somebody else",
        ),
        pytest.param(
            answers.marked(opt_out(by=None), won=False, now=LATER),
            "It was marked already, 5 min ago: They asked us not to write.",
            id="marked by themselves",
        ),
        pytest.param(
            answers.not_lifted("U0BO", NOON, now=LATER), "<@U0BO> lifted it already, 5 min ago.", id="lifted already"
        ),
        pytest.param(
            answers.not_lifted(None, None, now=LATER),
            "There is no such do-not-contact mark any more.",
            id="nothing to lift",
        ),
        pytest.param(
            answers.settled(MailState.SENT, by="U0BO", at=LATER, won=True, now=LATER),
            ":white_check_mark: Noted. The card says that it was sent.",
            id="arrived",
        ),
        pytest.param(
            answers.settled(MailState.SENT, by="U0BO", at=NOON, won=False, now=LATER),
            "<@U0BO> settled this: it was sent, 5 min ago.",
            id="settled by somebody else",
        ),
        pytest.param(
            answers.settled(MailState.SENDING, by="U0BO", at=NOON, won=False, now=LATER),
            "<@U0BO> is sending it again, 5 min ago.",
            id="being sent again",
        ),
        pytest.param(
            answers.settled(MailState.FAILED, by="U0BO", at=NOON, won=False, now=LATER),
            "<@U0BO> tried again, and it was not sent, 5 min ago.",
            id="sent again in vain",
        ),
    ],
)
def test_an_answer_says_what_happened(answer: str, said: str) -> None:
    assert answer == said


def test_what_nobody_foresaw_has_a_reference_to_look_for() -> None:
    assert "`1f2e3d4c`" in answers.broken("1f2e3d4c")


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        pytest.param(of(), [], id="nothing"),
        pytest.param(
            of(technical=contact(email="info@gmail.com")),
            ["Free-mail address", "Role address, not a person"],
            id="flags",
        ),
        pytest.param(
            of(partner=Partner(name="Resell & <Co>")),
            ["Through Resell &amp; &lt;Co&gt;: the contact may be theirs, not the customer's"],
            id="partner",
        ),
        pytest.param(
            card(context=Context(sites=4)),
            ["This address is on 4 other sites: perhaps a consultant or reseller"],
            id="what the vendor's other licenses tell",
        ),
        pytest.param(
            card(mails=tuple(sent_mail(state, template=f"to-{state}") for state in MailState)),
            [
                f"<@U0BO> is sending To sending, {AT_NOON}",
                f"<@U0BO> sent To sent, {AT_NOON}",
                f"<@U0BO> perhaps sent To unknown, {AT_NOON}",
            ],
            id="every mail that may have arrived",
        ),
    ],
)
def test_before_somebody_writes_they_are_warned(shown: Card, said: list[str]) -> None:
    assert answers.warnings(shown, shown.people[0].contact) == said


def test_warnings_are_about_the_contact_who_is_written_to() -> None:
    desk = contact(email="billing@acme.example")
    assert answers.warnings(of(billing=desk), desk) == ["Role address, not a person"]
    assert answers.warnings(of(billing=desk), contact()) == []


@given(name=NAMES, other=st.none() | NAMES)
def test_an_answer_is_harmless_whoever_it_names(name: str, other: str | None) -> None:
    mails = (sent_mail(template=name),)
    for said in (
        answers.sent(other, name),
        answers.not_sent(name, unsure=True),
        answers.not_sent(name, unsure=False),
        answers.marked(opt_out(reason=name), won=False, now=LATER),
        *answers.warnings(card(mails=mails), contact()),
    ):
        check_text(said)
