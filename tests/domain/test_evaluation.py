"""The words of the business that compute something."""

from datetime import date, timedelta

import pytest

from bot.domain.evaluation import Contact, State, days_left
from tests.builders import contact, license_, nov, trial


@pytest.mark.parametrize(
    ("today", "left"),
    [(nov(29), 1), (nov(30), 0), (date(2026, 12, 1), None)],
    ids=["the day before", "the last day", "the day after"],
)
def test_days_are_left_until_the_last_day_is_over(today: date, left: int | None) -> None:
    assert days_left(trial(ends=nov(30)), today) == left


@pytest.mark.parametrize("state", [State.CONVERTED, State.EXPIRED, State.CANCELLED])
def test_no_days_are_left_of_a_trial_that_does_not_run(state: State) -> None:
    assert days_left(trial(state=state), nov(21)) is None


def test_nobody_knows_how_long_a_trial_without_an_end_has_left() -> None:
    assert days_left(trial(ends=None), nov(21) + timedelta(days=900)) is None


@pytest.mark.parametrize(
    ("license_type", "is_evaluation"),
    [("EVALUATION", True), ("NET_NEW_EVALUATION", True), ("COMMERCIAL", False), ("EVALUATION_ENDED", False)],
)
def test_any_kind_of_evaluation_is_a_trial(license_type: str, *, is_evaluation: bool) -> None:
    assert license_(license_type=license_type).is_evaluation is is_evaluation


@pytest.mark.parametrize(
    ("technical", "billing", "contacts"),
    [
        (contact(), Contact(name="Bo"), (contact(), Contact(name="Bo"))),
        (None, Contact(name="Bo"), (Contact(name="Bo"),)),
        (None, None, ()),
    ],
    ids=["both", "billing alone", "nobody"],
)
def test_the_technical_contact_comes_first(
    technical: Contact | None, billing: Contact | None, contacts: tuple[Contact, ...]
) -> None:
    assert license_(technical=technical, billing=billing).contacts == contacts
