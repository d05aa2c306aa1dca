"""What the recipient's mail program makes of a mail, read back with the standard library."""

from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import MailRefused, MailSetupWrong
from bot.mail.compose import OBJECTION, Sender, ascii_address, compose, new_message_id
from bot.mail.template import Facts, load_templates
from bot.mail.text import plain

SENDER = Sender(
    from_address="Demo Vendor, Inc. <hello@vendor.example>",
    reply_to="ben@vendor.example",
    postal_address="Demo Vendor\n1 Main Street\nSpringfield",
)
TEMPLATES = load_templates().templates
WHY = "You get this mail because you started a trial of Diagram Studio."
HEADERS = [
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "MIME-Version",
    "Content-Type",
]


def mail(**changes: Any) -> EmailMessage:  # noqa: ANN401  # any argument of compose
    parts: dict[str, Any] = {
        "sender": SENDER,
        "to_address": "ana@acme.example",
        "to_name": "Ana Lima",
        "subject": "Your trial",
        "body": "Hello Ana",
        "why": WHY,
        "message_id": new_message_id("m1", "vendor.example"),
        "date": datetime(2026, 3, 12, 9, 30, tzinfo=UTC),
    }
    return compose(**(parts | changes))


def received(**changes: Any) -> EmailMessage:  # noqa: ANN401  # any argument of compose
    """The mail after its journey; every line of it is fit for SMTP."""
    wire = mail(**changes).as_bytes()
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert wire.isascii()
    return message_from_bytes(wire, EmailMessage, policy=default)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_the_headers_say_who_when_and_how_to_object() -> None:
    message = received()

    assert message.keys() == HEADERS
    assert message["From"] == '"Demo Vendor Inc." <hello@vendor.example>'
    assert message["Reply-To"] == "ben@vendor.example"
    assert message["To"] == "Ana Lima <ana@acme.example>"
    assert message["Date"].datetime == datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
    assert message["Message-ID"] == "<m1@vendor.example>"
    assert message["List-Unsubscribe"] == "<mailto:ben@vendor.example?subject=no%20more%20mail>"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Lima, Ana", "Lima Ana"),
        ("Zoë O'Hara-Ünal Jr.", "Zoë O'Hara-Ünal Jr."),
        ('"Ana" <eve@evil.test>', "Ana eve evil.test"),
        (None, ""),
    ],
)
def test_the_recipient_is_addressed_by_name(name: str | None, shown: str) -> None:
    assert received(to_name=name)["To"].addresses[0].display_name == shown


def test_without_a_reply_to_answers_go_to_the_sender() -> None:
    sender = Sender(from_address="hello@vendor.example", postal_address="1 Main Street")

    assert received(sender=sender)["Reply-To"] == "hello@vendor.example"


@pytest.mark.parametrize("template", ["welcome", "trial-ending"])
def test_a_shipped_template_arrives_whole_in_both_parts(template: str) -> None:
    facts = Facts(
        first_name="Zoë",
        app="Diagram Studio",
        trial_started=date(2026, 3, 12),
        trial_ends=date(2026, 4, 11),
        sender_name="Ben Miller",
    )
    filled = TEMPLATES[template].fill(facts)

    message = received(subject=filled.subject, body=filled.body)

    assert message["Subject"] == filled.subject
    assert message.get_content_type() == "multipart/alternative"
    assert [piece.get_content_type() for piece in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain") == (
        f"{filled.body}\n\n--\n{WHY}\n{OBJECTION}\nDemo Vendor\n1 Main Street\nSpringfield\n"
    )
    html = part(message, "html")
    assert "<p>Hello Zoë,</p>\n<p>" in html
    assert "<p>Best regards,<br />\nBen Miller</p>" in html
    assert f"{WHY}<br>\n{OBJECTION}<br>\nDemo Vendor<br>\n1 Main Street<br>\nSpringfield</p>" in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "src=" not in html


def test_links_work_in_html_and_stay_readable_in_text() -> None:
    message = received(body="See [the guide](https://vendor.example/guide) or [mailto:a@b.test](mailto:a@b.test).")

    assert part(message, "plain").startswith("See the guide (https://vendor.example/guide) or mailto:a@b.test.")
    assert '<a href="https://vendor.example/guide">the guide</a>' in part(message, "html")


@pytest.mark.parametrize(
    "body",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,hi)",
        "![](https://evil.test/pixel.png)",
        "<script>alert(1)</script>",
        "<b>x</b>",
        "[x]: https://evil.test",
        "<javascript:alert(1)>",
    ],
)
def test_html_images_and_strange_links_stay_text(body: str) -> None:
    html = part(received(body=body), "html")

    for tag in ("<script", "<img", "<b>", 'href="javascript', 'href="data'):
        assert tag not in html
    assert "x" in html


class _Structure(HTMLParser):
    """The tags of a document with their attributes, in order; what is written between them is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)


def structure(html: str) -> list[object]:
    found = _Structure()
    found.feed(html)
    return found.tags


_MARKUP = st.text("#>+-*_~`=|!&;<>[]()\\/:.@'\"^ \t\r\n\u2028\u00a01a", max_size=30)
_EVERYWHERE = """\
{0}
{0} at the beginning, {0} in the middle **{0}** or *{0}*, {0}{0} twice, and at the end {0}

{0}

- {0}
- an item

> {0}

look [here](https://vendor.example)
{0}"""


@given(st.text(max_size=200) | _MARKUP)
@example("[x](https://evil.test) ![x](https://evil.test/pixel.png) `x` <b>x</b> <https://evil.test> &lt;b&gt;")
@example("# x")
@example("> x")
@example("- x")
@example("1. x")
@example("1)")
@example("~~~")
@example("---")
@example("- - -")
@example("_x_")
@example("__x")
@example("[x]: https://evil.test")
def test_no_value_of_a_template_becomes_a_link_markup_or_another_line(value: str) -> None:
    # Blank values are never filled in.
    said, harmless = plain(value) or "x", "x"
    message, other = (received(body=_EVERYWHERE.format(each)) for each in (said, harmless))

    assert structure(part(message, "html")) == structure(part(other, "html"))
    assert part(message, "html").count("<a ") == 1
    assert len(part(message, "plain").splitlines()) == len(part(other, "plain").splitlines())


@settings(max_examples=20)  # the property above looks harder
@given(st.text(max_size=80) | _MARKUP)
@pytest.mark.parametrize("id_", ["welcome", "trial-ending.de"])
def test_no_fact_changes_how_a_shipped_mail_is_built(id_: str, value: str) -> None:
    def shown(word: str) -> EmailMessage:
        filled = (
            load_templates()
            .templates[id_]
            .fill(
                Facts(
                    recipient_name=word,
                    first_name=word,
                    app=word,
                    site=word,
                    trial_started=date(2026, 3, 12),
                    sender_name=word,
                    sender_title=word,
                    vendor=word,
                )
            )
        )
        return received(body=filled.body)

    message, other = shown(value if plain(value) else "x"), shown("x")

    assert structure(part(message, "html")) == structure(part(other, "html"))
    assert len(part(message, "plain").splitlines()) == len(part(other, "plain").splitlines())


def test_a_signature_line_does_not_turn_the_name_into_a_heading() -> None:
    assert "<h2>" not in part(received(body="Best regards\nBen\n--\nDemo Vendor"), "html")


def test_an_unsubscribe_link_is_one_click_and_visible() -> None:
    url = "https://bot.vendor.example/unsubscribe/" + "t" * 200

    message = received(unsubscribe_url=url)

    assert f"\r\nList-Unsubscribe: <{url}>,\r\n <mailto:".encode() in mail(unsubscribe_url=url).as_bytes()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"\nUnsubscribe: {url}\n" in part(message, "plain")
    assert f'<a href="{url}">Unsubscribe</a>' in part(message, "html")


def test_line_breaks_in_names_and_subjects_make_no_headers() -> None:
    message = received(to_name="Ana\r\nBcc: eve@evil.test", subject="Hi\nBcc: eve@evil.test", why="Why\r\nBcc: x")

    assert message.keys() == HEADERS
    assert message["Subject"] == "Hi Bcc: eve@evil.test"
    assert [address.addr_spec for address in message["To"].addresses] == ["ana@acme.example"]


@given(name=st.text(max_size=300), subject=st.text(max_size=300), body=st.text(max_size=1000), why=st.text())
@example(name='Lima, "Ana" <eve@evil.test>, ' * 9, subject="ü" * 300, body="\r.\r\n", why="\ud800")
@example(name="=?utf-8?q?a=0d=0aBcc=3a_eve@evil.test?=", subject="=?utf-8?q?a=0d=0aBcc=3a_x?=", body="", why="")
@example(name='é,;:@<>()[]\\" ' * 20, subject="a" * 1000, body="x" * 1000, why="")
def test_whatever_the_texts_there_is_one_recipient_and_no_foreign_header(
    name: str, subject: str, body: str, why: str
) -> None:
    message = received(to_name=name, subject=subject, body=body, why=why)

    assert message.keys() == HEADERS
    assert [address.addr_spec for address in message["To"].addresses] == ["ana@acme.example"]
    assert part(message, "plain").endswith("Springfield\n")
    assert "</html>" in part(message, "html")


@given(facts=st.builds(Facts, **{name: st.text(max_size=200) for name in ("first_name", "company", "app", "site")}))
def test_whatever_the_facts_a_filled_template_parses_back(facts: Facts) -> None:
    known = Facts(
        first_name=facts.first_name,
        app="Diagram " + (facts.app or ""),
        site=facts.site,
        vendor=facts.company,
        trial_started=date(2026, 3, 12),
        sender_name="Ben",
    )
    filled = TEMPLATES["welcome"].fill(known)

    message = received(subject=filled.subject, body=filled.body, to_name=facts.first_name)

    assert message.keys() == HEADERS
    assert part(message, "plain").startswith(filled.body)
    assert "<a " not in part(message, "html")


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (" ana@acme.example ", "ana@acme.example"),
        ("o'hara+test@mail.acme.example", "o'hara+test@mail.acme.example"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
    ],
)
def test_an_address_is_written_in_ascii(address: str, written: str) -> None:
    assert ascii_address(address) == written
    assert mail(to_address=address)["To"].addresses[0].addr_spec == written


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("zoë@acme.example", "outside ASCII"),
        ("ana@\u2028.example", "cannot exist"),
        ("ana", "malformed"),
        ("", "malformed"),
        ("@acme.example", "malformed"),
        ("ana@", "malformed"),
        ("ana lima@acme.example", "malformed"),
        ("ana@acme.example\r\nRCPT TO:<eve@evil.test>", "malformed"),
        ("a@b@acme.example", "malformed"),
        ("<ana@acme.example>", "malformed"),
        ("ana.@acme.example", "malformed"),
    ],
)
def test_an_address_that_cannot_be_written_to_is_refused_without_being_quoted(address: str, reason: str) -> None:
    with pytest.raises(MailRefused, match=reason) as caught:
        mail(to_address=address)

    assert "acme" not in str(caught.value)


@pytest.mark.parametrize(
    ("sender", "setting"),
    [
        (Sender(from_address="Demo Vendor", postal_address=""), "MAIL_FROM"),
        (Sender(from_address="a@vendor.example", reply_to="nobody", postal_address=""), "MAIL_REPLY_TO"),
    ],
)
def test_a_sender_without_an_address_is_a_matter_of_settings(sender: Sender, setting: str) -> None:
    with pytest.raises(MailSetupWrong, match=setting):
        mail(sender=sender)
