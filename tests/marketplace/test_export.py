"""The asynchronous export against a Marketplace on a real socket."""

import json
from collections.abc import Iterable

import pytest

from bot.demo.fake_marketplace.server import DEVELOPER_ID, DemoMarketplace, Fault
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, Record, license_record
from bot.errors import (
    AnswerUnreadable,
    ApiGone,
    ExportFailed,
    MarketplaceError,
    MarketplaceUnavailable,
    PermissionMissing,
    TokenRefused,
)
from bot.marketplace.client import Marketplace
from tests.marketplace.conftest import TODAY, every_row

EXPORT_ID = "0b5f4f6e-1111-4222-8333-0123456789ab"
NOT_YET = Fault(status=404, body="Export is being processed")
LATER = Fault(status=503, headers={"Retry-After": "2"})


def records(count: int) -> list[Record]:
    return [license_record(number, LANTERNS, NORTHWIND, TODAY) for number in range(1, count + 1)]


def said(**export: object) -> Fault:
    return Fault(status=200, body=json.dumps({"export": {"id": EXPORT_ID, **export}}))


def written(body: str) -> Iterable[Fault | None]:
    """An export that is ready at once, and reads like this."""
    return [said(), said(status="COMPLETED"), Fault(status=200, body=body)]


async def exported(client: Marketplace, **arguments: float) -> list[Record]:
    return [row.record for row in await every_row(client.export(**arguments))]


def asked(server: DemoMarketplace) -> list[str]:
    """What was asked for, in short."""
    words = {"export": "start", "status": "status"}
    return [words.get(address.name, "download") for address in server.requests]


@pytest.mark.parametrize("count", [0, 1, 50, 1234])
@pytest.mark.parametrize("indent", [None, 2])
async def test_the_whole_report_comes_in_one_go(
    server: DemoMarketplace, client: Marketplace, count: int, indent: int | None
) -> None:
    server.records, server.export_indent = records(count), indent
    assert await exported(client) == server.records
    assert asked(server) == ["start", "status", "status", "download"]
    assert dict(server.requests[0].query) == {"accept": "json", "withDataInsights": "true"}


async def test_a_row_of_the_export_is_written_as_on_a_page(server: DemoMarketplace, client: Marketplace) -> None:
    server.records = [license_record(1, LANTERNS, NORTHWIND, TODAY, addonName="Chloé's 🚀 \\ \" \ud83d")]
    assert await every_row(client.export()) == await every_row(client.licenses())


async def test_rows_come_before_the_answer_has_ended(server: DemoMarketplace, client: Marketplace) -> None:
    server.records, server.cut_export_after = records(1000), 900_000
    export = client.export()
    first = [row.record for _ in range(10) for row in await anext(export)]
    assert first == server.records[: len(first)] != server.records
    await export.aclose()


async def test_an_export_that_takes_time_is_asked_for_every_five_seconds(
    server: DemoMarketplace, client: Marketplace, pauses: list[float]
) -> None:
    server.records, server.export_polls = records(1), 6
    assert await exported(client) == server.records
    assert pauses == [1, 2, 5, 5, 5, 5]


async def test_a_new_word_for_waiting_is_waited_for(
    server: DemoMarketplace, client: Marketplace, pauses: list[float]
) -> None:
    server.faults.extend([said(), said(status="PAUSED"), said(status="COMPLETED"), Fault(status=200, body="[{}]")])
    assert await exported(client) == [{}]
    assert len(pauses) == 1


async def test_an_export_that_never_ends_is_given_up(
    server: DemoMarketplace, client: Marketplace, pauses: list[float]
) -> None:
    server.export_polls = 10_000
    with pytest.raises(ExportFailed, match="never finishes"):
        await exported(client)
    assert 900 <= sum(pauses) < 905


async def test_how_long_is_too_long_is_for_the_caller_to_say(
    server: DemoMarketplace, client: Marketplace, pauses: list[float]
) -> None:
    server.export_polls = 10_000
    with pytest.raises(ExportFailed):
        await exported(client, patience=8)
    assert pauses == [1, 2, 5]


async def test_a_failed_export_is_not_downloaded(server: DemoMarketplace, client: Marketplace) -> None:
    server.export_ends.append("FAILED")
    with pytest.raises(ExportFailed, match="couldn't export"):
        await exported(client)
    assert asked(server) == ["start", "status", "status"]


async def test_a_finished_export_may_be_processed_for_a_while(
    server: DemoMarketplace, client: Marketplace, pauses: list[float]
) -> None:
    server.records, server.export_polls = records(2), 0
    server.faults.extend([None, None, NOT_YET, NOT_YET])
    assert await exported(client) == server.records
    assert asked(server) == ["start", "status", "download", "download", "download"]
    assert pauses == [1, 2]


async def test_a_lost_export_is_started_again(server: DemoMarketplace, client: Marketplace) -> None:
    server.records = records(2)
    server.export_ends.extend(["LOST", "LOST"])
    assert await exported(client) == server.records
    assert asked(server) == ["start", "status"] * 3 + ["status", "download"]
    assert len({address.parts[-2] for address in server.requests if address.name == "status"}) == 3


async def test_exports_that_are_lost_again_and_again_are_given_up(server: DemoMarketplace, client: Marketplace) -> None:
    server.export_ends.extend(["LOST"] * 9)
    with pytest.raises(ExportFailed, match="lost 3 exports"):
        await exported(client)
    assert asked(server) == ["start", "status"] * 3


async def test_a_finished_export_that_cannot_be_downloaded_is_started_again(
    server: DemoMarketplace, client: Marketplace
) -> None:
    server.records, server.export_polls = records(2), 0
    server.faults.extend([None, None, *[NOT_YET] * 5])
    assert await exported(client) == server.records
    assert asked(server) == ["start", "status", *["download"] * 5, "start", "status", "download"]


async def test_a_report_that_refuses_insights_is_exported_without(server: DemoMarketplace, client: Marketplace) -> None:
    server.records = records(1)
    server.faults.append(Fault(status=400))
    (record,) = await exported(client)
    assert record["addonKey"] == LANTERNS.key
    assert "parentProductName" not in record
    assert [dict(address.query) for address in server.requests[:2]] == [
        {"accept": "json", "withDataInsights": "true"},
        {"accept": "json"},
    ]


@pytest.mark.parametrize("status", [302, 400, 404, 405, 415])
async def test_where_exports_are_refused_the_pages_remain(
    server: DemoMarketplace, client: Marketplace, status: int
) -> None:
    server.records = records(1)
    server.faults.extend([Fault(status=status)] * 2)
    with pytest.raises(ExportFailed, match=str(status)):
        await exported(client)
    assert asked(server) == ["start", "start"]
    assert [row.record for row in await every_row(client.licenses())] == server.records


@pytest.mark.parametrize(
    ("before", "fault"),
    [(before, fault) for before in (0, 1, 2) for fault in (LATER, Fault(status=429), Fault(status=502))]
    + [(0, Fault(cut=True)), (1, Fault(cut=True))],
)
async def test_what_passes_is_waited_out(
    server: DemoMarketplace, client: Marketplace, before: int, fault: Fault
) -> None:
    server.records, server.export_polls = records(2), 0
    server.faults.extend([*[None] * before, fault, fault])
    assert await exported(client) == server.records
    assert len(server.requests) == 5


@pytest.mark.parametrize("before", [0, 1, 2], ids=["start", "status", "download"])
async def test_what_lasts_is_left_to_the_next_poll(server: DemoMarketplace, client: Marketplace, before: int) -> None:
    server.export_polls = 0
    server.faults.extend([*[None] * before, *[LATER] * 9])
    with pytest.raises(MarketplaceUnavailable):
        await exported(client)
    assert len(server.requests) == before + 3


@pytest.mark.parametrize("before", [0, 1, 2], ids=["start", "status", "download"])
@pytest.mark.parametrize(("status", "error"), [(401, TokenRefused), (403, PermissionMissing), (410, ApiGone)])
async def test_what_a_person_must_mend_is_said_at_once(
    server: DemoMarketplace, client: Marketplace, before: int, status: int, error: type[MarketplaceError]
) -> None:
    server.export_polls = 0
    server.faults.extend([*[None] * before, Fault(status=status)])
    with pytest.raises(error):
        await exported(client)
    assert len(server.requests) == before + 1


@pytest.mark.parametrize("after", [0, 1, 30_000, 90_000])
async def test_a_download_that_breaks_off_is_begun_again(
    server: DemoMarketplace, client: Marketplace, after: int
) -> None:
    server.records, server.cut_export_after = records(100), after
    rows = await exported(client)
    assert rows[-100:] == server.records
    assert rows[:-100] == server.records[: len(rows) - 100]
    assert asked(server) == ["start", "status", "status", "download", "download"]


@pytest.mark.parametrize("body", ["", "[", '[{"a":1},{"a"', '[{"a":1}'])
async def test_an_array_that_does_not_close_is_downloaded_again(
    server: DemoMarketplace, client: Marketplace, body: str
) -> None:
    server.records, server.export_polls = records(1), 0
    server.faults.extend([None, None, Fault(status=200, body=body)])
    assert (await exported(client))[-1:] == server.records


@pytest.mark.parametrize("fault", [Fault(status=200, body="[{}"), Fault(cut=True)], ids=["not closed", "cut"])
async def test_downloads_that_always_break_off_are_given_up(
    server: DemoMarketplace, client: Marketplace, fault: Fault
) -> None:
    server.export_polls = 0
    server.faults.extend([None, None, *[fault] * 9])
    with pytest.raises(ExportFailed):
        await exported(client)
    assert asked(server) == ["start", "status", *["download"] * 5]


@pytest.mark.parametrize("body", ['{"errors":[]}', '{"licenses":[{}]}', "<html>Log in</html>", "[] trailing"])
async def test_what_is_no_bare_array_is_unreadable(server: DemoMarketplace, client: Marketplace, body: str) -> None:
    server.faults.extend(written(body))
    with pytest.raises(AnswerUnreadable):
        await exported(client)
    assert len(server.requests) == 3


async def test_a_row_that_is_no_object_does_not_spoil_the_export(server: DemoMarketplace, client: Marketplace) -> None:
    server.faults.extend(written('[null,{"a":1},"junk",[],3]'))
    assert await exported(client) == [{}, {"a": 1}, {}, {}, {}]


@pytest.mark.parametrize("found", [None, 7, "", "../../../evil", f"{EXPORT_ID}/../x", "1200000"])
async def test_an_id_that_is_no_uuid_never_becomes_part_of_an_address(
    server: DemoMarketplace, client: Marketplace, found: object
) -> None:
    server.faults.append(said(id=found))
    with pytest.raises(AnswerUnreadable, match="no id"):
        await exported(client)
    assert len(server.requests) == 1


async def test_links_in_answers_are_not_followed(server: DemoMarketplace, client: Marketplace, url: str) -> None:
    links = {name: {"href": f"{url}/elsewhere/{name}"} for name in ("self", "status", "download")}
    export = {"id": EXPORT_ID, "status": "COMPLETED"}
    answer = Fault(status=200, body=json.dumps({"_links": links, "export": export}))
    server.faults.extend([answer, answer, Fault(status=200, body="[]")])
    assert await exported(client) == []
    path = f"/marketplace/rest/3/reporting/developer-space/{DEVELOPER_ID}/licenses/async/export"
    assert [address.path for address in server.requests] == [path, f"{path}/{EXPORT_ID}/status", f"{path}/{EXPORT_ID}"]


async def test_an_export_without_a_status_is_unreadable(server: DemoMarketplace, client: Marketplace) -> None:
    server.faults.extend([said(), said()])
    with pytest.raises(AnswerUnreadable, match="how far"):
        await exported(client)
