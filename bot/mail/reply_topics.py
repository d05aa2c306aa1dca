"""Find the topic of a mail server's reply: one of our limits, our own standing, this email, or its recipient.

The enhanced status code decides if it has only one meaning, otherwise the words do. Codes: RFC 3463 and the IANA
registry of enhanced status codes; Microsoft's “Email non-delivery reports and SMTP errors in Exchange Online”; Google's
“Gmail SMTP errors and codes”; “Amazon SES email sending errors” and “Errors related to the sending quotas for your
Amazon SES account”; “SMTP Error Codes” of Zoho ZeptoMail. No table lists SendAsDenied and SendGrid's wording: see
gophish/gophish 2900, FusionAuth/fusionauth-issues 220 and chatwoot/chatwoot 2541.

An ambiguous reply is read in the way that does no harm: as a limit rather than a refusal (the email is retried), and as
a problem of ours rather than of the recipient (no address is blocked).
"""

import re
from enum import Enum, auto
from typing import Final


class Topic(Enum):
    """The topic of a reply, or of a line of a report."""

    LIMIT = auto()
    """We sent too much or too fast, or the server is busy: the problem is temporary."""
    SENDER = auto()
    """Our identity: the server does not send for this address or this account."""
    LOGIN = auto()
    """We are not logged in, or the connection is not encrypted."""
    PROOF = auto()
    """Our email fails authentication (SPF, DKIM, DMARC), or comes from a machine with a bad reputation."""
    MAIL = auto()
    """This one email: it is too big, or has characters that the server does not accept."""
    RESTRICTED = auto()
    """A recipient who accepts no email from outside, or none from us."""


# First in the text (RFC 2034), or after a # anywhere.
_ENHANCED: Final = re.compile(r"(?:\A\s*|#)(\d\.\d{1,3}\.\d{1,3})\b", re.ASCII)
# By subject and detail: the class only says how long the problem lasts.
_BY_STATUS: Final = {
    "1.7": Topic.SENDER,  # bad sender's mailbox address
    "1.8": Topic.SENDER,  # bad sender's system address; Exchange Online and Zoho: blocked for sending spam
    "1.90": Topic.LIMIT,  # Exchange Online: daily limit for message recipients
    "2.3": Topic.MAIL,  # longer than the mailbox takes
    "2.121": Topic.LIMIT,  # Exchange Online: this recipient gets too much from us in an hour
    "2.122": Topic.LIMIT,  # Exchange Online: this recipient gets too much in an hour
    "2.252": Topic.SENDER,  # Exchange Online: SendAsDenied
    "3.4": Topic.MAIL,  # larger than the system takes
    "4.5": Topic.LIMIT,  # mail system congestion; Gmail: daily sending limit
    "5.3": Topic.LIMIT,  # too many recipients; we name one at a time, so of a session or a day
    "6.7": Topic.MAIL,  # needs SMTPUTF8
    "7.8": Topic.LOGIN,  # credentials are wrong
    "7.9": Topic.LOGIN,  # the mechanism is too weak; Gmail: needs a password for apps
    "7.10": Topic.LOGIN,  # encryption needed
    "7.11": Topic.LOGIN,  # encryption needed for this mechanism
    "7.12": Topic.RESTRICTED,  # Exchange Online: takes no mail from outside; so are the next five
    "7.124": Topic.RESTRICTED,
    "7.133": Topic.RESTRICTED,
    "7.134": Topic.RESTRICTED,
    "7.135": Topic.RESTRICTED,
    "7.136": Topic.RESTRICTED,
    "7.20": Topic.PROOF,  # no DKIM signature that passes; to 7.22 likewise
    "7.21": Topic.PROOF,
    "7.22": Topic.PROOF,
    "7.23": Topic.PROOF,  # SPF
    "7.24": Topic.PROOF,  # SPF cannot be read
    "7.25": Topic.PROOF,  # no reverse name
    "7.26": Topic.PROOF,  # several proofs failed; Gmail: DMARC
    "7.27": Topic.SENDER,  # the sender's domain takes no mail; Gmail: SPF
    "7.28": Topic.LIMIT,  # mail flood
    "7.57": Topic.LOGIN,  # Exchange Online: not authenticated
    "7.60": Topic.SENDER,  # Exchange: no permission to send as this sender
    "7.64": Topic.SENDER,  # Exchange Online: relay access denied
    "7.139": Topic.LOGIN,  # Exchange Online: SMTP AUTH is switched off
    "7.232": Topic.LIMIT,  # Exchange Online: daily limit of a tenant; so is the next one
    "7.233": Topic.LIMIT,
    "7.321": Topic.RESTRICTED,  # Exchange Online: the recipient's server lacks TLS, or what DANE asks for; to 7.325
    "7.322": Topic.RESTRICTED,
    "7.323": Topic.RESTRICTED,
    "7.324": Topic.RESTRICTED,
    "7.325": Topic.RESTRICTED,
    "7.501": Topic.SENDER,  # Exchange Online: the account is banned; so are the next two
    "7.502": Topic.SENDER,
    "7.503": Topic.SENDER,
    "7.505": Topic.RESTRICTED,  # Exchange Online: banned recipient
    "7.507": Topic.RESTRICTED,  # Exchange Online: the recipient's company blocks us; so does 7.513
    "7.508": Topic.LIMIT,  # Exchange Online: too many from one network
    "7.509": Topic.PROOF,  # Exchange Online: DMARC
    "7.511": Topic.PROOF,  # Exchange Online: our server's address is banned
    "7.513": Topic.RESTRICTED,
    "7.515": Topic.PROOF,  # Outlook.com: not authenticated as far as senders of much mail must be
    "7.705": Topic.SENDER,  # Exchange Online: the tenant is banned for spam; so is 7.708
    "7.708": Topic.SENDER,
    "7.750": Topic.SENDER,  # Exchange Online: sends from domains that are not registered
}

_NOT: Final = r"(?:not?\b|never|cannot|can't|doesn't|isn't|unable|refus|den(?:y|ied)|reject|prohibit|forbid|disallow)"
_AMISS: Final = r"(?:block|bad\b|banned|invalid|malformed|unknown|un\w+ed\b)"
_LIMITED: Final = r"(?:quotas?|limits?|limitation|rates?|threshold|maximum|max)\b"
# The first match in this order wins; no pattern reaches past a full stop or semicolon.
_WORDS: Final[tuple[tuple[Topic, str], ...]] = (
    (Topic.MAIL, r"\bsize\b | too\s(?:big|large|long)\b"),
    # Exchange (RESOLVER.RST…), and phrases about a mailbox that accepts email from some senders only.
    (
        Topic.RESTRICTED,
        r"""
        resolver\.rst | allowed.senders | authenticated\s(?:by|for)\s | (?:block|reject)ed\sby\s(?:the\s)?recipient
        | only\saccepts? | accepts?\s(?:\w+\s)?(?:mail|messages)\sonly
        """,
    ),
    # Spamhaus and similar lists rate our machine, not the content of the email.
    (
        Topic.PROOF,
        r"""
        \b(?:spf|dkim|dmarc)\b | sender\spolicy\sframework | unauthenticated\s(?:e-?mail|message|mail)\b
        | reverse\s(?:dns|name|host) | \bptr\b
        | (?:client\shost | \bip(?:v[46])?\b(?:\saddress)? | your\s(?:host|server))[^.;]{0,40}
          (?:authori[sz]ed|block|banned|black|list|reputation)
        """,
    ),
    (
        Topic.LOGIN,
        r"""
        authenticat\w+\s(?:is\s)?(?:required|needed|first) | must\s(?:first\s)?(?:be\s)?(?:authenticat|log\s?in)
        | (?:requires?|needs?|without)\s(?:\w+\s)?authenticat | not\s(?:been\s)?(?:logged\sin|authenticated\b)
        | (?:log|sign)\s?in\s(?:first|with|via|to)\b | smtp\sauth | starttls | anonymous
        """,
    ),
    (
        Topic.LIMIT,
        rf"""
        \b(?:daily|hourly|sending|submission|outgoing|outbound|per\s(?:day|hour|minute))\b[^.;]{{0,40}}\b{_LIMITED}
        | (?:message|recipient|connection|rate|relay|e?mail)s?\s(?:\w+\s)?{_LIMITED} | submission\s?quota
        | exceed\w*[^.;]{{0,40}}\b(?:limits?|threshold|emails|mails|messages)\b
        | too\smany\b(?!\s(?:hops|received)) | too\s(?:fast|quickly|frequent|high\sa\srate) | slow\sdown
        | throttl | rate[\s-]?limit | at\sa\srate | unusual\s(?:sending|rate)
        """,
    ),
    # Postfix (“Sender address rejected”), Exim (“Sender verify failed”), Exchange (SendAsDenied), SES and SendGrid
    # (“not verified”), Zoho (“Relaying disallowed as”), and what qmail, Sendmail and others say about relaying.
    (
        Topic.SENDER,
        rf"""
        send\s?as\s?denied | \bsend(?:ing)?\s(?:\w+\s)?(?:as|from|on\sbehalf)\b | outboundspam
        | \b(?:sender|originator|from(?:\sheader)?\saddress|mail\sfrom|sending\sdomain)\b(?!\s(?:reputation|score))
          [^.;]{{0,60}}(?:{_NOT}|{_AMISS}|fail|mismatch|must|should|verif)
        | (?:{_NOT}|{_AMISS})\w*\s(?:\w+\s)?
          (?:sender|originator|from\saddress|sending\sdomain)s?\b(?!\s(?:reputation|score))
        | (?<!recipient\s)e-?mail\saddress(?:es)?[^.;]{{0,20}}not\sverified | identities\sfailed
        | verified\s(?:sender|domain) | sender\s(?:identity|signature)
        | (?:sending|your\saccount|ability\sto\ssend)\b[^.;]{{0,40}}(?:block|disabled|paused|suspended)
        | \brelay(?:ing)?\b(?!\srecipient)[^.;]{{0,30}}{_NOT} | rcpthosts | \bnot\sowned\sby
        | {_NOT}\w*\s(?:to\s|(?:permitted|allowed)\sto\s)?relay\b
        | sandbox\s(?:sub)?domain | authori[sz]ed\srecipient
        """,
    ),
    # A permanent refusal that says “later” is not meant to be permanent: greylisting, and servers that are too busy.
    (Topic.LIMIT, r"try\s(?:it\s|your\s\w+\s)?(?:again|later) | \blater\b | temporar | gr[ae]y.?list | \bbusy\b"),
)
_BY_WORDS: Final = tuple((about, re.compile(words, re.IGNORECASE | re.VERBOSE)) for about, words in _WORDS)
# A full mailbox is its owner's limit and not ours.
_MAILBOX_FULL: Final = re.compile(
    r"(?:mailbox|inbox|mail\s?folder|storage|disk)\b[^.;]{0,40}(?:full|quota|limit|exceed)|over ?quota|\bfull\b"
    r"|quota[^.;]{0,30}(?:mailbox|storage)",
    re.IGNORECASE,
)
# Addresses and links may contain any word; the full stops of an IP address or a code do not end a sentence.
_QUOTED: Final = re.compile(r"\S*@\S+|https?:\S+|\[[\d.:a-f]+\]|\b[45]\.\d{1,3}\.\d{1,3}\b")
_MAX_CHARACTERS: Final = 1000
"""Characters read of a reply's text for people."""


def status_of(text: str) -> str | None:
    """Return the enhanced status code of a reply, or None if it has none."""
    found = _ENHANCED.search(text)
    return found[1] if found else None


def said(text: str) -> str:
    """Return the words of a reply, without the addresses and links in it."""
    return _QUOTED.sub("", text[:_MAX_CHARACTERS])


def topic(status: str | None, text: str) -> Topic | None:
    """Return the topic of a reply with this status, or None if it is unclear or about the recipient."""
    by_status = _BY_STATUS.get((status or "").partition(".")[2])
    if by_status is not None:
        return by_status
    words = said(text)
    found = next((about for about, pattern in _BY_WORDS if pattern.search(words)), None)
    return None if found is Topic.LIMIT and _MAILBOX_FULL.search(words) else found
