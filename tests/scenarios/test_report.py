"""The report's known quirks, each met once by the real client and the real store."""

from datetime import timedelta

import pytest

from bot.app.components import Components, open_components
from bot.demo.fake_marketplace.server import Fault
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, TRAIL, VISTULA, Record, entitlement, license_record, sale
from bot.domain.history import Kind
from bot.errors import TokenRefused
from bot.store.schema import evaluation, history, license_, license_alias
from tests.store.steps import cards, rows
from tests.world import TODAY, World

CONTACTS = [{"email": f"{name}@northwind.test", "name": name} for name in ("ada", "bo", "cy")]


def data_center(number: int, **overrides: object) -> Record:
    """A Data Center trial as it was before September 2025: without entitlement numbers."""
    ids = {"appEntitlementNumber": None, "appEntitlementId": None, "cloudId": None, "cloudSiteHostname": None}
    keys = {"licenseId": f"SEN-{number}", "addonLicenseId": str(number), "hosting": "Data Center"}
    return license_record(number, TRAIL, VISTULA, TODAY, **{**ids, **keys, **overrides})


def with_contact(number: int) -> Record:
    """One license, with one of its contacts."""
    record = license_record(1, LANTERNS, NORTHWIND, TODAY)
    return record | {"contactDetails": record["contactDetails"] | {"technicalContact": CONTACTS[number]}}


async def kinds(parts: Components) -> list[str]:
    """Everything that was ever noted, oldest first."""
    return [row.kind for row in await rows(parts.store, history)]


async def test_a_data_center_license_that_gains_entitlement_numbers_stays_one(here: World) -> None:
    here.marketplace.records = [data_center(1)]
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        both = {"appEntitlementNumber": "E-DC", "appEntitlementId": "dc-uuid", "lastUpdated": str(TODAY)}
        here.marketplace.records = [data_center(1) | both]
        await parts.poller.poll()
        here.marketplace.records = [data_center(1, licenseId=None, addonLicenseId=None) | both]
        here.marketplace.records[0]["maintenanceEndDate"] = str(TODAY + timedelta(days=60))
        await parts.poller.poll()
        assert await kinds(parts) == [Kind.STARTED, Kind.EXTENDED]
        assert {row.alias for row in await rows(parts.store, license_alias)} == {"SEN-1", "1", "E-DC", "dc-uuid"}
        assert len(await cards(parts.store)) == 1


async def test_a_license_number_that_two_apps_of_a_site_share_ties_nothing_together(here: World) -> None:
    shared = {"licenseId": "SEN-77", "hostLicenseId": "77", "appEntitlementNumber": None, "appEntitlementId": None}
    here.marketplace.records = [
        license_record(1, LANTERNS, NORTHWIND, TODAY, **shared),
        license_record(2, TRAIL, NORTHWIND, TODAY, **shared),
    ]
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        assert len(await cards(parts.store)) == 2


async def test_rows_of_2018_that_are_exported_many_times_are_recorded_once(here: World) -> None:
    old = license_record(1, LANTERNS, NORTHWIND, TODAY.replace(year=2018), status="inactive")
    here.marketplace.records = [dict(old) for _ in range(1200)]
    async with open_components(here.settings(), clock=here.clock) as parts:
        stats = await parts.poller.poll()
        assert (stats.rows, stats.started, stats.announced) == (1200, 1, 0)
        here.pass_by(days=2)
        assert (await parts.poller.poll()).started == 0
        assert len(await rows(parts.store, license_)) == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
async def test_a_license_twice_on_a_page_with_other_contacts_does_not_go_to_and_fro(
    here: World, order: tuple[int, int]
) -> None:
    here.marketplace.records = [with_contact(number) for number in order]
    async with open_components(here.settings(sweep_every="1h"), clock=here.clock) as parts:
        shown = set()
        for _ in range(10):
            await parts.poller.poll()
            here.pass_by(minutes=30)
            shown |= {person.contact.name for card in await cards(parts.store) for person in card.people}
        assert await kinds(parts) == [Kind.STARTED]
        assert len(shown) == 1


async def test_of_two_rows_with_other_contacts_the_later_updated_is_the_truth(here: World) -> None:
    yesterday = str(TODAY - timedelta(days=1))
    here.marketplace.records = [with_contact(1), with_contact(2) | {"lastUpdated": yesterday}]
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        [card] = await cards(parts.store)
        assert [person.contact.name for person in card.people] == ["bo"]


async def test_a_row_that_moves_to_the_page_before_is_found_in_the_same_poll(here: World) -> None:
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        here.marketplace.records = [license_record(number, LANTERNS, NORTHWIND, TODAY) for number in range(80)]

        def move(offset: int) -> None:
            if offset:
                here.marketplace.before_page = None
                here.marketplace.records.insert(0, here.marketplace.records.pop(70))

        here.marketplace.before_page = move
        stats = await parts.poller.poll()
        assert (stats.started, stats.announced) == (80, 80)


@pytest.mark.parametrize("asked_before", range(4), ids=["start", "status", "download", "after"])
async def test_a_503_in_the_middle_of_an_export_costs_nothing(here: World, asked_before: int) -> None:
    here.marketplace.records = [license_record(number, LANTERNS, NORTHWIND, TODAY) for number in range(120)]
    async with open_components(
        here.settings(marketplace_developer_id=here.marketplace.developer_id), clock=here.clock
    ) as parts:
        here.marketplace.faults.extend([*[None] * asked_before, Fault(status=503)])
        assert (await parts.poller.poll()).announced == 120


async def test_an_export_that_breaks_off_is_read_again_and_nothing_comes_twice(here: World) -> None:
    here.marketplace.records = [license_record(number, LANTERNS, NORTHWIND, TODAY) for number in range(1200)]
    here.marketplace.cut_export_after = 1_000_000
    async with open_components(here.settings(), clock=here.clock) as parts:
        stats = await parts.poller.poll()
        assert stats.rows > 1200
        assert stats.announced == len(await rows(parts.store, evaluation)) == 1200


async def test_where_an_export_fails_the_report_is_read_page_by_page(here: World) -> None:
    here.marketplace.records = [license_record(number, LANTERNS, NORTHWIND, TODAY) for number in range(120)]
    here.marketplace.export_ends.append("FAILED")
    async with open_components(here.settings(), clock=here.clock) as parts:
        assert (await parts.poller.poll()).announced == 120
        assert sum("offset" in address.query for address in here.marketplace.requests) == 3


async def test_a_token_that_expires_in_the_middle_of_a_poll_loses_nothing(here: World) -> None:
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        here.marketplace.records = [license_record(number, LANTERNS, NORTHWIND, TODAY) for number in range(120)]
        here.marketplace.faults.extend([None, Fault(status=401)])
        with pytest.raises(TokenRefused):
            await parts.poller.poll()
        stats = await parts.poller.poll()
        assert len(await rows(parts.store, evaluation)) == 120
        assert stats.announced == 120
        assert (await kinds(parts)).count(Kind.STARTED) == 120


async def test_a_license_that_vanishes_and_comes_back_is_no_event(here: World) -> None:
    here.marketplace.records = [license_record(1, LANTERNS, NORTHWIND, TODAY)]
    async with open_components(here.settings(sweep_every="1h"), clock=here.clock) as parts:
        for there in (True, False, False, True):
            here.marketplace.records = [license_record(1, LANTERNS, NORTHWIND, TODAY)] if there else []
            await parts.poller.poll()
            here.pass_by(hours=2)
        assert await kinds(parts) == [Kind.STARTED]


async def test_details_that_come_days_later_are_reported_once_and_blanked_ones_are_kept(here: World) -> None:
    late = {"evaluationOpportunitySize": None, "parentProductName": "Pending", "installedOnSandbox": "Pending"}
    here.marketplace.records = [license_record(1, LANTERNS, NORTHWIND, TODAY, **late)]
    async with open_components(here.settings(), clock=here.clock) as parts:
        blank: Record = {"contactDetails": {"company": NORTHWIND.company}}
        for day, fields in enumerate([late, {}, late, {}, blank]):
            updated = {"lastUpdated": str(TODAY + timedelta(days=day))}
            here.marketplace.records = [license_record(1, LANTERNS, NORTHWIND, TODAY, **{**fields, **updated})]
            await parts.poller.poll()
            here.pass_by(days=1)
        assert await kinds(parts) == [Kind.STARTED, Kind.ENRICHED]
        [card] = await cards(parts.store)
        assert card.evaluation.license.opportunity_size == str(NORTHWIND.users)
        assert [person.contact.email for person in card.people] == [NORTHWIND.email]


async def test_a_trial_that_is_over_when_it_is_first_seen_does_not_ring_and_one_that_runs_does(here: World) -> None:
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        long_ago = TODAY - timedelta(days=29)
        here.marketplace.records = [
            license_record(1, LANTERNS, NORTHWIND, long_ago, lastUpdated=str(TODAY)),
            license_record(2, LANTERNS, VISTULA, long_ago - timedelta(days=9), lastUpdated=str(TODAY)),
        ]
        stats = await parts.poller.poll()
        assert (stats.started, stats.announced) == (2, 1)
        [loud] = [row for row in await rows(parts.store, evaluation) if row.channel]
        assert loud.started == long_ago
        assert entitlement(1) in {row.alias for row in await rows(parts.store, license_alias)}


async def test_a_customer_who_tries_a_higher_edition_gets_a_card_of_its_own(here: World) -> None:
    started = TODAY - timedelta(days=90)
    bought = license_record(1, LANTERNS, NORTHWIND, started) | sale(1, NORTHWIND, started, started)
    here.marketplace.records = [bought]
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        trying = {"upgradeEvaluationStartDate": str(TODAY), "upgradeEvaluatingEdition": "Advanced"}
        here.marketplace.records = [bought | trying | {"lastUpdated": str(TODAY)}]
        assert (await parts.poller.poll()).announced == 1
        here.pass_by(days=9)
        upgraded = {"appEdition": "Advanced", "lastUpdated": str(TODAY + timedelta(days=9))}
        here.marketplace.records = [bought | upgraded]
        await parts.poller.poll()
        assert await kinds(parts) == [Kind.STARTED, Kind.CONVERTED, Kind.STARTED, Kind.CONVERTED]


async def test_a_trial_that_was_over_by_its_days_rings_when_it_is_extended(here: World) -> None:
    started = TODAY - timedelta(days=35)
    here.marketplace.records = [license_record(1, LANTERNS, NORTHWIND, started, lastUpdated=str(TODAY))]
    async with open_components(here.settings(first_run_days=60), clock=here.clock) as parts:
        assert (await parts.poller.poll()).announced == 0
        here.marketplace.change(entitlement(1), maintenanceEndDate=str(TODAY + timedelta(days=9)))
        assert (await parts.poller.poll()).announced == 1
