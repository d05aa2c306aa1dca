"""The demo's Marketplace, asked by a plain HTTP client."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest

from bot.demo.fake_marketplace.server import DEVELOPER_ID, VENDOR_ID, DemoMarketplace, Fault
from bot.demo.scenario.sample_data import COMPASS, HELIX, LANTERNS, NORTHWIND, entitlement, license_record

TODAY = date(2026, 11, 23)
REPORT = f"rest/3/reporting/developer-space/{DEVELOPER_ID}/licenses"
EXPORTS = f"{REPORT}/async/export"


@pytest.fixture
def server() -> DemoMarketplace:
    return DemoMarketplace(
        records=[
            license_record(1, LANTERNS, NORTHWIND, date(2026, 11, 1)),
            license_record(2, COMPASS, HELIX, date(2026, 11, 20), licenseType="COMMERCIAL"),
            license_record(3, COMPASS, NORTHWIND, date(2026, 11, 22)),
        ],
        today=lambda: TODAY,
    )


@pytest.fixture
async def http(server: DemoMarketplace) -> AsyncIterator[httpx.AsyncClient]:
    async with server.serve() as url, httpx.AsyncClient(base_url=url, auth=(server.user, server.token)) as http:
        yield http


async def ask(http: httpx.AsyncClient, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - what a query may hold
    response = await http.get(REPORT, params=query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def found(http: httpx.AsyncClient, **query: Any) -> list[str]:  # noqa: ANN401
    return [record["appEntitlementNumber"] for record in (await ask(http, **query))["licenses"]]


@pytest.mark.parametrize("auth", [None, ("vendor@lanternworks.example", "wrong"), ("", "")])
async def test_strangers_are_refused(http: httpx.AsyncClient, auth: tuple[str, str] | None) -> None:
    http.auth = auth  # type: ignore[assignment] # None switches it off; httpx types the setter without it
    assert (await http.get(REPORT)).status_code == 401


async def test_a_number_in_the_place_of_the_developer_id_is_forbidden(http: httpx.AsyncClient) -> None:
    assert (await http.get(REPORT.replace(DEVELOPER_ID, VENDOR_ID))).status_code == 403


async def test_the_vendor_id_leads_to_the_developer_id(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"rest/3/developer-space/vendor/{VENDOR_ID}")).json() == {"developerId": DEVELOPER_ID}
    assert (await http.get("rest/3/developer-space/vendor/7")).status_code == 404


async def test_pages_have_ten_licenses_and_never_more_than_fifty(
    server: DemoMarketplace, http: httpx.AsyncClient
) -> None:
    server.records = [license_record(number, LANTERNS, NORTHWIND, TODAY) for number in range(70)]
    assert len((await ask(http))["licenses"]) == 10
    assert len((await ask(http, limit=500))["licenses"]) == 50


async def test_links_lead_forward_and_back_without_the_host(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    first, middle, last = [(await ask(http, limit=1, offset=offset))["_links"] for offset in range(3)]
    assert first.keys() == {"self", "next"}
    assert middle["next"] == {"href": f"/{REPORT}?limit=1&offset=2"}
    assert middle["prev"] == {"href": f"/{REPORT}?limit=1&offset=0"}
    assert last.keys() == {"self", "prev"}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"lastUpdated": "2026-11-20"}, [2, 3]),
        ({"lastUpdated": "2026-11-23"}, []),
        ({"licenseType": "evaluation"}, [1, 3]),
        ({"licenseType": ["evaluation", "commercial"]}, [1, 2, 3]),
        ({"dateType": "start", "startDate": "2026-11-20"}, [2, 3]),
        ({"dateType": "start", "startDate": "2026-11-02", "endDate": "2026-11-20"}, [2]),
        ({"dateType": "end", "startDate": "2026-12-05"}, [2, 3]),
        ({"dateType": "end", "startDate": "2026-12-01", "endDate": "2026-11-19"}, [1]),
        ({"licenseType": "evaluation", "dateType": "start", "startDate": "2026-11-16"}, [3]),
    ],
)
async def test_filters_include_both_ends(http: httpx.AsyncClient, query: dict[str, Any], numbers: list[int]) -> None:
    assert await found(http, **query) == [entitlement(number) for number in numbers]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lastUpdated", "yesterday"),
        ("startDate", "2026-02-30"),
        ("endDate", "23.11.2026"),
        ("dateType", "lastUpdated"),
        ("licenseType", "EVALUATION"),
        ("licenseType", "evaluation,commercial"),
        ("offset", "-1"),
        ("limit", "many"),
    ],
)
async def test_a_bad_value_is_named(http: httpx.AsyncClient, name: str, value: str) -> None:
    response = await http.get(REPORT, params={name: value})
    assert response.status_code == 400
    assert response.json()["errors"][0]["path"] == name


async def test_insights_come_on_request(http: httpx.AsyncClient) -> None:
    assert "parentProductName" not in (await ask(http))["licenses"][0]
    assert (await ask(http, withDataInsights="true"))["licenses"][0]["parentProductName"] == "Jira"


async def test_licenses_of_atlassian_itself_come_on_request(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.records[0]["licenseSourceType"] = "Atlassian"
    assert await found(http) == [entitlement(2), entitlement(3)]
    assert await found(http, includeAtlassianLicenses="true") == [entitlement(1), entitlement(2), entitlement(3)]


async def test_rows_can_move_between_two_pages(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.before_page = lambda offset: server.records.reverse() if offset == 1 else None
    assert await found(http, limit=1) == [entitlement(1)]
    assert await found(http, limit=2, offset=1) == [entitlement(2), entitlement(1)]


async def start(http: httpx.AsyncClient, **query: str) -> str:
    response = await http.post(EXPORTS, params={"accept": "json", **query})
    assert response.status_code == 200, response.text
    return f"{EXPORTS}/{response.json()['export']['id']}"


async def statuses(http: httpx.AsyncClient, export: str, count: int) -> list[str]:
    return [(await http.get(f"{export}/status")).json()["export"]["status"] for _ in range(count)]


@pytest.mark.parametrize(
    ("polls", "words"),
    [
        (0, ["COMPLETED", "COMPLETED", "COMPLETED"]),
        (1, ["QUEUED", "COMPLETED", "COMPLETED"]),
        (3, ["QUEUED", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]),
    ],
)
async def test_an_export_takes_its_time(
    server: DemoMarketplace, http: httpx.AsyncClient, polls: int, words: list[str]
) -> None:
    server.export_polls = polls
    assert await statuses(http, await start(http), len(words)) == words


async def test_an_export_is_the_bare_array_of_what_was_asked_for_at_its_start(
    server: DemoMarketplace, http: httpx.AsyncClient
) -> None:
    export = await start(http, licenseType="evaluation", withDataInsights="true")
    assert ((await http.get(export)).status_code, (await http.get(export)).text) == (404, "Export is being processed")
    evaluations = [server.records[0], server.records[2]]
    server.records = []
    await statuses(http, export, 2)
    assert (await http.get(export)).json() == evaluations


async def test_json_has_no_blanks_unless_they_are_wanted(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.export_polls = 0
    server.records = [{"addonName": "Chloé", "lastUpdated": "2026-11-20"}] * 60
    compact = '{"addonName":"Chloé","lastUpdated":"2026-11-20"}'
    assert (await http.get(await start(http))).text == f"[{','.join([compact] * 60)}]"
    assert f'"licenses":[{compact}]' in (await http.get(REPORT, params={"limit": 1})).text
    server.export_indent = 2
    pretty = (await http.get(await start(http))).text
    assert '[\n  {\n    "addonName":"Chloé",\n' in pretty
    assert httpx.Response(200, text=pretty).json() == server.records


async def test_exports_end_as_they_are_told(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.export_ends.extend(["FAILED", "LOST"])
    failed, lost, good = [await start(http) for _ in range(3)]
    assert await statuses(http, failed, 2) == ["QUEUED", "FAILED"]
    assert (await http.get(failed)).status_code == 404
    assert [(await http.get(address)).status_code for address in (f"{lost}/status", lost)] == [404, 404]
    assert await statuses(http, good, 2) == ["QUEUED", "COMPLETED"]


async def test_one_download_breaks_off(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.export_polls, server.cut_export_after = 0, 100
    export = await start(http)
    async with http.stream("GET", export) as response:
        pieces = response.aiter_raw(1)
        assert "".join([(await anext(pieces)).decode() for _ in range(100)]).startswith('[{"appEntitlementId":')
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(pieces)
    assert len((await http.get(export)).json()) == 3


@pytest.mark.parametrize("query", [{}, {"accept": "csv"}, {"accept": "json", "licenseType": "evaluations"}])
async def test_an_export_of_what_makes_no_sense_is_refused(http: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert (await http.post(EXPORTS, params=query)).status_code == 400


async def test_a_change_counts_as_an_update_of_today(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.change(entitlement(1), status="cancelled")
    updated = (await ask(http, lastUpdated=TODAY.isoformat()))["licenses"]
    assert [(record["appEntitlementNumber"], record["status"]) for record in updated] == [(entitlement(1), "cancelled")]


async def test_faults_take_the_next_requests_in_turn(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.faults.extend([None, Fault(status=429, headers={"Retry-After": "3"}, body="later")])
    assert len(await found(http)) == 3
    refused = await http.get(REPORT)
    assert (refused.status_code, refused.headers["Retry-After"], refused.text) == (429, "3", "later")
    assert len(await found(http)) == 3
    assert len(server.requests) == 3


async def test_a_cut_breaks_the_answer_off(server: DemoMarketplace, http: httpx.AsyncClient) -> None:
    server.faults.append(Fault(cut=True))
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(REPORT)
