"""The demo's story, read with the bot's own eyes."""

import json
from collections import Counter
from datetime import date, timedelta

from bot.demo.fake_marketplace.server import DemoMarketplace
from bot.demo.scenario.sample_data import App, Customer, entitlement
from bot.demo.scenario.timeline import Arrival, Change, Installed, Left, QuoteAccepted, history, play, story
from bot.domain import changes as bot_changes
from bot.domain.evaluation import Contact, License, Partner, State
from bot.domain.identity import KnownLicense, trials_of
from bot.marketplace.license_record import parse_license
from bot.marketplace.return_records import parse_departure, parse_quote

TODAY = date(2026, 11, 23)
PAST = history(TODAY)
EVENTS = story(TODAY)


def read(record: object) -> License:
    found = parse_license(record)
    assert isinstance(found, License), found
    return found


def arrived(number: int) -> License:
    records = {event.record["appEntitlementNumber"]: event.record for event in EVENTS if isinstance(event, Arrival)}
    return read(records[entitlement(number)])


async def no_install(_app: App, _customer: Customer) -> None:
    return


async def final() -> dict[str, License]:
    """Every license of the demo, by entitlement number, once the story is told."""
    server = DemoMarketplace(records=history(TODAY), today=lambda: TODAY)

    async def no_sleep(_: float) -> None:
        return

    await play(server, story(TODAY), install=no_install, sleep=no_sleep)
    return {record["appEntitlementNumber"]: read(record) for record in server.records}


def test_every_record_is_json_that_the_bot_can_read() -> None:
    records = [*PAST, *(event.record for event in EVENTS if isinstance(event, Arrival))]
    assert json.loads(json.dumps(records)) == records
    licenses = [read(record) for record in records]
    assert sum(len(found.aliases) for found in licenses) == len(frozenset().union(*(f.aliases for f in licenses)))


def test_the_past_is_past_and_every_trial_ends_after_it_started() -> None:
    for found in map(read, PAST):
        assert found.updated <= TODAY - timedelta(days=4)
        assert found.ends is not None
        assert (found.ends >= TODAY) == (found.status != "inactive")


def test_the_past_has_customers_and_trials_that_ran_ended_or_were_cancelled() -> None:
    kinds = Counter((found.license_type, found.status) for found in map(read, PAST))
    assert sum(kinds.values()) == 40
    assert kinds.keys() == {
        ("COMMERCIAL", "active"),
        ("EVALUATION", "active"),
        ("EVALUATION", "inactive"),
        ("EVALUATION", "cancelled"),
    }
    assert min(kinds.values()) >= 2
    assert len({found.app_key for found in map(read, PAST)}) == 3


def test_all_people_are_invented() -> None:
    for event in [*PAST, *(event.record for event in EVENTS if isinstance(event, Arrival))]:
        for contact in read(event).contacts:
            assert contact.forgotten or (contact.email or "").endswith((".example", ".test"))


def test_things_happen_from_the_fourth_second_on_within_two_minutes() -> None:
    times = [event.after for event in EVENTS]
    assert times == sorted(times)
    assert (times[0], times[-1] < 120) == (4, True)


def test_the_first_arrival_says_everything() -> None:
    first = arrived(101)
    assert (first.opportunity_size, first.parent_product, first.parent_edition) == ("250", "Jira", "Standard")
    assert first.technical is not None
    assert None not in {first.company, first.country, first.site, first.technical.email, first.technical.name}


def test_arrivals_show_every_kind_of_evaluation() -> None:
    assert arrived(104).hosting == "Data Center"
    assert arrived(105).sandbox
    assert arrived(106).partner == Partner(name="Bridge Sample Resellers", kind="Reseller")
    assert arrived(107).contacts == ()
    assert arrived(108).technical == Contact(forgotten=True)
    assert arrived(109).company == "<!channel> Rocket 🚀 & Sons"


def test_one_arrival_is_at_a_site_that_bought_one_app_and_is_trying_another() -> None:
    newcomer = arrived(110)
    others = [found for found in map(read, PAST) if found.site == newcomer.site and found.app_key != newcomer.app_key]
    assert {found.license_type for found in others if found.status == "active"} == {"COMMERCIAL", "EVALUATION"}


async def test_a_trial_is_extended_one_is_bought_and_one_becomes_known() -> None:
    licenses = await final()
    before, extended = arrived(101), licenses[entitlement(101)]
    assert before.ends is not None
    assert extended.ends == before.ends + timedelta(days=14)
    bought = licenses[entitlement(103)]
    assert (bought.license_type, bought.days_to_convert, bought.updated) == ("COMMERCIAL", 2, TODAY)
    unknown, known = arrived(102), licenses[entitlement(102)]
    assert (unknown.opportunity_size, unknown.parent_product, unknown.sandbox) == (None, None, None)
    assert (known.opportunity_size, known.parent_edition, known.sandbox) == ("320", "Premium", False)


async def test_the_story_sleeps_only_between_its_events() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await play(DemoMarketplace(today=lambda: TODAY), story(TODAY), install=no_install, sleep=sleep)
    assert sum(slept) == EVENTS[-1].after
    assert isinstance(EVENTS[-1], Change)


def notified() -> list[tuple[str, bot_changes.Change]]:
    """What each event of the story changes, with the entitlement number of its license."""
    report, known, found = DemoMarketplace(today=lambda: TODAY), dict[str, KnownLicense](), []
    for event in story(TODAY):
        if isinstance(event, Arrival):
            report.add(event.record)
        elif isinstance(event, Change):
            report.change(event.ref, **event.fields)
        else:
            continue
        ref = event.record["appEntitlementNumber"] if isinstance(event, Arrival) else event.ref
        seen = read(next(record for record in report.records if record["appEntitlementNumber"] == ref))
        found += [(ref, change) for change in bot_changes.compare(known.get(ref), seen)]
        known[ref] = KnownLicense(ids=(1,), license=seen, trials=trials_of(seen))
    return found


def test_every_kind_of_change_happens() -> None:
    changes = notified()
    kinds = {type(change) for _, change in changes}
    assert kinds >= {
        bot_changes.Started,
        bot_changes.Extended,
        bot_changes.Converted,
        bot_changes.Ended,
        bot_changes.Reopened,
        bot_changes.ContactChanged,
        bot_changes.Enriched,
    }
    ended = {change.trial.state for _, change in changes if isinstance(change, bot_changes.Ended)}
    assert ended == {State.EXPIRED, State.CANCELLED}


async def test_a_license_moves_to_new_ids_and_stays_one_license() -> None:
    before, after = arrived(104), (await final())[entitlement(104)]
    assert before.aliases & after.aliases
    assert before.aliases - after.aliases
    assert after.aliases - before.aliases
    assert not [
        change for ref, change in notified() if ref == entitlement(104) and isinstance(change, bot_changes.Ended)
    ]


async def test_a_contact_is_forgotten_whose_card_named_them() -> None:
    assert arrived(109).technical != (await final())[entitlement(109)].technical == Contact(forgotten=True)


def test_one_app_says_first_that_it_was_installed_and_its_license_follows() -> None:
    [installed] = [event for event in EVENTS if isinstance(event, Installed)]
    [followed] = [e for e in EVENTS if isinstance(e, Arrival) and (read(e.record).site or "").startswith("porto-")]
    assert installed.customer.site in (read(followed.record).site or "")
    assert followed.after - installed.after > 30


def test_one_customer_says_why_they_leave_and_one_accepts_a_quote_after_their_card() -> None:
    arrived_at = {e.record["appEntitlementNumber"]: e.after for e in EVENTS if isinstance(e, Arrival)}
    for event in EVENTS:
        if isinstance(event, Left):
            left = parse_departure(event.row)
            assert left is not None
            assert left.reason
            assert left.words.message
            assert arrived_at[left.aliases[0]] < event.after
        elif isinstance(event, QuoteAccepted):
            quote = parse_quote(event.row)
            assert quote is not None
            assert arrived_at[quote.aliases[0]] < event.after
    assert {Left, QuoteAccepted} <= {type(event) for event in EVENTS}
