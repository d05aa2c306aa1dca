"""An email says about an evaluation only what is known."""

import pytest

from bot.domain.evaluation import Evaluation, State
from bot.mail.templating.template import TemplateVariables
from bot.mail.templating.variables import variables_for
from tests.builders import TODAY, contact, evaluation, license_, nov, trial


def test_what_is_known_can_be_said() -> None:
    found = variables_for(
        evaluation(license=license_(site="acme.atlassian.net")),
        contact(),
        sender_name="Ben Miller",
        sender_title="Support",
        vendor="Demo Vendor",
        today=TODAY,
    )

    assert found == TemplateVariables(
        recipient_name="Ana Ash",
        first_name="Ana",
        company="Acme",
        app="Roadmap for Jira",
        site="acme.atlassian.net",
        trial_started=nov(20),
        trial_ends=trial().ends,
        days_left=27,
        sender_name="Ben Miller",
        sender_title="Support",
        vendor="Demo Vendor",
    )


@pytest.mark.parametrize(
    ("name", "first", "full"),
    [
        ("Ana Ash", "Ana", "Ana Ash"),
        ("Ash, Dr. Ana Maria", "Ana", "Dr. Ana Maria Ash"),
        ("Herr Ash", None, "Herr Ash"),
        ("Acme", None, None),
        ("IT Support", None, None),
        ("ana.ash@acme.example", None, None),
        (None, None, None),
    ],
)
def test_a_contact_is_greeted_by_name_where_it_has_a_persons(
    name: str | None, first: str | None, full: str | None
) -> None:
    facts = variables_for(evaluation(), contact(name=name), sender_name="Ben", today=TODAY)

    assert (facts.first_name, facts.recipient_name) == (first, full)


@pytest.mark.parametrize("company", ["n/a", "-", "ana@acme.example", None])
def test_what_names_no_company_is_not_said(company: str | None) -> None:
    facts = variables_for(evaluation(license=license_(company=company)), None, sender_name="Ben", today=TODAY)

    assert (facts.company, facts.recipient_name, facts.first_name) == (None, None, None)


@pytest.mark.parametrize(
    "unknown",
    [
        evaluation(trial=trial(ends=None)),
        evaluation(license=license_(license_type="COMMERCIAL"), trial=trial(upgrade_to="Premium")),
    ],
)
def test_an_end_that_nobody_knows_is_not_said(unknown: Evaluation) -> None:
    facts = variables_for(unknown, contact(), sender_name="Ben", today=TODAY)

    assert (facts.trial_ends, facts.days_left) == (None, None)


def test_a_trial_that_is_over_has_no_days_left() -> None:
    over = evaluation(trial=trial(state=State.EXPIRED))

    assert variables_for(over, contact(), sender_name="Ben", today=TODAY).days_left is None
