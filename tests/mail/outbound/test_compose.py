"""What the recipient's mail program makes of a mail, read back with the standard library."""

from datetime import UTC, date, datetime
from email.message import EmailMessage
from html import escape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import MailRefused, MailSetupWrong
from bot.mail.outbound.compose import Sender, new_message_id
from bot.mail.outbound.footer import LANGUAGES, footer_texts
from bot.mail.sanitize import escape_markdown
from bot.mail.templating.template import TemplateVariables, load_templates
from tests.examples import drawn, examples
from tests.mail.letters import TRIAL, letter, read, text_of

TEMPLATES = load_templates().templates
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


def received(**changes: Any) -> EmailMessage:  # noqa: ANN401  # any argument of letter
    """The mail after its journey; every byte of it is ASCII."""
    wire = letter(**changes).as_bytes()
    assert wire.isascii()
    return read(wire)


def test_the_headers_say_who_when_and_how_to_object() -> None:
    message = received()

    assert message.keys() == HEADERS
    assert message["From"] == '"Demo Vendor Inc." <hello@vendor.example>'
    assert message["Reply-To"] == "ben@vendor.example"
    assert message["To"] == "Ana Lima <ana@acme.example>"
    assert message["Date"].datetime == datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
    assert message["Message-ID"] == "<m1@vendor.example>"
    assert message["List-Unsubscribe"] == "<mailto:ben@vendor.example?subject=unsubscribe>"


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


def test_replies_go_to_the_author_and_objections_to_the_team() -> None:
    message = received(reply_to="Zoë Miller <zoe@vendor.example>")

    assert message["Reply-To"] == "Zoë Miller <zoe@vendor.example>"
    assert message["List-Unsubscribe"] == "<mailto:ben@vendor.example?subject=unsubscribe>"


def test_an_author_whose_address_takes_no_replies_gets_an_error() -> None:
    with pytest.raises(MailRefused, match="own address") as caught:
        letter(reply_to="zoë@vendor.example")

    assert "vendor" not in str(caught.value)


@pytest.mark.parametrize("template", ["welcome", "trial-ending"])
def test_a_shipped_template_arrives_whole_in_both_parts(template: str) -> None:
    facts = TemplateVariables(
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
    assert text_of(message, "plain") == (
        f"{filled.body}\n\n--\n{TRIAL.why}\n\n{TRIAL.by_reply}\n\nDemo Vendor\n1 Main Street\nSpringfield\n"
    )
    html = text_of(message, "html")
    assert "<p>Hello Zoë,</p>\n<p>" in html
    assert "<p>Best regards,<br />\nBen Miller</p>" in html
    footer = f"<p>{escape(TRIAL.why)}</p>\n<p>{escape(TRIAL.by_reply)}</p>\n"
    assert f"{footer}<p>Demo Vendor<br>\n1 Main Street<br>\nSpringfield</p>" in html
    assert '<html lang="en">' in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "src=" not in html


def test_links_work_in_html_and_stay_readable_in_text() -> None:
    message = received(body="See [the guide](https://vendor.example/guide) or [mailto:a@b.test](mailto:a@b.test).")

    assert text_of(message, "plain").startswith("See the guide (https://vendor.example/guide) or mailto:a@b.test.")
    assert '<a href="https://vendor.example/guide">the guide</a>' in text_of(message, "html")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param("a **bold *word*** or __two__", "a bold word or two", id="emphasis"),
        pytest.param("2 \\* 3\\\nnext", "2 * 3\nnext", id="escapes"),
        pytest.param("# Head\nnext\n***\n`x` > 1", "Head\n\nnext\n\n---\n\nx > 1", id="headings, rules and code"),
        pytest.param(
            "* a\n* b\n  1) c\n     d\n\n> e\n> f", "- a\n- b\n  1) c\n     d\n\n> e\n> f", id="lists, quotes"
        ),
        pytest.param("```\n  <b> & **c**\n```", "<b> & **c**", id="code as it is"),
        pytest.param(
            "**See [the *guide*](https://a.example/?b&c)**", "See the guide (https://a.example/?b&c)", id="link"
        ),
    ],
)
def test_the_text_part_shows_no_marks(body: str, text: str) -> None:
    assert text_of(received(body=body), "plain").partition("\n\n--\n")[0] == text


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
    html = text_of(received(body=body), "html")

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
    said, harmless = escape_markdown(value) or "x", "x"
    message, other = (received(body=_EVERYWHERE.format(each)) for each in (said, harmless))

    assert structure(text_of(message, "html")) == structure(text_of(other, "html"))
    assert text_of(message, "html").count("<a ") == 1
    assert len(text_of(message, "plain").splitlines()) == len(text_of(other, "plain").splitlines())


@settings(max_examples=examples(5, many=100))  # the property above looks harder
@drawn
@given(st.text(max_size=80) | _MARKUP)
@pytest.mark.parametrize("id_", ["welcome", "trial-ending.de"])
def test_no_fact_changes_how_a_shipped_mail_is_built(id_: str, value: str) -> None:
    def shown(word: str) -> EmailMessage:
        filled = (
            load_templates()
            .templates[id_]
            .fill(
                TemplateVariables(
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

    message, other = shown(value if escape_markdown(value) else "x"), shown("x")

    assert structure(text_of(message, "html")) == structure(text_of(other, "html"))
    assert len(text_of(message, "plain").splitlines()) == len(text_of(other, "plain").splitlines())


def test_a_signature_line_does_not_turn_the_name_into_a_heading() -> None:
    assert "<h2>" not in text_of(received(body="Best regards\nBen\n--\nDemo Vendor"), "html")


def test_an_unsubscribe_link_is_one_click_and_visible() -> None:
    url = "https://bot.vendor.example/unsubscribe/" + "t" * 200

    message = received(unsubscribe_url=url)

    assert f"\r\nList-Unsubscribe: <{url}>,\r\n <mailto:".encode() in letter(unsubscribe_url=url).as_bytes()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"\nUnsubscribe: {url}\n" in text_of(message, "plain")
    assert f'<a href="{url}">Unsubscribe</a>' in text_of(message, "html")


def test_a_link_that_is_not_encrypted_is_visible_and_not_one_click() -> None:
    message = received(unsubscribe_url="http://127.0.0.1:8080/u/t")

    assert message["List-Unsubscribe"].startswith("<http://127.0.0.1:8080/u/t>, <mailto:")
    assert message["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "url", ["here", "https://", "https://b.test/ü", "https://b.test/>, <https://e.test", "https://b.test/\r\nX: y"]
)
def test_a_link_that_fits_no_header_is_a_matter_of_settings(url: str) -> None:
    with pytest.raises(MailSetupWrong, match="PUBLIC_URL"):
        letter(unsubscribe_url=url)


def test_a_first_mail_sets_the_right_to_object_apart() -> None:
    sender = Sender(
        from_address="hello@vendor.example",
        postal_address="1 Main Street",
        privacy_url="https://vendor.example/privacy?a=1&b=2",
    )
    below = footer_texts("fr", app="Diagram Studio", began=date(2026, 3, 1))
    link = "https://bot.vendor.example/u/t"

    message = received(sender=sender, words=below, unsubscribe_url=link)

    assert text_of(message, "plain").endswith(
        f"\n--\n{below.why}\n\nVotre droit d’opposition\n{below.by_link}\n\n{below.about}\n"
        "Politique de confidentialité\u00a0: https://vendor.example/privacy?a=1&b=2\n\n1 Main Street\n\n"
        f"Se désabonner: {link}\n"
    )
    html = text_of(message, "html")
    assert '<html lang="fr">' in html
    assert "<p><strong>Votre droit d’opposition</strong><br>\n" in html
    assert '<a href="https://vendor.example/privacy?a=1&amp;b=2">https://vendor.example/privacy?a=1&amp;b=2</a>' in html
    assert f'<p><a href="{link}">Se désabonner</a></p>' in html


def test_a_local_part_outside_ascii_makes_a_mail_in_utf_8() -> None:
    wire = letter(to_address="zoë@bücher.example", to_name="Zoë", subject="Grüße").as_bytes()

    assert "\r\nTo: Zoë <zoë@xn--bcher-kva.example>\r\n".encode() in wire
    assert read(wire)["Subject"] == "Grüße"


def test_a_long_message_id_stays_what_it_is() -> None:
    message_id = new_message_id("m" * 40, f"{'mail.' * 40}vendor.example")

    assert received(message_id=message_id)["Message-ID"] == message_id


def test_line_breaks_in_names_and_subjects_make_no_headers() -> None:
    hostile = footer_texts("en", app="App\r\nBcc: x", began=date(2026, 3, 12))
    message = received(to_name="Ana\r\nBcc: eve@evil.test", subject="Hi\nBcc: eve@evil.test", words=hostile)

    assert message.keys() == HEADERS
    assert message["Subject"] == "Hi Bcc: eve@evil.test"
    assert [address.addr_spec for address in message["To"].addresses] == ["ana@acme.example"]


@given(
    name=st.text(max_size=300),
    subject=st.text(max_size=300),
    body=st.text(max_size=1000),
    app=st.text(),
    language=st.sampled_from(sorted(LANGUAGES)),
    first=st.booleans(),
)
@example(
    name='Lima, "Ana" <e@x.test>, ' * 9, subject="ü" * 300, body="\r.\r\n", app="\ud800", language="en", first=True
)
@example(
    name="=?utf-8?q?a=0d=0aBcc=3a_e@x.test?=",
    subject="=?utf-8?q?a=0d=0aBcc=3a_x?=",
    body="",
    app="",
    language="de",
    first=True,
)
@example(name='é,;:@<>()[]\\" ' * 20, subject="a" * 1000, body="x" * 1000, app="{app}", language="fr", first=True)
def test_whatever_the_texts_there_is_one_recipient_and_no_foreign_header(
    *, name: str, subject: str, body: str, app: str, language: str, first: bool
) -> None:
    below = footer_texts(language, app=app, began=date(2026, 3, 12), first=first)

    message = received(to_name=name, subject=subject, body=body, words=below)

    assert message.keys() == HEADERS
    assert [address.addr_spec for address in message["To"].addresses] == ["ana@acme.example"]
    assert text_of(message, "plain").endswith("Springfield\n")
    assert "</html>" in text_of(message, "html")


HOSTILE = st.one_of(
    st.emails(),
    st.builds("{}@bücher.example".format, st.text(st.characters(min_codepoint=0x80), min_size=1, max_size=20)),
    st.text(max_size=80),
    st.from_regex(r"[^@]{1,20}@[^@]{1,20}\.example", fullmatch=True),
    st.builds(
        "{}{}{}".format, st.text(max_size=5), st.sampled_from(["\r\nBcc: e@x.test", ",", "<", "@", " "]), st.text()
    ),
)


@given(
    to_address=HOSTILE, reply_to=HOSTILE, from_address=HOSTILE, url=HOSTILE, prefix=st.sampled_from(["", "https://"])
)
@example(to_address="zoë@acme.example", reply_to="", from_address="a@b.test", url="", prefix="")
@example(to_address="\u0130@acme.example", reply_to="", from_address="a@b.test", url="b.test/,>", prefix="https://")
def test_whatever_the_addresses_a_mail_is_sound_or_refused_in_words(
    to_address: str, reply_to: str, from_address: str, url: str, prefix: str
) -> None:
    sender = Sender(from_address=from_address, postal_address="1 Main Street")
    try:
        mail = letter(sender=sender, to_address=to_address, reply_to=reply_to, unsubscribe_url=prefix + url)
    except (MailRefused, MailSetupWrong):
        return

    message = read(mail.as_bytes())

    assert set(message.keys()) - {"List-Unsubscribe-Post"} == set(HEADERS)
    local, _, _ = to_address.strip().rpartition("@")
    assert [address.username for address in message["To"].addresses] == [local]


@given(
    facts=st.builds(
        TemplateVariables, **{name: st.text(max_size=200) for name in ("first_name", "company", "app", "site")}
    )
)
def test_whatever_the_facts_a_filled_template_parses_back(facts: TemplateVariables) -> None:
    known = TemplateVariables(
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
    assert text_of(message, "plain").startswith(filled.body)
    assert "<a " not in text_of(message, "html")


@pytest.mark.parametrize(
    ("sender", "setting"),
    [
        (Sender(from_address="Demo Vendor", postal_address=""), "MAIL_FROM"),
        (Sender(from_address="a@vendor.example", reply_to="nobody", postal_address=""), "MAIL_REPLY_TO"),
        (Sender(from_address="zoë@vendor.example", postal_address=""), "MAIL_FROM"),
        (Sender(from_address="a@vendor.example", postal_address="", privacy_url="here"), "MAIL_PRIVACY_URL"),
    ],
)
def test_a_sender_who_cannot_be_named_is_a_matter_of_settings(sender: Sender, setting: str) -> None:
    with pytest.raises(MailSetupWrong, match=setting):
        letter(sender=sender)
