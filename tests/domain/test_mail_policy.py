"""The rules as truth tables."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cautions import Caution, CustomerContext
from bot.domain.country_rules import Countries, CountryRule, Rule
from bot.domain.evaluation import Contact, License, Partner, State, Trial
from bot.domain.mail import Attempt, LastMail, LawfulBasis, MailState
from bot.domain.mail_policy import (
    DEFAULT_RULES,
    UNCERTAIN_RECIPIENT,
    Allowed,
    Decision,
    MailContext,
    MailRules,
    NeedsLawfulBasis,
    RefusalReason,
    Refused,
    may_contact,
    may_email,
)
from tests.builders import ALLOW, NOON, OPEN, case, contact, dnc_entry, license_, trial

ANA = contact()
ALLOWED = Allowed("ana@acme.example")
FORGOTTEN = Contact(forgotten=True)
NAME_ONLY = Contact(name="Ana Ash")
MALFORMED = contact(email="ana at acme")
NO = dnc_entry()


@pytest.mark.parametrize(
    ("contact_", "atlassian", "state", "opted_out", "decision"),
    [
        pytest.param(ANA, False, State.RUNNING, False, ALLOWED, id="nothing against it"),
        pytest.param(ANA, False, State.RUNNING, True, Refused(RefusalReason.DO_NOT_CONTACT), id="they said no"),
        pytest.param(FORGOTTEN, False, State.RUNNING, False, Refused(RefusalReason.FORGOTTEN), id="forgotten"),
        pytest.param(
            contact(forgotten=True), False, State.RUNNING, False, Refused(RefusalReason.FORGOTTEN), id="half forgotten"
        ),
        pytest.param(None, False, State.RUNNING, False, Refused(RefusalReason.NO_CONTACT), id="nobody"),
        pytest.param(NAME_ONLY, False, State.RUNNING, False, Refused(RefusalReason.NO_CONTACT), id="no address"),
        pytest.param(MALFORMED, False, State.RUNNING, False, Refused(RefusalReason.MALFORMED), id="no good address"),
        pytest.param(ANA, True, State.RUNNING, False, Refused(RefusalReason.ATLASSIAN), id="Atlassian"),
        pytest.param(ANA, False, State.CONVERTED, False, Refused(RefusalReason.GRANTED), id="licensed"),
        pytest.param(ANA, False, State.EXPIRED, False, Refused(RefusalReason.OVER), id="expired"),
        pytest.param(ANA, False, State.CANCELLED, False, Refused(RefusalReason.OVER), id="cancelled"),
        # Where several hold, the one that weighs most is said.
        pytest.param(
            FORGOTTEN, True, State.EXPIRED, True, Refused(RefusalReason.DO_NOT_CONTACT), id="their no before all"
        ),
        pytest.param(
            None, True, State.EXPIRED, True, Refused(RefusalReason.DO_NOT_CONTACT), id="a no without an address"
        ),
        pytest.param(
            FORGOTTEN, True, State.EXPIRED, False, Refused(RefusalReason.FORGOTTEN), id="forgotten before Atlassian"
        ),
        pytest.param(None, True, State.EXPIRED, False, Refused(RefusalReason.NO_CONTACT), id="nobody before Atlassian"),
        pytest.param(
            MALFORMED, True, State.EXPIRED, False, Refused(RefusalReason.MALFORMED), id="address before Atlassian"
        ),
        pytest.param(
            ANA, True, State.CONVERTED, False, Refused(RefusalReason.ATLASSIAN), id="Atlassian before license"
        ),
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
    about = case(license=asked, trial=trial(state=state), dnc_entry=NO if opted_out else None)
    assert may_contact(about, OPEN) == decision


@pytest.mark.parametrize(
    ("license_type", "reason"),
    [
        ("COMMERCIAL", RefusalReason.CONVERTED),
        ("ACADEMIC", RefusalReason.CONVERTED),
        ("OPEN_SOURCE", RefusalReason.GRANTED),
        ("EVALUATION", RefusalReason.GRANTED),
    ],
)
def test_only_who_has_paid_has_bought(license_type: str, reason: RefusalReason) -> None:
    converted = trial(state=State.CONVERTED, ends=None)
    assert may_contact(case(license=license_(license_type=license_type), trial=converted), OPEN) == Refused(reason)


def test_a_customer_who_tries_an_upgrade_may_be_written_to() -> None:
    customer = license_(license_type="COMMERCIAL", edition="Standard")
    assert may_contact(case(license=customer, trial=trial(upgrade_to="Advanced")), OPEN) == ALLOWED


def test_a_sender_learns_what_to_know_before() -> None:
    free = contact(email="ana@gmail.com")
    seen = license_(technical=free, migration=True)
    assert may_contact(case(license=seen), OPEN) == Allowed("ana@gmail.com", (Caution.MIGRATION, Caution.FREE_MAIL))


def test_nobody_is_written_to_on_a_sandbox() -> None:
    assert may_contact(case(license=license_(sandbox=True)), OPEN) == Refused(RefusalReason.SANDBOX)
    assert may_contact(case(license=license_(sandbox=None)), OPEN) == ALLOWED


@pytest.mark.parametrize(
    ("about", "flag"),
    [
        pytest.param(case(license=license_(technical=contact(email="it@acme.example"))), Caution.ROLE, id="a desk"),
        pytest.param(case(license=license_(partner=Partner(name="Resell"))), Caution.PARTNER, id="a reseller"),
        pytest.param(case(context=CustomerContext(sites=4)), Caution.MANY_SITES, id="a consultant"),
        pytest.param(
            case(context=CustomerContext(partner_domain=True)), Caution.PARTNER_DOMAIN, id="a partner's domain"
        ),
    ],
)
def test_a_doubtful_recipient_needs_a_legal_basis_from_the_sender(about: MailContext, flag: Caution) -> None:
    asked = may_contact(about, OPEN)
    assert isinstance(asked, NeedsLawfulBasis)
    assert flag in UNCERTAIN_RECIPIENT & set(asked.cautions)
    assert asked.country is None
    for ground in LawfulBasis:
        assert may_contact(about, OPEN, basis=ground) == Allowed(asked.address, asked.cautions, ground)


@pytest.mark.parametrize(
    ("rule", "decision"),
    [
        (Rule.ALLOW, ALLOWED),
        (Rule.CONFIRM, NeedsLawfulBasis("ana@acme.example", (), CountryRule(rule=Rule.CONFIRM))),
        (Rule.BLOCK, Refused(RefusalReason.COUNTRY)),
    ],
)
def test_a_country_has_its_rule(rule: Rule, decision: Decision) -> None:
    rules = MailRules(
        countries=Countries(by_code={"PE": CountryRule(rule=rule)}, others=ALLOW, code_of={"Peru": "PE"}.get)
    )
    about = case(license=license_(country="Peru"))
    assert may_contact(about, rules) == decision
    assert may_contact(about, rules, basis=LawfulBasis.CONSENT) == (
        Refused(RefusalReason.COUNTRY) if rule is Rule.BLOCK else Allowed("ana@acme.example", (), LawfulBasis.CONSENT)
    )


@pytest.mark.parametrize("country", [None, "", "Freedonia"])
def test_where_nothing_is_set_the_sender_names_a_ground(country: str | None) -> None:
    assert isinstance(may_contact(case(license=license_(country=country)), DEFAULT_RULES), NeedsLawfulBasis)


@pytest.mark.parametrize(
    ("ago", "refused"),
    [
        pytest.param(timedelta(0), True, id="just now"),
        pytest.param(timedelta(days=7, seconds=-1), True, id="a second too soon"),
        pytest.param(timedelta(days=7), False, id="a week ago"),
    ],
)
def test_one_address_gets_one_mail_a_week_from_all_senders_about_all_apps(ago: timedelta, *, refused: bool) -> None:
    last = LastMail(template="welcome", by="U0BO", at=NOON - ago)
    decision = may_email(case(), OPEN, attempt=None, last=last, now=NOON)
    until = last.at + timedelta(days=7)
    assert decision == (Refused(RefusalReason.TOO_SOON, by="U0BO", at=last.at, until=until) if refused else ALLOWED)


@pytest.mark.parametrize(
    ("ahead", "refused"),
    [
        (timedelta(seconds=5), True),
        (timedelta(minutes=15), True),
        (timedelta(days=1), False),
        (timedelta(days=400), False),
    ],
)
def test_a_mail_that_is_dated_ahead_does_not_silence_its_address_until_then(ahead: timedelta, *, refused: bool) -> None:
    last = LastMail(template="welcome", by="U0BO", at=NOON + ahead)
    decision = may_email(case(), OPEN, attempt=None, last=last, now=NOON)
    assert isinstance(decision, Refused) is refused


def test_without_a_pause_the_next_mail_may_go_at_once() -> None:
    last = LastMail(template="welcome", by="U0BO", at=NOON)
    rules = MailRules(countries=OPEN.countries, at_most_every=timedelta(0))
    assert may_email(case(), rules, attempt=None, last=last, now=NOON) == ALLOWED


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        (None, ALLOWED),
        (MailState.FAILED, ALLOWED),
        (MailState.CANCELLED, ALLOWED),
        (MailState.QUEUED, Refused(RefusalReason.QUEUED, by="U0BO")),
        (MailState.DEFERRED, Refused(RefusalReason.QUEUED, by="U0BO")),
        (MailState.SENDING, Refused(RefusalReason.SENDING, by="U0BO")),
        (MailState.SENT, Refused(RefusalReason.SENT, by="U0BO")),
        (MailState.UNKNOWN, Refused(RefusalReason.UNKNOWN, by="U0BO")),
    ],
)
def test_a_template_is_sent_once_and_a_refusal_names_the_sender(state: MailState | None, decision: Decision) -> None:
    attempt = None if state is None else Attempt(state=state, by="U0BO")
    assert may_email(case(), OPEN, attempt=attempt, last=None, now=NOON) == decision


def test_a_contact_who_must_not_be_written_to_weighs_more_than_a_mail_that_went_out() -> None:
    sent = Attempt(state=MailState.SENT, by="U0BO")
    decision = may_email(case(dnc_entry=NO), OPEN, attempt=sent, last=None, now=NOON)
    assert decision == Refused(RefusalReason.DO_NOT_CONTACT)


LICENSES = st.builds(
    license_,
    atlassian=st.booleans(),
    license_type=st.sampled_from(["EVALUATION", "COMMERCIAL"]),
    sandbox=st.none() | st.booleans(),
    country=st.none() | st.text(max_size=5),
)
TRIALS = st.builds(trial, state=st.sampled_from(State), ends=st.none() | st.dates())
CONTACTS = st.none() | st.builds(
    Contact,
    email=st.none() | st.emails() | st.text(max_size=20),
    name=st.none() | st.text(max_size=5),
    forgotten=st.booleans(),
)
CASES = st.builds(MailContext, license=LICENSES, trial=TRIALS, contact=CONTACTS, dnc_entry=st.none() | st.just(NO))
ATTEMPTS = st.none() | st.builds(Attempt, state=st.sampled_from(MailState), by=st.just("U0BO"))
GROUNDS = st.none() | st.sampled_from(LawfulBasis)


@given(license_seen=LICENSES, trial_=TRIALS, contact_=CONTACTS, attempt=ATTEMPTS, ground=GROUNDS)
def test_nothing_whatever_lets_a_mail_through_to_somebody_who_said_no(
    license_seen: License, trial_: Trial, contact_: Contact | None, attempt: Attempt | None, ground: LawfulBasis | None
) -> None:
    said_no = MailContext(license=license_seen, trial=trial_, contact=contact_, dnc_entry=NO)
    refused = Refused(RefusalReason.DO_NOT_CONTACT)
    assert may_contact(said_no, OPEN, basis=ground) == refused
    assert may_email(said_no, OPEN, attempt=attempt, last=None, now=NOON, basis=ground) == refused


@given(about=CASES, attempt=ATTEMPTS, ground=GROUNDS, rules=st.sampled_from([OPEN, DEFAULT_RULES]))
def test_a_mail_goes_to_the_contacts_own_address_or_nowhere(
    about: MailContext, attempt: Attempt | None, ground: LawfulBasis | None, rules: MailRules
) -> None:
    decision = may_email(about, rules, attempt=attempt, last=None, now=NOON, basis=ground)
    if not isinstance(decision, Refused):
        assert about.contact is not None
        assert decision.address == about.contact.email


@given(about=CASES, ground=st.sampled_from(LawfulBasis))
def test_a_sender_who_names_a_legal_basis_is_never_asked_for_one(about: MailContext, ground: LawfulBasis) -> None:
    assert not isinstance(may_contact(about, DEFAULT_RULES, basis=ground), NeedsLawfulBasis)


@pytest.mark.parametrize("reason", RefusalReason)
def test_every_reason_is_a_sentence(reason: RefusalReason) -> None:
    assert reason.endswith(".")
    assert reason[0].isupper()
