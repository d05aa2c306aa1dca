"""What a table for other programs says, and who is never named."""

import pytest

from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import CardRef, Contact, License, Partner, State
from bot.domain.exported_details import exported_details
from bot.domain.exports import (
    Customer,
    ExportedContact,
    ExportedOwner,
    MailAnswer,
    MayEmail,
    Workspace,
    evaluation_record,
    may_email_at_all,
)
from bot.domain.history import (
    Assigned,
    DetailsAdded,
    DncAdded,
    Fact,
    Kind,
    MailEvent,
    NobodyAvailable,
    NoteAdded,
    TrialConverted,
)
from bot.domain.mail import LawfulBasis
from bot.domain.mail_policy import DEFAULT_RULES
from bot.domain.note import Note
from bot.domain.people_in_text import slack_id, without_people
from bot.domain.rotation import Unavailable
from tests.builders import NOON, OPEN, contact, evaluation, license_, trial

ANA = (Contact(name="Ana Ash", email="ana.ash@acme.example"),)


@pytest.mark.parametrize(
    "text",
    [
        "Ana Ash",
        "ASH, Ana",
        "Ana Ash Consulting",
        "ana-ash.atlassian.net",
        "anaash.atlassian.net",
        "a@b.example",
        "of ana.ash",
        "",
    ],
)
def test_a_text_that_names_a_contact_or_has_an_address_is_left_out(text: str) -> None:
    assert without_people(text, ANA) is None


@pytest.mark.parametrize("text", ["Acme", "Ashes of Ana Ltd", "Anash", "acme.atlassian.net", "Acme @ Berlin"])
def test_any_other_text_stays(text: str) -> None:
    assert without_people(text, ANA) == text


def test_a_desk_is_nobody() -> None:
    assert without_people("Acme IT", [Contact(name="IT Admin", email="it@acme.example")]) == "Acme IT"


@pytest.mark.parametrize("text", ["Ana Ash", "ana@acme.example", "u0bo", None])
def test_only_the_id_of_a_slack_user_stands_for_one(text: str | None) -> None:
    assert slack_id("U0BO") == "U0BO"
    assert slack_id(text) is None


def customer(seen: License | None = None, *, is_blocked: bool = False) -> Customer:
    return Customer(license=seen or license_(), is_blocked=is_blocked)


@pytest.mark.parametrize(
    ("who", "answer", "reason"),
    [
        pytest.param(customer(is_blocked=True), MailAnswer.NO, "do_not_contact", id="blocked"),
        pytest.param(customer(license_(technical=None)), MailAnswer.NO, "no_contact", id="nobody"),
        pytest.param(customer(license_(technical=Contact(forgotten=True))), MailAnswer.NO, "forgotten", id="RTBF"),
        pytest.param(customer(license_(technical=contact(email="ana at acme"))), MailAnswer.NO, "malformed", id="typo"),
        pytest.param(customer(license_(sandbox=True)), MailAnswer.NO, "sandbox", id="sandbox"),
        pytest.param(customer(license_(partner=Partner(name="P"))), MailAnswer.CONFIRM, "partner", id="partner"),
        pytest.param(customer(), MailAnswer.YES, None, id="nothing"),
    ],
)
def test_whether_the_contact_may_be_emailed_has_a_reason(who: Customer, answer: MailAnswer, reason: str | None) -> None:
    assert may_email_at_all(who, trial(), OPEN) == MayEmail(answer=answer, reason=reason)


def test_a_country_may_ask_for_a_legal_basis() -> None:
    assert may_email_at_all(customer(), trial(), DEFAULT_RULES) == MayEmail(answer=MailAnswer.CONFIRM, reason="country")
    over = may_email_at_all(customer(), trial(state=State.EXPIRED), DEFAULT_RULES)
    assert over == MayEmail(answer=MailAnswer.NO, reason="over")


def test_a_contact_is_named_unless_they_said_no() -> None:
    assert customer().contact == ExportedContact(name="Ana Ash", email="ana@acme.example")
    assert customer(is_blocked=True).contact is None
    # Who is shown first said no: the other contact does not stand in for them.
    assert customer(license_(billing=contact(email="bo@acme.example")), is_blocked=True).contact is None
    assert customer(license_(technical=Contact(forgotten=True))).contact is None


def test_a_person_in_a_column_of_the_report_is_left_out() -> None:
    seen = license_(
        company="Ana Ash",
        site="ana-ash.atlassian.net",
        partner=Partner(name="Ana Ash"),
        aliases=frozenset({"E-1", "ana@acme.example"}),
        **dict.fromkeys(
            ("app_name", "hosting", "edition", "country", "region", "opportunity_size"), "ana@acme.example"
        ),
    )
    row = evaluation_record(evaluation(license=seen, owner="ana@acme.example"), customer(seen), OPEN, Workspace())
    assert "ana" not in repr(row).lower().replace(repr(row.contact).lower(), "")
    assert row.aliases == ("E-1",)


def test_an_owner_has_an_email_address_and_a_card_a_link_once_slack_has_said_them() -> None:
    shown = evaluation(license=license_(sandbox=True), owner="U0BO", card=CardRef(channel="C1", ts="12.000034"))
    known = Workspace(url="https://example.slack.com/", emails={"U0BO": "bo@vendor.example"})
    row = evaluation_record(shown, customer(shown.license), OPEN, known)
    assert row.owner == ExportedOwner(slack_id="U0BO", email="bo@vendor.example")
    assert row.card_url == "https://example.slack.com/archives/C1/p12000034"
    assert row.flags == ("sandbox",)
    unknown = evaluation_record(shown, customer(shown.license), OPEN, Workspace())
    assert (unknown.owner, unknown.card_url) == (ExportedOwner(slack_id="U0BO", email=None), None)


@pytest.mark.parametrize(
    ("fact", "details"),
    [
        (TrialConverted(license_type="COMMERCIAL", edition="Ana Ash", days=9), {"type": "COMMERCIAL", "days": "9"}),
        (DetailsAdded(facts=(("company", "Ana Ash"), ("Ana", "Ash"))), {"fields": "company"}),
        (Assigned(owner="U0BO", was="Ana Ash"), {"owner": "U0BO"}),
        (NobodyAvailable(why=(("U0BO", Unavailable.AWAY), ("Ana", Unavailable.AWAY))), {"U0BO": "away"}),
        (DncAdded(reason=DncReason.ASKED, entry_id=3, note="Ana Ash called"), {"reason": "asked"}),
        (NoteAdded(note_id=3, note=Note(id=3, evaluation_id=1, author="U0BO", at=NOON, text="Ana Ash")), {}),
        (
            MailEvent(kind=Kind.MAIL_FAILED, template="welcome", mail=3, basis=LawfulBasis.TRIAL, error="no ana@x.y"),
            {"template": "welcome", "legal_basis": "trial"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_details_of_a_fact_name_nobody(fact: Fact, details: dict[str, str]) -> None:
    assert exported_details(fact, ANA) == details
