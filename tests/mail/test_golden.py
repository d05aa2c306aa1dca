"""The shipped templates as they arrive, word for word. `GOLDEN=1 pytest tests/mail/test_golden.py` rewrites them."""

import os
import re
from datetime import date
from pathlib import Path

import pytest

from bot.mail.outbound.compose import Sender
from bot.mail.templating.preview import Preview, preview
from bot.mail.templating.template import load_templates
from tests.builders import contact, evaluation, license_

GOLDEN = Path(__file__).with_name("golden")
TEMPLATES = load_templates().templates
SENDER = Sender(
    from_address="Ben Miller <ben@vendor.example>", postal_address="Demo Vendor\n1 Main Street\nSpringfield"
)
COUNTRIES = {"en": "Ireland", "de": "Germany", "es": "Chile", "fr": "France"}


def arrived(id_: str) -> Preview:
    """The mail of this template to Zoë of Acme."""
    template = TEMPLATES[id_]
    customer = license_(
        technical=contact(name="Zoë Ash"), site="acme-eval.atlassian.net", country=COUNTRIES[template.language]
    )
    return preview(
        template,
        evaluation(license=customer),
        sender=SENDER,
        sender_title="Product Manager",
        vendor="Demo Vendor",
        today=date(2026, 12, 13),
    )


@pytest.mark.parametrize("id_", sorted(TEMPLATES))
def test_a_shipped_mail_arrives_as_it_was_last_read_by_a_person(id_: str) -> None:
    mail = arrived(id_)
    for path, shown in (
        (GOLDEN / f"{id_}.txt", f"Subject: {mail.subject}\n\n{mail.text}"),
        (GOLDEN / f"{id_}.html", mail.html),
    ):
        if os.environ.get("GOLDEN"):
            path.write_text(shown, "utf-8")
        assert path.read_text("utf-8") == shown


def test_there_is_no_golden_file_of_a_template_that_is_no_more() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(TEMPLATES)


@pytest.mark.parametrize("id_", sorted(TEMPLATES))
def test_a_shipped_mail_leaks_no_tag_and_loads_nothing(id_: str) -> None:
    mail = arrived(id_)

    assert not re.search(r"\{\{|\}\}|\{%|%\}|None|undefined", mail.subject + mail.text + mail.html)
    assert not re.search(r"<(img|link|script|style|iframe|object)\b|src=|url\(|@import", mail.html)


@pytest.mark.parametrize("family", ["welcome", "trial-ending"])
@pytest.mark.parametrize(
    ("language", "greeting", "by_name"),
    [
        ("", "Hello there,", "Hello Ana,"),
        (".de", "Guten Tag,", "Guten Tag Dr. Ana Lima,"),
        (".es", "Hola:", "Hola Ana:"),
        (".fr", "Bonjour,", "Bonjour Ana,"),
    ],
)
def test_a_person_is_greeted_by_name_and_a_desk_is_not(family: str, language: str, greeting: str, by_name: str) -> None:
    for name, said in (("IT Support", greeting), ("null null", greeting), ("Lima, Dr. Ana", by_name)):
        customer = evaluation(license=license_(technical=contact(name=name)))
        mail = preview(TEMPLATES[family + language], customer, sender=SENDER, today=date(2026, 12, 13))
        assert mail.text.startswith(f"{said}\n\n")
