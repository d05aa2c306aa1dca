"""The footer in each language."""

from dataclasses import asdict
from datetime import date, timedelta

import pytest

from bot.mail.outbound.footer import LANGUAGES, FooterTexts, footer_texts
from bot.mail.templating.language import long_day

BEGAN = date(2026, 3, 1)


def said(language: str, *, first: bool = True) -> FooterTexts:
    return footer_texts(language, app="Diagram Studio", began=BEGAN, first=first, kept=timedelta(days=730))


@pytest.mark.parametrize(
    ("language", "first_of_march", "twelfth"),
    [
        ("en", "1 March 2026", "12 March 2026"),
        ("de", "1. März 2026", "12. März 2026"),
        ("fr", "1er mars 2026", "12 mars 2026"),
        ("es", "1 de marzo de 2026", "12 de marzo de 2026"),
    ],
)
def test_a_day_is_written_as_the_language_writes_it(language: str, first_of_march: str, twelfth: str) -> None:
    assert long_day(BEGAN, language) == first_of_march
    assert long_day(date(2026, 3, 12), language) == twelfth
    assert first_of_march in said(language).why


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_month_has_its_name(language: str) -> None:
    assert len({long_day(date(2026, month, 2), language) for month in range(1, 13)}) == 12


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_first_mail_says_what_the_law_requires(language: str) -> None:
    below = said(language)

    assert "Diagram Studio" in below.why
    assert "Atlassian" in below.why
    assert below.heading
    assert below.about is not None
    assert "Diagram Studio" in below.about
    assert "Atlassian" in below.about
    assert "24 " in below.about
    assert below.unsubscribe in below.by_link
    assert below.unsubscribe not in below.by_reply
    assert not any(mark in str(value) for value in asdict(below).values() for mark in "{}")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_later_mail_keeps_to_why_and_how_to_object(language: str) -> None:
    below = said(language, first=False)

    assert below.why == said(language).why
    assert below.heading is below.about is None
    assert below.by_link != said(language).by_link
    assert below.by_link.endswith(".")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize(("app", "began"), [(None, BEGAN), ("Diagram Studio", None), (" ", BEGAN), (None, None)])
def test_a_trial_of_which_nothing_is_known_any_more_is_not_made_up(
    language: str, app: str | None, began: date | None
) -> None:
    below = footer_texts(language, app=app, began=began)

    assert "Atlassian" in below.why
    assert "None" not in f"{below}".replace("heading=None", "")
    assert "2026" not in below.why
    assert "Diagram Studio" not in f"{below}"
    assert not any(mark in str(value) for value in asdict(below).values() for mark in "{}")


def test_no_two_languages_say_anything_in_the_same_words() -> None:
    for name in ("why", "heading", "by_link", "by_reply", "about", "unsubscribe", "privacy_policy"):
        assert len({getattr(said(language), name) for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("de-AT", "de"), (" FR ", "fr"), ("es-419", "es"), ("nl", "en"), ("", "en"), ("pt-BR", "en")],
)
def test_a_language_that_we_have_no_words_in_becomes_english(tag: str, language: str) -> None:
    assert said(tag) == said(language)
    assert said(tag).language == language


@pytest.mark.parametrize(
    ("days", "period"), [(30, "30 days"), (59, "59 days"), (60, "2 months"), (100, "4 months"), (365, "12 months")]
)
def test_how_long_data_is_kept_is_never_understated(days: int, period: str) -> None:
    below = footer_texts("en", app="Diagram Studio", began=BEGAN, kept=timedelta(days=days))

    assert f"no longer than {period} after" in (below.about or "")


def test_a_name_brings_no_lines_and_no_tags_of_its_own() -> None:
    below = footer_texts("en", app="{app}\r\n\x00{began} {0}", began=BEGAN)

    assert "a trial of {app} {began} {0} was started on 1 March 2026" in below.why
