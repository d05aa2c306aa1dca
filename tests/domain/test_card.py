"""What a card says and offers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.domain.card import Action, Card, Person, actions, delay, known_end, mailable, person, title
from bot.domain.evaluation import Contact, Done, NotForUs, NotForUsReason, Partner, State
from bot.domain.mail_policy import Allowed, Decision, RefusalReason, Refused
from bot.domain.snooze import Snooze
from bot.domain.text import day
from tests.builders import NOON, OPEN, card, contact, dnc_entry, evaluation, license_, trial

BO = contact(email="bo@acme.example", name="Bo Beech")
UNNAMED: dict[str, Any] = {"company": None, "site": None}


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        pytest.param({"site": "acme.atlassian.net"}, "Acme", id="the company"),
        pytest.param({"company": None, "site": "acme.atlassian.net"}, "acme.atlassian.net", id="else the site"),
        pytest.param(UNNAMED, "acme.example", id="else the company's mail domain"),
        pytest.param(
            {"company": "n/a", "site": "acme.atlassian.net"}, "acme.atlassian.net", id="a name of nobody is none"
        ),
        pytest.param({"company": "Test", "technical": None}, "Test", id="but better than a number"),
        pytest.param(UNNAMED | {"partner": Partner(name="Resell")}, "E-1AA-2BB-3CC-4DD", id="never a partner's domain"),
        pytest.param(
            UNNAMED | {"technical": contact(email="ana@gmail.com")}, "E-1AA-2BB-3CC-4DD", id="else the license's number"
        ),
        pytest.param(
            UNNAMED | {"technical": None, "aliases": frozenset({"0b7c5a9e-1111", "12345", "E-9", "E-8"})},
            "E-8",
            id="of several numbers the one that people know",
        ),
        pytest.param(
            UNNAMED | {"technical": None, "aliases": frozenset({"SEN-7", "12345"})}, "SEN-7", id="else a license number"
        ),
    ],
)
def test_a_card_says_who_evaluates(seen: dict[str, Any], said: str) -> None:
    assert title(license_(**seen)) == said


def of(*, running: bool = True, owner: str | None = None, no: bool = False, **seen: Any) -> Card:  # noqa: ANN401
    """A card in a state: of a trial that runs or is over, owned, of somebody who said no, of such a license."""
    shown = evaluation(
        license=license_(**seen), owner=owner, trial=trial(state=State.RUNNING if running else State.EXPIRED)
    )
    people = tuple(Person(contact=c, dnc_entry=dnc_entry() if no else None) for c in shown.license.contacts)
    return card(evaluation=shown, people=people)


ANSWER, EMAIL, CLAIM, NO, NOTE, DONE, SNOOZE, UNDO, NOT_FOR_US, ASSIGN, RELEASE, AGAIN, _ = Action
RUNNING = (NOTE, DONE, SNOOZE, NOT_FOR_US)
OVER = (NOTE, DONE, NOT_FOR_US)
DONE_BY_BO = Done(by="U0BO", at=NOON)
NOT_FOR_BO = NotForUs(by="U0BO", at=NOON, reason=NotForUsReason.STUDENT)


@pytest.mark.parametrize(
    ("shown", "offered"),
    [
        pytest.param(of(), (EMAIL, CLAIM, NO, *RUNNING, ASSIGN), id="new"),
        pytest.param(of(owner="U0BO"), (EMAIL, NO, *RUNNING, ASSIGN, RELEASE), id="owned"),
        pytest.param(of(no=True), (CLAIM, *RUNNING, ASSIGN, AGAIN), id="opted out"),
        pytest.param(of(no=True, owner="U0BO"), (*RUNNING, ASSIGN, RELEASE, AGAIN), id="opted out and owned"),
        pytest.param(of(running=False), (NO, *OVER, ASSIGN), id="over"),
        pytest.param(of(running=False, owner="U0BO"), (NO, *OVER, ASSIGN, RELEASE), id="over and owned"),
        pytest.param(of(technical=None), (CLAIM, *RUNNING, ASSIGN), id="no contact"),
        pytest.param(of(technical=Contact(forgotten=True)), (CLAIM, *RUNNING, ASSIGN), id="forgotten"),
        pytest.param(of(technical=contact(email="ana at acme")), (CLAIM, NO, *RUNNING, ASSIGN), id="malformed address"),
        pytest.param(of(atlassian=True), (CLAIM, NO, *RUNNING, ASSIGN), id="Atlassian's own"),
        pytest.param(
            card(evaluation=evaluation(done=DONE_BY_BO)),
            (EMAIL, CLAIM, NO, NOTE, SNOOZE, UNDO, NOT_FOR_US, ASSIGN),
            id="done",
        ),
        pytest.param(
            card(evaluation=evaluation(not_for_us=NOT_FOR_BO)),
            (EMAIL, CLAIM, NO, NOTE, UNDO, ASSIGN),
            id="not for us",
        ),
        pytest.param(
            card(snoozes=(Snooze(user="U0BO", until=NOON, at=NOON),)),
            (EMAIL, CLAIM, NO, NOTE, DONE, SNOOZE, UNDO, NOT_FOR_US, ASSIGN),
            id="snoozed",
        ),
    ],
)
def test_a_card_offers_what_makes_sense(shown: Card, offered: tuple[Action, ...]) -> None:
    assert actions(shown) == offered


@pytest.mark.parametrize(
    ("technical", "billing", "who"),
    [
        pytest.param(contact(), BO, contact(), id="the technical contact"),
        pytest.param(Contact(forgotten=True), BO, BO, id="the one who can be written to"),
        pytest.param(Contact(name="Ana"), Contact(name="Bo"), Contact(name="Ana"), id="else the first there is"),
    ],
)
def test_a_card_speaks_of_one_person(technical: Contact, billing: Contact, who: Contact) -> None:
    assert person(card(evaluation=evaluation(license=license_(technical=technical, billing=billing)))) == Person(
        contact=who
    )


def test_a_card_may_speak_of_nobody() -> None:
    assert person(of(technical=None)) is None


@pytest.mark.parametrize(
    ("shown", "decision"),
    [
        pytest.param(of(), Allowed("ana@acme.example"), id="allowed"),
        pytest.param(of(no=True), Refused(RefusalReason.DO_NOT_CONTACT), id="opted out"),
        pytest.param(of(technical=None), Refused(RefusalReason.NO_CONTACT), id="nobody"),
    ],
)
def test_a_card_knows_whether_its_person_may_be_written_to(shown: Card, decision: Decision) -> None:
    assert mailable(shown, person(shown), OPEN) == decision


@pytest.mark.parametrize(
    ("license_type", "upgrade_to", "ends"),
    [
        pytest.param("EVALUATION", None, date(2026, 12, 20), id="a trial"),
        pytest.param("UPGRADE_EVALUATION", "Advanced", date(2026, 12, 20), id="an upgrade trial of its own"),
        pytest.param("COMMERCIAL", "Advanced", None, id="an upgrade trial beside what they bought"),
    ],
)
def test_a_card_counts_to_no_day_that_the_report_does_not_say(
    license_type: str, upgrade_to: str | None, ends: date | None
) -> None:
    tried = evaluation(license=license_(license_type=license_type), trial=trial(upgrade_to=upgrade_to))
    assert known_end(tried) == ends


@pytest.mark.parametrize(
    ("first_seen", "late"),
    [
        (datetime(2026, 11, 20, 9, tzinfo=UTC), timedelta(hours=9)),
        (datetime(2026, 11, 22, tzinfo=UTC), timedelta(days=2)),
        (datetime(2026, 11, 19, 23, tzinfo=UTC), timedelta(0)),
    ],
    ids=["the same day", "two days later", "before it began, by our clock"],
)
def test_how_late_a_trial_was_seen_counts_from_the_first_moment_of_its_day(
    first_seen: datetime, late: timedelta
) -> None:
    assert delay(evaluation(first_seen=first_seen)) == late


def test_a_day_cannot_be_mistaken_for_a_month() -> None:
    assert day(date(2026, 3, 4)) == "4 Mar 2026"
