"""The footer of an email, below the words of its author."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Final

from bot.mail.sanitize import one_line
from bot.mail.templating.language import long_day
from bot.translations import FALLBACK, load_texts

_FEW_DAYS = 60
_DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FooterTexts:
    """The texts below one email, all in one language."""

    language: str
    """As in HTML and HTTP: `en`, `de`."""
    why: str
    """Why the person gets this email, and where the address came from."""
    heading: str | None
    """The heading above the opt-out in the first email, where the law wants the right to stand out."""
    by_link: str
    """How to opt out, with a link."""
    by_reply: str
    """How to opt out, without one."""
    about: str | None
    """Who emails, what is kept for how long, and what the person may ask for; in the first email."""
    unsubscribe: str
    """The text of the link."""
    feedback: str
    """The text of the link to the page that asks how the trial goes."""
    privacy_policy: str
    """The text before the address of the privacy policy, with a space at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Language:
    """The table `[footer]` of one language in `bot/translations/`."""

    why: str
    why_unknown: str
    heading: str
    right: str
    question: str
    by_link: str
    by_reply: str
    maker: str
    maker_unknown: str
    kept: str
    kept_for: str
    for_months: str
    for_days: str
    rights: str
    feedback: str
    unsubscribe: str
    privacy_policy: str


_LANGUAGES: Final = load_texts("footer", _Language)
LANGUAGES = frozenset(_LANGUAGES)
"""The languages we have texts in."""


def footer_texts(
    language: str, *, app: str | None, began: date | None, first: bool = True, kept: timedelta | None = None
) -> FooterTexts:
    """Return the texts below an email about the trial of this app that began on that day (None if unknown).

    In the `first` email to a person, the right to object gets a heading of its own (GDPR 21(4)), and the person learns
    who we are, what is kept and for how long, and what to ask for (GDPR 14).
    """
    code, said = _said(language)
    app = one_line(app or "")
    opening = said.right if first else said.question
    return FooterTexts(
        language=code,
        why=said.why.format(app=app, began=long_day(began, code)) if app and began else said.why_unknown,
        heading=said.heading if first else None,
        by_link=f"{opening} {said.by_link}",
        by_reply=f"{opening} {said.by_reply}",
        about=_about(said, app if began else "", kept) if first else None,
        unsubscribe=said.unsubscribe,
        feedback=said.feedback,
        privacy_policy=said.privacy_policy,
    )


def _said(language: str) -> tuple[str, _Language]:
    """Return the texts for a language tag such as `de`, `de-AT` or `DE`."""
    code = language.strip().partition("-")[0].lower()
    code = code if code in _LANGUAGES else FALLBACK
    return code, _LANGUAGES[code]


def _about(said: _Language, app: str, kept: timedelta | None) -> str:
    sentences = [said.maker.format(app=app) if app else said.maker_unknown, said.kept]
    if kept is not None:
        few = kept.days < _FEW_DAYS
        n = kept.days if few else ceil(kept.days / _DAYS_A_MONTH)  # no less than we keep them in truth
        sentences.append(said.kept_for.format(period=(said.for_days if few else said.for_months).format(n=n)))
    return " ".join([*sentences, said.rights])
