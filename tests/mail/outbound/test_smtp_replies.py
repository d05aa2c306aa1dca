"""Which answers speak of the address, as real servers phrase them, and which only of us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import AddressRefused, MailDeferred, MailError, MailRefused, MailSetupWrong
from bot.mail.outbound.smtp_replies import Step, classify_reply

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
        (550, f"5.1.1 <{ANA}>: Recipient address rejected: User unknown in relay recipient table"),
        (550, f"5.1.1 <{ANA}>: Recipient address rejected: unverified address: host mx said: 550 User unknown"),
        (554, "5.1.2 Bad destination system: no such domain"),
        (550, "#5.1.1 unknown user"),
        (553, "sorry, no mailbox here by that name. (#5.1.1)"),
    ],
)  # fmt: skip
def test_an_answer_that_says_so_means_the_address(step: Step, code: int, text: str) -> None:
    assert type(classify_reply(step, code, text)) is AddressRefused


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
    assert type(classify_reply(Step.RECIPIENT, code, text)) is AddressRefused
    assert type(classify_reply(Step.CONTENT, code, text)) is MailRefused


REFUSALS = [
    (550, "Administrative prohibition"),
    (550, "JunkMail rejected"),
    (550, "Message rejected due to local policy"),
    (550, "5.7.1 Message rejected due to sender reputation"),
    (554, "5.7.1 Message contains spam or virus; blocked"),
    (552, "5.2.2 Mailbox full"),
    (552, "5.2.2 The email account that you tried to reach is over quota"),
    (550, "Mailbox quota exceeded"),
    (552, "Mailbox has exceeded the limit"),
    (550, "5.2.1 The email account that you tried to reach is disabled."),
    (550, "5.4.1 Recipient address rejected: Access denied"),
    (554, "Transaction failed"),
    (554, "5.4.6 Too many hops"),
    (501, "Syntax error in parameters"),
    (552, "5.3.4 Message too big"),
    (552, "Message size exceeds maximum permitted"),
    (550, "5.6.7 needs SMTPUTF8"),
    (550, "5.7.1 RESOLVER.RST.AuthRequired; authentication required"),
    (550, "5.7.1 RESOLVER.RST.NotAuthorized; not authorized"),
    (550, "5.7.124 Sender not in allowed-senders list"),
    (550, "5.7.133 Sender not authenticated for group"),
    (550, "5.7.1 Sender was not authenticated by organization"),
    (550, "5.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail."),
    (550, "5.7.507 Access denied, rejected by recipient"),
]


@pytest.mark.parametrize("step", [Step.RECIPIENT, Step.CONTENT])
@pytest.mark.parametrize(("code", "text"), REFUSALS)
def test_an_answer_about_this_mail_or_this_recipient_fails_it_and_blocks_nobody(
    step: Step, code: int, text: str
) -> None:
    assert type(classify_reply(step, code, text)) is MailRefused


SENDER, LOGIN, PROOF = "MAIL_FROM, MAIL_BOUNCES and SMTP_USERNAME", "SMTP_PASSWORD", "SPF, DKIM and DMARC"
TROUBLE_OF_OURS = [
    # Exchange Online, first as in its new answers and then as in its old ones
    (554, f"5.2.252 SendAsDenied; {ANA} not allowed to send as hello@vendor.example", SENDER),
    (554, "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed", SENDER),
    (554, "5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed", SENDER),
    (550, "5.7.60 SMTP; Client does not have permissions to send as this sender", SENDER),
    (550, "5.1.8 Access denied, bad outbound sender", SENDER),
    (550, "5.1.0 Sender denied", SENDER),
    (550, "5.7.705 Access denied, tenant has exceeded threshold", SENDER),
    (550, "5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM", LOGIN),
    (550, "5.7.1 Client was not authenticated", LOGIN),
    # Amazon SES, SendGrid, Zoho, Brevo, SparkPost, Mailgun, Fastmail, iCloud, mail.com, 163.com
    (554, "Message rejected: Email address is not verified.", SENDER),
    (554, f"Message rejected: The following identities failed the check in region EU-WEST-1: {ANA}", SENDER),
    (554, "Sending paused for this account.", SENDER),
    (550, "The from address does not match a verified Sender Identity. See https://x.test/spam", SENDER),
    (550, "Unauthenticated senders not allowed", SENDER),
    (553, f"Relaying disallowed as {ANA}", SENDER),
    (553, "5.7.1 Sender is not allowed to relay emails", SENDER),
    (554, "5.1.8 Sender Address Blocked", SENDER),
    (550, f"Sending has been rejected because the sender you used {ANA} is not valid.", SENDER),
    (550, "5.7.1 Unconfigured Sending Domain <vendor.example>", SENDER),
    (550, "Sandbox subdomains are for test purposes only. Add the address to authorized recipients", SENDER),
    (551, "5.7.1 Not authorised to send from this header address", SENDER),
    (550, "5.7.0 From address is not one of your addresses", SENDER),
    (550, "Sender address is not allowed.", SENDER),
    (553, "Mail from must equal authorized user", SENDER),
    # Postfix, Exim, qmail, Sendmail
    (553, "5.7.1 <hello@vendor.example>: Sender address rejected: not owned by user ben", SENDER),
    (550, "5.1.0 <hello@vendor.example>: Sender address rejected: User unknown", SENDER),
    (550, "5.1.8 <hello@vendor.example>: Sender address rejected: Domain not found", SENDER),
    (550, "5.1.0 <hello@vendor.example> sender rejected", SENDER),
    (553, "5.1.7 Address of the originator is malformed", SENDER),
    (550, "Sender verify failed", SENDER),
    (550, "5.7.1 You are not authorized to send on behalf of vendor.example", SENDER),
    (550, "relay not permitted", SENDER),
    (550, "5.7.1 Unable to relay", SENDER),
    (554, f"5.7.1 <{ANA}>: Relay access denied", SENDER),
    (550, "we do not relay", SENDER),
    (550, "not permitted to relay through this server", SENDER),
    (550, "5.7.1 Relaying denied. Proper authentication required.", LOGIN),
    (553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", SENDER),
    (550, "authentication required", LOGIN),
    (530, "5.7.0 Must issue a STARTTLS command first", LOGIN),
    (525, "5.7.13 User account disabled", LOGIN),
    # SPF, DKIM, DMARC, reverse names, blocklists
    (550, "SPF check failed", PROOF),
    (550, "5.7.23 The message was rejected because of Sender Policy Framework violation", PROOF),
    (550, "5.7.26 Unauthenticated email from vendor.example is not accepted due to domain's DMARC policy", PROOF),
    (550, "5.7.509 Access denied, sending domain vendor.example does not pass DMARC verification", PROOF),
    (550, "5.7.20 No passing DKIM signature found", PROOF),
    (554, "5.7.1 Client host rejected: cannot find your reverse hostname", PROOF),
    (554, "5.7.1 Service unavailable; Client host [192.0.2.7] blocked using rbl.example", PROOF),
    (553, "5.7.1 [BL21] Connections will not be accepted from 192.0.2.7, because the ip is in Spamhaus's list", PROOF),
    (550, "5.1.1 Client host blocked, see https://rbl.example", PROOF),
    (550, "5.7.1 [192.0.2.7] The IP you're using to send mail is not authorized to send email directly", PROOF),
]  # fmt: skip


@pytest.mark.parametrize("step", [Step.RECIPIENT, Step.CONTENT])
@pytest.mark.parametrize(("code", "text", "check"), TROUBLE_OF_OURS)
def test_trouble_of_ours_is_a_matter_of_settings_at_every_step(step: Step, code: int, text: str, check: str) -> None:
    """All email would fare like this one, so it waits, and the admins are told what to check."""
    found = classify_reply(step, code, text)

    assert type(found) is MailSetupWrong
    assert check in str(found)


LIMITS = [
    # Gmail and Google Workspace
    (550, "5.4.5 Daily user sending limit exceeded. For more information on limits go to\n5.4.5 https://x.test"),
    (550, "5.4.5 Daily SMTP relay sending limit exceeded for this user."),
    (550, "Daily user sending quota exceeded"),
    (550, "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents more"),
    (550, "5.7.28 Gmail has detected an unusual rate of mail"),
    # Exchange Online
    (550, "5.1.90 Your message can't be sent because you've reached your daily limit for message recipients"),
    (554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed"),
    (550, "5.2.2 Submission quota exceeded"),
    (550, "5.2.121 Recipient's per hour message receive limit from specific sender exceeded"),
    (550, "5.7.233 Your message can't be sent because your tenant exceeded its daily limit"),
    (550, "5.7.508 Access denied, [2001:db8::7] has exceeded permitted limits within range"),
    # Amazon SES, Zoho, cPanel and others
    (554, "Throttling failure: Maximum sending rate exceeded"),
    (554, "Throttling failure: Daily message quota exceeded"),
    (550, "5.4.6 Unusual sending activity detected"),
    (550, "Domain vendor.example has exceeded the max emails per hour (126/125 (100%)) allowed."),
    (550, "5.5.3 Too many recipients"),
    (550, "5.7.1 Too many messages in this session"),
    (554, "5.7.0 Sender rate limit reached, slow down"),
    (550, "5.2.1 This mailbox gets mail at too high a rate"),
    (550, "Greylisted, come back later"),
    (554, "5.7.1 Temporarily rejected. Try again in an hour"),
    (421, "4.7.0 Too many connections"),
    (452, "4.5.3 Too many recipients"),
    (454, "4.7.0 Throttling failure: Daily message quota exceeded"),
]  # fmt: skip


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize(("code", "text"), LIMITS)
def test_a_limit_passes_and_the_mail_is_tried_again(step: Step, code: int, text: str) -> None:
    assert type(classify_reply(step, code, text)) is MailDeferred


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
    assert type(classify_reply(step, code, text)) is meaning


@given(st.sampled_from(Step), st.integers(400, 599), st.text(max_size=300))
def test_nothing_of_an_answers_text_is_repeated(step: Step, code: int, text: str) -> None:
    known = ("", "5.7.1 no", "5.3.4 no", "5.1.1 no", "5.4.5 no", "5.7.60 no", "5.7.57 no", "5.7.26 no")
    sentences = {str(classify_reply(step, code, words)) for words in known}

    assert str(classify_reply(step, code, text)) in sentences


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["x", "sender ", "not ", "not a ", "sending ", "exceeded ", "authenticate ", "x@"])
def test_an_endless_answer_is_weighed_in_no_time(piece: str) -> None:
    assert isinstance(classify_reply(Step.RECIPIENT, 550, piece * 1_000_000), MailError)
