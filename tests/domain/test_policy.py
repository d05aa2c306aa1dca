"""The rules as truth tables."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evaluation import Contact, License, State, Trial
from bot.domain.policy import (
    Allowed,
    Attempt,
    Decision,
    MailState,
    Reason,
    Refused,
    late_arrivals,
    look_back,
    may_contact,
    may_email,
    rings,
)
from tests.builders import TODAY, contact, license_, nov, trial

ANA = contact()
ALLOWED = Allowed("ana@acme.example")
FORGOTTEN = Contact(forgotten=True)
NAME_ONLY = Contact(name="Ana Ash")
MALFORMED = contact(email="ana at acme")


@pytest.mark.parametrize(
    ("contact_", "atlassian", "state", "opted_out", "decision"),
    [
        pytest.param(ANA, False, State.RUNNING, False, ALLOWED, id="nothing against it"),
        pytest.param(ANA, False, State.RUNNING, True, Refused(Reason.DO_NOT_CONTACT), id="they said no"),
        pytest.param(FORGOTTEN, False, State.RUNNING, False, Refused(Reason.FORGOTTEN), id="forgotten"),
        pytest.param(
            contact(forgotten=True), False, State.RUNNING, False, Refused(Reason.FORGOTTEN), id="half forgotten"
        ),
        pytest.param(None, False, State.RUNNING, False, Refused(Reason.NO_CONTACT), id="nobody"),
        pytest.param(NAME_ONLY, False, State.RUNNING, False, Refused(Reason.NO_CONTACT), id="no address"),
        pytest.param(MALFORMED, False, State.RUNNING, False, Refused(Reason.MALFORMED), id="no good address"),
        pytest.param(ANA, True, State.RUNNING, False, Refused(Reason.ATLASSIAN), id="Atlassian"),
        pytest.param(ANA, False, State.CONVERTED, False, Refused(Reason.CONVERTED), id="customer"),
        pytest.param(ANA, False, State.EXPIRED, False, Refused(Reason.OVER), id="expired"),
        pytest.param(ANA, False, State.CANCELLED, False, Refused(Reason.OVER), id="cancelled"),
        # Where several hold, the one that weighs most is said.
        pytest.param(FORGOTTEN, True, State.EXPIRED, True, Refused(Reason.DO_NOT_CONTACT), id="their no before all"),
        pytest.param(None, True, State.EXPIRED, True, Refused(Reason.DO_NOT_CONTACT), id="a no without an address"),
        pytest.param(FORGOTTEN, True, State.EXPIRED, False, Refused(Reason.FORGOTTEN), id="forgotten before Atlassian"),
        pytest.param(None, True, State.EXPIRED, False, Refused(Reason.NO_CONTACT), id="nobody before Atlassian"),
        pytest.param(MALFORMED, True, State.EXPIRED, False, Refused(Reason.MALFORMED), id="address before Atlassian"),
        pytest.param(ANA, True, State.CONVERTED, False, Refused(Reason.ATLASSIAN), id="Atlassian before customer"),
    ],
)
def test_who_may_be_written_to(
    *,
    contact_: Contact | None,
    atlassian: bool,
    state: State,
    opted_out: bool,
    decision: Decision,
) -> None:
    asked = license_(atlassian=atlassian, technical=contact_)
    assert may_contact(asked, trial(state=state), contact_, opted_out=opted_out) == decision


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        (None, ALLOWED),
        (MailState.FAILED, ALLOWED),
        (MailState.SENDING, Refused(Reason.SENDING, by="U0BO")),
        (MailState.SENT, Refused(Reason.SENT, by="U0BO")),
        (MailState.UNKNOWN, Refused(Reason.UNKNOWN, by="U0BO")),
    ],
)
def test_a_template_is_sent_once_and_whoever_sent_it_is_named(state: MailState | None, decision: Decision) -> None:
    attempt = None if state is None else Attempt(state=state, by="U0BO")
    assert may_email(license_(), trial(), ANA, opted_out=False, attempt=attempt) == decision


def test_a_contact_who_must_not_be_written_to_weighs_more_than_a_mail_that_went_out() -> None:
    sent = Attempt(state=MailState.SENT, by="U0BO")
    assert may_email(license_(), trial(), ANA, opted_out=True, attempt=sent) == Refused(Reason.DO_NOT_CONTACT)


LICENSES = st.builds(license_, atlassian=st.booleans(), license_type=st.sampled_from(["EVALUATION", "COMMERCIAL"]))
TRIALS = st.builds(trial, state=st.sampled_from(State), ends=st.none() | st.dates())
CONTACTS = st.none() | st.builds(
    Contact,
    email=st.none() | st.emails() | st.text(max_size=20),
    name=st.none() | st.text(max_size=5),
    forgotten=st.booleans(),
)
ATTEMPTS = st.none() | st.builds(Attempt, state=st.sampled_from(MailState), by=st.just("U0BO"))


@given(license_seen=LICENSES, trial_=TRIALS, contact_=CONTACTS, attempt=ATTEMPTS)
def test_nothing_whatever_lets_a_mail_through_to_somebody_who_said_no(
    license_seen: License, trial_: Trial, contact_: Contact | None, attempt: Attempt | None
) -> None:
    refused = Refused(Reason.DO_NOT_CONTACT)
    assert may_contact(license_seen, trial_, contact_, opted_out=True) == refused
    assert may_email(license_seen, trial_, contact_, opted_out=True, attempt=attempt) == refused


@given(license_seen=LICENSES, trial_=TRIALS, contact_=CONTACTS, attempt=ATTEMPTS, opted_out=st.booleans())
def test_a_mail_goes_to_the_contacts_own_address_or_nowhere(
    license_seen: License, trial_: Trial, contact_: Contact | None, attempt: Attempt | None, *, opted_out: bool
) -> None:
    decision = may_email(license_seen, trial_, contact_, opted_out=opted_out, attempt=attempt)
    assert isinstance(decision, Refused) or (contact_ is not None and decision == Allowed(contact_.email or ""))


@pytest.mark.parametrize(
    ("of_license", "of_trial", "quiet_before", "announced"),
    [
        pytest.param({}, {}, None, True, id="running"),
        pytest.param({}, {"started": date(2026, 1, 1)}, None, True, id="running, seen late"),
        pytest.param({}, {"ends": None}, None, True, id="without an end"),
        pytest.param({}, {"ends": TODAY}, None, True, id="on its last day"),
        pytest.param({}, {"ends": nov(22)}, None, False, id="past its end, whatever the status"),
        pytest.param({}, {"state": State.EXPIRED}, None, False, id="expired"),
        pytest.param({}, {"state": State.CANCELLED}, None, False, id="cancelled"),
        pytest.param({}, {"state": State.CONVERTED}, None, False, id="bought"),
        pytest.param({"atlassian": True}, {}, None, False, id="Atlassian's own"),
        pytest.param({"license_type": "FREE"}, {}, None, False, id="free"),
        pytest.param({"license_type": "COMMUNITY"}, {}, None, False, id="community"),
        pytest.param({"sandbox": True}, {}, None, True, id="a sandbox: marked, not muted"),
        pytest.param({"migration": True}, {}, None, True, id="a migration: marked, not muted"),
        pytest.param({"technical": None}, {}, None, True, id="without a contact"),
        pytest.param({}, {}, nov(20), True, id="first run: began on the first day that counts"),
        pytest.param({}, {}, nov(21), False, id="first run: began before the bot was there"),
    ],
)
def test_which_trials_get_a_card(
    *,
    of_license: dict[str, Any],
    of_trial: dict[str, Any],
    quiet_before: date | None,
    announced: bool,
) -> None:
    assert rings(license_(**of_license), trial(**of_trial), today=TODAY, quiet_before=quiet_before) is announced


@pytest.mark.parametrize(
    ("last_good", "changed_since", "began_since"),
    [
        pytest.param(TODAY, nov(21), nov(16), id="today"),
        pytest.param(nov(10), nov(8), nov(3), id="two weeks ago: nothing is skipped"),
        pytest.param(nov(30), nov(21), nov(16), id="in the future: the clock was set back"),
    ],
)
def test_a_poll_reads_again_what_the_last_one_may_have_missed(
    last_good: date, changed_since: date, began_since: date
) -> None:
    assert look_back(last_good, today=TODAY) == changed_since
    assert late_arrivals(last_good, today=TODAY) == began_since


def test_the_first_poll_reads_everything() -> None:
    assert look_back(None, today=TODAY) is None


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_sentence(reason: Reason) -> None:
    assert reason.endswith(".")
    assert reason[0].isupper()
