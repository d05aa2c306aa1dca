"""What a mail server's reply means, for the email and for the address."""

import re
from enum import StrEnum

from bot.errors import AddressRefused, MailDeferred, MailError, MailRefused, MailSetupWrong
from bot.mail.reply_topics import Topic, said, status_of, topic

TRANSIENT = range(400, 500)
PERMANENT = range(500, 600)
# RFC 4954, RFC 3207 and RFC 5248: the server requires a login, another login or account, or encryption first.
_LOGIN_WANTED = frozenset({525, 530, 534, 535, 538})
# What RFC 5321 lets a server say about a mailbox.
_MAILBOX = frozenset({550, 551, 553})
# RFC 3463, 3.2: the recipient's mailbox or domain. 5.1.7 and 5.1.8 are about the sender, and 5.1.0 may be about either.
# 5.2.1 is left out: some servers use it for a closed mailbox, others for one that gets too much mail.
_NOBODY_THERE = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
_UNSAID = frozenset({None, "5.0.0", "5.1.0"})
_TOO_BIG = 552
# Such a reply is about us, our server or our content. One word too many here costs a refusal that a person reviews; one
# too few would block an address that exists.
_SENDER_PROBLEM = re.compile(
    r"relay(?! recipient)|rcpthost|polic|spam|junk|virus|malware|content|phish|block|black.?list|deny.?list|rbl\b"
    r"|reputation|\blisted (at|by|on)\b|auth|log.?in|gr[ae]y.?list|sender|spf\b|dkim|dmarc|reverse|\bptr\b"
    r"|\b(helo|ehlo)\b|\bip\b|client|host\b.*(reject|refus)|prohibit|denied|not (allowed|permitted)|permission"
    r"|banned|abus|suspicious|trust|quota|\bfull\b|\brate\b|limit|too (many|much|large|big)|size|try again|later|tempor"
    r"|busy|service unavailable|tls|encrypt|bounce",
    re.IGNORECASE,
)
_OF_SETUP = {
    Topic.LOGIN: "The mail server refused the login (code {}): check SMTP_USERNAME, SMTP_PASSWORD and SMTP_TLS.",
    Topic.SENDER: (
        "The mail server does not send for our address (code {}): check MAIL_FROM, MAIL_BOUNCES and SMTP_USERNAME."
    ),
    Topic.PROOF: (
        "The mail server doesn't trust our email (code {}). Check SPF, DKIM and DMARC for the domain of MAIL_FROM, and "
        "whether your mail server is on a blocklist."
    ),
}
"""What a person should check if every email would fail like this one."""


class Step(StrEnum):
    """The step that a server replies to, as a sentence names it."""

    SENDER = "the sender"
    RECIPIENT = "the recipient"
    CONTENT = "the content"


def classify_reply(step: Step, code: int, text: str) -> MailError:
    """Return what the reply means. Its text is examined but not quoted, as it often repeats the address."""
    if code in _LOGIN_WANTED:
        return login_wrong(code)
    status = status_of(text)
    about = topic(status, text)
    if code not in PERMANENT or about is Topic.LIMIT:
        return deferred(step, code)
    if about is None and step is Step.SENDER and code != _TOO_BIG:
        about = Topic.SENDER  # the next mail would fare no better
    if about in _OF_SETUP:
        return MailSetupWrong(_OF_SETUP[about].format(code))
    if about is None and _speaks_of_the_address(step, code, status, text):
        return AddressRefused(f"The mail server refused the address (code {code}): no email can reach it.")
    return MailRefused(f"The mail server refused {step} (code {code}); trying again won't help.")


def deferred(what: str, code: int) -> MailDeferred:
    """Return the error for a temporary refusal."""
    return MailDeferred(f"The mail server postponed {what} (code {code}). Nothing was sent; try again later.")


def login_wrong(code: int) -> MailSetupWrong:
    """Return the error for a refused login."""
    return MailSetupWrong(_OF_SETUP[Topic.LOGIN].format(code))


def _speaks_of_the_address(step: Step, code: int, status: str | None, text: str) -> bool:
    if step is Step.SENDER or _SENDER_PROBLEM.search(said(text)):
        return False
    return status in _NOBODY_THERE or (step is Step.RECIPIENT and code in _MAILBOX and status in _UNSAID)
