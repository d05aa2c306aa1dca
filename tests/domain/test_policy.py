"""The rules as truth tables."""

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
    may_contact,
    may_email,
)
from bot.domain.trust import Context, Flag
from tests.builders import contact, license_, trial

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
        pytest.param(ANA, False, State.CONVERTED, False, Refused(Reason.GRANTED), id="licensed"),
        pytest.param(ANA, False, State.EXPIRED, False, Refused(Reason.OVER), id="expired"),
        pytest.param(ANA, False, State.CANCELLED, False, Refused(Reason.OVER), id="cancelled"),
        # Where several hold, the one that weighs most is said.
        pytest.param(FORGOTTEN, True, State.EXPIRED, True, Refused(Reason.DO_NOT_CONTACT), id="their no before all"),
        pytest.param(None, True, State.EXPIRED, True, Refused(Reason.DO_NOT_CONTACT), id="a no without an address"),
        pytest.param(FORGOTTEN, True, State.EXPIRED, False, Refused(Reason.FORGOTTEN), id="forgotten before Atlassian"),
        pytest.param(None, True, State.EXPIRED, False, Refused(Reason.NO_CONTACT), id="nobody before Atlassian"),
        pytest.param(MALFORMED, True, State.EXPIRED, False, Refused(Reason.MALFORMED), id="address before Atlassian"),
        pytest.param(ANA, True, State.CONVERTED, False, Refused(Reason.ATLASSIAN), id="Atlassian before license"),
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
    ("license_type", "reason"),
    [
        ("COMMERCIAL", Reason.CONVERTED),
        ("ACADEMIC", Reason.CONVERTED),
        ("OPEN_SOURCE", Reason.GRANTED),
        ("EVALUATION", Reason.GRANTED),
    ],
)
def test_only_who_has_paid_has_bought(license_type: str, reason: Reason) -> None:
    converted = trial(state=State.CONVERTED, ends=None)
    assert may_contact(license_(license_type=license_type), converted, ANA, opted_out=False) == Refused(reason)


def test_a_customer_who_tries_an_upgrade_may_be_written_to() -> None:
    customer = license_(license_type="COMMERCIAL", edition="Standard")
    assert may_contact(customer, trial(upgrade_to="Advanced"), ANA, opted_out=False) == ALLOWED


def test_whoever_may_write_is_told_what_to_know_before() -> None:
    role = contact(email="it@acme.example")
    seen = license_(technical=role, sandbox=True)
    allowed = Allowed("it@acme.example", cautions=(Flag.SANDBOX, Flag.MANY_SITES, Flag.ROLE))
    assert may_contact(seen, trial(), role, opted_out=False, context=Context(sites=4)) == allowed
    assert may_email(seen, trial(), role, opted_out=False, attempt=None, context=Context(sites=4)) == allowed


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
    assert isinstance(decision, Refused) or (contact_ is not None and decision.address == contact_.email)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_sentence(reason: Reason) -> None:
    assert reason.endswith(".")
    assert reason[0].isupper()
