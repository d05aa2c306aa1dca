"""Which answers speak of the address, as real servers phrase them, and which only of us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import AddressRefused, MailDeferred, MailError, MailRefused, MailSetupWrong
from bot.mail.verdicts import Step, verdict

ANA = "ana@acme.example"


@pytest.mark.parametrize("step", [Step.RECIPIENT, Step.CONTENT])
@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, f"5.1.1 <{ANA}>: Recipient address rejected: User unknown in virtual mailbox table"),
        (550, f"5.1.1 This account does not exist: look for typos in {ANA} or\n5.1.1 spaces, https://x.test/?blocked=1"),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
        (550, "5.1.1 ana@spam-relay.example... User unknown"),
        (553, "5.1.3 Bad destination mailbox address syntax"),
        (551, "5.1.6 User has moved"),
        (554, "5.1.2 Bad destination system: no such domain"),
        (550, "#5.1.1 unknown user"),
        (553, "sorry, no mailbox here by that name. (#5.1.1)"),
    ],
)  # fmt: skip
def test_an_answer_that_says_so_means_the_address(step: Step, code: int, text: str) -> None:
    assert type(verdict(step, code, text)) is AddressRefused


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "Unknown user"),
        (550, "Unrouteable address"),
        (550, "No such user here"),
        (550, "Requested action not taken: mailbox unavailable"),
        (550, "user not listed in Domino Directory"),
        (551, "User not local; please try <ana@other.example>"),
        (550, "5.1.0 Address rejected."),
        (550, ""),
    ],
)
def test_plain_words_mean_the_address_when_it_was_asked_for_and_not_later(code: int, text: str) -> None:
    assert type(verdict(Step.RECIPIENT, code, text)) is AddressRefused
    assert type(verdict(Step.CONTENT, code, text)) is MailRefused


@pytest.mark.parametrize("step", [Step.RECIPIENT, Step.CONTENT])
@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "relay not permitted"),
        (550, "5.7.1 Unable to relay"),
        (554, f"5.7.1 <{ANA}>: Relay access denied"),
        (553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
        (550, "Administrative prohibition"),
        (550, "5.7.1 Service unavailable; Client host [192.0.2.7] blocked using rbl.example"),
        (550, "5.1.1 Client host blocked, see https://rbl.example"),
        (550, "5.1.0 <hello@vendor.example>: Sender address rejected: User unknown"),
        (550, "5.1.8 <hello@vendor.example>: Sender address rejected: Domain not found"),
        (553, "5.1.7 Address of the originator is malformed"),
        (550, "Sender verify failed"),
        (550, "JunkMail rejected"),
        (550, "Message rejected due to local policy"),
        (550, "SPF check failed"),
        (550, "authentication required"),
        (550, "Greylisted, come back later"),
        (550, "5.2.1 This mailbox gets mail at too high a rate"),
        (552, "5.2.2 Mailbox full"),
        (550, "Mailbox quota exceeded"),
        (550, "5.4.1 Recipient address rejected: Access denied"),
        (554, "Transaction failed"),
        (552, "5.3.4 Message too big"),
        (501, "Syntax error in parameters"),
        (550, "5.6.7 needs SMTPUTF8"),
    ],
)  # fmt: skip
def test_an_answer_about_us_never_means_the_address(step: Step, code: int, text: str) -> None:
    assert type(verdict(step, code, text)) is MailRefused


@pytest.mark.parametrize(
    ("step", "code", "text", "meaning"),
    [
        (Step.SENDER, 550, "5.1.1 unknown", MailSetupWrong),
        (Step.SENDER, 550, "5.7.60 Client does not have permissions to send as this sender", MailSetupWrong),
        (Step.SENDER, 552, "Message size exceeds maximum permitted", MailRefused),
        (Step.SENDER, 554, "5.3.4 too big", MailRefused),
        (Step.SENDER, 452, "4.3.1 no space", MailDeferred),
        (Step.RECIPIENT, 450, "5.1.1 contradiction", MailDeferred),
        (Step.RECIPIENT, 530, "5.7.0 Must issue a STARTTLS command first", MailSetupWrong),
        (Step.CONTENT, 421, "4.3.2 closing", MailDeferred),
    ],
)
def test_the_step_and_the_code_decide_first(step: Step, code: int, text: str, meaning: type[MailError]) -> None:
    assert type(verdict(step, code, text)) is meaning


@given(st.sampled_from(Step), st.integers(400, 599), st.text(max_size=300))
def test_nothing_of_an_answers_text_is_repeated(step: Step, code: int, text: str) -> None:
    sentences = {str(verdict(step, code, words)) for words in ("", "5.7.1 no", "5.3.4 no", "5.1.1 no")}

    assert str(verdict(step, code, text)) in sentences


def test_an_endless_answer_is_weighed_in_no_time() -> None:
    assert type(verdict(Step.RECIPIENT, 550, "x" * 1_000_000)) is AddressRefused
