"""The client against a Marketplace on a real socket."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest
from aiohttp import web

from bot.demo.fake_marketplace.server import DEVELOPER_ID, VENDOR_ID, DemoMarketplace, Fault
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, Record, license_record
from bot.errors import (
    AnswerUnreadable,
    ApiGone,
    MarketplaceError,
    MarketplaceUnavailable,
    PermissionMissing,
    RequestRefused,
    SettingsWrong,
    TokenRefused,
)
from bot.marketplace.client import Marketplace
from bot.marketplace.http import LONGEST_WAIT, MarketplaceHttp
from bot.marketplace.responses import Row
from tests.machine import limit
from tests.marketplace.conftest import TODAY, every_row


def records(count: int, **overrides: object) -> list[Record]:
    return [license_record(number, LANTERNS, NORTHWIND, TODAY, **overrides) for number in range(1, count + 1)]


def page(rows: object, *, more: bool = False) -> Fault:
    links = {"next": {"href": "https://elsewhere.example/rest/3/more?offset=999"}} if more else {}
    return Fault(status=200, body=json.dumps({"_links": links, "licenses": rows}))


async def numbers(portions: AsyncIterator[list[Row]]) -> list[str]:
    return [row.record["appEntitlementNumber"] for row in await every_row(portions)]


def offsets(server: DemoMarketplace) -> list[str]:
    return [address.query["offset"] for address in server.requests]


@pytest.mark.parametrize(
    ("count", "asked"),
    [(0, ["0"]), (1, ["0"]), (49, ["0"]), (50, ["0", "49"]), (100, ["0", "49", "98"]), (120, ["0", "49", "98"])],
)
async def test_every_license_comes_once_in_pages_of_fifty(
    server: DemoMarketplace, client: Marketplace, count: int, asked: list[str]
) -> None:
    server.records = records(count)
    assert await numbers(client.licenses()) == [record["appEntitlementNumber"] for record in server.records]
    assert offsets(server) == asked
    assert {address.query["limit"] for address in server.requests} == {"50"}


async def test_the_offset_moves_by_what_came_when_the_server_gives_less(
    server: DemoMarketplace, client: Marketplace
) -> None:
    rows = records(21)
    server.faults.extend(
        [page(rows[:11], more=True), page(rows[10:20], more=True), page(rows[19:], more=True), page(rows[20])]
    )
    assert len(await numbers(client.licenses())) == 21
    assert offsets(server) == ["0", "10", "19", "20"]


async def test_an_empty_page_is_the_end_whatever_its_links_say(server: DemoMarketplace, client: Marketplace) -> None:
    server.faults.extend([page(records(2)[0], more=True), page([], more=True)])
    assert len(await numbers(client.licenses())) == 1
    assert offsets(server) == ["0", "1"]


async def test_a_full_page_without_a_link_is_not_trusted_to_be_the_last(
    server: DemoMarketplace, client: Marketplace
) -> None:
    server.records = records(60)
    server.faults.append(page(records(50)))
    assert len(await numbers(client.licenses())) == 60


@pytest.mark.parametrize(
    ("to", "moved"),
    [(0, 70), (10, 55), (119, 5), (60, 3)],
    ids=["to the front", "to a page that was read", "to the end", "to the page that is read next"],
)
async def test_a_row_that_moves_between_two_pages_is_not_missed(
    server: DemoMarketplace, client: Marketplace, to: int, moved: int
) -> None:
    server.records = records(120)

    def move(offset: int) -> None:
        if offset == 49:
            server.before_page = None
            server.records.insert(to, server.records.pop(moved))

    server.before_page = move
    found = await numbers(client.licenses())
    assert set(found) == {record["appEntitlementNumber"] for record in server.records}
    assert offsets(server) == ["0", "49", "0", "49", "98"]


async def test_a_row_that_goes_between_two_pages_takes_no_other_with_it(
    server: DemoMarketplace, client: Marketplace
) -> None:
    server.records = records(120)

    def drop(offset: int) -> None:
        if offset:
            server.before_page = None
            server.records.pop(0)

    server.before_page = drop
    found = await numbers(client.licenses())
    assert {record["appEntitlementNumber"] for record in server.records} <= set(found)


async def test_a_report_that_never_rests_is_read_to_its_end_all_the_same(
    server: DemoMarketplace, client: Marketplace
) -> None:
    server.records = records(120)

    def turn(_offset: int) -> None:
        server.records.append(server.records.pop(0))

    server.before_page = turn
    found = await numbers(client.licenses())
    assert len(server.requests) == 2 + 2 + 3
    assert len(set(found)) > 110


async def test_a_server_that_ignores_the_offset_does_not_hold_the_bot_for_ever(
    server: DemoMarketplace, client: Marketplace
) -> None:
    server.faults.extend([page(records(3), more=True)] * 5)
    with pytest.raises(AnswerUnreadable, match="same page"):
        await numbers(client.licenses())
    assert len(server.requests) == 2


async def test_licenses_updated_since_a_day_include_that_day(server: DemoMarketplace, client: Marketplace) -> None:
    server.records = [
        license_record(1, LANTERNS, NORTHWIND, TODAY, lastUpdated="2026-11-20"),
        license_record(2, LANTERNS, NORTHWIND, TODAY, lastUpdated="2026-11-21"),
        license_record(3, LANTERNS, NORTHWIND, TODAY, lastUpdated="2026-11-22", licenseType="COMMERCIAL"),
    ]
    found = await numbers(client.licenses(updated_since=date(2026, 11, 21)))
    assert found == [record["appEntitlementNumber"] for record in server.records[1:]]
    assert server.requests[0].query["lastUpdated"] == "2026-11-21"


async def test_evaluations_started_since_a_day_leave_out_what_was_bought(
    server: DemoMarketplace, client: Marketplace
) -> None:
    server.records = [
        license_record(1, LANTERNS, NORTHWIND, date(2026, 11, 15)),
        license_record(2, LANTERNS, NORTHWIND, date(2026, 11, 16)),
        license_record(3, LANTERNS, NORTHWIND, date(2026, 11, 17), licenseType="COMMERCIAL"),
    ]
    found = client.licenses(started_since=date(2026, 11, 16), evaluations_only=True)
    assert await numbers(found) == [server.records[1]["appEntitlementNumber"]]
    query = server.requests[0].query
    assert (query["licenseType"], query["dateType"], query["startDate"]) == ("evaluation", "start", "2026-11-16")


async def test_the_insights_come_along(server: DemoMarketplace, client: Marketplace) -> None:
    server.records = records(1)
    assert [row.record["parentProductName"] for row in await every_row(client.licenses())] == ["Jira"]


async def test_a_row_comes_with_the_text_in_which_it_was_written(server: DemoMarketplace, client: Marketplace) -> None:
    server.records = records(1, addonName="Chloé \ud83d 🚀")
    (page,) = await every_row(client.licenses())
    assert json.loads(page.text) == page.record == server.records[0]
    assert "Chloé \\ud83d 🚀" in page.text
    assert await every_row(client.export()) == [page]


async def test_the_developer_id_is_resolved_once_even_for_two_who_ask_at_once(
    server: DemoMarketplace, url: str
) -> None:
    async with Marketplace(
        MarketplaceHttp(api_url=url, user=server.user, token=server.token), vendor_id=VENDOR_ID
    ) as client:
        found = await asyncio.gather(client.developer_id(), client.developer_id(), client.check())
    assert set(found) == {DEVELOPER_ID}
    assert [address.name for address in server.requests] == [VENDOR_ID, "licenses"]


@pytest.mark.parametrize("found", [None, 7, "", "../../rest/3/evil", "12345"])
async def test_a_developer_id_that_is_no_uuid_never_becomes_part_of_an_address(
    server: DemoMarketplace, url: str, found: object
) -> None:
    server.faults.append(Fault(status=200, body=json.dumps({"developerId": found})))
    async with Marketplace(
        MarketplaceHttp(api_url=url, user=server.user, token=server.token), vendor_id=VENDOR_ID
    ) as client:
        with pytest.raises(AnswerUnreadable, match="MARKETPLACE_VENDOR_ID"):
            await numbers(client.licenses())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("vendor_id", "developer_id"), [(None, None), ("", ""), ("../x", None), (None, "1200000"), ("1", "x")]
)
def test_ids_that_cannot_be_right_are_a_matter_of_settings(vendor_id: str | None, developer_id: str | None) -> None:
    with pytest.raises(SettingsWrong, match="MARKETPLACE_"):
        Marketplace(
            MarketplaceHttp(api_url="http://x", user="u", token="t"), vendor_id=vendor_id, developer_id=developer_id
        )


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, headers={"Retry-After": "1"}),
        Fault(
            status=429,
            headers={"Retry-After": "Mon, 23 Nov 2026 12:00:05 GMT", "Date": "Mon, 23 Nov 2026 12:00:00 GMT"},
        ),
        Fault(status=503, body="<html>upstream</html>"),
        Fault(status=502),
        Fault(cut=True),
    ],
    ids=["429 seconds", "429 date", "503", "502", "cut off"],
)
async def test_what_passes_is_waited_out(server: DemoMarketplace, client: Marketplace, fault: Fault) -> None:
    server.records = records(2)
    server.faults.extend([fault, fault])
    assert len(await numbers(client.licenses())) == 2
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(cut=True)], ids=["503", "cut off"])
async def test_what_lasts_is_left_to_the_next_poll(server: DemoMarketplace, client: Marketplace, fault: Fault) -> None:
    server.faults.extend([fault] * 9)
    with pytest.raises(MarketplaceUnavailable):
        await numbers(client.licenses())
    assert len(server.requests) == 3


async def test_a_check_takes_the_first_failure_for_its_answer(server: DemoMarketplace, client: Marketplace) -> None:
    server.faults.extend([Fault(status=503)] * 9)
    with pytest.raises(MarketplaceUnavailable):
        await client.check()
    assert len(server.requests) == 1


async def test_a_long_wait_is_left_to_the_next_poll(server: DemoMarketplace, client: Marketplace) -> None:
    server.faults.append(Fault(status=429, headers={"Retry-After": str(int(LONGEST_WAIT) + 1)}))
    with pytest.raises(MarketplaceUnavailable):
        await client.check()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=400, body='{"errors": []}'), RequestRefused),
        (Fault(status=401), TokenRefused),
        (Fault(status=403), PermissionMissing),
        (Fault(status=410, body="API_DEPRECATED"), ApiGone),
        (Fault(status=200, headers={"Content-Type": "text/html"}, body="<html>Log in</html>"), AnswerUnreadable),
        (Fault(status=200, body="[]"), AnswerUnreadable),
        (Fault(status=200, body='{"licenses": null}'), AnswerUnreadable),
    ],
    ids=["400", "401", "403", "410", "html", "array", "no licenses"],
)
async def test_what_a_person_must_mend_is_said_at_once(
    server: DemoMarketplace, client: Marketplace, fault: Fault, error: type[MarketplaceError]
) -> None:
    server.faults.append(fault)
    with pytest.raises(error):
        await client.check()
    assert len(server.requests) == 1


async def test_a_report_that_refuses_insights_is_read_without(server: DemoMarketplace, client: Marketplace) -> None:
    server.records = records(1)
    await client.developer_id()
    server.faults.append(Fault(status=400))
    rows = await every_row(client.licenses())
    assert len(rows) == 1
    assert ["withDataInsights" in url.query for url in server.requests[-2:]] == [True, False]


async def test_a_report_that_refuses_more_than_insights_is_refused(
    server: DemoMarketplace, client: Marketplace
) -> None:
    server.faults.extend([Fault(status=400)] * 3)
    with pytest.raises(RequestRefused):
        await numbers(client.licenses())
    assert len(server.requests) == 2


async def test_a_wrong_token_is_refused_without_being_told(server: DemoMarketplace, url: str) -> None:
    async with Marketplace(
        MarketplaceHttp(api_url=url, user=server.user, token="wrong-token"), vendor_id=VENDOR_ID
    ) as client:
        with pytest.raises(TokenRefused) as caught:
            await client.check()
    assert "wrong-token" not in str(caught.value)


async def test_nobody_listening_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    async with Marketplace(
        MarketplaceHttp(api_url=f"http://127.0.0.1:{port}", user="u", token="t"), vendor_id="1"
    ) as client:
        with pytest.raises(MarketplaceUnavailable, match=r"Cannot connect to 127\.0\.0\.1"):
            await client.check()


async def test_an_answer_that_does_not_come_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes the connection, and nobody reads
        url, timeout = f"http://127.0.0.1:{silent.getsockname()[1]}", httpx.Timeout(0.01, connect=limit(1))
        async with Marketplace(
            MarketplaceHttp(api_url=url, user="u", token="t", timeout=timeout), vendor_id="1"
        ) as client:
            with pytest.raises(MarketplaceUnavailable, match=r"127\.0\.0\.1 did not answer in time"):
                await client.check()


async def test_the_token_does_not_follow_a_redirect(server: DemoMarketplace, client: Marketplace) -> None:
    visits: list[str | None] = []

    async def visit(request: web.Request) -> web.Response:
        visits.append(request.headers.get("Authorization"))
        return web.json_response({"licenses": []})

    elsewhere = web.Application()
    elsewhere.router.add_get("/{path:.*}", visit)
    runner = web.AppRunner(elsewhere)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.faults.append(Fault(status=302, headers={"Location": f"http://127.0.0.1:{runner.addresses[0][1]}/"}))
    with pytest.raises(RequestRefused, match="does not follow"):
        await client.check()
    await runner.cleanup()
    assert visits == []
