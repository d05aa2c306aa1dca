import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.card import Card, Person, SentMail
from bot.domain.cautions import CustomerContext
from bot.domain.dnc import DncTarget
from bot.domain.evaluation import Contact, Evaluation, License, OwnerChange, Partner
from bot.domain.history import Assigned, Entry, Kind, MailEvent
from bot.domain.listing import Criteria, Days, EvaluationRow, ListKind, Page, Selection
from bot.domain.mail import Attempt, LastMail, LawfulBasis, MailState
from bot.store import Store
from bot.store.schema import history
from tests.builders import NOON, contact, dnc_entry, license_, nov, trial
from tests.store.steps import LATER, bring, cards, mailed, mark, only_card, order, report, rows

BILLING = Contact(email="bo@acme.example", name="Bo Birch")


async def test_a_card_shows_everything_on_record_at_one_moment(store: Store) -> None:
    seen = license_(billing=BILLING)
    await report(store, seen)
    await mark(store, "bo@acme.example", dnc_entry())
    await mailed(store, order(1))

    sent = Entry(
        at=LATER,
        actor="U0BO",
        fact=MailEvent(kind=Kind.MAIL_SENT, template="welcome", mail=1, basis=LawfulBasis.TRIAL),
    )
    assert await store.evaluations.card(1) == Card(
        evaluation=Evaluation(id=1, license=seen, trial=trial(), first_seen=NOON),
        people=(
            Person(contact=contact(), last_mail=LastMail(template="welcome", by="U0BO", at=NOON, went=LATER)),
            Person(contact=BILLING, dnc_entry=dnc_entry(target=DncTarget.of_address("bo@acme.example"))),
        ),
        mails=(SentMail(template="welcome", attempt=Attempt(state=MailState.SENT, by="U0BO"), at=NOON),),
        last=sent,
        mail=sent,
    )


async def test_there_is_no_card_of_an_evaluation_that_never_was(store: Store) -> None:
    assert await store.evaluations.card(99) is None
    assert await store.evaluations.assign(99, "U0BO", instead_of=None, by="U0BO", at=NOON) is None
    await store.evaluations.update_card(99, at=NOON)
    assert await bring(store) == []


async def test_when_eight_claim_at_once_one_wins_and_the_others_learn_who(store: Store) -> None:
    await report(store, license_())

    answers = await asyncio.gather(
        *(store.evaluations.assign(1, f"U{n}", instead_of=None, by=f"U{n}", at=NOON) for n in range(8))
    )

    owner = (await only_card(store)).evaluation.owner
    assert [answer for answer in answers if answer and answer.changed] == [
        OwnerChange(changed=True, owner=owner, since=NOON)
    ]
    lost = [answer for answer in answers if answer and not answer.changed]
    assert lost == [OwnerChange(changed=False, owner=owner, since=NOON)] * 7
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED, Kind.ASSIGNED]


@pytest.mark.parametrize(
    ("believed", "wanted", "answer", "remembered"),
    [
        pytest.param(
            "U0BO", "U0CY", OwnerChange(changed=True, owner="U0CY", since=LATER), Kind.ASSIGNED, id="handed over"
        ),
        pytest.param("U0BO", None, OwnerChange(changed=True, owner=None, since=LATER), Kind.RELEASED, id="given back"),
        pytest.param(None, "U0CY", OwnerChange(changed=False, owner="U0BO", since=NOON), None, id="claimed too late"),
        pytest.param(
            "U0DI", "U0CY", OwnerChange(changed=False, owner="U0BO", since=NOON), None, id="somebody else's by now"
        ),
    ],
)
async def test_an_owner_changes_only_if_it_still_is_the_expected_one(
    store: Store, believed: str | None, wanted: str | None, answer: OwnerChange, remembered: Kind | None
) -> None:
    await report(store, license_())
    await store.evaluations.assign(1, "U0BO", instead_of=None, by="U0BO", at=NOON)
    await bring(store)

    assert await store.evaluations.assign(1, wanted, instead_of=believed, by="U0CY", at=LATER) == answer

    assert (await only_card(store)).evaluation.owner == answer.owner
    assert await bring(store) == ([f"note {remembered} in 1.0", "update card 1"] if remembered else [])


async def test_a_change_of_owner_is_remembered_with_who_did_it_and_who_it_was(store: Store) -> None:
    await report(store, license_())
    await store.evaluations.assign(1, "U0BO", instead_of=None, by="U0BO", at=NOON)
    await store.evaluations.assign(1, "U0CY", instead_of="U0BO", by="U0DI", at=LATER)

    shown = await only_card(store)

    assert shown.assigned == shown.last
    assert shown.last == Entry(at=LATER, actor="U0DI", fact=Assigned(owner="U0CY", was="U0BO"))


async def test_a_card_can_be_asked_to_be_painted_again(store: Store) -> None:
    await report(store, license_())
    await bring(store)

    await store.evaluations.update_card(1, at=LATER)

    assert await bring(store) == ["update card 1"]
    assert await store.outbox.routes() == {}


# --- What the vendor's other licenses say of the customer ---------------------------------------------------------

HERE: dict[str, Any] = {"site": "acme.atlassian.net", "company": "Acme", "technical": contact()}
NOWHERE: dict[str, Any] = {"site": None, "company": None, "technical": None}
RESELLER = Partner(name="Resell", kind="Reseller")


def other(**overrides: Any) -> License:  # noqa: ANN401  of its field's type
    """A paid license of Forms, of nobody in particular."""
    paid = {"app_key": "com.example.forms", "app_name": "Forms", "license_type": "COMMERCIAL"}
    return license_(**{**NOWHERE, **paid, "aliases": frozenset({"E-OTHER"}), "latest_evaluation": None, **overrides})


CUSTOMER = CustomerContext(customer_of=("Forms",))
NOBODY = CustomerContext()


@pytest.mark.parametrize(
    ("mine", "theirs", "context"),
    [
        pytest.param(HERE, {"site": "acme.atlassian.net"}, CUSTOMER, id="same site"),
        pytest.param(HERE, {"site": "other.atlassian.net"}, NOBODY, id="another site"),
        pytest.param(HERE, {"company": "ACME"}, CUSTOMER, id="same company in capitals"),
        pytest.param(HERE, {"company": "A.C.M.E."}, CUSTOMER, id="same company with dots"),
        pytest.param(HERE, {"company": "Acme Rockets"}, NOBODY, id="another company"),
        pytest.param({**HERE, "company": "-"}, {"company": "…"}, NOBODY, id="companies without a letter"),
        pytest.param(HERE, {"technical": contact(email="Cy@ACME.example")}, CUSTOMER, id="same mail domain"),
        pytest.param(HERE, {"billing": contact(email="cy@acme.example")}, CUSTOMER, id="same domain, billing contact"),
        pytest.param(HERE, {"technical": contact(email="cy@mail.acme.example")}, NOBODY, id="another mail domain"),
        pytest.param(
            {**HERE, "technical": contact(email="ana@gmail.com")},
            {"technical": contact(email="cy@gmail.com")},
            NOBODY,
            id="same free-mail domain",
        ),
        pytest.param(
            {**HERE, "partner": RESELLER}, {"technical": contact()}, NOBODY, id="a partner's domain on this license"
        ),
        pytest.param(
            HERE, {"technical": contact(), "partner": RESELLER}, NOBODY, id="a partner's domain on the other license"
        ),
        pytest.param(
            {**HERE, "partner": RESELLER},
            {"company": "Acme", "partner": RESELLER},
            CUSTOMER,
            id="company with a partner",
        ),
        pytest.param(NOWHERE, {}, NOBODY, id="nothing known of either"),
        pytest.param({**HERE, "company": "Test"}, {"company": "test"}, NOBODY, id="names that name nobody"),
        pytest.param({**HERE, "company": "n/a"}, {"company": "N.A."}, NOBODY, id="a form that was not filled in"),
        pytest.param({**HERE, "company": "X"}, {"company": "x"}, NOBODY, id="a letter"),
        pytest.param(HERE, {"company": "Acme", "atlassian": True}, NOBODY, id="Atlassian's own license"),
        pytest.param(HERE, {"company": "Acme", "sandbox": True}, NOBODY, id="a sandbox, where apps cost nothing"),
        pytest.param(HERE, {"company": "Acme", "license_type": "ACADEMIC"}, CUSTOMER, id="bought at a discount"),
        pytest.param(HERE, {"company": "Acme", "status": "cancelled"}, CUSTOMER, id="cancelled, and not over yet"),
        pytest.param(
            HERE,
            {"company": "Acme", "license_type": "OPEN_SOURCE"},
            CustomerContext(uses=("Forms",)),
            id="has a license that was given",
        ),
        pytest.param(
            HERE, {"company": "Acme", "license_type": "FREE", "status": "inactive"}, NOBODY, id="had one that was given"
        ),
        pytest.param(
            HERE,
            {"company": "Acme", "status": "inactive", "ends": date(2024, 5, 1)},
            CustomerContext(paid_for=(("Forms", "2024"),)),
            id="no longer a customer",
        ),
        pytest.param(
            HERE,
            {"company": "Acme", "status": "inactive", "ends": None},
            NOBODY,
            id="no longer, and who knows since when",
        ),
        pytest.param(
            HERE,
            {"company": "Acme", "license_type": "EVALUATION"},
            CustomerContext(evaluating=("Forms",)),
            id="evaluates another app",
        ),
        pytest.param(
            HERE,
            {"company": "Acme", "license_type": "EVALUATION", "sandbox": True},
            CustomerContext(evaluating=("Forms",)),
            id="evaluates another app on a sandbox",
        ),
        pytest.param(
            HERE,
            {
                "company": "Acme",
                "app_key": "com.example.roadmap",
                "app_name": "Roadmap for Jira",
                "license_type": "EVALUATION",
                "latest_evaluation": nov(1),
            },
            CustomerContext(evaluating=("Roadmap for Jira",)),
            id="evaluates this app elsewhere",
        ),
        pytest.param(
            HERE,
            {"company": "Acme", "license_type": "EVALUATION", "status": "inactive"},
            NOBODY,
            id="evaluated another app",
        ),
        pytest.param(
            HERE,
            {
                "company": "Acme",
                "app_key": "com.example.roadmap",
                "license_type": "EVALUATION",
                "status": "inactive",
                "latest_evaluation": date(2024, 3, 1),
            },
            CustomerContext(evaluated=("2024",)),
            id="evaluated this app before",
        ),
    ],
)
async def test_other_licenses_of_the_same_customer_are_context(
    store: Store, mine: dict[str, Any], theirs: dict[str, Any], context: CustomerContext
) -> None:
    await report(store, license_(**mine))
    await report(store, other(**theirs))

    first = (await cards(store))[0]

    assert first.context == context


async def test_earlier_trials_of_the_same_license_are_context_and_later_ones_are_not(store: Store) -> None:
    for year in (2022, 2024, 2026):
        begun = date(year, 5, 1)
        row = license_(latest_evaluation=begun, starts=begun, ends=date(year, 5, 31), updated=begun, status="inactive")
        await report(store, row)

    assert [card.context.evaluated for card in await cards(store)] == [(), ("2022",), ("2022", "2024")]


async def test_an_app_bought_twice_is_named_once_and_names_come_in_order(store: Store) -> None:
    await report(
        store,
        license_(),
        other(company="Acme"),
        other(company="Acme", aliases=frozenset({"E-3"})),
        other(company="Acme", aliases=frozenset({"E-4"}), app_key="com.example.a", app_name="Atlas"),
    )

    assert (await cards(store))[0].context.customer_of == ("Atlas", "Forms")


async def test_the_license_that_says_most_stands_for_several_of_an_app(store: Store) -> None:
    ended = {"status": "inactive", "license_type": "COMMERCIAL"}
    seen: tuple[dict[str, Any], ...] = (
        {"app_name": "Atlas"},
        {"app_name": "Atlas", **ended, "ends": date(2022, 1, 1)},
        {"app_name": "Atlas", "license_type": "OPEN_SOURCE"},
        {"app_name": "Boards", **ended, "ends": date(2022, 1, 1)},
        {"app_name": "Boards", **ended, "ends": date(2024, 1, 1)},
        {"app_name": "Boards", "license_type": "OPEN_SOURCE"},
    )
    theirs = [
        other(company="Acme", aliases=frozenset({f"E-{n}"}), app_key=each["app_name"], **each)
        for n, each in enumerate(seen)
    ]
    await report(store, license_(), *theirs)

    context = CustomerContext(customer_of=("Atlas",), uses=("Boards",), paid_for=(("Boards", "2024"),))
    assert (await cards(store))[0].context == context


async def test_no_license_is_left_out_however_many_there_are(store: Store) -> None:
    many = [other(company="Acme", aliases=frozenset({f"E-{n}"}), status="inactive") for n in range(300)]
    last = other(company="Acme", aliases=frozenset({"E-LAST"}), app_key="com.example.a", app_name="Atlas")
    await report(store, license_(), *many, last)

    assert (await cards(store))[0].context.customer_of == ("Atlas",)


CONSULTANT = contact(email="cy@consult.example")


@pytest.mark.parametrize(
    ("mine", "theirs", "sites"),
    [
        pytest.param({}, [{"company": name} for name in ("Beta", "Gamma", "gamma")], 2, id="other companies by name"),
        pytest.param({}, [{"site": f"{n}.atlassian.net"} for n in range(4)], 4, id="sites of unknown people"),
        pytest.param(
            {}, [{"company": "Beta", "site": f"{n}.x.example"} for n in range(4)], 1, id="sites of one company"
        ),
        pytest.param({}, [{"company": "ACME", "site": f"{n}.x.example"} for n in range(4)], 0, id="sites of their own"),
        pytest.param({"site": "a.example"}, [{"company": "Beta", "site": "a.example"}], 0, id="the same site"),
        pytest.param(
            {}, [{"company": "Beta", "technical": None, "billing": CONSULTANT}], 1, id="as the billing contact there"
        ),
        pytest.param(
            {}, [{"company": "Beta", "technical": contact(email="CY@consult.example ")}], 1, id="however it is spelled"
        ),
        pytest.param({}, [{"company": "Beta", "technical": contact(email="di@consult.example")}], 0, id="a colleague"),
        pytest.param({"technical": None}, [{"company": "Beta"}], 0, id="nobody here"),
        pytest.param(
            {"technical": Contact(name="Di"), "billing": CONSULTANT},
            [{"company": "Beta"}],
            1,
            id="the person shown here",
        ),
    ],
)
async def test_a_card_knows_on_how_many_other_sites_its_contact_is(
    store: Store, mine: dict[str, Any], theirs: list[dict[str, Any]], sites: int
) -> None:
    elsewhere = [
        other(**{"technical": CONSULTANT, **each, "aliases": frozenset({f"E-{n}"})}) for n, each in enumerate(theirs)
    ]
    await report(store, license_(**{"technical": CONSULTANT, **mine}), *elsewhere)

    assert (await cards(store))[0].context.sites == sites


async def test_the_domain_of_somebody_who_works_for_many_ties_nobody_together(store: Store) -> None:
    many = [other(company=f"Customer {n}", technical=CONSULTANT, aliases=frozenset({f"E-{n}"})) for n in range(3)]
    await report(store, license_(technical=CONSULTANT), *many)

    assert (await cards(store))[0].context == CustomerContext(sites=3)


@pytest.mark.parametrize(
    ("theirs", "is_partners"),
    [
        pytest.param([{"company": "Beta"}, {"company": "Gamma"}], True, id="on licenses of several other customers"),
        pytest.param([{"company": "Beta"}, {"company": "Beta"}], False, id="on those of one other"),
        pytest.param([{"company": "Acme"}, {"company": "acme"}], False, id="on their own"),
        pytest.param(
            [{"company": "Beta", "partner": None}, {"company": "Gamma", "partner": None}], False, id="without a partner"
        ),
    ],
)
async def test_a_mail_domain_on_partners_licenses_of_others_is_a_partners_and_ties_nobody_together(
    store: Store, theirs: list[dict[str, Any]], *, is_partners: bool
) -> None:
    bought = other(technical=contact(email="di@consult.example"), app_name="Atlas", app_key="com.example.a")
    through = [
        other(**{"technical": CONSULTANT, "partner": RESELLER, **each, "aliases": frozenset({f"E-{n}"})})
        for n, each in enumerate(theirs)
    ]
    await report(store, license_(technical=contact(email="ed@consult.example")), bought, *through)

    context = (await cards(store))[0].context
    assert context.partner_domain is is_partners
    assert ("Atlas" in context.customer_of) is not is_partners


async def test_a_license_that_was_merged_away_is_no_context(store: Store) -> None:
    paid = other(company="Acme", aliases=frozenset({"E-3"}))
    await report(store, license_(), paid)
    await report(store, other(company="Acme", aliases=frozenset({"SEN-4"}), app_name="Forms, old"))

    await report(store, other(company="Acme", aliases=frozenset({"E-3", "SEN-4"})))

    assert (await cards(store))[0].context.customer_of == ("Forms",)


# --- The day's list -----------------------------------------------------------------------------------------------


async def on_the_day(store: Store, zone: str) -> Page[EvaluationRow]:
    """The list of 23 November, as it is in a time zone."""
    begins = datetime.combine(nov(23), time.min, tzinfo=ZoneInfo(zone))
    days = Days(first=nov(23), last=nov(23), begins=begins, ends=begins + timedelta(days=1))
    return await store.lists.page(Selection(kind=ListKind.DAYS, days=days, criteria=Criteria()), 0)


@pytest.mark.parametrize(
    ("announced_at", "zone", "listed"),
    [
        pytest.param(datetime(2026, 11, 23, 12, tzinfo=UTC), "UTC", True, id="at noon"),
        pytest.param(datetime(2026, 11, 23, 0, tzinfo=UTC), "UTC", True, id="at its first moment"),
        pytest.param(datetime(2026, 11, 24, 0, tzinfo=UTC), "UTC", False, id="at the next day's first moment"),
        pytest.param(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "UTC", False, id="the evening before"),
        pytest.param(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "Europe/Berlin", True, id="past midnight in Berlin"),
        pytest.param(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), "Europe/Berlin", False, id="tomorrow in Berlin"),
        pytest.param(datetime(2026, 11, 24, 3, tzinfo=UTC), "America/New_York", True, id="still evening in New York"),
        pytest.param(datetime(2026, 11, 23, 4, tzinfo=UTC), "America/New_York", False, id="yesterday in New York"),
        pytest.param(datetime(2026, 11, 22, 18, 29, tzinfo=UTC), "Asia/Kolkata", False, id="half an hour off UTC"),
        pytest.param(datetime(2026, 11, 22, 18, 30, tzinfo=UTC), "Asia/Kolkata", True, id="midnight in Kolkata"),
    ],
)
async def test_the_days_list_has_what_was_announced_on_the_teams_day(
    store: Store, *, announced_at: datetime, zone: str, listed: bool
) -> None:
    await report(store, license_(latest_evaluation=nov(1)), at=announced_at)

    found = await on_the_day(store, zone)

    assert [line.evaluation.id for line in found.rows] == ([1] if listed else [])


@pytest.mark.parametrize(
    ("started", "announce", "seen_at", "listed"),
    [
        pytest.param(nov(23), True, LATER + timedelta(days=3), True, id="began that day, seen later"),
        pytest.param(nov(23), False, LATER, True, id="began that day, recorded in silence"),
        pytest.param(nov(1), False, NOON, False, id="recorded that day in silence"),
    ],
)
async def test_the_days_list_has_what_began_on_the_day(
    store: Store, *, started: date, announce: bool, seen_at: datetime, listed: bool
) -> None:
    await report(store, license_(latest_evaluation=started), announce=announce, at=seen_at)

    found = await on_the_day(store, "UTC")

    assert found.total == listed


async def test_the_days_list_says_who_was_mailed_and_who_must_not_be_newest_first(store: Store) -> None:
    people = {"E-1": "ana@one.example", "E-2": "bo@two.example", "E-3": "cy@three.example", "E-4": "di@four.example"}
    for name, mail in people.items():
        await report(store, license_(aliases=frozenset({name}), technical=contact(email=mail)))
    await mailed(store, order(1, 1))
    await mailed(store, order(2, 2), MailState.FAILED)
    await mark(store, "CY@three.example", dnc_entry())

    found = await on_the_day(store, "UTC")

    assert [(line.evaluation.id, line.mailed, line.is_blocked) for line in found.rows] == [
        (4, False, False),
        (3, False, True),
        (2, False, False),
        (1, True, False),
    ]
