"""The template variables of an evaluation and its sender."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from bot.domain.card import known_end
from bot.domain.cautions import company_key
from bot.domain.evaluation import Contact, Evaluation, days_left
from bot.domain.person_names import person_name
from bot.mail.templating.template import Template, TemplateVariables

_WORDS: Final[Mapping[str, str]] = {
    "recipient_name": "contact's name",
    "first_name": "contact's first name",
    "trial_started": "start of the trial",
    "trial_ends": "end of the trial",
    "days_left": "end of the trial",
    "sender_name": "your name",
    "sender_title": "your title",
    "vendor": "vendor name",
}
"""What people call a variable, where that is not its own name."""


def variables_for(  # by keyword alone, and each is something to say
    evaluation: Evaluation,
    contact: Contact | None,
    *,
    sender_name: str | None,
    sender_title: str | None = None,
    vendor: str | None = None,
    today: date,
) -> TemplateVariables:
    """Return the variables for an email to this contact. The end of the trial is left out if it is not known.

    The contact's name is left out unless it plainly names a person: a desk or a company is not greeted by name.
    """
    license_, ends = evaluation.license, known_end(evaluation)
    name = person_name(contact.name if contact else None, company=license_.company)
    return TemplateVariables(
        recipient_name=name.full,
        first_name=name.given,
        company=license_.company if company_key(license_.company) else None,
        app=license_.app_name,
        site=license_.site,
        trial_started=evaluation.trial.started,
        trial_ends=ends,
        days_left=None if ends is None else days_left(evaluation.trial, today),
        sender_name=sender_name,
        sender_title=sender_title,
        vendor=vendor,
    )


def missing(template: Template, variables: TemplateVariables) -> tuple[str, ...]:
    """Return what the template needs and nobody knows, in words: `company`, `end of the trial`."""
    unknown = template.needs - variables.as_strings(template.language).keys()
    return tuple(dict.fromkeys(_WORDS.get(name, name) for name in sorted(unknown)))
