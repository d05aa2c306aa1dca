"""How a mail looks on the wire: two parts that say the same, and headers that nobody can forge."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, Message
from email.policy import SMTP, Policy
from html import escape
from string import Template as Pattern
from urllib.parse import quote

import idna
from markdown_it import MarkdownIt

from bot.errors import MailRefused, MailSetupWrong
from bot.mail.text import display_name, for_header, one_line, visible

OBJECTION = "If you would rather not hear from us, reply with “no more mail” and we will not write again."

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
# More forgiving than RFC 5322: nobody quotes “Example, Inc.” in a settings file.
_NAMED = re.compile(r'"?(.*?)"? ?<([^<>]+)>')
_LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")

# No colours, so that dark mode may choose; nothing remote, so that reading the mail tells nobody.
_DOCUMENT = Pattern("""\
<!doctype html>
<html>
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
<p style="font-size: 13px; opacity: 0.8">$footer</p>
</body>
</html>
""")


class _Unfolded(UnstructuredHeader, BaseHeader):
    """A header of addresses in angle brackets; the standard fold would encode a long one past recognition."""

    def fold(self, *, policy: "Policy[Message[str, str]]") -> str:
        return f"{self.name}: {self.replace(', ', ',' + policy.linesep + ' ')}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Unfolded)
_POLICY = SMTP.clone(header_factory=_HEADERS)


class _Markdown(MarkdownIt):
    """Markdown that links to the web and to mailboxes only."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  # the name is markdown-it's
        return url.lower().startswith(("https://", "http://", "mailto:"))


# A line break is a line break, as in the modal where the mail is edited. Switched off is what shows the reader of the
# HTML part something else than the reader of the text part: HTML, images, entities, escapes, and lines that turn
# their neighbours into code or headings.
_MARKDOWN = _Markdown("commonmark", {"html": False, "breaks": True}).disable(
    ["autolink", "code", "entity", "escape", "html_block", "html_inline", "image", "lheading", "reference"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes: `from_address` may be `Name <address>`; the postal address may have several lines."""

    from_address: str
    postal_address: str
    reply_to: str | None = None

    @property
    def address(self) -> Address:
        """The From address, fit for a header; MailSetupWrong if it is none."""
        return _own_address("MAIL_FROM", self.from_address)

    @property
    def answers_to(self) -> Address:
        """Where replies go: Reply-To, or else From; MailSetupWrong if it is no address."""
        return _own_address("MAIL_REPLY_TO", self.reply_to) if self.reply_to else self.address


def compose(  # noqa: PLR0913  # by keyword alone, and each is a part of the mail
    *,
    sender: Sender,
    to_address: str,
    to_name: str | None,
    subject: str,
    body: str,
    why: str,
    message_id: str,
    date: datetime,
    unsubscribe_url: str | None = None,
) -> EmailMessage:
    """The mail to one person, its Markdown body as text and as HTML, each with a footer that tells how to object.

    `why` is the sentence why the person gets this mail. MailRefused: the address cannot be written to.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender.address
    mail["Reply-To"] = sender.answers_to
    mail["To"] = Address(display_name(to_name or ""), addr_spec=ascii_address(to_address))
    mail["Subject"] = for_header(subject)
    mail["Date"] = date
    mail["Message-ID"] = message_id
    objections = [f"<mailto:{quote(sender.answers_to.addr_spec, safe='@')}?subject=no%20more%20mail>"]
    if unsubscribe_url:
        objections.insert(0, f"<{unsubscribe_url}>")
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["List-Unsubscribe"] = ", ".join(objections)

    body = visible(body).strip()
    footer = [one_line(line) for line in (why, OBJECTION, *sender.postal_address.splitlines())]
    mail.set_content(_text(body, footer, unsubscribe_url), cte="quoted-printable")
    document = _html(mail["Subject"], body, footer, unsubscribe_url)
    mail.add_alternative(document, subtype="html", cte="quoted-printable")
    return mail


def new_message_id(token: str, domain: str) -> str:
    """The Message-ID with a token that is unique for ever; a mail that is tried again keeps its own."""
    return f"<{token}@{domain}>"


def ascii_address(address: str) -> str:
    """The address with its domain in ASCII (IDNA); MailRefused if it is malformed or its local part is not ASCII."""
    local, _, domain = address.strip().rpartition("@")
    if not local.isascii():
        raise MailRefused("The part of the address before the @ has letters outside ASCII: write to it by hand.")
    try:
        domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as exc:
        raise MailRefused("The address has a domain that cannot exist: ask for another one.") from exc
    if not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise MailRefused("The address is malformed: ask for another one.")
    return f"{local}@{domain}"


def _own_address(setting: str, value: str) -> Address:
    value = one_line(value)
    named = _NAMED.fullmatch(value)
    name, address = named.groups() if named else ("", value)
    try:
        return Address(display_name(name), addr_spec=ascii_address(address))
    except MailRefused as exc:
        raise MailSetupWrong(f"{setting} is not an address: write it as Name <you@your-domain>.") from exc


def _text(body: str, footer: list[str], unsubscribe_url: str | None) -> str:
    linked = _LINK.sub(lambda link: link[2] if link[1] == link[2] else f"{link[1]} ({link[2]})", body)
    unsubscribe = [f"Unsubscribe: {unsubscribe_url}"] if unsubscribe_url else []
    return "\n".join([linked, "", "--", *footer, *unsubscribe, ""])


def _html(subject: str, body: str, footer: list[str], unsubscribe_url: str | None) -> str:
    unsubscribe = [f'<a href="{escape(unsubscribe_url)}">Unsubscribe</a>'] if unsubscribe_url else []
    return _DOCUMENT.substitute(
        subject=escape(subject),
        body=_MARKDOWN.render(body).strip(),
        footer="<br>\n".join([*map(escape, footer), *unsubscribe]),
    )
