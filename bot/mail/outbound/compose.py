"""Compose an email: a text and an HTML part that say the same, and headers that nobody can forge."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, Message
from email.policy import SMTP, Policy
from html import escape
from string import Template as Pattern
from typing import NamedTuple
from urllib.parse import quote

from markdown_it.token import Token

from bot.domain.markdown import parse, to_html, to_text
from bot.errors import MailRefused, MailSetupWrong
from bot.mail.address import ascii_address, wire_address
from bot.mail.outbound.footer import FooterTexts
from bot.mail.sanitize import display_name, for_header, one_line, strip_control_characters

# More forgiving than RFC 5322: nobody quotes “Example, Inc.” in a settings file.
_NAMED = re.compile(r'"?(.*?)"? ?<([^<>]+)>')
# The text in angle brackets in a header, on a line of up to 998 characters.
_WEB_ADDRESS = re.compile(r"https?://[!#-;=?-~]{1,900}")

_FOOTER_RULE = "\n\n--\n"
"""Between the words of the author and the footer."""

# No colours, so that dark mode works; nothing remote, so that reading the email is not tracked.
_DOCUMENT = Pattern("""\
<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>$subject</title>
</head>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 38em; padding: 1em; overflow-wrap: anywhere">
$body
<hr style="border: 0; border-top: 1px solid; opacity: 0.3; margin-top: 2em">
<div style="font-size: 13px; opacity: 0.8">
$footer
</div>
</body>
</html>
""")


_FOLDS = re.compile(r", |(?<=>) (?=<)")


class _Unfolded(UnstructuredHeader, BaseHeader):
    """A header in angle brackets. The standard folding would encode a long one beyond recognition."""

    def fold(self, *, policy: "Policy[Message[str, str]]") -> str:
        return (
            f"{self.name}: {_FOLDS.sub(lambda found: found[0].rstrip() + policy.linesep + ' ', self)}{policy.linesep}"
        )


_HEADERS = HeaderRegistry()
for _name in ("list-unsubscribe", "message-id", "in-reply-to", "references"):
    _HEADERS.map_to_type(_name, _Unfolded)
_POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The sender. `from_address` may be `Name <address>`; the postal address may have several lines."""

    from_address: str
    postal_address: str
    reply_to: str | None = None
    privacy_url: str | None = None
    """The web page with the privacy policy, if there is one."""

    @property
    def address(self) -> Address:
        """The From address for the header. MailSetupWrong if it is not an address."""
        return _own_address("MAIL_FROM", self.from_address)

    @property
    def answers_to(self) -> Address:
        """Where replies go: Reply-To, else From. MailSetupWrong if it is not an address."""
        return _own_address("MAIL_REPLY_TO", self.reply_to) if self.reply_to else self.address

    @property
    def privacy_page(self) -> str | None:
        """The address of the privacy policy for a link. MailSetupWrong if it is not a web address."""
        if self.privacy_url and not _WEB_ADDRESS.fullmatch(self.privacy_url):
            raise MailSetupWrong("MAIL_PRIVACY_URL isn't a web address. Write it as https://your-domain/privacy.")
        return self.privacy_url or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The one person who gets an email."""

    address: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """An email's place in a conversation: its own id and date, where replies to it go, and what it answers."""

    message_id: str
    date: datetime
    reply_to: str | None = None
    """The author's address, with or without a name."""
    mailbox: str | None = None
    """The address for replies to this one email, which the bot reads. It goes before the author's."""
    in_reply_to: str = ""
    references: str = ""

    def answers_to(self, sender: Sender) -> Address:
        """Return where replies go: to the bot in the author's name, to the author, or to the team."""
        author = _authors_address(self.reply_to) if self.reply_to else None
        if self.mailbox is None:
            return author or sender.answers_to
        name = (author and author.display_name) or sender.address.display_name
        return Address(name, addr_spec=self.mailbox)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """What stands below an email: texts, and the addresses of the pages that they link to."""

    texts: FooterTexts
    unsubscribe_url: str | None = None
    feedback_url: str | None = None


class _Line(NamedTuple):
    """A line of the footer, for both parts of the email."""

    text: str
    html: str


def compose(
    *, sender: Sender, recipient: Recipient, subject: str, body: str, footer: Footer, thread: Thread
) -> EmailMessage:
    """Return the email to one person: its Markdown body as text and HTML, with a footer that says how to opt out.

    MailRefused if an address is unusable. A local part outside ASCII makes an email in UTF-8 (RFC 6532), which only
    some servers accept.
    """
    to = wire_address(recipient.address)
    local, _, domain = to.rpartition("@")
    mail = EmailMessage(policy=_POLICY if to.isascii() else _POLICY.clone(utf8=True))
    mail["From"] = sender.address
    mail["Reply-To"] = thread.answers_to(sender)
    mail["To"] = Address(display_name(recipient.name or ""), username=local, domain=domain)
    mail["Subject"] = for_header(subject)
    mail["Date"] = thread.date
    mail["Message-ID"] = thread.message_id
    for name, value in (("In-Reply-To", thread.in_reply_to), ("References", thread.references)):
        if value:
            mail[name] = value
    # No Auto-Submitted, which is the same as “no”: a person chose the recipient, saw the words and pressed the button
    # (RFC 3834, 5). An out-of-office reply is welcome. Precedence was never standard and suppresses such replies.
    objections = thread.mailbox or sender.answers_to.addr_spec
    _say_how_to_object(mail, objections, footer.unsubscribe_url)

    tokens = parse(strip_control_characters(body))
    paragraphs = _paragraphs(sender, footer)
    mail.set_content(_text(tokens, paragraphs), cte="quoted-printable")
    document = _html(footer.texts.language, mail["Subject"], tokens, paragraphs)
    mail.add_alternative(document, subtype="html", cte="quoted-printable")
    return mail


def footer_of(mail: EmailMessage) -> str:
    """Return the footer in the text part of a composed email."""
    part = mail.get_body(("plain",))
    text = "" if part is None else str(part.get_content())
    return text.replace("\r\n", "\n").rpartition(_FOOTER_RULE)[2].strip()


def new_message_id(token: str, domain: str) -> str:
    """Return the Message-ID with a unique token. An email that is retried keeps its own."""
    return f"<{token}@{domain}>"


def _own_address(setting: str, value: str) -> Address:
    try:
        return _named_address(value)
    except MailRefused as exc:
        raise MailSetupWrong(f"{setting} is not an address: write it as Name <you@your-domain>.") from exc


def _authors_address(value: str) -> Address:
    try:
        return _named_address(value)
    except MailRefused as exc:
        raise MailRefused(
            "Replies can't go to the author's own address. Please correct it in their Slack profile."
        ) from exc


def _named_address(value: str) -> Address:
    value = one_line(value)
    named = _NAMED.fullmatch(value)
    name, address = named.groups() if named else ("", value)
    return Address(display_name(name), addr_spec=ascii_address(address))


def _say_how_to_object(mail: EmailMessage, address: str, unsubscribe_url: str | None) -> None:
    """Set the headers that mail programs turn into an unsubscribe button (RFC 2369 and 8058)."""
    # To the team or the bot rather than to the author, who may have left by the time somebody opts out.
    ways = [f"<mailto:{quote(address, safe='@')}?subject=unsubscribe>"]
    if unsubscribe_url:
        if not _WEB_ADDRESS.fullmatch(unsubscribe_url):
            raise MailSetupWrong("The unsubscribe link isn't a web address. Check PUBLIC_URL.")
        ways.insert(0, f"<{unsubscribe_url}>")
        if unsubscribe_url.startswith("https://"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["List-Unsubscribe"] = ", ".join(ways)


def _paragraphs(sender: Sender, footer: Footer) -> list[list[_Line]]:
    """Return the footer's paragraphs: where to say something, the reason, how to opt out, who and where we are, and
    the unsubscribe link.
    """
    texts = footer.texts
    objection = [_same(texts.by_link if footer.unsubscribe_url else texts.by_reply)]
    if texts.heading:
        objection.insert(0, _Line(texts.heading, f"<strong>{escape(texts.heading)}</strong>"))
    about = [_same(texts.about)] if texts.about else []
    if page := sender.privacy_page:
        about.append(_Line(texts.privacy_policy + page, escape(texts.privacy_policy) + _link(page, page)))
    place = [_same(one_line(line)) for line in sender.postal_address.splitlines()]
    question = _link_line(texts.feedback, footer.feedback_url)
    way_out = _link_line(texts.unsubscribe, footer.unsubscribe_url)
    return [lines for lines in (question, [_same(texts.why)], objection, about, place, way_out) if lines]


def _same(line: str) -> _Line:
    return _Line(line, escape(line))


def _link_line(label: str, url: str | None) -> list[_Line]:
    return [_Line(f"{label}: {url}", _link(url, label))] if url else []


def _link(url: str, label: str) -> str:
    return f'<a href="{escape(url)}">{escape(label)}</a>'


def _text(body: Sequence[Token], footer: Sequence[Sequence[_Line]]) -> str:
    paragraphs = ("\n".join(line.text for line in lines) for lines in footer)
    return f"{to_text(body)}{_FOOTER_RULE}" + "\n\n".join(paragraphs) + "\n"


def _html(language: str, subject: str, body: Sequence[Token], footer: Sequence[Sequence[_Line]]) -> str:
    paragraphs = ("<br>\n".join(line.html for line in lines) for lines in footer)
    return _DOCUMENT.substitute(
        language=language,
        subject=escape(subject),
        body=to_html(body),
        footer="\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs),
    )
