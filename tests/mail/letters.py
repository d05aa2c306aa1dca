"""A mail to write, and a reader that knows nothing of how we write it."""

from datetime import UTC, date, datetime
from email import message_from_string
from email.errors import NonASCIILocalPartDefect, ObsoleteHeaderDefect
from email.message import EmailMessage
from email.policy import default

from bot.mail.outbound.compose import Footer, Recipient, Sender, Thread, compose, new_message_id
from bot.mail.outbound.footer import FooterTexts, footer_texts

ANA = "ana@acme.example"
BOUNCES = "bounces@vendor.example"
SENDER = Sender(
    from_address="Demo Vendor, Inc. <hello@vendor.example>",
    reply_to="ben@vendor.example",
    postal_address="Demo Vendor\n1 Main Street\nSpringfield",
)
TRIAL = footer_texts("en", app="Diagram Studio", began=date(2026, 3, 12), first=False)
ONCE = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Unsubscribe")


ID = new_message_id("m1", "vendor.example")


def letter(
    *,
    sender: Sender = SENDER,
    to_address: str = ANA,
    to_name: str | None = "Ana Lima",
    subject: str = "Your trial",
    body: str = "Hello Ana",
    words: FooterTexts = TRIAL,
    unsubscribe_url: str | None = None,
    message_id: str = ID,
    reply_to: str | None = None,
) -> EmailMessage:
    """A mail like any other, but for what a test names."""
    return compose(
        sender=sender,
        recipient=Recipient(address=to_address, name=to_name),
        subject=subject,
        body=body,
        footer=Footer(texts=words, unsubscribe_url=unsubscribe_url),
        thread=Thread(message_id=message_id, date=datetime(2026, 3, 12, 9, 30, tzinfo=UTC), reply_to=reply_to),
    )


def read(wire: bytes) -> EmailMessage:
    """The mail as a recipient's program reads it, once everything that the standards ask of it is found to hold."""
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")
    assert b"\0" not in wire
    head, _, body = wire.partition(b"\r\n\r\n")
    assert body.isascii()
    assert max(map(len, body.split(b"\r\n"))) <= 78
    for line in head.split(b"\r\n"):
        assert len(line) <= 998
        # Only what may not be broken is longer than a terminal is wide.
        assert len(line) <= 78 or b" " not in line.partition(b": ")[2].strip()

    mail = message_from_string(wire.decode(), EmailMessage, policy=default)
    for name in ONCE:
        assert len(mail.get_all(name, [])) == 1, name
    assert mail["Auto-Submitted"] is mail["Precedence"] is mail["Bcc"] is mail["Cc"] is None
    for name in ("From", "To", "Reply-To"):
        [address] = mail[name].addresses
        assert address.username
        assert address.domain.isascii()
    assert mail["Date"].datetime.tzinfo is not None
    assert mail["Message-ID"].count("@") == 1
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for part in mail.walk():
        assert part.defects == []
        defects = {type(defect) for value in part.values() for defect in getattr(value, "defects", ())}
        # A full stop in a long name that lost its quotes when it was folded: RFC 5322, 4.1 has every reader take it.
        assert defects <= {NonASCIILocalPartDefect, ObsoleteHeaderDefect}
        if not part.is_multipart():
            assert part.get_content_charset() == "utf-8"
            assert part["Content-Transfer-Encoding"] == "quoted-printable"
            assert part.get_content()
    return mail


def text_of(mail: EmailMessage, kind: str) -> str:
    """The words of the part `plain` or `html`."""
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")
